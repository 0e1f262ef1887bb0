"""Time, images, and the truth about jobs."""

from collections.abc import Sequence
from typing import Protocol

from shared.contracts.jobs import Job, Status
from shared.contracts.loop import PublicEvent

KEY_LIFE_S = 24 * 3600.0
"""How long an idempotency key names the job that it made."""


class Clock(Protocol):
    """Time, so that tests may own it."""

    def now_s(self) -> float:
        """Seconds since the epoch."""
        ...


class ImageStore(Protocol):
    """Immutable bytes under keys like `job_…/original.png` or `job_…/s3-d1/r1.mask.png`."""

    def put(self, ref: str, data: bytes) -> str:
        """Stores and returns `ref`. The same bytes again are accepted.

        Raises:
            Conflict: `ref` holds other bytes (OBJECT_EXISTS).
            Unavailable: the store does not answer, or its disk is full (DISK_FULL).
        """
        ...

    def get(self, ref: str) -> bytes:
        """The bytes.

        Raises:
            NotFound: no such object.
        """
        ...

    def refs(self, prefix: str) -> Sequence[str]:
        """All refs that begin with `prefix`, sorted."""
        ...

    def delete(self, prefix: str) -> int:
        """Deletes every object below `prefix`; returns how many."""
        ...


class StoredJob(Protocol):
    """A job as read: the value and the version to commit against."""

    @property
    def job(self) -> Job:
        """The job."""
        ...

    @property
    def version(self) -> int:
        """Counts commits, from 1."""
        ...


class JobStore(Protocol):
    """The truth about jobs. A commit writes job, pending command and public events in one step, or nothing."""

    def create(self, job: Job, events: Sequence[PublicEvent]) -> None:
        """Stores a new job at version 1.

        Raises:
            Conflict: the id exists.
        """
        ...

    def load(self, job_id: str) -> "StoredJob":
        """The job with its version.

        Raises:
            NotFound: no such job.
        """
        ...

    def commit(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> int:
        """Replaces the job where its version still is `expected_version`; returns the new version.

        Raises:
            NotFound: no such job.
            Conflict: another commit came first (VERSION_CONFLICT).
        """
        ...

    def events_after(self, job_id: str, seq: int) -> Sequence[PublicEvent]:
        """The public events with a higher `seq`, in order; empty for an unknown job."""
        ...

    def next_dispatch(self, job_id: str) -> int:
        """A number never given before for this job, 1 and up: it names what one sending of a command writes.

        Raises:
            NotFound: no such job.
        """
        ...

    def request_cancel(self, job_id: str) -> None:
        """Leaves a cancel request beside the job, without touching its version; idempotent.

        Raises:
            NotFound: no such job.
        """
        ...

    def cancel_requested(self, job_id: str) -> bool:
        """Whether `request_cancel` was called."""
        ...

    def unfinished(self) -> Sequence[str]:
        """Ids of jobs that are queued or running, oldest first."""
        ...


class JobCatalog(JobStore, Protocol):
    """A job store as the gateway needs it: by owner and by name. The same class as the job store, in every adapter."""

    def create(self, job: Job, events: Sequence[PublicEvent]) -> None:
        """Stores a new job at version 1, and with it, in the same step, its names.

        `(owner, client_id)` names one job for as long as that exists, `(owner, idempotency_key)` one job until
        `KEY_LIFE_S` after its `created_at_s` or its deletion. Of two requests with one name only one makes a job, and
        a request that died after this step is found by its name: no lock that could outlive its holder is needed.

        Raises:
            Conflict: the id exists (OBJECT_EXISTS), or a name is another job's at `job.created_at_s` (NAME_TAKEN).
        """
        ...

    def queued(self) -> Sequence[str]:
        """Ids of jobs that are queued, oldest first."""
        ...

    def at_work(self, owner: str) -> int:
        """How many of the owner's jobs are queued or running."""
        ...

    def delete(self, job_id: str) -> None:
        """Deletes the job with its events, names and cancel request, in one step; a commit is then NotFound.

        Raises:
            NotFound: no such job.
        """
        ...

    def of_owner(
        self, owner: str, limit: int, before: str | None = None, status: Status | None = None
    ) -> Sequence[Job]:
        """At most `limit` of the owner's jobs, by id from high to low, which is newest first.

        Args:
            owner: whose.
            limit: at least 1.
            before: only ids below this one, which need not exist: the last one of the page before.
            status: only jobs in that state.
        """
        ...

    def named(self, owner: str, client_id: str) -> str | None:
        """Id of the job that the owner calls so; None without one."""
        ...

    def with_key(self, owner: str, idempotency_key: str, now_s: float) -> str | None:
        """Id of the job that the owner's request of that key made less than `KEY_LIFE_S` ago; None without one."""
        ...

    def expired(self, now_s: float, limit: int) -> Sequence[str]:
        """Ids of at most `limit` jobs that have ended and whose `expires_at_s` is not after `now_s`."""
        ...
