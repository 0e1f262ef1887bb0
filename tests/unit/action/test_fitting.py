"""Crops in a tool's square and back."""

import numpy as np
import pytest

from services.action.tools.fitting import fit, fit_mask, unfit


def smooth(h: int, w: int) -> np.ndarray:
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([40 + 150 * y / h, 40 + 150 * x / w, 90 + 0 * y], axis=2).astype(np.uint8)


@pytest.mark.parametrize("size_hw", [(64, 64), (1, 1), (20, 300), (300, 20), (33, 47), (900, 1200), (1, 40)])
def test_a_crop_comes_back_at_its_own_size_and_place(size_hw: tuple[int, int]) -> None:
    crop = smooth(*size_hw)
    square = fit(crop, 64)
    assert square.shape == (64, 64, 3)
    back = unfit(square, size_hw)
    assert back.shape == crop.shape
    assert np.abs(back.astype(int) - crop).mean() < 4


def test_a_square_of_the_tools_size_is_left_as_it_is() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(fit(crop, 64), crop)
    assert np.array_equal(unfit(crop, (64, 64)), crop)


def test_what_lies_beyond_the_crop_mirrors_it() -> None:
    crop = smooth(32, 64)
    square = fit(crop, 64)
    assert np.array_equal(square[16:48], crop)
    assert np.array_equal(square[15], crop[1])


def test_a_mask_never_shrinks_and_stays_within_the_crop() -> None:
    mask = np.zeros((400, 200), np.bool_)
    mask[100, 50] = True
    fitted = fit_mask(mask, 64)
    assert fitted.sum() == 1
    assert fit_mask(np.ones((10, 40), np.bool_), 64).mean() == pytest.approx(0.25, abs=0.05)
    assert not fit_mask(np.zeros((10, 40), np.bool_), 64).any()
