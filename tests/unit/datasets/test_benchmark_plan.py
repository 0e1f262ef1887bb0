"""Stratification, shares of the paper's mix, and splits that share nothing."""

from collections import Counter
from dataclasses import fields
from typing import get_args

import pytest

from services.commands.make_benchmark import Split
from services.datasets.benchmark.mutations import kinds_of
from services.datasets.benchmark.plan import BLOCK, PAPER_SHARES, REGION_COUNTS, plan_of
from services.datasets.benchmark.vocabulary import SPLITS, TEST, TRAIN, vocabulary_of
from shared.contracts.categories import Category


def test_the_balanced_mix_has_each_category_and_kind_equally_often() -> None:
    blocks = 24
    plans = [plan_of(3, i, "train", "balanced") for i in range(blocks * BLOCK)]
    categories = Counter(p.categories[0] for p in plans if p.categories)
    assert set(categories.values()) == {2 * blocks}
    for category in Category:
        kinds = Counter(p.kind.name for p in plans if p.kind is not None and p.kind.category is category)
        assert len(kinds) == len(kinds_of(category, "train"))
        assert max(kinds.values()) - min(kinds.values()) <= 1
        layouts = Counter((p.kind.name, p.layout) for p in plans if p.kind is not None and p.kind.category is category)
        assert set(kinds) == {name for name, _ in layouts}


def test_the_mix_for_prompts_asks_what_only_a_prompt_tells() -> None:
    blocks = 24
    plans = [plan_of(3, i, "train", "prompts") for i in range(blocks * BLOCK)]
    alone = Counter(p.categories[0] for p in plans if p.alone)
    assert alone == {Category.ATTRIBUTE: 5 * blocks, Category.TEXT: 3 * blocks, Category.COUNT: blocks}
    assert all(p.kind is not None and p.kind.prompt_decides and not p.kind.heldout for p in plans if p.alone)
    others = Counter(p.categories[0] for p in plans if p.categories and not p.alone)
    assert others == dict.fromkeys(Category, 2 * blocks)
    assert sum(not p.categories for p in plans) == 3 * blocks
    assert all(p.twin_of is None for p in plans)


def test_the_hard_mix_has_hands_above_all_and_every_category() -> None:
    plans = [plan_of(3, i, "train", "hard") for i in range(24 * BLOCK)]
    others = Counter(p.categories[0] for p in plans if p.categories and not p.alone)
    assert others.most_common(1)[0] == (Category.HAND, 24 * 8)
    assert set(others) == set(Category)
    assert sum(p.alone for p in plans) == 24 * 8
    assert sum(not p.categories for p in plans) == 24 * 2
    kinds = Counter(p.kind.name for p in plans if p.kind is not None and p.kind.category is Category.HAND)
    assert max(kinds.values()) - min(kinds.values()) <= 1


def test_the_papers_mix_has_the_papers_shares() -> None:
    plans = [plan_of(3, i, "train", "paper") for i in range(60 * BLOCK)]
    blemished = [p.categories for p in plans if p.categories]
    counts = Counter(len(c) for c in blemished)
    regions = [c for categories in blemished for c in categories]
    shares = {c: n / len(regions) for c, n in Counter(regions).items()}
    assert set(counts) == set(range(1, 10))
    assert len(regions) / len(blemished) == pytest.approx(4.6, abs=0.1)
    assert shares[Category.HAND] == pytest.approx(0.468, abs=0.025)
    assert shares[Category.FACE] == pytest.approx(0.157, abs=0.015)
    assert all(shares[c] > 0.01 for c in Category)


def test_the_tables_of_shares_are_shares() -> None:
    assert sum(PAPER_SHARES.values()) == pytest.approx(1)
    assert sum(REGION_COUNTS) == pytest.approx(1)
    assert set(PAPER_SHARES) == set(Category)


def test_splits_share_nothing() -> None:
    assert not {f.path for f in TRAIN.fonts} & {f.path for f in TEST.fonts}
    assert not set(TRAIN.words) & set(TEST.words)
    assert not {p.kind for p in TRAIN.places} & {p.kind for p in TEST.places}
    assert not {g for g, _ in TRAIN.tops} & {g for g, _ in TEST.tops}
    assert not {g for g, _ in TRAIN.bottoms} & {g for g, _ in TEST.bottoms}
    assert not {c.rgb for p in TRAIN.palettes for c in p} & {c.rgb for p in TEST.palettes for c in p}
    tuples = [{(p.upper, p.fore) for p in words.poses} for words in (TRAIN, TEST)]
    assert not tuples[0] & tuples[1]


def test_a_shift_changes_one_thing_alone() -> None:
    tables = [field.name for field in fields(TRAIN)]
    changed = {
        split: {table for table in tables if getattr(vocabulary_of(split), table) == getattr(TEST, table)}
        for split in SPLITS
        if split.startswith("unseen-")
    }
    assert sorted(table for one in changed.values() for table in one) == sorted(tables)
    for split, unseen in changed.items():
        assert all(getattr(vocabulary_of(split), table) == getattr(TRAIN, table) for table in set(tables) - unseen)


@pytest.mark.parametrize("category", list(Category))
def test_held_out_kinds_are_held_out(category: Category) -> None:
    trained = {k.name for k in kinds_of(category, "train")}
    assert trained == {k.name for k in kinds_of(category, "test")}
    assert not trained & {k.name for k in kinds_of(category, "test-kinds")}
    assert kinds_of(category, "test-kinds")


def test_the_command_offers_every_split() -> None:
    assert get_args(Split) == SPLITS
