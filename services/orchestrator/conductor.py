"""The loop on many machines: takes the answer that lies beside a job, advances the job, sends what it waits for now.

Uses the same `begin` and `advance` as the in-process runner. Any number of conductors may be sent for the same job: one
commit wins, and the others find nothing left to do.
"""

import structlog

from services.orchestrator.interruptions import interruption
from services.orchestrator.loop import Advance, advance, begin
from services.orchestrator.record import record_of
from shared.contracts.dispatch import Work
from shared.contracts.jobs import Job, Phase
from shared.errors import Conflict, ErrorCode
from shared.ports import Clock, Dispatches, ImageStore, StageQueue, Standing
from shared.stage_worker import publish
from shared.telemetry import LoopMetrics
from shared.traces import logged_with

log = structlog.get_logger()

RECORD = "record.json"
"""Lies beside a finished job's images, so that it outlives the job store."""


class Conductor:
    """Advances jobs; safe for threads."""

    def __init__(
        self, dispatches: Dispatches, queue: StageQueue, images: ImageStore, clock: Clock, metrics: LoopMetrics
    ) -> None:
        self._dispatches = dispatches
        self._queue = queue
        self._images = images
        self._clock = clock
        self._metrics = metrics

    def advance(self, job_id: str) -> None:
        """Does all that can be done for the job now, without any stage's work.

        Raises:
            NotFound: no such job.
            Unavailable: a store does not answer; the sweeper sends for the job again.
        """
        with structlog.contextvars.bound_contextvars(job_id=job_id):
            while not self._done_with(self._dispatches.standing(job_id)):
                pass

    def _done_with(self, standing: Standing) -> bool:
        """Goes one step, and says whether nothing is left to do here."""
        with logged_with(standing.job):
            step = self._advanced(standing)
            if step.job is not standing.job:
                return self._sent(standing, step)
            if step.job.phase is Phase.ENDED:
                self._lay_down(step.job)
            return True

    def _advanced(self, standing: Standing) -> Advance:
        """The stage's answer first, then what has come from outside; until nothing changes the job any more."""
        step = Advance(standing.job)
        if standing.answer is not None:
            step = advance(standing.job, standing.answer)
        while True:
            now_s = self._clock.now_s()
            stop = interruption(step.job, now_s, lambda: standing.canceled)
            following = advance(step.job, stop) if stop is not None else begin(step.job, now_s)
            if following.job is step.job:
                return step
            step = Advance(following.job, following.command, step.public_events + following.public_events)

    def _sent(self, standing: Standing, step: Advance) -> bool:
        """Whether the commit came first, and nothing is left to do here."""
        try:
            dispatch = self._dispatches.send(step.job, standing.version, step.public_events)
        except Conflict as conflict:
            if conflict.code is not ErrorCode.VERSION_CONFLICT:
                raise
            self._metrics.commits_lost.inc()
            log.info("commit_lost", step=standing.job.step)
            return False
        for event in step.public_events:
            log.info("job_event", step=step.job.step, type=event.type, seq=event.seq)
        if step.job.phase is Phase.ENDED:
            self._count(step.job)
            return False
        if dispatch.work is not Work.ADVANCE:
            publish(self._queue, dispatch)
        return True

    def _lay_down(self, job: Job) -> None:
        """Writes the record of a job that has ended beside its images; only then nothing is left to do for it."""
        try:
            self._images.put(f"{job.id}/{RECORD}", record_of(job).model_dump_json(indent=2).encode())
        except Conflict:
            log.debug("record_is_there", version=job.step)
        self._dispatches.settle(job.id)

    def _count(self, job: Job) -> None:
        code = job.error.code if job.error is not None else ""
        self._metrics.jobs_ended.labels(job.status, job.outcome or "", job.stop_reason or "", code).inc()
        if job.finished_at_s is not None:
            self._metrics.job_seconds.observe(max(0.0, job.finished_at_s - job.created_at_s))
        if job.started_at_s is not None:
            self._metrics.queue_seconds.observe(max(0.0, job.started_at_s - job.created_at_s))
        for verdict in job.verdicts:
            self._metrics.verdicts.labels(verdict.accepted).inc()
            for ground in verdict.grounds:
                self._metrics.refusals.labels(ground).inc()
        for region in job.attempts:
            for number in range(len(region.attempts)):
                self._metrics.repairs.labels(number > 0).inc()
