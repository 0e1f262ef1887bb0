"""Layouts: how items are arranged. Each gives a healthy scene with several equally likely victims."""

import random
from collections.abc import Callable

from services.datasets.benchmark.graph import Scene
from services.datasets.benchmark.layouts import closeups, crowds, stills
from services.datasets.benchmark.make import Maker
from services.datasets.benchmark.validate import faults
from services.datasets.benchmark.vocabulary import vocabulary_of

Layout = Callable[[Maker], Scene]
LAYOUTS: dict[str, Layout] = {**closeups.LAYOUTS, **crowds.LAYOUTS, **stills.LAYOUTS}


def healthy_scene(layout: str, split: str, seed: str, tries: int = 200) -> Scene:
    """A valid scene of the layout; the same seed gives the same scene.

    Raises:
        RuntimeError: no valid scene in so many tries, which means that the layout is broken.
    """
    for attempt in range(tries):
        rng = random.Random(f"{seed}/{layout}/{split}/{attempt}")
        maker = Maker(rng, vocabulary_of(split))
        scene = LAYOUTS[layout](maker)
        if len(scene.items) and not faults(scene):
            return scene
    raise RuntimeError(f"layout {layout} gave no valid scene in {tries} tries for seed {seed}: {faults(scene)}")
