"""Hands and what they hold: a grip that closes on air, a thing that passes through the hand, one held absurdly."""

import random
from collections.abc import Callable
from dataclasses import replace

from services.datasets.benchmark.draw.things import HALF_WIDTHS
from services.datasets.benchmark.graph import Hand, Scene, Thing
from services.datasets.benchmark.mutations.base import (
    Change,
    Kind,
    Telling,
    call,
    hand_length,
    hands_of,
    held_of,
    with_hand,
)
from shared.contracts.categories import Category

_LAYOUTS = ("grips", "half-lengths", "figures")


def _holding(scene: Scene) -> list[str]:
    return list(held_of(scene))


def _grip(
    alter: Callable[[Hand, Thing, random.Random, float], Hand], says: str, clash: str, do: str
) -> Callable[[Scene, str, random.Random], Change | None]:
    """A mutation of a grip; `{t}` is the held thing, `{h}` the hand."""

    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        hand = hands_of(scene)[path]
        if hand.held is None:
            return None
        words = {"t": hand.held.kind, "h": call(scene, path)}
        telling = Telling(says.format(**words), clash.format(**words), do.format(**words))
        return Change(
            with_hand(scene, path, alter(hand, hand.held, rng, hand_length(scene, path))),
            telling,
            (f"{path}/{hand.held.id}",),
        )

    return apply


def _gap(hand: Hand, held: Thing, rng: random.Random, unit: float) -> Hand:
    half = HALF_WIDTHS[held.kind] * held.size / unit
    return replace(hand, slip=(-half - rng.uniform(0.22, 0.32), rng.uniform(-0.15, 0.1)))


def _above(hand: Hand, held: Thing, rng: random.Random, unit: float) -> Hand:
    return replace(hand, slip=(rng.uniform(-0.15, 0.05), -held.size / unit / 2 - rng.uniform(0.22, 0.3)))


def _through(hand: Hand, held: Thing, rng: random.Random, unit: float) -> Hand:
    return replace(hand, pierced=True, slip=(rng.uniform(0.1, 0.22), rng.uniform(-0.05, 0.05)))


def _tipped(hand: Hand, held: Thing, rng: random.Random, unit: float) -> Hand:
    return replace(hand, held=replace(held, angle=rng.choice((-1, 1)) * rng.uniform(75, 110)))


def _low(scene: Scene) -> list[str]:
    """Things that stay in the frame above the hand."""
    return [path for path, held in held_of(scene).items() if held.size < 0.75 * hand_length(scene, path)]


def _tippable(scene: Scene) -> list[str]:
    return [path for path, held in held_of(scene).items() if held.kind in ("cup", "glass", "bottle", "book", "phone")]


KINDS = (
    Kind("grip beside the thing", Category.INTERACTION, _LAYOUTS, _holding, _grip(
        _gap, "{h} closes on empty air while the {t} hovers beside it",
        "the grip does not meet what it should hold", "move the {t} into the grip of {h}"), 12),
    Kind("grip below the thing", Category.INTERACTION, _LAYOUTS, _low, _grip(
        _above, "the {t} hovers above {h} instead of resting in its grip",
        "the grip does not meet what it should hold", "lower the {t} into the grip of {h}"), 12),
    Kind("thing through the hand", Category.INTERACTION, _LAYOUTS, _holding, _grip(
        _through, "the {t} passes right through the fingers that should hold it",
        "solid things do not pass through a hand", "let the fingers of {h} close around the {t}"), 14),
    Kind("absurd hold", Category.INTERACTION, _LAYOUTS, _tippable, _grip(
        _tipped, "the {t} in {h} lies across the grip and could not be held so",
        "fingers do not close around the thing in this position", "turn the {t} upright in {h}"), 10, heldout=True),
)  # fmt: skip
