"""Attributes that contradict the prompt: colours of things, garments, held things and hair; patterns of garments."""

import random
from dataclasses import replace

from services.datasets.benchmark.colour import Named, darker, distance, lighter, luma
from services.datasets.benchmark.graph import Garment, Hand, Person, Scene
from services.datasets.benchmark.make import ANIMALS
from services.datasets.benchmark.mutations.base import (
    STILLS,
    Change,
    Kind,
    Telling,
    call,
    hands_of,
    held_of,
    people_of,
    things_of,
    with_hand,
)
from services.datasets.benchmark.vocabulary import HAIRS, TEST, TRAIN
from shared.contracts.categories import Category


def _palette(scene: Scene, now: Named) -> list[Named]:
    """Other colours of the palette that the scene draws with, clearly unlike the present one."""
    for palette in (*TRAIN.palettes, *TEST.palettes):
        if now in palette:
            return [c for c in palette if c.name != now.name and distance(c.rgb, now.rgb) > 0.35]
    return []


def _telling(what: str, new: str, old: str) -> Telling:
    return Telling(
        f"{what} is {new} although the prompt asks for {old} here",
        f"the prompt says {old}, the image shows {new}",
        f"change the colour of {what} from {new} to {old}",
    )


def _coloured(scene: Scene, what: str, new: Named, old: Named, touched: tuple[str, ...]) -> Change:
    """The scene with that thing in the new colour."""
    return Change(scene, _telling(what, new.name, old.name), touched, denied=_telling(what, old.name, new.name))


def _alone(scene: Scene) -> list[str]:
    """Things whose kind occurs once: of several alike, none could be told to be the wrong one."""
    kinds = [t.kind for t in things_of(scene)]
    return [t.id for t in things_of(scene) if kinds.count(t.kind) == 1 and t.kind not in ANIMALS]


def _thing(scene: Scene, path: str, rng: random.Random) -> Change | None:
    thing = next(t for t in things_of(scene) if t.id == path)
    others = _palette(scene, thing.colour)
    if not others:
        return None
    new = rng.choice(others)
    return _coloured(scene.with_item(replace(thing, colour=new)), f"the {thing.kind}", new, thing.colour, (path,))


def _wearers(scene: Scene) -> list[str]:
    return [p.id for p in people_of(scene)]


def _recoloured(garment: Garment, new: Named) -> Garment:
    second = lighter(new.rgb, 0.75) if luma(new.rgb) < 0.6 else darker(new.rgb, 0.4)
    return replace(garment, colour=new, second=second)


def _garment(scene: Scene, path: str, rng: random.Random) -> Change | None:
    person = scene.person(path)
    others = _palette(scene, person.top.colour)
    if not others:
        return None
    new = rng.choice(others)
    changed = replace(person, top=_recoloured(person.top, new))
    parts = (f"{path}/torso", *(f"{path}/{a.name}" for a in person.arms))
    what = f"the {person.top.kind} of the {person.noun}"
    return _coloured(scene.with_item(changed), what, new, person.top.colour, parts)


def _held(scene: Scene) -> list[str]:
    return list(held_of(scene))


def _held_thing(scene: Scene, path: str, rng: random.Random) -> Change | None:
    hand: Hand = hands_of(scene)[path]
    if hand.held is None:
        return None
    others = [c for c in _palette(scene, hand.held.colour) if distance(c.rgb, hand.skin) > 0.2]
    if not others:
        return None
    new = rng.choice(others)
    changed = with_hand(scene, path, replace(hand, held=replace(hand.held, colour=new)))
    what = f"the {hand.held.kind} in {call(scene, path)}"
    return _coloured(changed, what, new, hand.held.colour, (f"{path}/{hand.held.id}",))


def _haired(scene: Scene) -> list[str]:
    return [f"{p.id}/head/hair" for p in people_of(scene, 0.045) if p.head.hairstyle not in ("bald", "cap")]


def _hair(scene: Scene, path: str, rng: random.Random) -> Change | None:
    person: Person = scene.person(path.split("/")[0])
    now = person.head.hair
    new = rng.choice([h for h in HAIRS if h.name != now.name and distance(h.rgb, now.rgb) > 0.3])
    changed = scene.with_item(replace(person, head=replace(person.head, hair=new, beard="")))
    if person.head.beard:
        return None
    return _coloured(changed, f"the hair of the {person.noun}", new, now, (path,))


def _trousered(scene: Scene) -> list[str]:
    return [p.id for p in people_of(scene) if not p.bottom.is_skirt]


def _trousers(scene: Scene, path: str, rng: random.Random) -> Change | None:
    person = scene.person(path)
    others = _palette(scene, person.bottom.colour)
    if not others:
        return None
    new = rng.choice(others)
    changed = scene.with_item(replace(person, bottom=_recoloured(person.bottom, new)))
    what = f"the {person.noun}'s {person.bottom.kind}"
    telling = Telling(
        f"{what} are {new.name} although the prompt asks for {person.bottom.colour.name} ones",
        f"the prompt says {person.bottom.colour.name}, the image shows {new.name}",
        f"change the colour of {what} from {new.name} to {person.bottom.colour.name}",
    )
    return Change(changed, telling, tuple(f"{path}/{leg.name}" for leg in person.legs))


def _patterned(scene: Scene) -> list[str]:
    """Wearers of what the prompt calls striped, dotted or checked."""
    return [p.id for p in people_of(scene) if p.top.pattern != "plain"]


def _pattern(scene: Scene, path: str, rng: random.Random) -> Change | None:
    person = scene.person(path)
    now = person.top.pattern
    new = rng.choice([p for p in ("plain", "striped", "dotted") if p != now])
    changed = scene.with_item(replace(person, top=replace(person.top, pattern=new)))
    what = f"the {person.top.kind} of the {person.noun}"
    telling = Telling(
        f"{what} is {new} although the prompt asks for a {now} one here",
        f"the prompt says {now}, the image shows {new}",
        f"make {what} {now}",
    )
    return Change(changed, telling, (f"{path}/torso", *(f"{path}/{a.name}" for a in person.arms)))


KINDS = (
    Kind(
        "wrong colour of a thing", Category.ATTRIBUTE, STILLS, _alone, _thing, 0, prompt_fault=True, prompt_decides=True
    ),
    Kind(
        "wrong colour of a garment",
        Category.ATTRIBUTE,
        ("figures",),
        _wearers,
        _garment,
        0,
        prompt_fault=True,
        prompt_decides=True,
    ),
    Kind(
        "wrong colour of a held thing",
        Category.ATTRIBUTE,
        ("grips", "half-lengths"),
        _held,
        _held_thing,
        0,
        prompt_fault=True,
        prompt_decides=True,
    ),
    Kind(
        "wrong colour of hair",
        Category.ATTRIBUTE,
        ("half-lengths", "gathering"),
        _haired,
        _hair,
        0,
        prompt_fault=True,
        prompt_decides=True,
    ),
    Kind(
        "wrong pattern",
        Category.ATTRIBUTE,
        ("figures",),
        _patterned,
        _pattern,
        0,
        prompt_fault=True,
        prompt_decides=True,
        heldout=True,
    ),
    Kind(
        "wrong colour of trousers",
        Category.ATTRIBUTE,
        ("figures", "gathering"),
        _trousered,
        _trousers,
        0,
        prompt_fault=True,
        prompt_decides=True,
        heldout=True,
    ),
)
