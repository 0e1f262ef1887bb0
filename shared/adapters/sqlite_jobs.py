"""A job store in one SQLite file: one transaction for job, names, pending command and public events.

Jobs and events are pydantic JSON; the columns beside them are what the store itself asks for. A commit that leaves a
command pending takes the number of its first dispatch in the same transaction, so that a step of the loop waits for the
disk once and not twice.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from shared.adapters.sqlite_deliveries import append_deliveries
from shared.adapters.sqlite_file import SqliteFile, Value
from shared.adapters.sqlite_schema import JOBS_FILE
from shared.adapters.versioned import UNFINISHED, VersionedJob, job_exists, moved_on, name_taken, no_such_job
from shared.contracts.jobs import Job, Status
from shared.contracts.loop import PublicEvent
from shared.deliveries import deliveries_of
from shared.ports import KEY_LIFE_S


class SqliteJobStore:
    """A `JobCatalog` in the file at `path`; raises as `SqliteFile`."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, JOBS_FILE)
        # Numbers that the file has counted and nobody has used: lost with this process, never given twice.
        self._reserved: dict[str, int] = {}

    def close(self) -> None:
        """Closes the file; the store is of no use afterwards."""
        self._file.close()

    def create(self, job: Job, events: Sequence[PublicEvent]) -> None:
        """Stores a new job at version 1 with its names; see `JobStore.create`."""
        with self._file.transaction() as connection:
            if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone():
                raise job_exists(job.id)
            _check_names(connection, job)
            connection.execute(
                "INSERT INTO jobs (id, version, status, created_at_s, body, owner, client_id, expires_at_s) "
                "VALUES (?, 1, ?, ?, ?, ?, ?, ?)",
                (
                    job.id,
                    job.status.value,
                    job.created_at_s,
                    job.model_dump_json(),
                    job.owner,
                    job.client_id,
                    job.expires_at_s,
                ),
            )
            if job.idempotency_key is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO keys (owner, key, job_id, created_at_s) VALUES (?, ?, ?, ?)",
                    (job.owner, job.idempotency_key, job.id, job.created_at_s),
                )
            _append(connection, job, events)

    def load(self, job_id: str) -> VersionedJob:
        """The job with its version; see `JobStore.load`."""
        row = self._file.one("SELECT body, version FROM jobs WHERE id = ?", job_id)
        if row is None:
            raise no_such_job(job_id)
        return VersionedJob(Job.model_validate_json(str(row[0])), int(str(row[1])))

    def commit(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> int:
        """Replaces the job and appends its events, or does nothing; see `JobStore.commit`."""
        ahead = int(job.pending is not None)
        with self._file.transaction() as connection:
            row = connection.execute("SELECT version FROM jobs WHERE id = ?", (job.id,)).fetchone()
            if row is None:
                raise no_such_job(job.id)
            if row[0] != expected_version:
                raise moved_on(job.id, row[0], expected_version)
            number = connection.execute(
                "UPDATE jobs SET version = ?, status = ?, body = ?, expires_at_s = ?, dispatches = dispatches + ? "
                "WHERE id = ? RETURNING dispatches",
                (expected_version + 1, job.status.value, job.model_dump_json(), job.expires_at_s, ahead, job.id),
            ).fetchone()[0]
            _append(connection, job, events)
        if ahead:
            self._reserved[job.id] = int(number)
        else:
            self._reserved.pop(job.id, None)
        return expected_version + 1

    def events_after(self, job_id: str, seq: int) -> Sequence[PublicEvent]:
        """The public events with a higher `seq`, in order; empty for an unknown job."""
        query = "SELECT body FROM events WHERE job_id = ? AND seq > ? ORDER BY seq"
        return tuple(PublicEvent.model_validate_json(str(row[0])) for row in self._file.all(query, job_id, seq))

    def next_dispatch(self, job_id: str) -> int:
        """A number never given before for this job, kept across crashes; see `JobStore.next_dispatch`."""
        reserved = self._reserved.pop(job_id, None)
        if reserved is not None and self._file.one("SELECT 1 FROM jobs WHERE id = ?", job_id) is not None:
            return reserved
        with self._file.transaction() as connection:
            query = "UPDATE jobs SET dispatches = dispatches + 1 WHERE id = ? RETURNING dispatches"
            row = connection.execute(query, (job_id,)).fetchone()
            if row is None:
                raise no_such_job(job_id)
        return int(row[0])

    def request_cancel(self, job_id: str) -> None:
        """Leaves a cancel request beside the job; see `JobStore.request_cancel`."""
        with self._file.transaction() as connection:
            if not connection.execute("UPDATE jobs SET canceled = 1 WHERE id = ?", (job_id,)).rowcount:
                raise no_such_job(job_id)

    def cancel_requested(self, job_id: str) -> bool:
        """Whether `request_cancel` was called; False for an unknown job."""
        row = self._file.one("SELECT canceled FROM jobs WHERE id = ?", job_id)
        return row is not None and bool(row[0])

    def unfinished(self) -> Sequence[str]:
        """Ids of jobs that are queued or running, oldest first."""
        return self._ids("SELECT id FROM jobs WHERE status IN (?, ?) ORDER BY created_at_s, number", *UNFINISHED)

    def queued(self) -> Sequence[str]:
        """Ids of jobs that are queued, oldest first."""
        return self._ids("SELECT id FROM jobs WHERE status = ? ORDER BY created_at_s, number", Status.QUEUED)

    def at_work(self, owner: str) -> int:
        """How many of the owner's jobs are queued or running."""
        query = "SELECT count(*) FROM jobs WHERE owner = ? AND status IN (?, ?)"
        return int(str(self._file.all(query, owner, *UNFINISHED)[0][0]))

    def delete(self, job_id: str) -> None:
        """Deletes the job with its events, names and cancel request; see `JobStore.delete`."""
        with self._file.transaction() as connection:
            if not connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,)).rowcount:
                raise no_such_job(job_id)
        self._reserved.pop(job_id, None)

    def of_owner(
        self, owner: str, limit: int, before: str | None = None, status: Status | None = None
    ) -> Sequence[Job]:
        """The owner's jobs, newest first; see `JobCatalog.of_owner`."""
        where, values = "owner = ?", [owner]
        if before is not None:
            where, values = f"{where} AND id < ?", [*values, before]
        if status is not None:
            where, values = f"{where} AND status = ?", [*values, status.value]
        rows = self._file.all(f"SELECT body FROM jobs WHERE {where} ORDER BY id DESC LIMIT ?", *values, limit)  # noqa: S608
        return tuple(Job.model_validate_json(str(row[0])) for row in rows)

    def named(self, owner: str, client_id: str) -> str | None:
        """Id of the job that the owner calls so; None without one."""
        ids = self._ids("SELECT id FROM jobs WHERE owner = ? AND client_id = ?", owner, client_id)
        return ids[0] if ids else None

    def with_key(self, owner: str, idempotency_key: str, now_s: float) -> str | None:
        """Id of the job that the owner's request of that key made; see `JobCatalog.with_key`."""
        query = "SELECT job_id FROM keys WHERE owner = ? AND key = ? AND created_at_s > ?"
        ids = self._ids(query, owner, idempotency_key, now_s - KEY_LIFE_S)
        return ids[0] if ids else None

    def expired(self, now_s: float, limit: int) -> Sequence[str]:
        """Ids of jobs that have ended and are to be deleted; see `JobCatalog.expired`."""
        query = "SELECT id FROM jobs WHERE expires_at_s <= ? AND status NOT IN (?, ?) ORDER BY expires_at_s LIMIT ?"
        return self._ids(query, now_s, *UNFINISHED, limit)

    def _ids(self, query: str, *values: Value) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in self._file.all(query, *values))


def _check_names(connection: sqlite3.Connection, job: Job) -> None:
    named = "SELECT id FROM jobs WHERE owner = ? AND client_id = ?"
    row = connection.execute(named, (job.owner, job.client_id)).fetchone()
    if row is not None:
        raise name_taken(str(row[0]))
    keyed = "SELECT job_id FROM keys WHERE owner = ? AND key = ? AND created_at_s > ?"
    row = connection.execute(keyed, (job.owner, job.idempotency_key, job.created_at_s - KEY_LIFE_S)).fetchone()
    if row is not None:
        raise name_taken(str(row[0]))


def _append(connection: sqlite3.Connection, job: Job, events: Sequence[PublicEvent]) -> None:
    connection.executemany(
        "INSERT INTO events (job_id, seq, body) VALUES (?, ?, ?)",
        [(event.job_id, event.seq, event.model_dump_json()) for event in events],
    )
    append_deliveries(connection, deliveries_of(job, events))
