"""An image store that waits outages of another out, for workers: a storage that is away for a minute fails no job.

The worker's claims are kept meanwhile, and deadlines and cancels reach the job as ever. Whoever answers callers uses
the store itself.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from shared.errors import ErrorCode, Unavailable
from shared.ports import ImageStore

log = structlog.get_logger()

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 4.0

_T = TypeVar("_T")


class PatientImageStore:
    """Tries again while the inner store does not answer, for `patience_s` at the most; a full disk is told at once."""

    def __init__(self, inner: ImageStore, patience_s: float) -> None:
        self._inner = inner
        self._patience_s = patience_s

    def put(self, ref: str, data: bytes) -> str:
        """See `ImageStore.put`."""
        return self._patiently(lambda: self._inner.put(ref, data))

    def get(self, ref: str) -> bytes:
        """See `ImageStore.get`."""
        return self._patiently(lambda: self._inner.get(ref))

    def refs(self, prefix: str) -> Sequence[str]:
        """See `ImageStore.refs`."""
        return self._patiently(lambda: self._inner.refs(prefix))

    def delete(self, prefix: str) -> int:
        """See `ImageStore.delete`."""
        return self._patiently(lambda: self._inner.delete(prefix))

    def _patiently(self, use: Callable[[], _T]) -> _T:
        give_up_at_s = time.monotonic() + self._patience_s
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return use()
            except Unavailable as error:
                if error.code is not ErrorCode.STORE_UNAVAILABLE or time.monotonic() + pause_s > give_up_at_s:
                    raise
                log.warning("image_store_away", message=error.message, again_in_s=pause_s)
            time.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
