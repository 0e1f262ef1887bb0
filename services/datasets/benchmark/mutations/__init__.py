"""Every kind of blemish, by category. A new kind is one entry in its category's file."""

from services.datasets.benchmark.mutations import (
    attribute,
    body,
    count,
    face,
    hand,
    interaction,
    limb,
    objects,
    spatial,
    text,
)
from services.datasets.benchmark.mutations.base import Change, Kind, Telling
from shared.contracts.categories import Category

KINDS: tuple[Kind, ...] = (
    *hand.KINDS, *face.KINDS, *limb.KINDS, *body.KINDS, *attribute.KINDS, *count.KINDS, *spatial.KINDS, *objects.KINDS,
    *interaction.KINDS, *text.KINDS,
)  # fmt: skip


def kinds_of(category: Category, split: str) -> tuple[Kind, ...]:
    """The kinds that a split draws: `test-kinds` only those that the other splits never show."""
    return tuple(k for k in KINDS if k.category is category and k.heldout == (split == "test-kinds"))


__all__ = ["KINDS", "Change", "Kind", "Telling", "kinds_of"]
