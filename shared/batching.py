"""A dynamic batcher: one thread owns a model, and runs together what different jobs ask of it at about the same time.

Callers block until their item is done. Knows neither the model nor the items.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class BatchRules:
    """A batch is run once it holds `max_items`, or `max_wait_s` after its first item came."""

    max_items: int = 8
    max_wait_s: float = 0.01


@dataclass(frozen=True)
class _Waiting(Generic[T, R]):
    item: T
    key: Hashable
    since_s: float
    result: "Future[R]"


Observer = Callable[[int, Sequence[float]], None]
"""Is told of each batch: how many items, and how many seconds each had waited."""


class Batcher(Generic[T, R]):
    """Runs items in batches, in one thread of its own.

    Args:
        run: takes items of one key, returns one result for each, in order. Called from the batcher's thread alone.
        rules: how large and how late a batch may be.
        key: items of different keys never share a batch: size, steps, whatever the model needs to be equal.
        name: of the thread.
        observe: for metrics.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], Sequence[R]],
        rules: BatchRules,
        key: Callable[[T], Hashable] = lambda item: None,
        name: str = "batcher",
        observe: Observer = lambda count, waits_s: None,
    ) -> None:
        self._run = run
        self._rules = rules
        self._key = key
        self._observe = observe
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def __call__(self, items: Sequence[T]) -> list[R]:
        """The results of the items, in order; blocks until all are there.

        Raises:
            RuntimeError: the batcher is closed.
            Exception: what `run` raised for one of these items.
        """
        now_s = time.monotonic()
        entries = [_Waiting[T, R](item, self._key(item), now_s, Future()) for item in items]
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            self._waiting.extend(entries)
            self._changed.notify()
        return [entry.result.result() for entry in entries]

    def close(self) -> None:
        """Takes no more items, and returns once those taken are done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            now_s = time.monotonic()
            self._observe(len(batch), [now_s - entry.since_s for entry in batch])
            self._finish(batch)

    def _next_batch(self) -> list[_Waiting[T, R]]:
        """The oldest item and those that may go with it; empty once closed and drained."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                self._changed.wait()
            first = self._waiting[0]
            leave_at_s = first.since_s + self._rules.max_wait_s
            while not self._closed and self._of_key(first.key) < self._rules.max_items:
                left_s = leave_at_s - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            together = [entry for entry in self._waiting if entry.key == first.key][: self._rules.max_items]
            taken = {id(entry) for entry in together}
            self._waiting = deque(entry for entry in self._waiting if id(entry) not in taken)
            return together

    def _of_key(self, key: Hashable) -> int:
        return sum(entry.key == key for entry in self._waiting)

    def _finish(self, batch: Sequence[_Waiting[T, R]]) -> None:
        """A batch that fails is run item by item, so that an item's failure is its own job's alone."""
        try:
            results = self._run([entry.item for entry in batch])
            if len(results) != len(batch):
                raise ValueError(f"{len(batch)} items went in, {len(results)} results came out")
        except Exception as error:
            if len(batch) == 1:
                batch[0].result.set_exception(error)
                return
            for entry in batch:
                self._finish([entry])
            return
        for entry, result in zip(batch, results, strict=True):
            entry.result.set_result(result)
