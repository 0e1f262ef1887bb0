"""PSNR, SSIM and GMSD, of pictures and of places, and what counts as a repair."""

import cv2
import numpy as np
import pytest

from services.evaluation.retouch.fidelity import (
    SAME_DB,
    PlaceFidelity,
    fidelity,
    gmsd,
    is_repaired,
    place_fidelity,
    psnr,
    sharpness,
)
from shared.images import Rgb


@pytest.fixture
def twin() -> Rgb:
    return np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)


def test_the_twin_itself_is_perfect(twin: Rgb) -> None:
    assert vars(fidelity(twin, twin)) == pytest.approx({"psnr": SAME_DB, "ssim": 1.0, "gmsd": 0.0})


def test_psnr_is_the_formula_of_whole_and_place(twin: Rgb) -> None:
    image = np.minimum(twin, 245)
    moved = image.copy()
    moved[:, :32] += 10
    assert psnr(moved, image) == pytest.approx(10 * np.log10(255**2 / 50))
    place = np.zeros(image.shape[:2], np.bool_)
    place[4:8, 2:10] = True
    assert psnr(moved, image, place) == pytest.approx(10 * np.log10(255**2 / 100))
    assert psnr(moved, image, np.fliplr(place)) == SAME_DB


def test_gmsd_is_the_formula_on_two_flat_halves() -> None:
    """A step of one lightness in one picture and none in the other: similarity c / (m^2 + c) at the step, 1 beside."""
    flat = np.full((32, 32, 3), 100, np.uint8)
    step = flat.copy()
    step[:, 15:] = 160  # even and odd columns are averaged in pairs (13, 14), (15, 16): the step lies between two
    similarity = np.ones((16, 16))
    similarity[:, 7:9] = 170 / (60.0**2 + 170)
    assert gmsd(step, flat) == pytest.approx(similarity.std(), rel=1e-6)
    assert gmsd(flat, step) == gmsd(step, flat)


def test_a_place_is_judged_by_its_own_window(twin: Rgb) -> None:
    blemished, elsewhere = twin.copy(), twin.copy()
    place = np.zeros(twin.shape[:2], np.bool_)
    place[10:20, 10:20] = True
    blemished[place] = (250, 0, 0)
    elsewhere[40:, 50:] = 0
    bad, fine = place_fidelity(blemished, twin, place), place_fidelity(elsewhere, twin, place)
    assert bad.psnr < 12 and bad.gmsd > 0.1
    assert (fine.psnr, fine.gmsd) == (SAME_DB, 0.0)
    with pytest.raises(ValueError, match="without pixels"):
        place_fidelity(twin, twin, np.zeros_like(place))


@pytest.mark.parametrize(
    ("psnr_after", "gmsd_after", "repaired"),
    [(21.0, 0.19, True), (20.9, 0.1, False), (30.0, 0.2, False), (30.0, 0.3, False)],
)
def test_a_repair_needs_both_measures(psnr_after: float, gmsd_after: float, repaired: bool) -> None:
    assert is_repaired(PlaceFidelity(20.0, 0.2), PlaceFidelity(psnr_after, gmsd_after)) is repaired


def test_a_ghost_is_nearer_to_the_twin_than_a_guess_and_less_sharp() -> None:
    """Between a bar here and a bar there, half of each has the better PSNR to either."""
    here, there = np.full((48, 64, 3), 90, np.uint8), np.full((48, 64, 3), 90, np.uint8)
    here[8:40, 20:26] = 200
    there[8:40, 36:42] = 200
    ghost = cv2.GaussianBlur(((here.astype(np.uint16) + there) // 2).astype(np.uint8), (0, 0), 2.0)
    place = np.zeros(here.shape[:2], np.bool_)
    place[4:44, 16:46] = True
    assert psnr(ghost, there, place) > psnr(here, there, place) + 3
    assert sharpness(there, there, place) == sharpness(here, here, place) == 1.0
    assert sharpness(here, there, place) == pytest.approx(1.0, abs=0.1)
    assert sharpness(ghost, there, place) < 0.5
    with pytest.raises(ValueError, match="without pixels"):
        sharpness(here, there, np.zeros_like(place))
