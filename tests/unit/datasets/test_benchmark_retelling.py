"""One picture under other prompts: what they deny is what it shows, there and nowhere else."""

import random
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("skia")

from services.datasets.benchmark.layouts import healthy_scene
from services.datasets.benchmark.parts import COLOURS
from services.datasets.benchmark.prompts import prompt_of
from services.datasets.benchmark.render import Renderer
from services.datasets.benchmark.retelling import retellings
from services.datasets.proposals.propose import Proposal, propose
from services.datasets.sources import DrawnSamples, ToldSample
from shared.contracts.categories import Category

DRAWN = DrawnSamples(36, 77, mix="prompts", labelled=True, varied=True, retold=3)


@pytest.fixture(scope="module")
def samples() -> list[ToldSample]:
    return [DRAWN[index] for index in range(len(DRAWN))]


def test_the_picture_has_the_colour_that_is_denied_and_not_the_one_that_is_asked_for(samples: list[ToldSample]) -> None:
    told = [(sample, one) for sample in samples for one in sample.retold]
    coloured = [(sample, one) for sample, one in told if one.truth.category is Category.ATTRIBUTE]
    assert len(coloured) > 40
    for sample, one in coloured:
        found = re.fullmatch(r"The .+ is (.+) although the prompt asks for (.+) here\.", one.truth.description)
        assert found is not None and sample.clean_labels is not None
        shown, asked = found.groups()
        names = [COLOURS[value] for value in sample.clean_labels[1][one.mask] if value]
        assert max(set(names), key=names.count) == shown != asked
        assert asked in one.prompt and one.prompt != sample.prompt
        assert one.truth.instruction.endswith(f"from {shown} to {asked}")


def test_a_number_is_denied_where_one_of_several_stands() -> None:
    found = [
        one
        for seed in range(60)
        for one in retellings(
            Renderer(256), healthy_scene("table", "train", f"table {seed}"), "train", random.Random(seed), 9
        )
        if one.region.category is Category.COUNT
    ]
    assert found
    for one in found:
        said = re.fullmatch(r"The image shows (\w+) \w+ although the prompt asks for (\w+)\.", one.region.description)
        assert said is not None and said[1] != said[2]
        assert one.region.instruction.startswith("remove one")


def test_the_same_seed_gives_the_same_and_no_place_comes_twice(samples: list[ToldSample]) -> None:
    again = DRAWN[3].retold
    assert [one.prompt for one in again] == [one.prompt for one in samples[3].retold]
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(again, samples[3].retold, strict=True))
    assert max(len(sample.retold) for sample in samples) == 3
    for sample in samples:
        assert len({one.mask.tobytes() for one in sample.retold}) == len(sample.retold)
        assert all(one.mask.mean() > 1 / 1200 for one in sample.retold)  # a variation may cut a little off
    assert not replace(DRAWN, retold=0)[3].retold
    assert np.array_equal(replace(DRAWN, retold=0)[3].image, samples[3].image)


def test_a_prompt_is_the_scenes_own_but_for_what_it_denies() -> None:
    scene = healthy_scene("figures", "train", "some figures")
    own = Counter(prompt_of(scene).split())
    for one in retellings(Renderer(256), scene, "train", random.Random(0), 9):
        said = Counter(one.prompt.split())
        assert 0 < ((said - own) + (own - said)).total() <= 4


def test_a_denied_place_is_proposed_beside_itself_under_the_pictures_own_prompt(samples: list[ToldSample]) -> None:
    denied, elsewhere = 0, 0
    for number, sample in enumerate(samples):
        plain = list(propose(replace(sample, retold=()), random.Random(number)))
        every = list(propose(sample, random.Random(number)))
        assert [_named(one) for one in every[: len(plain)]] == [_named(one) for one in plain]
        prompts = {one.prompt: one for one in sample.retold}
        rest = every[len(plain) :]
        for before, one in zip([None, *rest], rest, strict=False):
            assert one.image is sample.clean and one.on_twin
            if one.truth is not None:
                denied += 1
                assert one.truth is prompts[one.prompt].truth and 0 < one.covered <= 1
                continue
            x0, y0, x1, y1 = one.box_xyxy_px
            if one.way == "twin":
                assert before is not None and before.truth is not None and one.prompt == sample.prompt
                assert one.box_xyxy_px == before.box_xyxy_px and np.array_equal(one.mask, before.mask)
            else:
                elsewhere += 1
                assert one.way == "sound" and not prompts[one.prompt].mask[y0:y1, x0:x1].any()
    assert denied > 60 and elsewhere > 10


def _named(one: Proposal) -> tuple[object, ...]:
    return one.prompt, one.box_xyxy_px, one.way, one.truth, one.covered
