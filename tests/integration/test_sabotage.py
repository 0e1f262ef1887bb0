"""Verification on real pixels: bad patches are refused, right ones kept (the sabotage table, in small)."""

import shutil
from collections.abc import Iterator

import pytest

from services.evaluation.sabotage import Trial
from services.evaluation.text.sabotage import RIGHT, Sabotage, sabotage_trials
from services.local import Local

STATED = (Sabotage.BLURRED, Sabotage.MEAN, Sabotage.ERASED, Sabotage.WRONG_WORD)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tesseract") is None, reason="the Debian package tesseract-ocr is not here"),
]


@pytest.fixture(scope="module")
def trials() -> Iterator[list[Trial]]:
    yield list(sabotage_trials(Local.in_memory(), words=4, seed=3))


@pytest.mark.parametrize("kind", STATED)
def test_a_sabotaged_patch_is_refused(trials: list[Trial], kind: Sabotage) -> None:
    tried = [trial for trial in trials if trial.kind == kind]
    assert len(tried) == 4
    assert not [(trial.file, trial.reason) for trial in tried if trial.accepted]


def test_right_patches_are_accepted(trials: list[Trial]) -> None:
    tried = [trial for trial in trials if trial.kind in RIGHT]
    assert len(tried) >= 4
    refused = [(trial.kind, trial.file, trial.reason) for trial in tried if not trial.accepted]
    assert len(refused) <= 0.2 * len(tried), refused
