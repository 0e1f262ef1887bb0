"""Numbers of things that contradict the prompt: one more, one fewer, two more."""

import random
from dataclasses import replace

from services.datasets.benchmark.graph import Scene, Thing
from services.datasets.benchmark.mutations.base import Change, Kind, Telling, things_of
from services.datasets.benchmark.validate import clashes
from services.datasets.benchmark.words import number, plural
from shared.contracts.categories import Category

_LAYOUTS = ("table", "animals", "figures", "signs")


def _alike(scene: Scene, thing: Thing) -> list[Thing]:
    return [t for t in things_of(scene) if t.kind == thing.kind and t.colour == thing.colour]


def _all(scene: Scene) -> list[str]:
    return [t.id for t in things_of(scene)]


def _several(scene: Scene) -> list[str]:
    return [t.id for t in things_of(scene) if len(_alike(scene, t)) > 1]


def _telling(thing: Thing, seen: int, asked: int) -> Telling:
    return Telling(
        f"the image shows {number(seen)} {plural(thing.kind, seen)} although the prompt asks for {number(asked)}",
        f"the prompt says {number(asked)} {plural(thing.kind, asked)}",
        f"{'remove' if seen > asked else 'add'} {number(abs(seen - asked))} {plural(thing.kind, abs(seen - asked))}",
    )


def _more(scene: Scene, path: str, rng: random.Random, how_many: int) -> Change | None:
    thing = next(t for t in things_of(scene) if t.id == path)
    asked = len(_alike(scene, thing))
    changed = scene
    names: list[str] = []
    for k in range(how_many):
        for _ in range(60):
            at = (
                rng.uniform(0.07, 0.93),
                min(0.96, max(scene.backdrop.horizon + 0.07, thing.at[1] + rng.uniform(-0.12, 0.12))),
            )
            new = replace(
                thing, id=f"{path} again {k}", at=at, flip=rng.random() < 0.5, size=thing.size * rng.uniform(0.96, 1.04)
            )
            if not clashes([*changed.items, new], len(changed.items)):
                changed, names = changed.adding(new), [*names, new.id]
                break
    if len(names) < how_many:
        return None
    return Change(changed, _telling(thing, asked + how_many, asked), tuple(names))


def _one_more(scene: Scene, path: str, rng: random.Random) -> Change | None:
    return _more(scene, path, rng, 1)


def _two_more(scene: Scene, path: str, rng: random.Random) -> Change | None:
    return _more(scene, path, rng, 2)


def _one_fewer(scene: Scene, path: str, rng: random.Random) -> Change | None:
    thing = next(t for t in things_of(scene) if t.id == path)
    asked = len(_alike(scene, thing))
    fewer, more = _telling(thing, asked - 1, asked), _telling(thing, asked, asked - 1)
    return Change(scene.without(path), fewer, (), (path,), denied=more)


KINDS = (
    Kind("one more", Category.COUNT, _LAYOUTS, _all, _one_more, 0, prompt_fault=True),
    Kind(
        "one fewer",
        Category.COUNT,
        ("table", "animals", "figures"),
        _several,
        _one_fewer,
        0,
        prompt_fault=True,
        prompt_decides=True,
    ),
    Kind("two more", Category.COUNT, _LAYOUTS, _all, _two_more, 0, prompt_fault=True, heldout=True),
)
