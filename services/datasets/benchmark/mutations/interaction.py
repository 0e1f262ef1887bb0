"""Hands and what they hold: a grip that closes on air, a thing that passes through the hand, one held absurdly."""

import random
from collections.abc import Callable
from dataclasses import replace

from services.datasets.benchmark.graph import Hand, Scene, Thing
from services.datasets.benchmark.mutations.base import Change, Kind, Telling, call, hands_of, held_of, with_hand
from shared.contracts.categories import Category

_LAYOUTS = ("grips", "half-lengths", "figures")


def _holding(scene: Scene) -> list[str]:
    return list(held_of(scene))


def _grip(
    alter: Callable[[Hand, Thing, random.Random], Hand], says: str, clash: str, do: str
) -> Callable[[Scene, str, random.Random], Change | None]:
    """A mutation of a grip; `{t}` is the held thing, `{h}` the hand."""

    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        hand = hands_of(scene)[path]
        if hand.held is None:
            return None
        words = {"t": hand.held.kind, "h": call(scene, path)}
        telling = Telling(says.format(**words), clash.format(**words), do.format(**words))
        return Change(with_hand(scene, path, alter(hand, hand.held, rng)), telling, (f"{path}/{hand.held.id}",))

    return apply


def _gap(hand: Hand, held: Thing, rng: random.Random) -> Hand:
    return replace(hand, slip=(-rng.uniform(0.55, 0.75), rng.uniform(-0.25, 0.15)))


def _above(hand: Hand, held: Thing, rng: random.Random) -> Hand:
    return replace(hand, slip=(rng.uniform(-0.2, 0.1), -rng.uniform(0.62, 0.8)))


def _through(hand: Hand, held: Thing, rng: random.Random) -> Hand:
    return replace(hand, pierced=True, slip=(rng.uniform(0.1, 0.22), rng.uniform(-0.05, 0.05)))


def _tipped(hand: Hand, held: Thing, rng: random.Random) -> Hand:
    return replace(hand, held=replace(held, angle=rng.choice((-1, 1)) * rng.uniform(75, 110)))


def _tippable(scene: Scene) -> list[str]:
    return [path for path, held in held_of(scene).items() if held.kind in ("cup", "glass", "bottle", "book", "phone")]


KINDS = (
    Kind("grip beside the thing", Category.INTERACTION, _LAYOUTS, _holding, _grip(
        _gap, "{h} closes on empty air while the {t} hovers beside it",
        "the grip does not meet what it should hold", "move the {t} into the grip of {h}"), 12),
    Kind("grip below the thing", Category.INTERACTION, _LAYOUTS, _holding, _grip(
        _above, "the {t} hovers above {h} instead of resting in its grip",
        "the grip does not meet what it should hold", "lower the {t} into the grip of {h}"), 12),
    Kind("thing through the hand", Category.INTERACTION, _LAYOUTS, _holding, _grip(
        _through, "the {t} passes right through the fingers that should hold it",
        "solid things do not pass through a hand", "let the fingers of {h} close around the {t}"), 14),
    Kind("absurd hold", Category.INTERACTION, _LAYOUTS, _tippable, _grip(
        _tipped, "the {t} in {h} lies across the grip and could not be held so",
        "fingers do not close around the thing in this position", "turn the {t} upright in {h}"), 10, heldout=True),
)  # fmt: skip
