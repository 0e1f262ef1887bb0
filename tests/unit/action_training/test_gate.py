"""The gate: what passes is better than filling, than classical inpainting and than one step; what is not does not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes.blob_pairs import BlobPairs

from services.action.tools.base import EditRequest, EditResult, ToolDeclined, ToolKind
from services.action.training.examples import Case, blemish_cases
from services.action.training.gate import classical, judge, mean_fill, region_psnr_db
from shared.errors import StageError


def cases() -> list[Case]:
    source = BlobPairs(9)
    return [case for index in range(9) for case in blemish_cases(source[index])]


class Known:
    """Knows the truth, and is off by so many levels; by more where it is in a hurry."""

    name, kind, native_size_px, size_multiple_px = "known", ToolKind.MASK, None, 1
    max_batch, memory_mb, licence, third_party = 1, 0, "MIT", None

    def __init__(self, truth: Sequence[Case], off: int, hurried: int) -> None:
        self._truth = {case.image.tobytes(): case.clean for case in truth}
        self._off, self._hurried = off, hurried

    def warm_up(self) -> None:
        pass

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        return [self._one(request) for request in batch]

    def _one(self, request: EditRequest) -> EditResult:
        off = self._hurried if request.settings["steps"] == 1 else self._off
        noise = np.random.default_rng(request.seed).integers(-off, off + 1, request.crop.shape)
        image = np.clip(self._truth[request.crop.tobytes()].astype(int) + noise, 0, 255).astype(np.uint8)
        return EditResult(image, np.where(request.mask, 255, 0).astype(np.uint8))


def test_a_tool_that_repairs_passes() -> None:
    truth = cases()
    gate = judge(Known(truth, 1, 60), truth, 4)
    assert gate.passed
    assert gate.count == len(truth) == 6
    assert set(gate.figures) == {"source", "mean fill", "classical", "one step", "tool"}
    assert gate.figures["source"].better_share == 0.0
    assert gate.figures["tool"].better_share == 1.0
    assert gate.figures["tool"].psnr_db > gate.figures["classical"].psnr_db > gate.figures["source"].psnr_db


@pytest.mark.parametrize(("off", "hurried"), [(120, 250), (4, 1)])
def test_one_that_is_worse_than_filling_or_than_one_step_does_not(off: int, hurried: int, tmp_path: Path) -> None:
    truth = cases()
    gate = judge(Known(truth, off, hurried), truth, 4)
    assert not gate.passed
    gate.save(tmp_path)
    assert '"passed": false' in (tmp_path / "gate.json").read_text()


def test_the_baselines() -> None:
    case = cases()[0]
    for way in (mean_fill, classical):
        filled = way(case.image, case.mask)
        assert np.array_equal(filled[~case.mask], case.image[~case.mask])
        assert region_psnr_db(filled, case.clean, case.mask) > region_psnr_db(case.image, case.clean, case.mask)
    everything = np.ones_like(case.mask)
    assert (mean_fill(case.image, everything) == 128).all()
    assert region_psnr_db(case.clean, case.clean, case.mask) == 60.0
    wrong = np.clip(case.clean.astype(int) + 10, 0, 255).astype(np.uint8)
    assert region_psnr_db(wrong, case.clean, everything) == pytest.approx(28.13, abs=0.01)  # 20 log10(255 / 10)


def test_nothing_to_judge_by_is_an_error() -> None:
    with pytest.raises(StageError, match="no validation crop"):
        judge(Known([], 0, 0), [], 4)
