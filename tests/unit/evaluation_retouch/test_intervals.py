"""Bootstrap intervals: the figure itself, its spread, and what is drawn together."""

import numpy as np
import pytest

from services.evaluation.intervals import NOTHING, mean, ratio


def test_a_mean_lies_in_its_interval_which_narrows_with_more_images() -> None:
    values = list(np.random.default_rng(1).normal(2.0, 1.0, 400))
    few, many = mean(values[:25]), mean(values)
    assert few.value == pytest.approx(np.mean(values[:25]))
    for one, count in ((few, 25), (many, 400)):
        assert one.low is not None and one.high is not None and one.value is not None
        # the interval of a normal mean, as the textbook has it, but for the drawing
        half = 1.96 * float(np.std(values[:count])) / np.sqrt(count)
        assert one.value - one.low == pytest.approx(half, rel=0.15)
        assert one.high - one.value == pytest.approx(half, rel=0.15)


def test_a_share_of_blemishes_draws_whole_images() -> None:
    """Three of four images hold one blemish each, unrepaired; one holds nine, all repaired."""
    estimate = ratio([0, 0, 0, 9], [1, 1, 1, 9])
    assert estimate.value == 0.75
    assert (estimate.low, estimate.count) == (0.0, 4)
    assert estimate.high is not None and estimate.high > 0.9


def test_it_is_the_same_again_and_nothing_is_nothing() -> None:
    assert mean([0.1, 0.5, 0.7]) == mean([0.1, 0.5, 0.7])
    assert mean([]) == ratio([0.0], [0.0]) == NOTHING
    with pytest.raises(ValueError, match="2 parts and 1 wholes"):
        ratio([1, 2], [1])
