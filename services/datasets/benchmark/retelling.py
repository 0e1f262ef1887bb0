"""The same picture under other prompts: what the prompt alone makes wrong, several times for one drawing.

To draw a picture is dear, and one flaw of it teaches little of how words and things belong together. Here a prompt is
that of another scene, which differs from the picture's own by a colour or by one thing fewer.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from services.datasets.benchmark.graph import Scene
from services.datasets.benchmark.mutations import kinds_of
from services.datasets.benchmark.prompts import prompt_of
from services.datasets.benchmark.render import Renderer
from services.datasets.benchmark.sample import Region, region_of
from shared.contracts.categories import Category

_CATEGORIES = (Category.ATTRIBUTE, Category.COUNT)
_LEAST_SHARE = 1 / 1000
"""Of the picture: what is smaller could hardly be told."""


@dataclass(frozen=True)
class Retelling:
    """A prompt that says other than a picture shows in one place, and what is to be said of that place then."""

    prompt: str
    region: Region


def retellings(renderer: Renderer, scene: Scene, split: str, rng: random.Random, most: int) -> tuple[Retelling, ...]:
    """Up to `most` retellings of the picture of a sound scene, no two of one place or by one prompt.

    Args:
        renderer: of the picture.
        scene: what it shows.
        split: whose kinds of flaws are told.
        rng: picks them.
        most: how many; a scene may not have as many things that a prompt names by colour or number.
    """
    return tuple(islice(_each(renderer, scene, split, rng), most))


def _each(renderer: Renderer, scene: Scene, split: str, rng: random.Random) -> Iterator[Retelling]:
    struck, prompts = set[str](), {prompt_of(scene)}
    strikes = [
        (kind, victim)
        for category in _CATEGORIES
        for kind in kinds_of(category, split)
        if kind.prompt_decides
        for victim in kind.victims(scene)
    ]
    rng.shuffle(strikes)
    for kind, victim in strikes:
        change = None if victim in struck else kind.apply(scene, victim, rng)
        if change is None or change.denied is None:
            continue
        prompt = prompt_of(change.scene)
        visible = renderer.numbers(scene, dict.fromkeys((*change.touched, *change.gone), 1)) > 0
        if prompt in prompts or visible.mean() < _LEAST_SHARE:
            continue
        struck.add(victim)
        prompts.add(prompt)
        yield Retelling(prompt, region_of(kind, change.denied, visible, visible))
