"""Bad patches in place of the repair go through the loop's real verification; the clean twin's pixels do, too."""

from itertools import pairwise
from pathlib import Path

import pytest
from fakes.blob_loop import blob_local

from services.datasets.schema import read_records
from services.evaluation.retouch.pictures import Picture, folder_pictures
from services.evaluation.retouch.sabotage import RIGHT, Bad, sabotage_picture, scrap_of
from services.evaluation.retouch.summary import treated_right
from services.evaluation.sabotage import figures_of


@pytest.fixture(scope="module")
def pictures(blobs: Path) -> list[Picture]:
    return [one for one in folder_pictures(blobs, tuple(read_records(blobs))) if not one.healthy]


@pytest.mark.parametrize("sure", [True, False])
def test_bad_patches_are_refused_and_the_twin_is_kept(pictures: list[Picture], sure: bool) -> None:
    """Also where the detector is too unsure for the loop to begin: the verdict is what is measured."""
    local = blob_local(sure=sure)
    trials = []
    for picture, other in pairwise(pictures[:4]):
        trials += sabotage_picture(local, picture, scrap_of(other), seed=0).trials
    table = figures_of(trials, Bad, RIGHT)
    # To delete a red square from grain is right, for nothing else should stand there.
    assert {row.kind: row.tried for row in table} == {kind: 0 if kind is Bad.DELETED else 3 for kind in Bad}
    assert treated_right(table, right=True) == 1.0
    assert treated_right(table, right=False) == 1.0
    reasons = {trial.kind: trial.reason for trial in trials}
    assert "did not fall" in reasons[Bad.ANOTHER]
    assert "a smear" in reasons[Bad.BLURRED]


def test_to_delete_what_should_be_there_is_sabotage(pictures: list[Picture]) -> None:
    """The twin has a blue square where the picture has a red one."""
    picture = pictures[0]
    assert picture.clean is not None
    twin = picture.clean.copy()
    twin[picture.blemishes[0].visible] = (30, 30, 230)
    recoloured = Picture("blue.png", picture.image, twin, picture.prompt, picture.blemishes)
    kinds = [trial.kind for trial in sabotage_picture(blob_local(), recoloured, None, seed=0).trials]
    assert kinds == [Bad.TWIN, Bad.BLURRED, Bad.MEAN, Bad.DELETED]


def test_a_flaw_that_nobody_sees_is_no_stand(pictures: list[Picture]) -> None:
    picture = pictures[0]
    assert picture.clean is not None
    unseen = Picture("unseen.png", picture.clean, picture.clean, picture.prompt, picture.blemishes)
    assert sabotage_picture(blob_local(), unseen, None, seed=0).trials == ()
