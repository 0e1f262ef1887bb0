"""Arms and legs that bend the wrong way, are one too many or too few, too short, too thick or torn off."""

import random
from collections.abc import Callable
from dataclasses import replace

from services.datasets.benchmark.draw.people import HAND, skeleton
from services.datasets.benchmark.frame import polar
from services.datasets.benchmark.graph import Arm, Leg, Person, Scene
from services.datasets.benchmark.mutations.base import BODIES, Change, Kind, Telling, people_of, stands_free
from shared.contracts.categories import Category

_DO = Callable[[Scene, str, random.Random], Change | None]


def _arms(scene: Scene) -> list[str]:
    return [f"{p.id}/{a.name}" for p in people_of(scene) for a in p.arms if skeleton(p).arms[a.name].end[1] < 0.95]


def _legs(scene: Scene) -> list[str]:
    return [
        f"{p.id}/{leg.name}" for p in people_of(scene) for leg in p.legs if skeleton(p).legs[leg.name].end[1] < 0.99
    ]


def _persons(scene: Scene) -> list[str]:
    return [p.id for p in people_of(scene)]


def _shown(person: Person) -> bool:
    """No hand of the changed person leaves the frame."""
    bones = skeleton(person)
    for arm in person.arms:
        joints = bones.arms[arm.name]
        tip = polar(joints.end, arm.fore + arm.hand_angle, HAND * person.size)
        if any(not 0.015 < p[0] < 0.985 or not p[1] > 0.015 for p in (joints.middle, joints.end, tip)):
            return False
    return True


def _arm(alter: Callable[[Arm, random.Random], Arm], says: str, clash: str, do: str, gone: bool = True) -> _DO:
    """A mutation of one arm; `{p}` is the person, `{a}` the arm."""

    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        owner, name = path.split("/")
        person = scene.person(owner)
        changed = replace(person, arms=tuple(alter(a, rng) if a.name == name else a for a in person.arms))
        if not _shown(changed) or not stands_free(scene, changed):
            return None
        words = {"p": person.noun, "a": name}
        telling = Telling(says.format(**words), clash.format(**words), do.format(**words))
        return Change(scene.with_item(changed), telling, (path,))

    return apply


def _backwards(arm: Arm, rng: random.Random) -> Arm:
    return replace(
        arm,
        upper=arm.side * rng.uniform(104, 122),
        fore=arm.side * rng.uniform(196, 224),
        hand_angle=arm.side * -rng.uniform(60, 100),
    )


def _reverse_hand(arm: Arm, rng: random.Random) -> Arm:
    return replace(arm, hand_angle=rng.choice((-1, 1)) * rng.uniform(135, 170))


def _stunted(arm: Arm, rng: random.Random) -> Arm:
    return replace(arm, upper_length=rng.uniform(0.5, 0.6), fore_length=rng.uniform(0.3, 0.4))


def _thick(arm: Arm, rng: random.Random) -> Arm:
    return replace(arm, girth=rng.uniform(1.8, 2.2))


def _torn(arm: Arm, rng: random.Random) -> Arm:
    return replace(arm, gap=rng.uniform(0.05, 0.075))


def _missing_arm(scene: Scene, path: str, rng: random.Random) -> Change | None:
    owner, name = path.split("/")
    person = scene.person(owner)
    changed = replace(person, arms=tuple(a for a in person.arms if a.name != name))
    telling = Telling(
        f"the {name} of the {person.noun} is missing from the shoulder downwards",
        "a person has two arms",
        f"add the missing {name} to the {person.noun}",
    )
    return Change(scene.with_item(changed), telling, (), (path,))


def _extra_arm(scene: Scene, path: str, rng: random.Random) -> Change | None:
    person = scene.person(path)
    model = rng.choice([a for a in person.arms if a.hand is not None])
    angles = [
        u
        for u in (60.0, 88.0, 112.0, 138.0, 160.0)
        if all(abs(u - abs(a.upper)) > 22 for a in person.arms if a.side == model.side)
    ]
    if not angles or model.hand is None:
        return None
    upper = rng.choice(angles)
    hand = replace(model.hand, held=None, shape="open" if model.hand.shape == "grip" else model.hand.shape)
    new = replace(model, name="third arm", upper=model.side * upper, fore=model.side * (upper + rng.uniform(-20, 25)),
        hand=hand, behind=True,
                  shift=(0.0, 0.03), hand_angle=0.0)  # fmt: skip
    changed = replace(person, arms=(*person.arms, new))
    if not _shown(changed) or not stands_free(scene, changed):
        return None
    telling = Telling(
        f"the {person.noun} has a third arm that grows out of one side",
        "a person has two arms",
        f"remove the third arm of the {person.noun}",
    )
    return Change(scene.with_item(changed), telling, (f"{path}/third arm",))


def _leg(alter: Callable[[Leg, random.Random], Leg], says: str, clash: str, do: str) -> _DO:
    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        owner, name = path.split("/")
        person = scene.person(owner)
        changed = replace(person, legs=tuple(alter(leg, rng) if leg.name == name else leg for leg in person.legs))
        words = {"p": person.noun, "l": name}
        telling = Telling(says.format(**words), clash.format(**words), do.format(**words))
        return Change(scene.with_item(changed), telling, (path,), (path,))

    return apply


def _wrong_knee(leg: Leg, rng: random.Random) -> Leg:
    return replace(leg, upper=180 - leg.side * 12, lower=leg.side * rng.uniform(80, 115), foot=leg.side)


def _extra_leg(scene: Scene, path: str, rng: random.Random) -> Change | None:
    person = scene.person(path)
    side = rng.choice((-1, 1))
    model = person.legs[0]
    new = replace(
        model,
        name="third leg",
        side=side,
        upper=180 - side * rng.uniform(24, 32),
        lower=180 - side * rng.uniform(4, 14),
        foot=side,
    )
    changed = replace(person, legs=(new, *person.legs))
    telling = Telling(
        f"the {person.noun} stands on three legs, one of them spread to the side",
        "a person has two legs",
        f"remove the third leg of the {person.noun}",
    )
    return Change(scene.with_item(changed), telling, (f"{path}/third leg",))


def _standing(scene: Scene) -> list[str]:
    return [p.id for p in people_of(scene) if p.at[1] < 1.0]


KINDS = (
    Kind("backwards arm", Category.LIMB, BODIES, _arms, _arm(
        _backwards, "the {a} of the {p} bends backwards at its elbow",
        "an elbow does not bend that way", "redraw the {a} of the {p} with a natural bend"), 14),
    Kind("backwards hand", Category.LIMB, BODIES, _arms, _arm(
        _reverse_hand, "the {a} of the {p} ends in a backwards hand",
        "a wrist does not turn that far", "turn the hand of the {a} of the {p} forwards"), 14),
    Kind("backwards knee", Category.LIMB, ("figures",), _legs, _leg(
        _wrong_knee, "the {l} of the {p} bends sideways at the knee",
        "a knee does not bend sideways", "straighten the {l} of the {p}"), 14),
    Kind("extra arm", Category.LIMB, BODIES, _persons, _extra_arm, 16),
    Kind("missing arm", Category.LIMB, BODIES, _arms, _missing_arm, 16),
    Kind("stunted arm", Category.LIMB, BODIES, _arms, _arm(
        _stunted, "the {a} of the {p} is less than half its length",
        "both arms of a person have the same length", "lengthen the {a} of the {p} to match the other"), 14),
    Kind("swollen arm", Category.LIMB, BODIES, _arms, _arm(
        _thick, "the {a} of the {p} is twice as thick as the other",
        "both arms of a person have the same girth", "slim the {a} of the {p} to match the other"), 12),
    Kind("extra leg", Category.LIMB, ("figures",), _standing, _extra_leg, 16, heldout=True),
    Kind("torn arm", Category.LIMB, BODIES, _arms, _arm(
        _torn, "the forearm of the {a} of the {p} floats detached from the elbow",
        "a forearm is joined to the upper arm", "join the forearm of the {p} to the elbow again"), 14, heldout=True),
)  # fmt: skip
