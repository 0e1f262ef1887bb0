"""Backdrops: every place of a split has a drawing that fills the square; invented ones are never the same twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.datasets.benchmark.draw.backdrops import DRAWINGS, HELDOUT, TRAIN, draw_backdrop
from services.datasets.benchmark.draw.invented import TRAIN as INVENTED
from services.datasets.benchmark.draw.pen import Look, Pen, Surface
from services.datasets.benchmark.graph import Backdrop
from services.datasets.benchmark.vocabulary import TEST
from services.datasets.benchmark.vocabulary import TRAIN as TRAIN_WORDS
from shared.images import Rgb

_COLOURS = ((0.6, 0.6, 0.55), (0.5, 0.45, 0.4), (0.4, 0.4, 0.5))
_SIDE_PX = 64


def _drawn(kind: str, seed: str, horizon: float = 0.6) -> Rgb:
    surface = Surface(_SIDE_PX)
    pen = Pen(surface, Look((0.6, -0.8), 0.7, 0.0))
    draw_backdrop(pen, Backdrop(kind, seed, _COLOURS, horizon, 0.0, "somewhere"))
    # Where two bands meet within a pixel each covers its part of it, hence not 255.
    assert (surface.pixels[..., 3] >= 128).all(), "a part of the square was left empty"
    return surface.rgb()


def test_each_place_has_a_drawing_of_its_own_split() -> None:
    assert {place.kind for place in TRAIN_WORDS.places} == set(TRAIN)
    assert {place.kind for place in TEST.places} == set(HELDOUT)
    assert not set(TRAIN) & set(HELDOUT)


@pytest.mark.parametrize("kind", sorted(DRAWINGS))
@given(seed=st.integers(0, 2**32).map(str), horizon=st.floats(0.5, 0.76))
def test_a_backdrop_fills_the_square_and_is_the_same_for_both_twins(kind: str, seed: str, horizon: float) -> None:
    assert np.array_equal(_drawn(kind, seed, horizon), _drawn(kind, seed, horizon))


@pytest.mark.parametrize("kind", sorted(INVENTED))
def test_invented_backdrops_differ_in_structure_from_seed_to_seed(kind: str) -> None:
    pictures = [_drawn(kind, f"{i}").astype(np.float64) for i in range(12)]
    edges = [np.abs(np.diff(one.mean(axis=2), axis=1)).ravel() for one in pictures]
    likeness = np.corrcoef(edges)[np.triu_indices(len(edges), 1)]
    assert np.median(likeness) < 0.3
