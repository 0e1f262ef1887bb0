"""What stops a job from outside, looked at between its steps: a cancel request, its deadline. Pure."""

from collections.abc import Callable

from shared.contracts.jobs import Job, Phase, StopReason
from shared.contracts.loop import CancelRequested, DeadlinePassed


def interruption(
    job: Job, now_s: float, cancel_requested: Callable[[], bool]
) -> CancelRequested | DeadlinePassed | None:
    """The event that a cancel request or the deadline makes now; None where there is neither, or it was heeded."""
    if job.phase is Phase.ENDED:
        return None
    if job.stop_reason is not StopReason.CANCELED and cancel_requested():
        return CancelRequested(step=job.step, at_s=now_s)
    late = job.deadline_at_s is not None and now_s >= job.deadline_at_s
    if late and job.phase is not Phase.FINALIZING:
        return DeadlinePassed(step=job.step, at_s=now_s)
    return None
