"""Image store and job store in this process' memory: for one command, and for tests. Nothing outlives the process.

Safe for several threads. The same contract tests run here and on the adapters that keep things.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shared.adapters.memory_deliveries import MemoryDeliveryStore
from shared.adapters.refs import checked_prefix, checked_ref
from shared.adapters.versioned import UNFINISHED, VersionedJob, job_exists, moved_on, name_taken, no_such_job
from shared.contracts.jobs import Job, Status
from shared.contracts.loop import PublicEvent
from shared.deliveries import deliveries_of
from shared.errors import Conflict, ErrorCode, NotFound
from shared.ports import KEY_LIFE_S


class MemoryImageStore:
    """An `ImageStore` in a dictionary."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, ref: str, data: bytes) -> str:
        """Stores and returns `ref`; see `ImageStore.put`."""
        checked_ref(ref)
        with self._lock:
            if self._objects.setdefault(ref, bytes(data)) != data:
                raise Conflict(ErrorCode.OBJECT_EXISTS, f"{ref} exists with other bytes: choose another key")
        return ref

    def get(self, ref: str) -> bytes:
        """The bytes; see `ImageStore.get`."""
        try:
            return self._objects[checked_ref(ref)]
        except KeyError:
            raise NotFound(ErrorCode.OBJECT_NOT_FOUND, f"there is no object {ref}: check the key") from None

    def refs(self, prefix: str) -> Sequence[str]:
        """All refs that begin with `prefix`, sorted."""
        checked_prefix(prefix)
        with self._lock:
            return sorted(ref for ref in self._objects if ref.startswith(prefix))

    def delete(self, prefix: str) -> int:
        """Deletes every object whose ref begins with `prefix`; returns how many."""
        checked_prefix(prefix)
        with self._lock:
            doomed = [ref for ref in self._objects if ref.startswith(prefix)]
            for ref in doomed:
                del self._objects[ref]
        return len(doomed)


@dataclass(frozen=True)
class _Row:
    stored: VersionedJob
    events: tuple[PublicEvent, ...] = field(default=())
    dispatches: int = 0
    canceled: bool = False


class MemoryJobStore:
    """A `JobCatalog` in a dictionary."""

    def __init__(self, deliveries: MemoryDeliveryStore | None = None) -> None:
        self.deliveries = deliveries if deliveries is not None else MemoryDeliveryStore()
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()

    def create(self, job: Job, events: Sequence[PublicEvent]) -> None:
        """Stores a new job at version 1; see `JobStore.create`."""
        with self._lock:
            if job.id in self._rows:
                raise job_exists(job.id)
            for other in (row.stored.job for row in self._rows.values()):
                if other.owner == job.owner and _same_name(other, job):
                    raise name_taken(other.id)
            self._rows[job.id] = _Row(VersionedJob(job, 1), tuple(events))
            self.deliveries.append(deliveries_of(job, events))

    def load(self, job_id: str) -> VersionedJob:
        """The job with its version; see `JobStore.load`."""
        with self._lock:
            return self._row(job_id).stored

    def commit(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> int:
        """Replaces the job and appends its events, or does nothing; see `JobStore.commit`."""
        with self._lock:
            row = self._row(job.id)
            if row.stored.version != expected_version:
                raise moved_on(job.id, row.stored.version, expected_version)
            version = expected_version + 1
            self._rows[job.id] = replace(row, stored=VersionedJob(job, version), events=(*row.events, *events))
            self.deliveries.append(deliveries_of(job, events))
            return version

    def events_after(self, job_id: str, seq: int) -> Sequence[PublicEvent]:
        """The public events with a higher `seq`, in order; empty for an unknown job."""
        with self._lock:
            row = self._rows.get(job_id)
        return tuple(event for event in row.events if event.seq > seq) if row is not None else ()

    def next_dispatch(self, job_id: str) -> int:
        """A number never given before for this job; see `JobStore.next_dispatch`."""
        with self._lock:
            row = self._row(job_id)
            self._rows[job_id] = replace(row, dispatches=row.dispatches + 1)
            return row.dispatches + 1

    def request_cancel(self, job_id: str) -> None:
        """Leaves a cancel request beside the job; see `JobStore.request_cancel`."""
        with self._lock:
            self._rows[job_id] = replace(self._row(job_id), canceled=True)

    def cancel_requested(self, job_id: str) -> bool:
        """Whether `request_cancel` was called; False for an unknown job."""
        with self._lock:
            row = self._rows.get(job_id)
        return row is not None and row.canceled

    def unfinished(self) -> Sequence[str]:
        """Ids of jobs that are queued or running, oldest first."""
        waiting = [job for job in self._jobs() if job.status in UNFINISHED]
        return tuple(job.id for job in sorted(waiting, key=lambda job: job.created_at_s))

    def queued(self) -> Sequence[str]:
        """Ids of jobs that are queued, oldest first."""
        waiting = [job for job in self._jobs() if job.status is Status.QUEUED]
        return tuple(job.id for job in sorted(waiting, key=lambda job: job.created_at_s))

    def at_work(self, owner: str) -> int:
        """How many of the owner's jobs are queued or running."""
        return sum(job.owner == owner and job.status in UNFINISHED for job in self._jobs())

    def delete(self, job_id: str) -> None:
        """Deletes the job with all that lies beside it; see `JobStore.delete`."""
        with self._lock:
            self._row(job_id)
            del self._rows[job_id]
            self.deliveries.remove_job(job_id)

    def of_owner(
        self, owner: str, limit: int, before: str | None = None, status: Status | None = None
    ) -> Sequence[Job]:
        """The owner's jobs, newest first; see `JobCatalog.of_owner`."""
        jobs = [
            job
            for job in self._jobs()
            if job.owner == owner and (before is None or job.id < before) and status in (None, job.status)
        ]
        return tuple(sorted(jobs, key=lambda job: job.id, reverse=True)[:limit])

    def named(self, owner: str, client_id: str) -> str | None:
        """Id of the job that the owner calls so; None without one."""
        return next((job.id for job in self._jobs() if (job.owner, job.client_id) == (owner, client_id)), None)

    def with_key(self, owner: str, idempotency_key: str, now_s: float) -> str | None:
        """Id of the job that the owner's request of that key made; see `JobCatalog.with_key`."""
        for job in self._jobs():
            fresh = job.created_at_s > now_s - KEY_LIFE_S
            if fresh and (job.owner, job.idempotency_key) == (owner, idempotency_key):
                return job.id
        return None

    def expired(self, now_s: float, limit: int) -> Sequence[str]:
        """Ids of jobs that have ended and are to be deleted; see `JobCatalog.expired`."""
        ended = (job for job in self._jobs() if job.status not in UNFINISHED)
        return tuple(job.id for job in ended if job.expires_at_s is not None and job.expires_at_s <= now_s)[:limit]

    def _jobs(self) -> list[Job]:
        with self._lock:
            return [row.stored.job for row in self._rows.values()]

    def _row(self, job_id: str) -> _Row:
        try:
            return self._rows[job_id]
        except KeyError:
            raise no_such_job(job_id) from None


def _same_name(old: Job, new: Job) -> bool:
    if new.client_id is not None and new.client_id == old.client_id:
        return True
    fresh = old.created_at_s > new.created_at_s - KEY_LIFE_S
    return fresh and new.idempotency_key is not None and new.idempotency_key == old.idempotency_key
