"""What the core needs of the world, as Protocols. Each port has a fake or memory adapter and real ones.

Imports contracts alone: no numpy, torch, redis, celery, minio or fastapi.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from shared.contracts.deliveries import Claim, Delivery
from shared.contracts.dispatch import Backlog, Dispatch, Sending
from shared.contracts.gateway import Feedback, Upload, Workload
from shared.contracts.jobs import Job, Status
from shared.contracts.keys import ApiKey
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
    StageResult,
)

KEY_LIFE_S = 24 * 3600.0
"""How long an idempotency key names the job that it made."""

ModelObserver = Callable[[str, float], None]
"""Is told of each call of a detector or tool: its name, and the seconds that it took."""


def unobserved(model: str, seconds: float) -> None:
    """A `ModelObserver` where nobody wants to know."""


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


class UploadStore(Protocol):
    """What is known of images sent ahead; the bytes lie in the image store."""

    def add(self, upload: Upload) -> None:
        """Stores it.

        Raises:
            Conflict: the id exists (OBJECT_EXISTS).
        """
        ...

    def get(self, upload_id: str) -> Upload:
        """The upload, expired or not.

        Raises:
            NotFound: no such upload (UPLOAD_NOT_FOUND).
        """
        ...

    def expired(self, now_s: float, limit: int) -> Sequence[Upload]:
        """At most `limit` uploads whose `expires_at_s` is not after `now_s`."""
        ...

    def remove(self, upload_id: str) -> None:
        """Forgets it; one that is not there is no error."""
        ...


class FeedbackStore(Protocol):
    """What people say of jobs' regions, by job."""

    def put(self, feedback: Feedback) -> None:
        """Stores it in place of an earlier one of the same job and id."""
        ...

    def of_job(self, job_id: str) -> Sequence[Feedback]:
        """All of a job's, by id; empty for an unknown job."""
        ...

    def remove(self, job_id: str, feedback_id: str) -> bool:
        """Takes one back; returns whether it was there."""
        ...

    def remove_job(self, job_id: str) -> None:
        """Takes all of a job's back."""
        ...

    def job_ids(self) -> Sequence[str]:
        """Ids of all jobs that have feedback, sorted."""
        ...


class Dispatcher(Protocol):
    """How the gateway has stored jobs run; the store, not this, remembers which there are."""

    def dispatch(self, job_id: str) -> None:
        """The job has just been stored: have it run. Told twice is told once; never fails for want of a worker."""
        ...

    def cancel(self, job_id: str) -> None:
        """A cancel request has just been left in the store: have it noticed; a job that still waits ends at once."""
        ...

    def workload(self) -> Workload:
        """How fast jobs are being done, for estimates."""
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
    def answer(self) -> StageResult | None:
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

    def answer(self, dispatch: Dispatch, event: StageResult) -> bool:
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


class KeyStore(Protocol):
    """API keys, as hashes."""

    def add(self, key: ApiKey) -> None:
        """Stores it.

        Raises:
            Conflict: the id exists (OBJECT_EXISTS).
        """
        ...

    def find(self, key_id: str) -> ApiKey | None:
        """The key, revoked or not; None without one."""
        ...

    def all(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        ...

    def any(self) -> bool:
        """Whether there is a key, revoked or not."""
        ...

    def touch(self, key_id: str, now_s: float) -> None:
        """The key was used; nothing for an unknown one."""
        ...

    def revoke(self, key_id: str, now_s: float) -> ApiKey:
        """From now on the key is refused; one that is revoked already keeps its time.

        Raises:
            NotFound: no such key (KEY_NOT_FOUND).
        """
        ...


class DeliveryStore(Protocol):
    """Webhook deliveries. Shares its storage with a `JobStore`.

    Whatever appends public events to a job there makes, in the same step, the deliveries that `deliveries_of` names of
    them; deleting a job deletes its deliveries. Deliveries that wait have a `next_attempt_at_s`.
    """

    def claim_due(self, now_s: float, lease_s: float, limit: int, per_site: int) -> Sequence[Claim]:
        """Takes deliveries whose time has come, for `lease_s` seconds; afterwards others may take them.

        Args:
            now_s: the time.
            lease_s: longer than a try may take.
            limit: at most so many, the one that has waited longest first.
            per_site: at most so many of one site are under lease at a time, whoever holds them, so that a slow
                receiver does not use up the tries of others.
        """
        ...

    def settle(self, claim: Claim, delivery: Delivery) -> bool:
        """Replaces the delivery by what came of the try, and ends the lease.

        False, and nothing is written, where it was claimed again, replayed or deleted meanwhile.
        """
        ...

    def of_job(self, job_id: str) -> Sequence[Delivery]:
        """A job's deliveries by `seq`; empty for an unknown job."""
        ...

    def replay(self, delivery_id: str, now_s: float) -> Delivery:
        """Makes a delivery due now (`shared.deliveries.replayed`), whatever came of it, and its URL good again.

        Raises:
            NotFound: no such delivery (DELIVERY_NOT_FOUND).
        """
        ...

    def disable(self, owner: str, url: str, now_s: float) -> None:
        """Nothing is to be sent to the owner's URL any more; idempotent."""
        ...

    def is_disabled(self, owner: str, url: str) -> bool:
        """Whether `disable` was called, and no replay of a delivery to that URL came after."""
        ...
