"""What a job waits for, and what is said of a command whose workers all went away; the same for every store."""

from shared.contracts.dispatch import Work
from shared.contracts.jobs import Job
from shared.contracts.loop import StageFailed
from shared.errors import ErrorCode


def waits_for(job: Job) -> Work:
    """The stage of its pending command; else the loop: to begin, or to lay down the record of a job that has ended."""
    return Work(job.pending.kind) if job.pending is not None else Work.ADVANCE


def given_up(stage: str, claims: int, step: int = 0, at_s: float = 0.0) -> StageFailed:
    """The answer in place of one that will not come."""
    message = (
        f"{stage} was taken up {claims} times and its worker was gone each time before it answered: look in the "
        "workers' logs for a crash, too little memory or a stage that hangs"
    )
    return StageFailed(step=step, at_s=at_s, code=ErrorCode.WORKER_LOST, message=message, retryable=False)
