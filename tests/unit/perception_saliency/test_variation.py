"""Varied samples: twins stay twins, masks stay over blemishes, words stay readable, what is named keeps its tone."""

import cv2
import numpy as np
import pytest

from services.datasets.benchmark.parts import PARTS
from services.datasets.benchmark.variation import draw_variation
from services.datasets.sources import DrawnSamples, ToldSample
from services.perception.training.data import rendered_data

COUNT = 18


@pytest.fixture(scope="module")
def pairs() -> list[tuple[ToldSample, ToldSample]]:
    """Each sample as it is, and varied."""
    plain = DrawnSamples(COUNT, 5, labelled=True)
    varied = DrawnSamples(COUNT, 5, labelled=True, varied=True)
    return [(plain[index], varied[index]) for index in range(COUNT)]


def test_twins_get_the_same_variation(pairs: list[tuple[ToldSample, ToldSample]]) -> None:
    for plain, varied in pairs:
        assert plain.clean is not None
        assert varied.clean is not None
        before = (plain.image != plain.clean).any(axis=2).astype(np.uint8)
        near = cv2.dilate(before, np.ones((9, 9), np.uint8)) > 0
        after = (varied.image != varied.clean).any(axis=2)
        assert not (after & ~near).any() or not (after & ~near[:, ::-1]).any()
        assert varied.prompt == plain.prompt


def test_masks_and_labels_go_with_the_picture(pairs: list[tuple[ToldSample, ToldSample]]) -> None:
    mirrored = 0
    for plain, varied in pairs:
        assert plain.labels is not None
        assert varied.labels is not None
        turned = not np.array_equal(plain.labels, varied.labels)
        mirrored += turned
        step = -1 if turned else 1
        np.testing.assert_array_equal(varied.labels, plain.labels[..., ::step])
        assert len(varied.visible_masks) == len(plain.visible_masks)
        for ours, theirs in zip(varied.visible_masks, plain.visible_masks, strict=True):
            np.testing.assert_array_equal(ours, theirs[:, ::step])
        if turned:
            assert not (varied.labels[0] == PARTS.index("letter")).any()
    assert 2 <= mirrored <= COUNT - 2


def test_the_backdrop_changes_more_than_what_a_prompt_names(pairs: list[tuple[ToldSample, ToldSample]]) -> None:
    behind, front = [], []
    for plain, varied in pairs:
        assert plain.labels is not None
        assert varied.labels is not None
        image = varied.image if np.array_equal(plain.labels, varied.labels) else varied.image[:, ::-1]
        change = np.abs(image.astype(np.int16) - plain.image).mean(axis=2)
        shown = plain.labels[0] > 0
        behind.append(float(change[~shown].mean()))
        front.append(float(change[shown].mean()))
    assert np.mean(behind) > 1.5 * np.mean(front)
    assert np.mean(front) > 3


def test_the_same_state_gives_the_same_picture() -> None:
    source = DrawnSamples(2, 9, labelled=True, varied=True)
    np.testing.assert_array_equal(source[1].image, source[1].image)
    a, b = (draw_variation(np.random.default_rng(4), (32, 48), may_mirror=True) for _ in range(2))
    np.testing.assert_array_equal(a.field, b.field)
    assert a.field.shape == (32, 48, 3)


def test_the_domain_check_and_validation_know_nothing_of_it() -> None:
    data = rendered_data(2, 2, 3)
    assert data.known is not None
    plain, varied = data.known[0], data.training[0]
    assert not np.array_equal(plain.image, varied.image)
    np.testing.assert_array_equal(plain.image, DrawnSamples(2, 3)[0].image)
    with pytest.raises(ValueError, match="labelled"):
        DrawnSamples(2, 3, varied=True)
