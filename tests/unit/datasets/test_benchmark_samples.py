"""The laws that every sample of the benchmark obeys."""

import hashlib
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.datasets.benchmark import Sample, make_sample
from services.datasets.benchmark.graph import Sign
from services.datasets.benchmark.layouts import healthy_scene
from services.datasets.benchmark.plan import BLOCK, HEALTHY, TRAINING_MIXES, plan_of
from services.datasets.benchmark.prompts import prompt_of
from services.datasets.benchmark.vocabulary import TEST, TRAIN
from services.datasets.benchmark.words import invented_word
from shared.errors import BadInput
from shared.geometry import dilate

SPLITS = st.sampled_from(("train", "test", "test-kinds"))
MIXES = st.sampled_from(("balanced", "paper"))


def digest(sample: Sample) -> str:
    parts = [sample.image, sample.clean, *(m for r in sample.regions for m in (r.visible, r.repair))]
    words = repr((sample.prompt, [(r.kind, r.description, r.centre_xy_px) for r in sample.regions], sample.scores))
    return hashlib.sha256(b"".join(p.tobytes() for p in parts) + words.encode()).hexdigest()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**31), index=st.integers(0, 5000), split=SPLITS, mix=MIXES)
def test_every_sample_obeys_the_laws(seed: int, index: int, split: str, mix: str) -> None:
    sample = make_sample(seed, index, split, mix)
    assert sample.image.shape == sample.clean.shape == (256, 256, 3)
    assert sample.image.dtype == np.uint8
    differs = (sample.image != sample.clean).any(axis=2)
    union = np.zeros_like(differs)
    for region in sample.regions:
        assert region.visible.shape == region.repair.shape == (256, 256)
        assert region.visible.any()
        assert not (region.visible & ~region.repair).any()
        assert (region.visible & differs).sum() >= 0.5 * region.visible.sum()
        assert not (region.visible & ~dilate(differs, 4)).any(), "closing heals small holes and no more"
        x, y = region.centre_xy_px
        assert 0 < x < 256 and 0 < y < 256
        assert region.description[0].isupper() and region.description.endswith(".")
        assert region.instruction and region.inconsistency
        union |= region.repair
    assert not (differs & ~union).any(), "a pixel differs outside every repair mask"
    assert sample.healthy == (not differs.any())
    assert len(sample.regions) <= 9
    assert 0 < len(sample.prompt) <= 2000
    assert sample.scores.aesthetics is None
    if sample.healthy:
        assert sample.scores.plausibility == sample.scores.alignment == 1.0
    elif all(r.prompt_fault for r in sample.regions):
        assert sample.scores.plausibility == 1.0


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1000), index=st.integers(0, 200), split=SPLITS, mix=MIXES)
def test_the_same_arguments_give_the_same_bytes(seed: int, index: int, split: str, mix: str) -> None:
    first = digest(make_sample(seed, index, split, mix))
    make_sample(seed + 1, index + 1, split, mix)  # whatever is drawn in between
    assert digest(make_sample(seed, index, split, mix)) == first


def test_the_bytes_do_not_depend_on_the_process() -> None:
    code = (
        "import hashlib; from services.datasets.benchmark import make_sample\n"
        "samples = [make_sample(6, i, 'train', mix) for i in range(3) for mix in ('balanced', 'paper')]\n"
        "print(hashlib.sha256(b''.join(s.image.tobytes() + s.prompt.encode() for s in samples)).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": salt}, check=True, capture_output=True
        ).stdout
        for salt in ("1", "2")
    ]
    assert runs[0] == runs[1]


def test_another_seed_gives_another_picture() -> None:
    assert digest(make_sample(1, 0)) != digest(make_sample(2, 0))


def test_a_larger_picture_shows_the_same_scene() -> None:
    small, large = make_sample(3, 1, size=256), make_sample(3, 1, size=512)
    assert large.image.shape == (512, 512, 3)
    assert small.layout == large.layout


@pytest.mark.parametrize("split", ["train", "test", "test-kinds"])
def test_a_contradicted_picture_also_occurs_with_a_prompt_that_fits(split: str) -> None:
    plans = [(i, plan_of(11, i, split, "balanced").twin_of) for i in range(5 * BLOCK)]
    pairs = [(i, partner) for i, partner in plans if partner is not None]
    assert len(pairs) == 5 * 4
    for healthy, partner in pairs:
        fits, contradicts = (make_sample(11, i, split) for i in (healthy, partner))
        assert fits.healthy
        assert [region.prompt_fault for region in contradicts.regions] == [True]  # whatever else were wrong would stay
        assert np.array_equal(fits.image, contradicts.image)
        assert fits.prompt != contradicts.prompt


def test_what_the_prompt_decides_is_right_under_the_other_prompt() -> None:
    decided = [i for i in range(2 * BLOCK) if plan_of(11, i, "train", "prompts").alone]
    for sample in (make_sample(11, i, "train", "prompts") for i in decided[:12]):
        assert len(sample.regions) == 1
        assert sample.other_prompt == prompt_of(sample.shown) != sample.prompt
    lonely = make_sample(11, next(i for i in range(BLOCK) if plan_of(11, i, "train", "balanced").twin_of is not None))
    assert lonely.other_prompt is None  # nothing is wrong with it
    with_more = [make_sample(11, i, "train", "balanced") for i in range(BLOCK)]
    assert any(one.other_prompt is None for one in with_more if one.regions)


def test_training_signs_say_words_that_nobody_knows_and_test_signs_do_not() -> None:
    rng = random.Random(4)
    words = {invented_word(rng) for _ in range(300)}
    assert len(words) > 250
    assert all(2 <= len(word) <= 9 and word.isupper() and word.isascii() for word in words)
    signs = {
        split: [item.word for i in range(80) for item in healthy_scene("signs", split, f"{i}").items
                if isinstance(item, Sign)]
        for split in ("train", "test")
    }  # fmt: skip
    known = sum(word in TRAIN.words for word in signs["train"]) / len(signs["train"])
    assert 0.3 < known < 0.7
    assert set(signs["test"]) <= set(TEST.words)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**31), index=st.integers(0, 5000), mix=st.sampled_from(TRAINING_MIXES))
def test_mixes_for_training_obey_the_laws(seed: int, index: int, mix: str) -> None:
    sample = make_sample(seed, index, "train", mix)
    assert digest(sample) == digest(make_sample(seed, index, "train", mix))
    differs = (sample.image != sample.clean).any(axis=2)
    assert differs.any() == bool(sample.regions)
    assert all((region.visible <= dilate(differs, 3)).all() for region in sample.regions)
    with pytest.raises(BadInput, match="is for training"):
        make_sample(seed, index, "test-kinds", mix)


@pytest.mark.parametrize(
    ("split", "mix", "size"), [("train", "balanced", 300), ("dev", "balanced", 256), ("train", "wild", 256)]
)
def test_unknown_options_are_refused(split: str, mix: str, size: int) -> None:
    with pytest.raises(BadInput, match="give one of"):
        make_sample(0, 0, split, mix, size)


@pytest.mark.parametrize("mix", ["balanced", "paper"])
def test_a_third_is_healthy(mix: str) -> None:
    plans = [plan_of(7, i, "train", mix) for i in range(BLOCK * 3)]
    assert sum(not p.categories for p in plans) == 3 * HEALTHY
    assert len(plans) <= 3 * HEALTHY * 3
