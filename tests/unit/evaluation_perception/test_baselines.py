"""Baseline maps: their shapes and laws, and spectral residual on a picture whose odd one out is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.evaluation.perception.baselines import (
    ORACLE_FLOOR,
    centre_prior,
    foreground_oracle,
    spectral_residual,
    uniform,
)
from services.perception.metrics import cc, truth_map


def test_uniform_is_one_value() -> None:
    assert np.ptp(uniform((3, 5))) == 0
    assert uniform((3, 5)).shape == (3, 5)


def test_the_centre_prior_is_a_gaussian_stretched_to_the_image() -> None:
    prior = centre_prior((41, 81))
    assert np.unravel_index(prior.argmax(), prior.shape) == (20, 40)
    assert prior.max() == pytest.approx(1.0)
    np.testing.assert_allclose(prior, prior[::-1, ::-1], rtol=1e-6)
    # a quarter of the side away from the centre lies one standard deviation
    wide = centre_prior((1001, 2001))
    assert wide[500 + 250, 1000] == pytest.approx(np.exp(-0.5), abs=2e-3)
    assert wide[500, 1000 + 500] == pytest.approx(np.exp(-0.5), abs=2e-3)


def test_the_foreground_oracle_is_high_on_things_and_never_zero() -> None:
    foreground = np.zeros((64, 64), np.bool_)
    foreground[20:40, 10:30] = True
    oracle = foreground_oracle(foreground)
    assert oracle.min() == pytest.approx(ORACLE_FLOOR)
    assert oracle.max() == pytest.approx(1.0)
    assert cc(oracle, truth_map(foreground)) == pytest.approx(1.0)
    assert np.ptp(foreground_oracle(np.zeros((8, 8), np.bool_))) == 0


def test_spectral_residual_finds_what_breaks_a_pattern() -> None:
    rows, columns = np.mgrid[:128, :192]
    image = np.repeat((127 + 80 * np.sin(columns / 3.0) * np.sin(rows / 3.0)).astype(np.uint8)[..., None], 3, axis=2)
    image[60:70, 140:150] = (255, 255, 0)
    saliency = spectral_residual(image)
    assert saliency.shape == (128, 192)
    assert saliency.dtype == np.float32
    row, column = np.unravel_index(saliency.argmax(), saliency.shape)
    assert abs(row - 65) <= 6
    assert abs(column - 145) <= 6


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_spectral_residual_is_defined_on_every_image(image: np.ndarray) -> None:
    saliency = spectral_residual(image)
    assert saliency.shape == image.shape[:2]
    assert np.isfinite(saliency).all()
    assert saliency.min() >= 0
    assert saliency.max() in (0.0, 1.0)


def test_an_image_of_one_grey_has_nothing_salient() -> None:
    assert not spectral_residual(np.full((50, 30, 3), 99, np.uint8)).any()
