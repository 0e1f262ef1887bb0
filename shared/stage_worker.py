"""A stage on a machine of its own: takes a dispatch, has the agent answer, lays the answer beside the job.

The same for every agent; which one it is, is the function that it is given. Knows ports, and no queue's library.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog

from shared.contracts.dispatch import Dispatch, Work
from shared.contracts.jobs import Job
from shared.contracts.loop import Answer, StageFailed, StageResult
from shared.errors import RetoucherError, Unavailable
from shared.heart import Heart
from shared.ports import Clock, Dispatches, Spans, StageQueue
from shared.spans import NO_SPANS
from shared.stages import run_stage
from shared.telemetry import WorkerMetrics

log = structlog.get_logger()

REPORT_FOR_S = 60.0
"""How long a finished answer is held while the store does not answer; after that the work is done anew."""

_REPORT_AGAIN_S = 0.5

Agent = Callable[[Job, Any, int], Answer]
"""An agent's one method: job, its command, and the dispatch that names what it writes."""


class StageWorker:
    """Handles dispatches; safe for threads if the agent is."""

    def __init__(
        self,
        dispatches: Dispatches,
        queue: StageQueue,
        heart: Heart,
        agent: Agent,
        clock: Clock,
        metrics: WorkerMetrics,
        report_for_s: float = REPORT_FOR_S,
        spans: Spans = NO_SPANS,
    ) -> None:
        self._dispatches = dispatches
        self._queue = queue
        self._heart = heart
        self._agent = agent
        self._clock = clock
        self._metrics = metrics
        self._report_for_s = report_for_s
        self._spans = spans

    def handle(self, dispatch: Dispatch) -> None:
        """Does what a message asks for, if that is still to be done. It may come twice, late, or out of order."""
        job = self._claimed(dispatch)
        if job is None or job.pending is None:
            return
        command = job.pending
        with self._heart.beating_for(dispatch):
            result = run_stage(
                job,
                command,
                dispatch.dispatch,
                lambda: self._agent(job, command, dispatch.dispatch),
                self._clock,
                self._spans,
            )
            self._metrics.stage_seconds.labels(dispatch.work).observe(result.elapsed_s)
            taken = self._report(dispatch, result)
        self._metrics.stage_results.labels(dispatch.work, result.kind, taken).inc()
        if isinstance(result, StageFailed):
            self._metrics.stage_failures.labels(dispatch.work, result.code).inc()
        if taken:
            publish(self._queue, dispatch.model_copy(update={"work": Work.ADVANCE}))

    def _claimed(self, dispatch: Dispatch) -> Job | None:
        try:
            job = self._dispatches.claim(dispatch, self._heart.holder, self._heart.lease_s)
        except Unavailable as error:
            # The sweeper sends it again.
            log.warning("claim_failed", job_id=dispatch.job_id, step=dispatch.step, message=error.message)
            return None
        self._metrics.claims.labels(dispatch.work, "taken" if job is not None else "stale").inc()
        return job

    def _report(self, dispatch: Dispatch, result: StageResult) -> bool:
        """Whether the answer was the first; it is offered again while the store is away."""
        give_up_at_s = time.monotonic() + self._report_for_s
        while True:
            try:
                return self._dispatches.answer(dispatch, result)
            except Unavailable as error:
                log.warning("report_failed", job_id=dispatch.job_id, step=dispatch.step, message=error.message)
                if time.monotonic() > give_up_at_s:
                    return False
                time.sleep(_REPORT_AGAIN_S)


def publish(queue: StageQueue, dispatch: Dispatch) -> None:
    """Publishes now if that is possible; what is written in the job store already, the sweeper sends otherwise."""
    try:
        queue.publish(dispatch)
    except RetoucherError as error:
        log.warning("publish_failed", job_id=dispatch.job_id, work=dispatch.work, message=error.message)
