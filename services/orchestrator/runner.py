"""Runs one job to its end in this process: executes the pending command, commits what the loop makes of the answer.

Everything that matters is in the job store before the next command starts, so that a job whose process was killed goes
on from its last commit. Knows the agents as Protocols; the order of things is `loop`'s.
"""

from collections.abc import Callable, Sequence

import structlog

from services.orchestrator.interruptions import interruption
from services.orchestrator.loop import Advance, advance, begin
from shared.contracts.jobs import Job, Phase
from shared.contracts.loop import (
    Answer,
    CancelRequested,
    Command,
    Diagnose,
    Event,
    Finalize,
    Perceive,
    PublicEvent,
    Retouch,
)
from shared.errors import Conflict, ErrorCode
from shared.ports import Clock, Finalizer, JobStore, Perceiver, Reasoner, Retoucher, Spans
from shared.spans import NO_SPANS
from shared.stages import run_stage

log = structlog.get_logger()

OnEvent = Callable[[PublicEvent], None]


def never() -> bool:
    """Runs to the end."""
    return False


def end_waiting(jobs: JobStore, job_id: str, now_s: float) -> bool:
    """Ends a job that nobody has begun, and that was asked to be canceled; returns whether it has done so.

    Raises:
        NotFound: no such job.
        Unavailable: the job store does not answer.
    """
    stored = jobs.load(job_id)
    if stored.job.phase is not Phase.NEW or not jobs.cancel_requested(job_id):
        return False
    ended = advance(stored.job, CancelRequested(step=stored.job.step, at_s=now_s))
    try:
        jobs.commit(ended.job, stored.version, ended.public_events)
    except Conflict:
        return False  # begun in this very moment: whoever runs it looks at the request after each step
    return True


class Runner:
    """The loop on agents of this process. One instance may run different jobs in different threads."""

    def __init__(
        self,
        jobs: JobStore,
        perceiver: Perceiver,
        reasoner: Reasoner,
        retoucher: Retoucher,
        finalizer: Finalizer,
        clock: Clock,
        spans: Spans = NO_SPANS,
    ) -> None:
        self._jobs = jobs
        self._perceiver = perceiver
        self._reasoner = reasoner
        self._retoucher = retoucher
        self._finalizer = finalizer
        self._clock = clock
        self._spans = spans

    def run(self, job_id: str, on_event: OnEvent | None = None, stop: Callable[[], bool] = never) -> Job:
        """Begins the job, or continues it from the store, and returns it ended, or as it is when it was to stop.

        A command that was pending when an earlier process died is executed again under a new dispatch number. Cancel
        requests and the deadline are looked at between steps. Where another runner has committed first, this one goes
        on from there.

        Args:
            job_id: of a job in the store, in any state.
            on_event: called for each public event that this call has committed, in order.
            stop: asked between steps; True leaves the job to a later call.

        Raises:
            NotFound: no such job.
            Unavailable: the job store does not answer; the job stays as last committed.
        """
        while True:
            stored = self._jobs.load(job_id)
            if stored.job.phase is Phase.ENDED or stop():
                return stored.job
            step = self._next(stored.job)
            try:
                self._jobs.commit(step.job, stored.version, step.public_events)
            except Conflict as conflict:
                if conflict.code is not ErrorCode.VERSION_CONFLICT:
                    raise
                log.warning("commit_lost", job_id=job_id, step=stored.job.step)
                continue
            self._tell(step.public_events, on_event)

    @staticmethod
    def _tell(events: Sequence[PublicEvent], on_event: OnEvent | None) -> None:
        for event in events:
            log.debug("job_event", job_id=event.job_id, type=event.type, seq=event.seq, **event.data)
            if on_event is not None:
                on_event(event)

    def _next(self, job: Job) -> Advance:
        interruption = self._interruption(job)
        if interruption is not None:
            return advance(job, interruption)
        if job.pending is None:
            return begin(job, self._clock.now_s())
        return advance(job, self._execute(job, job.pending))

    def _interruption(self, job: Job) -> Event | None:
        return interruption(job, self._clock.now_s(), lambda: self._jobs.cancel_requested(job.id))

    def _execute(self, job: Job, command: Command) -> Event:
        dispatch = self._jobs.next_dispatch(job.id)
        return run_stage(
            job, command, dispatch, lambda: self._dispatch(job, command, dispatch), self._clock, self._spans
        )

    def _dispatch(self, job: Job, command: Command, dispatch: int) -> Answer:
        match command:
            case Perceive():
                return self._perceiver.perceive(job, command, dispatch)
            case Diagnose():
                return self._reasoner.diagnose(job, command, dispatch)
            case Retouch():
                return self._retoucher.retouch(job, command, dispatch)
            case Finalize():
                return self._finalizer.finalize(job, command, dispatch)
