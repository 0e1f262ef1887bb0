"""What a network answered for the very same bytes, kept while there is room: a loop looks at one picture many times.

Bounded in bytes, the least recently used goes first; safe to share between threads. Knows no network.
"""

import hashlib
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

_T = TypeVar("_T")

_ENTRY_BYTES = 256
"""About what an entry takes beside its arrays."""


def digest(pixels: npt.NDArray[np.uint8], *context: int | str) -> bytes:
    """A key for the array's bytes and shape, and for what else the answer depends on."""
    hashed = hashlib.blake2b(repr((pixels.shape, context)).encode(), digest_size=16)
    hashed.update(np.ascontiguousarray(pixels).data)
    return hashed.digest()


class Recall(Generic[_T]):
    """Answers by key.

    Args:
        capacity_bytes: what all answers together may take.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, tuple[_T, int]] = OrderedDict()
        self._held_bytes = 0

    @property
    def held_bytes(self) -> int:
        """What all answers take now."""
        with self._lock:
            return self._held_bytes

    def get(self, key: bytes) -> _T | None:
        """The answer, which then is the most recently used; None where it is not known or no longer."""
        with self._lock:
            if key not in self._answers:
                return None
            self._answers.move_to_end(key)
            return self._answers[key][0]

    def put(self, key: bytes, answer: _T, size_bytes: int) -> None:
        """Keeps an answer that takes `size_bytes`; one larger than all there is room for is not kept."""
        size = size_bytes + _ENTRY_BYTES
        with self._lock:
            if key in self._answers or size > self._capacity_bytes:
                return
            self._answers[key] = (answer, size)
            self._held_bytes += size
            while self._held_bytes > self._capacity_bytes:
                _, (_, gone) = self._answers.popitem(last=False)
                self._held_bytes -= gone
