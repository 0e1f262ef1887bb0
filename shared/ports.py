"""What the core needs of the world, as Protocols. Each port has a fake or memory adapter and real ones.

Imports contracts alone: no numpy, torch, redis, celery, minio or fastapi.
"""

from collections.abc import Sequence
from typing import Protocol

from shared.contracts.dispatch import Backlog, Dispatch, Sending
from shared.contracts.jobs import Job
from shared.contracts.loop import (
    Diagnose,
    Diagnosed,
    Finalize,
    Finalized,
    Perceive,
    Perceived,
    PublicEvent,
    Retouch,
    Retouched,
    StageFailed,
)


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


class Standing(StoredJob, Protocol):
    """A job as the loop finds it when it is sent for."""

    @property
    def answer(self) -> Perceived | Diagnosed | Retouched | Finalized | StageFailed | None:
        """What the stage said to the pending command; None while it has not answered."""
        ...

    @property
    def canceled(self) -> bool:
        """Whether a cancel was requested."""
        ...


class Dispatches(Protocol):
    """Where the pending command of each job stands, for workers on many machines (DESIGN.md, "Distribution").

    Shares its storage with a `JobStore`: a commit there makes the job's new command wait here, in the same step. All
    times are the store's own. A dispatch is claimed once; whoever holds the claim must prolong it before its lease
    ends. The first answer to a job's current step is taken, whichever dispatch it came from.
    """

    def send(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> Dispatch:
        """`JobStore.commit`, and what is to be published for the job now. Raises as that does."""
        ...

    def claim(self, dispatch: Dispatch, holder: str, lease_s: float) -> Job | None:
        """Takes a dispatch for `lease_s` seconds; the job, or None where it is stale, claimed or answered."""
        ...

    def prolong(self, dispatches: Sequence[Dispatch], holder: str, lease_s: float) -> Sequence[Dispatch]:
        """Prolongs claims to `lease_s` from now; returns those that are the holder's no longer."""
        ...

    def answer(self, dispatch: Dispatch, event: Perceived | Diagnosed | Retouched | Finalized | StageFailed) -> bool:
        """Lays the answer beside the job for the loop to take; False where the step is over or answered."""
        ...

    def release(self, dispatch: Dispatch, holder: str) -> None:
        """Gives a claim back unfinished, at once and uncounted; nothing where it is not the holder's."""
        ...

    def standing(self, job_id: str) -> Standing:
        """The job, its version, its stage's answer and whether a cancel was requested.

        Raises:
            NotFound: no such job.
        """
        ...

    def settle(self, job_id: str) -> None:
        """A job that has ended waits for nothing any more."""
        ...

    def due(self, limit: int) -> Sequence[Sending]:
        """What the sweeper has to publish now; each is not due again before some time has passed.

        A dispatch that nobody has claimed, again with growing spacing; the next dispatch of a command whose claim has
        expired; the loop's, where the last allowed claim has expired (the answer is then a `StageFailed`), a deadline
        has passed or a cancel was requested.
        """
        ...

    def backlog(self) -> Sequence[Backlog]:
        """How many jobs wait for each kind of work and how many are at it."""
        ...


class StageQueue(Protocol):
    """Carries dispatches to whoever does that work. It may lose, delay or double them."""

    def publish(self, dispatch: Dispatch) -> None:
        """Raises:
        Unavailable: the queue does not answer.
        """
        ...


class Perceiver(Protocol):
    """The perception agent. `dispatch` names what this sending writes in the image store."""

    def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
        """Raises RetoucherError subclasses; the runner turns them into `StageFailed`."""
        ...


class Reasoner(Protocol):
    """The reasoning agent."""

    def diagnose(self, job: Job, command: Diagnose, dispatch: int) -> Diagnosed:
        """Raises as `Perceiver.perceive`."""
        ...


class Retoucher(Protocol):
    """The action agent."""

    def retouch(self, job: Job, command: Retouch, dispatch: int) -> Retouched:
        """Raises as `Perceiver.perceive`."""
        ...


class Finalizer(Protocol):
    """Composes the result and writes the artifacts."""

    def finalize(self, job: Job, command: Finalize, dispatch: int) -> Finalized:
        """Raises as `Perceiver.perceive`."""
        ...
