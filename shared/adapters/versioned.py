"""What every job store hands out and asks for, whatever holds the jobs."""

from dataclasses import dataclass

from shared.contracts.jobs import Job, Status
from shared.errors import Conflict, ErrorCode, NotFound

UNFINISHED = (Status.QUEUED, Status.RUNNING)
"""States in which a job still has something to do."""


@dataclass(frozen=True)
class VersionedJob:
    """A job as read from a store, with the version to commit against."""

    job: Job
    version: int


def job_exists(job_id: str) -> Conflict:
    """The error of `create` for an id that is taken."""
    return Conflict(ErrorCode.OBJECT_EXISTS, f"job {job_id} exists: choose another id")


def no_such_job(job_id: str) -> NotFound:
    """The error of everything that needs a job."""
    return NotFound(ErrorCode.JOB_NOT_FOUND, f"there is no job {job_id}: check the id")


def moved_on(job_id: str, version: int, expected_version: int) -> Conflict:
    """The error of `commit` where another commit came first."""
    message = f"job {job_id} is at version {version}, not {expected_version}: load it again"
    return Conflict(ErrorCode.VERSION_CONFLICT, message)


def name_taken(job_id: str) -> Conflict:
    """The error of `create` for a client id or idempotency key that names another job."""
    return Conflict(ErrorCode.NAME_TAKEN, f"the name is that of job {job_id}: load that one, or choose another name")
