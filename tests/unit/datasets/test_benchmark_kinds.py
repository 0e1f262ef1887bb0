"""Every kind of blemish can be reached and seen, and says what it does."""

import random

import numpy as np
import pytest

from services.datasets.benchmark.layouts import healthy_scene
from services.datasets.benchmark.masks import LEAST_SHARE, region_masks
from services.datasets.benchmark.mutations import KINDS, Change, Kind
from services.datasets.benchmark.prompts import facts_of
from services.datasets.benchmark.render import Renderer, shared_prefix
from services.datasets.benchmark.style import finish
from shared.contracts.categories import Category


def struck(kind: Kind, layout: str) -> tuple[float, Change]:
    """Visible share of the first change of this kind that can be seen in the layout, and the change."""
    renderer = Renderer(256)
    split = "test-kinds" if kind.heldout else "train"
    for attempt in range(40):
        clean = healthy_scene(layout, split, f"kinds/{attempt}")
        rng = random.Random(attempt)
        for victim in kind.victims(clean):
            change = kind.apply(clean, victim, rng)
            if change is None:
                continue
            ground = renderer.ground(clean, shared_prefix(clean, change.scene))
            drawn = renderer.draw(clean, ground), renderer.draw(change.scene, ground)
            styled = finish(list(drawn), clean.style)
            mask = region_masks(renderer, clean, change.scene, [change], drawn, (styled[0], styled[1]))[0]
            if mask is not None:
                if kind.prompt_fault:
                    assert facts_of(change.scene) != facts_of(clean)
                return float(mask.visible.mean()), change
    raise AssertionError(f"{kind.name} finds no visible victim in {layout}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: f"{k.category.value}-{k.name}".replace(" ", "-"))
def test_a_kind_is_reached_and_seen(kind: Kind) -> None:
    share, change = struck(kind, kind.layouts[0])
    assert LEAST_SHARE <= share < 0.35
    assert 5 <= len(change.telling.description.split()) <= 24
    assert change.touched or change.gone


def test_each_category_has_kinds_to_train_on_and_one_held_out() -> None:
    for category in Category:
        own = [k for k in KINDS if k.category is category]
        assert sum(not k.heldout for k in own) >= 2
        assert any(k.heldout for k in own)
    names = [(k.category, k.name) for k in KINDS]
    assert len(set(names)) == len(names)


def test_prompt_faults_cost_no_plausibility_and_all_others_do() -> None:
    for kind in KINDS:
        assert (kind.severity == 0) == kind.prompt_fault, kind.name


def test_layouts_offer_several_victims() -> None:
    """Over twenty scenes of a layout some offer two or more victims, so that no place gives the answer away."""
    for kind in KINDS:
        split = "test-kinds" if kind.heldout else "train"
        counts = [len(kind.victims(healthy_scene(kind.layouts[0], split, f"v{i}"))) for i in range(20)]
        assert max(counts) >= 2, kind.name
        assert np.mean(counts) >= 0.5, kind.name
