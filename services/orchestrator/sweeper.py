"""Sends again what nobody took up and what a lost worker held; the rules are the job store's (see the README here).

Several sweepers may run: the store hands each thing out once. It decides nothing about a job; the loop does.
"""

import threading

import structlog

from shared.contracts.dispatch import SendingReason
from shared.errors import RetoucherError
from shared.ports import Dispatches, StageQueue
from shared.telemetry import SweeperMetrics

log = structlog.get_logger()

TICK_S = 0.5
AT_ONCE = 200
"""So many dispatches a round at the most; the rest is due in the next."""


class Sweeper:
    """Runs in one thread."""

    def __init__(
        self, dispatches: Dispatches, queue: StageQueue, metrics: SweeperMetrics, tick_s: float = TICK_S
    ) -> None:
        self._dispatches = dispatches
        self._queue = queue
        self._metrics = metrics
        self._tick_s = tick_s
        self.last_round_went_well = False

    def run(self, stopped: threading.Event) -> None:
        """Sweeps until it is stopped; an outage ends a round, never the sweeper."""
        while not stopped.is_set():
            try:
                self.sweep()
                self.last_round_went_well = True
            except RetoucherError as error:
                self.last_round_went_well = False
                self._metrics.failures.inc()
                log.warning("sweep_failed", message=error.message)
            stopped.wait(self._tick_s)

    def sweep(self) -> int:
        """One round; returns how many dispatches were published.

        Raises:
            Unavailable: store or queue does not answer; what was not published is due again soon.
        """
        sendings = self._dispatches.due(AT_ONCE)
        for sending in sendings:
            self._queue.publish(sending.dispatch)
            self._metrics.sent.labels(sending.reason).inc()
            loud = sending.reason in (SendingReason.CLAIM_EXPIRED, SendingReason.GIVEN_UP)
            (log.warning if loud else log.info)(
                "sent_again",
                job_id=sending.dispatch.job_id,
                step=sending.dispatch.step,
                dispatch=sending.dispatch.dispatch,
                work=sending.dispatch.work,
                reason=sending.reason,
            )
        for backlog in self._dispatches.backlog():
            self._metrics.waiting.labels(backlog.work).set(backlog.waiting)
            self._metrics.running.labels(backlog.work).set(backlog.running)
        return len(sendings)
