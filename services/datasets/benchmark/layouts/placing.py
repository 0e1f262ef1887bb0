"""Puts items into a scene one by one, each tried until it stands free of those already there."""

from collections.abc import Callable, Sequence

from services.datasets.benchmark.graph import Item
from services.datasets.benchmark.validate import meets, seen


def placed(items: Sequence[Item], make: Callable[[], Item], tries: int = 40) -> list[Item]:
    """The items with one more, or without it where no try stood free."""
    others = [extent for item in items for extent in seen(item)]
    for _ in range(tries):
        item = make()
        if not meets(item, others):
            return [*items, item]
    return list(items)
