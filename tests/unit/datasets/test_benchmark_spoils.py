"""Spoilt places: they lie on what is shown, change nothing else, and can be seen."""

import numpy as np
import pytest

from services.datasets.benchmark.masks import LEAST_SHARE, difference
from services.datasets.benchmark.spoils import spoil
from services.datasets.sources import DrawnSamples, ToldSample
from shared.geometry import dilate


@pytest.fixture(scope="module")
def samples() -> list[ToldSample]:
    source = DrawnSamples(12, 21, labelled=True)
    return [source[index] for index in range(len(source))]


def test_what_is_spoilt_can_be_seen_and_nothing_else_changes(samples: list[ToldSample]) -> None:
    shares = []
    for number, sample in enumerate(samples):
        assert sample.clean is not None and sample.clean_labels is not None
        for round_ in range(4):
            found = spoil(sample.clean, sample.clean_labels, np.random.default_rng([number, round_]))
            if found is None:
                continue
            image, place = found
            changed = difference(sample.clean, image) > 0
            assert not (changed & ~dilate(place, 12)).any()
            assert (changed & place).any()
            assert place.mean() >= LEAST_SHARE
            shown = sample.clean_labels[0] > 0
            assert (place & dilate(shown, 3)).any()
            shares.append(float(place.mean()))
    assert len(shares) > 24
    assert np.median(shares) < 0.03


def test_the_same_state_spoils_the_same_place(samples: list[ToldSample]) -> None:
    one = samples[0]
    assert one.clean is not None and one.clean_labels is not None
    first, second = (spoil(one.clean, one.clean_labels, np.random.default_rng(2)) for _ in range(2))
    assert first is not None and second is not None
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_a_bare_backdrop_cannot_be_spoilt(samples: list[ToldSample]) -> None:
    one = samples[0]
    assert one.clean is not None and one.clean_labels is not None
    assert spoil(one.clean, np.zeros_like(one.clean_labels), np.random.default_rng(0)) is None


def test_a_share_of_drawn_samples_is_spoilt() -> None:
    source = DrawnSamples(16, 5, labelled=True, varied=True, spoilt=0.5)
    spoilt = [one.spoilt for one in (source[index] for index in range(16))]
    assert 4 <= sum(one is not None for one in spoilt) <= 12
    bare = DrawnSamples(16, 5, labelled=True, varied=True)
    for index in (0, 5):
        np.testing.assert_array_equal(source[index].image, bare[index].image)
        assert bare[index].spoilt is None
    with pytest.raises(ValueError, match="labelled"):
        DrawnSamples(2, 3, spoilt=0.5)
