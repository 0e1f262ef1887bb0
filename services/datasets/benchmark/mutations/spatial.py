"""Perspective and placement: things too large or small, squashed, leaning, floating, sunk, in the air, upside down."""

import random
from collections.abc import Callable
from dataclasses import replace

from services.datasets.benchmark.draw.things import WIDTHS
from services.datasets.benchmark.graph import Scene, Thing
from services.datasets.benchmark.make import ANIMALS
from services.datasets.benchmark.mutations.base import (
    STILLS,
    Change,
    Kind,
    Telling,
    stands_free,
    thing_words,
    things_of,
)
from shared.contracts.categories import Category


def _all(scene: Scene) -> list[str]:
    return [t.id for t in things_of(scene)]


def _objects(scene: Scene) -> list[str]:
    return [t.id for t in things_of(scene) if t.kind not in ANIMALS]


def _moved(
    alter: Callable[[Thing, Scene, random.Random], Thing], says: str, clash: str, do: str, free: bool = True
) -> Callable[[Scene, str, random.Random], Change | None]:
    """A mutation of size or place; `{t}` in the sentences is the thing."""

    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        thing = next(t for t in things_of(scene) if t.id == path)
        for _ in range(8):
            changed = alter(thing, scene, rng)
            if not free or stands_free(scene, changed):
                words = thing_words(thing)
                telling = Telling(says.format(t=words), clash.format(t=words), do.format(t=words))
                return Change(scene.with_item(changed), telling, (path,))
        return None

    return apply


def _giant(thing: Thing, scene: Scene, rng: random.Random) -> Thing:
    return replace(thing, size=thing.size * rng.uniform(1.9, 2.6))


def _tiny(thing: Thing, scene: Scene, rng: random.Random) -> Thing:
    return replace(thing, size=thing.size * rng.uniform(0.32, 0.45))


def _squashed(thing: Thing, scene: Scene, rng: random.Random) -> Thing:
    return replace(thing, stretch=rng.choice(((1.5, 0.62), (0.5, 1.15), (1.65, 0.72))))


def _leaning(thing: Thing, scene: Scene, rng: random.Random) -> Thing:
    return replace(thing, angle=rng.choice((-1, 1)) * rng.uniform(24, 38))


def _floating(thing: Thing, scene: Scene, rng: random.Random) -> Thing:
    return replace(thing, lift=rng.uniform(0.1, 0.26))


def _sunk(thing: Thing, scene: Scene, rng: random.Random) -> Thing:
    return replace(thing, extras=(*thing.extras, "sunk"), halo=0.25)


def _on_wall(thing: Thing, scene: Scene, rng: random.Random) -> Thing:
    half = WIDTHS[thing.kind] * thing.size * 0.5
    at = (
        rng.uniform(half + 0.03, 0.97 - half),
        rng.uniform(thing.size + 0.03, max(thing.size + 0.06, scene.backdrop.horizon - 0.06)),
    )
    return replace(thing, at=at, halo=0.0)


def _upside_down(thing: Thing, scene: Scene, rng: random.Random) -> Thing:
    return replace(thing, angle=180.0 + rng.uniform(-6, 6), lift=thing.size)


def _topsy(scene: Scene) -> list[str]:
    """Things whose upside can be told from their underside."""
    return [t.id for t in things_of(scene) if t.kind not in ("ball", "box", "phone", "clock")]


def _upright(scene: Scene) -> list[str]:
    return [t.id for t in things_of(scene) if t.kind not in ("ball", "clock")]


KINDS = (
    Kind("giant", Category.PERSPECTIVE, STILLS, _all, _moved(
        _giant, "the {t} is far too large compared with everything around it",
        "its size contradicts its distance and its surroundings", "shrink the {t} to a plausible size"), 3),
    Kind("tiny", Category.PERSPECTIVE, STILLS, _all, _moved(
        _tiny, "the {t} is far too small compared with everything around it",
        "its size contradicts its distance and its surroundings", "enlarge the {t} to a plausible size"), 12),
    Kind("squashed", Category.PERSPECTIVE, STILLS, _upright, _moved(
        _squashed, "the {t} is squashed as though it were seen in another perspective",
        "its proportions do not follow the view of the scene", "redraw the {t} in the perspective of the scene"), 8),
    Kind("leaning", Category.PERSPECTIVE, STILLS, _upright, _moved(
        _leaning, "the {t} leans over at an angle and yet does not fall",
        "its axis does not follow the upright lines of the scene", "set the {t} upright again"), 8, heldout=True),
    Kind("floating", Category.PLACEMENT, STILLS, _all, _moved(
        _floating, "the {t} floats in the air above its shadow without any support",
        "nothing carries it", "put the {t} down on the ground below it"), 10),
    Kind("sunk", Category.PLACEMENT, STILLS, _objects, _moved(
        _sunk, "the lower half of the {t} has sunk into the solid ground",
        "solid things do not pass through each other", "raise the {t} until it stands on the ground"), 12),
    Kind("on the wall", Category.PLACEMENT, STILLS, _all, _moved(
        _on_wall, "the {t} hovers high in the background where nothing could carry it",
        "it has neither support nor shadow", "move the {t} down to the ground"), 10),
    Kind("upside down", Category.PLACEMENT, STILLS, _topsy, _moved(
        _upside_down, "the {t} stands upside down on its top",
        "it could not stand like that", "turn the {t} the right way up"), 10, heldout=True),
)  # fmt: skip
