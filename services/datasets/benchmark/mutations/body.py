"""Bodies out of proportion: torso or neck too long, head too small or too large, halves that do not meet."""

import random
from collections.abc import Callable
from dataclasses import replace

from services.datasets.benchmark.draw.people import CHIN_Y, HIP_Y, SHOULDER_Y, skeleton
from services.datasets.benchmark.graph import Person, Scene
from services.datasets.benchmark.mutations.base import BODIES, Change, Kind, Telling, people_of, stands_free
from shared.contracts.categories import Category


def _persons(scene: Scene) -> list[str]:
    return [p.id for p in people_of(scene)]


def _standing(scene: Scene) -> list[str]:
    return [p.id for p in people_of(scene) if skeleton(p).hips[1] < 0.9]


def _body(
    alter: Callable[[Person, random.Random], Person], parts: tuple[str, ...], says: str, clash: str, do: str
) -> Callable[[Scene, str, random.Random], Change | None]:
    """A mutation of proportions; `{p}` is the person. The head stays in the frame or the change is refused."""

    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        person = scene.person(path)
        changed = alter(person, rng)
        bones = skeleton(changed)
        if bones.head[1] - bones.head_size * 1.3 < 0.01 or not 0.05 < bones.head[0] < 0.95:
            return None
        if not stands_free(scene, changed):
            return None
        telling = Telling(says.format(p=person.noun), clash.format(p=person.noun), do.format(p=person.noun))
        return Change(scene.with_item(changed), telling, tuple(f"{path}/{part}" for part in parts))

    return apply


def _sunk(person: Person, growth: float) -> Person:
    """A person cut by the frame sinks by what it grows, so that the head stays where it was."""
    return replace(person, at=(person.at[0], person.at[1] + growth)) if person.half else person


def _long_torso(person: Person, rng: random.Random) -> Person:
    scale = rng.uniform(1.35, 1.5)
    growth = (SHOULDER_Y - HIP_Y) * person.size * (scale - 1)
    return _sunk(replace(person, torso_scale=scale), growth if person.half else 0.0)


def _long_neck(person: Person, rng: random.Random) -> Person:
    scale = rng.uniform(2.6, 3.4)
    return _sunk(replace(person, neck_scale=scale), (CHIN_Y - SHOULDER_Y) * person.size * (scale - 1))


def _small_head(person: Person, rng: random.Random) -> Person:
    return replace(person, head_scale=person.head_scale * rng.uniform(0.45, 0.58))


def _large_head(person: Person, rng: random.Random) -> Person:
    scale = rng.uniform(1.5, 1.75)
    return replace(person, head_scale=person.head_scale * scale)


def _shifted(person: Person, rng: random.Random) -> Person:
    return replace(person, waist_shift=rng.choice((-1, 1)) * rng.uniform(0.085, 0.11))


def _loose_head(person: Person, rng: random.Random) -> Person:
    return replace(person, head_shift=(rng.choice((-1, 1)) * rng.uniform(0.07, 0.1), rng.uniform(-0.06, -0.03)))


KINDS = (
    Kind("long torso", Category.BODY, BODIES, _standing, _body(
        _long_torso, ("torso",), "the torso of the {p} is far too long for the body",
        "the torso is out of proportion to head and arms", "shorten the torso of the {p} to natural proportions"), 5),
    Kind("long neck", Category.BODY, BODIES, _persons, _body(
        _long_neck, ("neck",), "the neck of the {p} is stretched to three times its natural length",
        "the neck is out of proportion to the head", "shorten the neck of the {p} to its natural length"), 16),
    Kind("small head", Category.BODY, BODIES, _persons, _body(
        _small_head, ("head",), "the head of the {p} is far too small for the body below it",
        "the head is out of proportion to the shoulders", "enlarge the head of the {p} to natural proportions"), 12),
    Kind("large head", Category.BODY, BODIES, _persons, _body(
        _large_head, ("head",), "the head of the {p} is swollen and far too large for the body",
        "the head is out of proportion to the shoulders", "shrink the head of the {p} to natural proportions"), 10),
    Kind("shifted waist", Category.BODY, ("figures",), _standing, _body(
        _shifted, ("left leg", "right leg", "torso"),
        "the legs of the {p} are shifted sideways and do not meet the torso",
        "legs start below the hips", "move the legs of the {p} back below the torso"), 5, heldout=True),
    Kind("loose head", Category.BODY, BODIES, _persons, _body(
        _loose_head, ("head",), "the head of the {p} floats beside the neck without touching it",
        "a head rests on the neck", "put the head of the {p} back on the neck"), 10, heldout=True),
)  # fmt: skip
