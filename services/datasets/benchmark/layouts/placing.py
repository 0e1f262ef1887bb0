"""Puts items into a scene one by one, each tried until it stands free of those already there.

Also the things that are in the air by right: hard negatives for those that float.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.datasets.benchmark.graph import Backdrop, Item
from services.datasets.benchmark.make import OUTSIDE, Maker
from services.datasets.benchmark.validate import meets, seen


def placed(items: Sequence[Item], make: Callable[[], Item], tries: int = 40) -> list[Item]:
    """The items with one more, or without it where no try stood free."""
    others = [extent for item in items for extent in seen(item)]
    for _ in range(tries):
        item = make()
        if not meets(item, others):
            return [*items, item]
    return list(items)


def aloft(maker: Maker, items: Sequence[Item], backdrop: Backdrop) -> list[Item]:
    """The items with a balloon among them, where nothing of the backdrop is in its way."""
    if backdrop.kind not in (*OUTSIDE, "studio"):
        return list(items)
    rng = maker.rng

    def make() -> Item:
        size = rng.uniform(0.2, 0.28)
        at = (rng.uniform(0.08, 0.92), rng.uniform(size + 0.02, max(size + 0.05, backdrop.horizon - 0.1)))
        return replace(maker.thing("aloft", "balloon", at, size, "hanging"), flip=False, halo=0.0)

    return placed(items, make)
