"""Samples that are drawn once and learned from several times.

Where a GPU learns faster than the processes that feed it can draw, each drawn sample is handed out again between new
ones. Every process keeps its own.
"""

import random
from typing import Any, TypeVar

from torch.utils.data import Dataset

Item = TypeVar("Item")


class Reused(Dataset[Item]):
    """`times` as many items as `source` has: one in `times` is drawn from it, the others were drawn before.

    Args:
        source: a data set by index.
        times: how often an item is handed out, on average.
        kept: items that a process holds at once; the oldest makes room for a new one.
    """

    def __init__(self, source: Dataset[Item], times: int, kept: int) -> None:
        if times < 1 or kept < 1:
            raise ValueError(
                f"an item is handed out at least once and held at least once, not {times} and {kept} times"
            )
        self._source, self._times, self._kept = source, times, kept
        self._held: list[Item] = []
        self._drawn = 0

    def __len__(self) -> int:
        source: Any = self._source  # its annotation knows no length
        return len(source) * self._times

    def __getitem__(self, index: int) -> Item:
        """A new item where `times` divides the index, or nothing is held yet; else one that is held."""
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        if index % self._times and self._held:
            return random.Random(f"{index}/{self._drawn}").choice(self._held)
        item = self._source[index // self._times]
        if len(self._held) < self._kept:
            self._held.append(item)
        else:
            self._held[self._drawn % self._kept] = item
        self._drawn += 1
        return item
