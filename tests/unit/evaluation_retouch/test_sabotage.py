"""Bad patches in place of the repair go through the loop's real verification; the clean twin's pixels do, too."""

from itertools import pairwise
from pathlib import Path

import numpy as np
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
    assert {row.kind: row.tried for row in table} == dict.fromkeys(Bad, 3)
    assert treated_right(table, right=True) == 1.0
    assert treated_right(table, right=False) == 1.0
    reasons = {trial.kind: trial.reason for trial in trials}
    assert "did not fall" in reasons[Bad.ANOTHER]
    assert "a smear" in reasons[Bad.DELETED]


def test_to_delete_what_should_not_be_there_is_no_sabotage(pictures: list[Picture]) -> None:
    """On a ground of one colour the deleted square leaves what the clean twin has."""
    ground = np.full_like(pictures[0].image, 120)
    image = ground.copy()
    image[pictures[0].blemishes[0].visible] = (230, 30, 30)
    flat = Picture("flat.png", image, ground, "a wall", pictures[0].blemishes)
    kinds = [trial.kind for trial in sabotage_picture(blob_local(), flat, None, seed=0).trials]
    assert kinds == [Bad.TWIN, Bad.BLURRED, Bad.MEAN]


def test_a_flaw_that_nobody_sees_is_no_stand(pictures: list[Picture]) -> None:
    picture = pictures[0]
    assert picture.clean is not None
    unseen = Picture("unseen.png", picture.clean, picture.clean, picture.prompt, picture.blemishes)
    assert sabotage_picture(blob_local(), unseen, None, seed=0).trials == ()
