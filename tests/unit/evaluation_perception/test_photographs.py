"""Which photographs would be edited: the loop's own rule, decided here on predictions made by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.evaluation.perception.photographs import (
    NO_PROMPT,
    given_photographs,
    judge_photographs,
    shipped_photographs,
    verdict_on,
)
from services.orchestrator.selection import worth_editing
from services.perception.saliency.checkpoint import Checkpoint, load_checkpoint
from services.perception.saliency.predictor import Prediction
from shared.contracts.jobs import LoopPolicy, Perception
from shared.contracts.values import Canvas, Region
from shared.errors import BadInput, ErrorCode
from shared.images import encode_png


@pytest.fixture(scope="module")
def known(checkpoint: Path) -> Checkpoint:
    loaded = load_checkpoint(checkpoint)
    thresholds = {"tau": 0.5, "tau_s": 0.75, "tau_any": 0.6}
    return replace(loaded, calibration=loaded.calibration.model_copy(update=thresholds))


def prediction(peak: float = 0.9, any_distortion: float = 0.8, in_domain: bool = True) -> Prediction:
    saliency = np.zeros((64, 64), np.float32)
    saliency[20:30, 20:30] = peak
    return Prediction(saliency, any_distortion, {}, 1.0, in_domain)


@pytest.mark.parametrize(
    ("changes", "edited", "regions"),
    [
        ({}, True, 1),
        ({"peak": 0.6}, False, 1),
        ({"peak": 0.3, "any_distortion": 1.0}, False, 0),
        ({"any_distortion": 0.5}, False, 1),
        ({"in_domain": False}, False, 1),
        ({"peak": 0.75, "any_distortion": 0.6}, True, 1),
    ],
)
def test_the_rule(changes: dict[str, float], edited: bool, regions: int, known: Checkpoint) -> None:
    given = prediction(**changes)
    verdict = verdict_on(known, "a.png", given)
    assert (verdict.edited, verdict.regions) == (edited, regions)
    assert verdict.peak == pytest.approx(given.saliency.max())
    if given.in_domain and regions:
        assert verdict.edited == bool(by_the_loop(given, known))


def by_the_loop(given: Prediction, known: Checkpoint) -> tuple[Region, ...]:
    region = Region(id="r1", box_xyxy_px=(20, 20, 30, 30), mask_ref="m", detector="saliency", evidence=0.9)
    perception = Perception(
        canvas=Canvas(original_ref="o"),
        regions=(region,),
        evidence=(),
        saliency_peak=float(np.float64(given.saliency.max())),
        any_distortion=given.any_distortion,
    )
    policy = LoopPolicy(saliency_detector="saliency", tau_s=known.calibration.tau_s, tau_any=known.calibration.tau_any)
    return worth_editing(perception, policy)


def test_shipped_photographs_are_pictures_with_words() -> None:
    photographs = list(shipped_photographs())
    assert len(photographs) >= 9
    for one in photographs:
        assert one.image.ndim == 3
        assert one.image.dtype == np.uint8
        assert one.prompt


def test_files_and_folders_of_ones_own(known: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(encode_png(np.full((40, 50, 3), 90, np.uint8)))
    given = list(given_photographs([tmp_path, tmp_path / "b.png"]))
    assert [one.name for one in given] == ["a.png", "b.png", "b.png"]
    assert {one.prompt for one in given} == {NO_PROMPT}
    figures = judge_photographs(known, iter(given))
    assert figures.count == 3
    assert figures.edited_share == sum(one.edited for one in figures.verdicts) / 3
    assert figures.in_domain_share == sum(one.in_domain for one in figures.verdicts) / 3


def test_what_is_no_photograph_is_bad_input(known: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        list(given_photographs([tmp_path / "absent.png"]))
    assert caught.value.code is ErrorCode.FILE_NOT_READABLE
    (tmp_path / "text.png").write_text("words")
    with pytest.raises(BadInput, match=r"text\.png") as caught:
        list(given_photographs([tmp_path]))
    assert caught.value.code is ErrorCode.NOT_AN_IMAGE
    (tmp_path / "text.png").unlink()
    with pytest.raises(BadInput, match="holds no PNG"):
        list(given_photographs([tmp_path]))
    with pytest.raises(BadInput, match="no photograph"):
        judge_photographs(known, iter(()))
