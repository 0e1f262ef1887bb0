"""One step of a job: the next state, the command it sends, and what callers may see of it.

Knows how a job is changed, numbered and announced; not when: that is `loop`'s.
"""

from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue

from shared.contracts.jobs import Job, JobError, Phase, Status, StopReason, Timing
from shared.contracts.loop import Answer, Command, PublicEvent, StageFailed


@dataclass(frozen=True)
class Advance:
    """What an event made of a job: its next state, the command to send now, and the public events, in order."""

    job: Job
    command: Command | None = None
    public_events: tuple[PublicEvent, ...] = ()

    def change(self, **fields: Any) -> "Advance":
        """With fields of the job replaced; a name or type that the job does not have is a `ValidationError`."""
        return replace(self, job=Job(**{**dict(self.job), **fields}))

    def announce(self, kind: str, at_s: float, **data: JsonValue) -> "Advance":
        """With one more public event, numbered on from the job's last."""
        seq = self.job.event_seq + 1
        event = PublicEvent(seq=seq, job_id=self.job.id, type=kind, at_s=at_s, data=data)
        return replace(self.change(event_seq=seq), public_events=(*self.public_events, event))

    def warn(self, *sentences: str) -> "Advance":
        """With sentences for the record; one that is there already is not repeated."""
        fresh = tuple(dict.fromkeys(sentence for sentence in sentences if sentence not in self.job.warnings))
        return self.change(warnings=self.job.warnings + fresh) if fresh else self

    @property
    def next_step(self) -> int:
        """The number that the next command must carry."""
        return self.job.step + 1

    def send(self, phase: Phase, at_s: float, command: Command) -> "Advance":
        """Waiting in `phase` for the answer to `command`, whose step is `next_step`."""
        waiting = self.change(phase=phase, step=command.step, pending=command)
        announced = waiting.announce("stage.started", at_s, stage=command.kind, step=command.step)
        return replace(announced, command=command)

    def end(self, status: Status, at_s: float) -> "Advance":
        """Over: nothing is pending, and no event changes the job any more."""
        return self.change(status=status, phase=Phase.ENDED, pending=None, trial=(), finished_at_s=at_s)

    def fail(self, error: JobError, reason: StopReason, at_s: float) -> "Advance":
        """Over, with the error that callers see."""
        ended = self.change(error=error, stop_reason=reason).end(Status.FAILED, at_s)
        return ended.announce("job.failed", at_s, code=error.code, message=error.message, retryable=error.retryable)


def received(job: Job, event: Answer | StageFailed) -> Advance:
    """The job with the time that its stage took; an answer ends the row of failures, a failure lengthens it."""
    timings = job.timings
    if job.pending is not None:
        timings = (*timings, Timing(step=event.step, stage=job.pending.kind, seconds=event.elapsed_s))
    failures = job.stage_failures + 1 if isinstance(event, StageFailed) else 0
    return Advance(job).change(timings=timings, stage_failures=failures)


def counted(number: int, singular: str, plural: str) -> str:
    """`1 patch`, `2 patches`."""
    return f"{number} {singular if number == 1 else plural}"
