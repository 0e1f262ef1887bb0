"""What an editor left alone keeps its pixels; what it drew has grain like its surroundings."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.action.detail import with_own_detail
from shared.appearance import high_pass, quiet_level
from shared.images import Rgb

SIDE = 96


def grainy(seed: int, strength: float, level: int = 120) -> Rgb:
    noise = np.random.default_rng(seed).normal(0, strength, (SIDE, SIDE, 1))
    return np.clip(np.full((SIDE, SIDE, 3), level) + noise, 0, 255).astype(np.uint8)


def middle() -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[24:72, 24:72] = True
    return mask


def test_a_picture_that_only_lost_its_detail_changes_nothing() -> None:
    crop = grainy(1, 6)
    blurred = np.asarray(cv2.GaussianBlur(crop, (0, 0), 2.0), np.uint8)
    detailed = with_own_detail(crop, blurred, middle(), 64, 0)
    assert np.array_equal(detailed.image, crop)
    assert detailed.edited_share == 0


def test_what_was_drawn_is_there_with_the_grain_around_it() -> None:
    crop, answer = grainy(1, 6), np.full((SIDE, SIDE, 3), 120, np.uint8)
    cv2.circle(answer, (48, 48), 12, (200, 40, 40), -1)
    detailed = with_own_detail(crop, answer, middle(), 64, 0)
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(drawn, (48, 48), 9, 1, -1)
    inside = drawn > 0
    assert np.abs(detailed.image[inside].astype(float).mean(axis=0) - (200, 40, 40)).max() < 3
    there, around = (quiet_level(high_pass(picture), where) for picture, where in
                     ((detailed.image, inside), (crop, ~middle())))  # fmt: skip
    assert 0.6 < there / around < 1.5
    assert 0 < detailed.edited_share < 0.5


def test_clean_artwork_stays_without_grain() -> None:
    crop, answer = grainy(1, 0), grainy(1, 0, level=180)
    detailed = with_own_detail(crop, answer, middle(), 64, 0)
    assert detailed.grain < 0.01
    assert np.array_equal(detailed.image, answer)


@given(seed=st.integers(0, 50), side=st.integers(16, 128))
def test_the_same_seed_gives_the_same(seed: int, side: int) -> None:
    crop, answer = grainy(seed, 4), grainy(seed + 1, 0, level=150)
    first, second = (with_own_detail(crop, answer, middle(), side, seed) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert first.image.shape == crop.shape and first.image.dtype == np.uint8


def test_an_empty_mask_has_nothing_edited() -> None:
    crop = grainy(1, 3)
    assert with_own_detail(crop, crop, np.zeros((SIDE, SIDE), np.bool_), 64, 0).edited_share == 0
