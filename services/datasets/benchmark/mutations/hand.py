"""Hands with fingers too many, too few, grown together, swollen, stunted, too long or bent aside."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from services.datasets.benchmark.graph import Finger, Hand, Scene
from services.datasets.benchmark.make import FINGERS
from services.datasets.benchmark.mutations.base import HANDS, Change, Kind, Telling, call, hands_of, with_hand
from shared.contracts.categories import Category

_FREE = ("open", "relaxed", "pointing", "victory", "grip")


def _any(scene: Scene) -> list[str]:
    return list(hands_of(scene))


def _with_straight(scene: Scene) -> list[str]:
    return [path for path, hand in hands_of(scene).items() if _straight(hand)]


def _straight(hand: Hand) -> list[Finger]:
    return [f for f in hand.fingers if f.curl < 0.5 and f.name != "thumb"]


def _changed(
    scene: Scene,
    path: str,
    fingers: tuple[Finger, ...],
    telling: Telling,
    touched: tuple[str, ...],
    gone: tuple[str, ...] = (),
) -> Change:
    hand = replace(hands_of(scene)[path], fingers=fingers)
    return Change(
        with_hand(scene, path, hand), telling, tuple(f"{path}/{n}" for n in touched), tuple(f"{path}/{n}" for n in gone)
    )


def _extra(scene: Scene, path: str, rng: random.Random) -> Change | None:
    hand = hands_of(scene)[path]
    if len(hand.fingers) != len(FINGERS):
        return None
    straight = _straight(hand)
    if hand.shape == "grip" or (len(straight) == 4 and rng.random() < 0.5):
        fingers = _spread(hand, rng)
    else:
        model = hand.fingers[3]
        new = replace(
            model,
            name="sixth finger",
            base=(0.205, -0.37),
            angle=model.angle + rng.uniform(10, 18),
            length=model.length * 0.86,
        )
        if model.curl > 0.5:
            new = replace(new, base=(0.225, -0.42), angle=model.angle)
        fingers = (*hand.fingers[:4], new, hand.fingers[4])
    telling = Telling(
        f"{call(scene, path)} has six fingers, one too many",
        "a human hand has four fingers and a thumb",
        f"remove the additional finger from {call(scene, path)}",
    )
    return _changed(scene, path, fingers, telling, ("sixth finger",))


def _spread(hand: Hand, rng: random.Random) -> tuple[Finger, ...]:
    """Five fingers in the room of four, the new one somewhere in the middle."""
    four, thumb = list(hand.fingers[:4]), hand.fingers[4]
    at = rng.randint(1, 3)
    left, right = four[at - 1], four[at]
    middle = replace(
        left, name="sixth finger", base=((left.base[0] + right.base[0]) / 2, (left.base[1] + right.base[1]) / 2),
        angle=(left.angle + right.angle) / 2, length=(left.length + right.length) / 2,
    )  # fmt: skip
    row = [*four[:at], middle, *four[at:]]
    placed = []
    for i, finger in enumerate(row):
        x = -0.155 + 0.325 * i / 4
        shift = (-0.03 if i < at else 0.03 if i > at else 0.0) if hand.shape != "grip" else 0.0
        placed.append(
            replace(finger, base=(x, finger.base[1]), angle=finger.angle + shift * 160, radius=finger.radius * 0.88)
        )
    return (*placed, thumb)


def _missing(scene: Scene, path: str, rng: random.Random) -> Change | None:
    hand = hands_of(scene)[path]
    if len(hand.fingers) != len(FINGERS):
        return None
    lost = rng.choice(_straight(hand) or [f for f in hand.fingers if f.name != "thumb"])
    telling = Telling(
        f"the {lost.name} of {call(scene, path)} is missing entirely",
        "a human hand has four fingers and a thumb",
        f"add the missing {lost.name} to {call(scene, path)}",
    )
    return _changed(scene, path, tuple(f for f in hand.fingers if f is not lost), telling, (), (lost.name,))


def _fused(scene: Scene, path: str, rng: random.Random) -> Change | None:
    hand = hands_of(scene)[path]
    row = [f for f in hand.fingers if f.name != "thumb"]
    pairs = [(a, b) for a, b in pairwise(row) if a.curl < 0.5 and b.curl < 0.5]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    wide = replace(
        a, base=((a.base[0] + b.base[0]) / 2, (a.base[1] + b.base[1]) / 2), angle=(a.angle + b.angle) / 2,
        length=max(a.length, b.length), radius=(a.radius + b.radius) * rng.uniform(0.86, 0.95),
    )  # fmt: skip
    telling = Telling(
        f"the {a.name} and {b.name} of {call(scene, path)} are fused",
        "fingers of a hand are separate from each other",
        f"separate the {a.name} and the {b.name} of {call(scene, path)}",
    )
    fingers = tuple(wide if f is a else f for f in hand.fingers if f is not b)
    return _changed(scene, path, fingers, telling, (a.name,), (b.name,))


def _reshaped(
    alter: Callable[[Finger, random.Random], Finger],
    says: str,
    clash: str,
    do: str,
    only: Callable[[Finger], bool] = lambda f: True,
) -> Callable[[Scene, str, random.Random], Change | None]:
    """A mutation of one straight finger; `{f}` and `{h}` in the sentences are the finger and its hand."""

    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        hand = hands_of(scene)[path]
        free = [f for f in _straight(hand) if only(f)]
        if not free:
            return None
        struck = rng.choice(free)
        words = {"f": struck.name, "h": call(scene, path)}
        telling = Telling(says.format(**words), clash.format(**words), do.format(**words))
        fingers = tuple(alter(f, rng) if f is struck else f for f in hand.fingers)
        return _changed(scene, path, fingers, telling, (struck.name,), (struck.name,))

    return apply


def _swell(finger: Finger, rng: random.Random) -> Finger:
    return replace(finger, swell=rng.uniform(1.75, 2.2))


def _lengthen(finger: Finger, rng: random.Random) -> Finger:
    return replace(finger, length=finger.length * rng.uniform(1.5, 1.75))


def _stunt(finger: Finger, rng: random.Random) -> Finger:
    return replace(finger, length=finger.length * rng.uniform(0.32, 0.45))


def _bend(finger: Finger, rng: random.Random) -> Finger:
    side = rng.choice((-1, 1))
    return replace(finger, bends=(side * rng.uniform(55, 75), side * rng.uniform(20, 40)))


def _second_thumb(scene: Scene, path: str, rng: random.Random) -> Change | None:
    hand = hands_of(scene)[path]
    if len(hand.fingers) != len(FINGERS):
        return None
    thumb = hand.fingers[-1]
    twin = replace(
        thumb, name="second thumb", base=(0.16, -0.22), angle=rng.uniform(40, 58), length=thumb.length * 0.95
    )
    telling = Telling(
        f"{call(scene, path)} has a second thumb growing out of its outer edge",
        "a human hand has only one thumb, on its inner side",
        f"remove the second thumb from {call(scene, path)}",
    )
    return _changed(scene, path, (*hand.fingers, twin), telling, ("second thumb",))


def _free(scene: Scene) -> list[str]:
    return [path for path, hand in hands_of(scene).items() if hand.shape in ("open", "relaxed")]


KINDS = (
    Kind("extra finger", Category.HAND, HANDS, _any, _extra, 24),
    Kind("missing finger", Category.HAND, HANDS, _any, _missing, 24),
    Kind("fused fingers", Category.HAND, HANDS, _with_straight, _fused, 20),
    Kind("swollen finger", Category.HAND, HANDS, _with_straight, _reshaped(
        _swell, "the {f} of {h} is badly swollen",
        "the {f} does not match the other fingers of this hand", "make the {f} of {h} as slim as its neighbours"), 20),
    Kind("long finger", Category.HAND, HANDS, _with_straight, _reshaped(
        _lengthen, "the {f} of {h} is far too long",
        "the {f} is out of proportion to the rest of the hand", "shorten the {f} of {h} to its natural length"), 20),
    Kind("stunted finger", Category.HAND, HANDS, _with_straight, _reshaped(
        _stunt, "the {f} of {h} is a short stump",
        "the {f} is out of proportion to the rest of the hand", "extend the {f} of {h} to its natural length"), 20),
    Kind("bent finger", Category.HAND, HANDS, _with_straight, _reshaped(
        _bend, "the {f} of {h} is bent sideways at an impossible angle",
        "finger joints do not bend sideways", "straighten the {f} of {h}"), 22, heldout=True),
    Kind("second thumb", Category.HAND, ("hands", "half-lengths"), _free, _second_thumb, 24, heldout=True),
)  # fmt: skip
