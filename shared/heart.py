"""Keeps a worker's claims while it works on them, and lets go of a stage that hangs.

A stage that takes longer than `stage_timeout_s` gets no more heartbeats, and the process ends: a hung model or GPU is
not alive, whatever its other threads do. Its other claims are given back first, so that they do not count as lost.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from shared.contracts.dispatch import Dispatch
from shared.errors import RetoucherError
from shared.ports import Dispatches
from shared.telemetry import WorkerMetrics

log = structlog.get_logger()

EXIT_CODE = 70
"""Of a process that a hanging stage has ended (EX_SOFTWARE)."""

BEATS_PER_LEASE = 4


def leave_process() -> None:
    """Ends the process at once; nothing that hangs can hold it up."""
    os._exit(EXIT_CODE)


class Heart:
    """One thread that prolongs all claims of a process.

    Args:
        dispatches: where the claims are.
        holder: this process, as the claims name it.
        lease_s: of each claim; it is prolonged four times as often.
        stage_timeout_s: after so long a stage hangs.
        die: ends the process.
    """

    def __init__(
        self,
        dispatches: Dispatches,
        holder: str,
        lease_s: float,
        stage_timeout_s: float,
        metrics: WorkerMetrics,
        die: Callable[[], None] = leave_process,
    ) -> None:
        self.holder = holder
        self.lease_s = lease_s
        self._dispatches = dispatches
        self._timeout_s = stage_timeout_s
        self._metrics = metrics
        self._die = die
        self._began_s: dict[Dispatch, float] = {}
        self._lost: set[Dispatch] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """Begins to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beats no more; claims still held expire."""
        self._stopped.set()

    @property
    def alive(self) -> bool:
        """Whether claims are being kept."""
        return self._thread.is_alive()

    @contextmanager
    def beating_for(self, dispatch: Dispatch) -> Iterator[None]:
        """Keeps a claim while the block runs."""
        with self._lock:
            self._began_s[dispatch] = time.monotonic()
        gauge = self._metrics.running.labels(dispatch.work)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()
            with self._lock:
                self._began_s.pop(dispatch, None)
                self._lost.discard(dispatch)

    def beat(self) -> None:
        """One heartbeat: hung stages first, then every claim held."""
        late_s = time.monotonic() - self._timeout_s
        with self._lock:
            hung = [dispatch for dispatch, began_s in self._began_s.items() if began_s < late_s]
            held = [dispatch for dispatch in self._began_s if dispatch not in self._lost and dispatch not in hung]
        if hung:
            self._give_up(hung, held)
            return
        try:
            gone = self._dispatches.prolong(held, self.holder, self.lease_s)
        except RetoucherError as error:
            self._metrics.heartbeat_failures.inc()
            log.warning("heartbeat_failed", held=len(held), message=error.message)
            return
        for dispatch in gone:
            with self._lock:
                still_at_it = dispatch in self._began_s  # else it ended while this beat was on its way
                if still_at_it:
                    self._lost.add(dispatch)
            if still_at_it:
                self._metrics.leases_lost.inc()
                log.warning("claim_lost", job_id=dispatch.job_id, step=dispatch.step, dispatch=dispatch.dispatch)

    def _give_up(self, hung: list[Dispatch], others: list[Dispatch]) -> None:
        for dispatch in hung:
            log.error(
                "stage_hangs",
                job_id=dispatch.job_id,
                step=dispatch.step,
                dispatch=dispatch.dispatch,
                work=dispatch.work,
                after_s=self._timeout_s,
            )
        for dispatch in others:
            try:
                self._dispatches.release(dispatch, self.holder)
            except RetoucherError as error:
                log.warning("release_failed", job_id=dispatch.job_id, message=error.message)
        self._die()

    def _run(self) -> None:
        self.beat()
        while not self._stopped.wait(self.lease_s / BEATS_PER_LEASE):
            self.beat()
