"""The demo's drawn scenes: with a detector made by hand that knows the flaw, and with one that is not sure enough."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from services.datasets.benchmark.sample import make_sample
from services.demo.drawings import DOUBLED_PLANT, MIX, SEED, SIZE_PX, SPLIT, drawings
from services.demo.play import Play, perform
from services.demo.run import plays_for
from services.local import Local
from services.perception.build import DETECTORS
from services.perception.detectors.base import Detection, Detector, Finding, Scene
from shared.adapters.clock import SystemClock
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.contracts.jobs import JobOptions, LoopPolicy
from shared.contracts.loop import Thresholds
from shared.contracts.values import Region
from shared.geometry import Mask, mask_box
from shared.images import Rgb, crop
from shared.profiles import Profile, load_profile

FAR_LEVELS = 40


class KnowsTheTwin:
    """Implements `Detector`: sees how much of the flaw still lies far from the clean twin.

    `sure` is what its image-level head says.
    """

    name = "saliency"

    def __init__(self, image: Rgb, twin: Rgb, flaw: Mask, sure: float) -> None:
        self._twin, self._flaw, self._sure = twin, flaw, sure
        self._at_first = max(1, self._far(image).sum())

    def _far(self, image: Rgb) -> Mask:
        apart = np.abs(image.astype(np.int16) - self._twin).max(axis=2)
        return np.asarray((apart > FAR_LEVELS) & self._flaw)

    def detect(self, scene: Scene) -> Detection:
        far = self._far(scene.image)
        box = mask_box(self._flaw)
        assert box is not None
        found = far.sum() > 0.3 * self._at_first
        mask = crop(self._flaw.astype(np.uint8), box) > 0
        return Detection(
            findings=(Finding(box, mask, 0.9),) if found else (),
            saliency=far.astype(np.float32) * np.float32(0.9),
            any_distortion=self._sure if found else 0.0,
            thresholds=Thresholds(tau_s=0.3, tau_any=0.5, min_gain=0.3),
        )

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        return [float(min(1.0, self._far(scene.image).sum() / self._at_first)) for _ in regions]


class Blind:
    """Implements `Detector`: sees nothing."""

    name = "saliency"

    def detect(self, scene: Scene) -> Detection:
        return Detection(saliency=np.zeros(scene.image.shape[:2], np.float32), any_distortion=0.0)

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        return [0.0 for _ in regions]


@pytest.fixture(scope="module")
def plays() -> dict[str, Play]:
    return {play.folder: play for play in drawings()}


@pytest.fixture(scope="module")
def unmarked(plays: dict[str, Play]) -> Play:
    """The plant, left to the detector, and what it finds may be taken out."""
    return replace(plays["drawn-plant"], marked=None, options=JobOptions(tools=("opencv",)))


def performed(
    sure: float, play: Play, out: Path, monkeypatch: pytest.MonkeyPatch, detector: Detector | None = None
) -> tuple[str, str | None]:
    sample = make_sample(SEED, DOUBLED_PLANT, SPLIT, MIX, SIZE_PX)
    [region] = sample.regions
    used = detector or KnowsTheTwin(sample.image, sample.clean, region.repair, sure)
    monkeypatch.setitem(DETECTORS, "saliency", lambda profile, gather: used)
    profile = Profile(
        name="by-hand",
        description="a detector that knows the twin",
        detectors=("saliency",),
        reasoner="none",
        tools=("retype", "opencv"),
        peak_memory_mb=100,
        policy=LoopPolicy(saliency_detector="saliency"),
    )
    local = Local(profile, MemoryJobStore(), MemoryImageStore(), SystemClock())
    console = Console(file=io.StringIO(), width=200, highlight=False)
    fault = perform(local, play, out, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), fault


def test_what_is_doubled_is_taken_out(unmarked: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, fault = performed(0.9, unmarked, tmp_path, monkeypatch)
    assert fault is None
    assert "did: opencv" in told
    assert "outcome: repaired" in told
    assert "in truth: nearer to the scene without the flaw" in told
    folder = tmp_path / "drawn-plant"
    assert f"any distortion 0.90 (edited from 0.30 and 0.50 on): {folder / 'saliency' / 'before.png'}" in told
    [mask] = sorted((folder / "masks").iterdir())
    assert f"mask: {mask}" in told
    heat = np.asarray(Image.open(folder / "saliency" / "before.png"))
    assert heat.max() == round(0.9 * 255)


def test_a_checkpoint_that_is_not_sure_enough_leaves_it_alone_and_the_demo_says_so(
    unmarked: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, fault = performed(0.2, unmarked, tmp_path, monkeypatch)
    assert fault is None
    assert "did:" not in told
    assert "any distortion 0.20 (edited from 0.30 and 0.50 on)" in told
    assert "outcome: nothing_to_fix" in told


def test_what_the_caller_marked_is_taken_out_where_the_detector_sees_nothing(
    plays: dict[str, Play], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = plays["drawn-plant"]
    told, fault = performed(0.0, plant, tmp_path, monkeypatch, Blind())
    assert fault is None
    assert "saw: a user region" in told
    assert "did: opencv" in told
    assert "in truth: nearer to" in told


def test_an_edit_that_is_no_repair_is_said_to_be_none(
    unmarked: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The truth is another scene than the detector's: the loop is content, the demo is not."""
    told, fault = performed(0.9, replace(unmarked, twin=unmarked.image), tmp_path, monkeypatch)
    assert fault is None
    assert "outcome: repaired" in told
    assert "in truth: farther from the scene without the flaw, so that this is no repair" in told


def test_the_scenes_are_those_that_they_are_said_to_be(plays: dict[str, Play]) -> None:
    same = {name: (play.image == play.twin).all() for name, play in plays.items()}
    assert same == {"drawn-plant": False, "drawn-duck": False, "drawn-healthy": True}
    assert plays["drawn-healthy"].prompt == plays["drawn-duck"].prompt
    assert (plays["drawn-healthy"].image != plays["drawn-duck"].image).any()
    assert all(play.image.shape == (512, 512, 3) and play.outcome is None for play in plays.values())


def test_they_are_shown_where_the_profile_knows_such() -> None:
    shown = {name: {play.folder for play in plays_for(load_profile(name))} for name in ("tiny", "tiny-saliency")}
    assert shown["tiny"] == {"misspelt", "wrong-word", "correct"}
    assert shown["tiny-saliency"] - shown["tiny"] == {"drawn-plant", "drawn-duck", "drawn-healthy"}
