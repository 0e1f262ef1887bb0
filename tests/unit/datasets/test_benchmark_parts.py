"""Label maps say what the picture shows: the parts that the graph has, where they are drawn, and nowhere else."""

import cv2
import numpy as np
import pytest

from services.datasets.benchmark.layouts import healthy_scene
from services.datasets.benchmark.parts import COLOURS, LABEL_COUNTS, PARTS, label_maps
from services.datasets.benchmark.plan import ALL_LAYOUTS
from services.datasets.benchmark.render import Renderer
from services.datasets.benchmark.sample import make_sample
from services.datasets.sources import DrawnSamples


def shares(layout: str) -> dict[str, float]:
    """Share of the picture that each part has, over a few healthy scenes."""
    total = np.zeros(len(PARTS))
    for number in range(4):
        parts, _ = label_maps(Renderer(256), healthy_scene(layout, "train", f"parts/{number}"))
        total += np.bincount(parts.ravel(), minlength=len(PARTS)) / parts.size / 4
    return {name: share for name, share in zip(PARTS, total, strict=True) if share}


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("hands", {"hand", "thumb", "index finger", "middle finger", "ring finger", "little finger", "sleeve"}),
        ("portraits", {"head", "eye", "mouth", "nose", "torso", "neck"}),
        ("figures", {"head", "torso", "arm", "leg", "foot", "hand"}),
        ("signs", {"board", "letter"}),
    ],
)
def test_a_layout_has_the_parts_of_what_it_shows(layout: str, expected: set[str]) -> None:
    assert expected <= set(shares(layout))


@pytest.mark.parametrize("layout", ALL_LAYOUTS)
def test_the_backdrop_is_never_the_whole_picture(layout: str) -> None:
    assert shares(layout)[""] < 0.99


def test_parts_of_twins_differ_where_the_pictures_do() -> None:
    differing = 0
    for index in range(24):
        sample = make_sample(31, index)
        shown, sound = (label_maps(Renderer(256), scene) for scene in (sample.shown, sample.sound))
        assert shown.max(axis=(1, 2)).tolist() < list(LABEL_COUNTS)
        changed = shown[0] != sound[0]
        differing += bool(changed.any())
        pixels = (sample.image != sample.clean).any(axis=2).astype(np.uint8)
        near = cv2.dilate(pixels, np.ones((5, 5), np.uint8)) > 0
        assert not (changed & ~near).any()
    assert differing >= 8


def test_a_colour_is_the_one_that_its_prompt_names() -> None:
    named = 0
    for index in range(36):
        sample = make_sample(32, index, "test")
        _, colours = label_maps(Renderer(256), sample.sound)
        if sample.layout == "table":
            shown = {COLOURS[value] for value in np.unique(colours)} - {""}
            named += 1
            assert any(f" {colour} " in f" {sample.prompt} " for colour in shown)
    assert named


def test_a_rendered_source_has_label_maps_if_it_is_asked_for_them() -> None:
    source = DrawnSamples(4, 7, labelled=True)
    assert source.label_counts == LABEL_COUNTS
    sample = source[0]
    assert sample.labels is not None
    assert sample.clean_labels is not None
    assert sample.labels.shape == (2, 256, 256)
    bare = DrawnSamples(4, 7)
    assert bare.label_counts == ()
    assert bare[0].labels is None
    np.testing.assert_array_equal(bare[0].image, sample.image)
