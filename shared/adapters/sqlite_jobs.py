"""A job store in one SQLite file: write-ahead log, one transaction for job, pending command and public events.

Several processes and threads may share the file. A commit that returned is on the disk; a killed process leaves the
last one. Jobs and events are pydantic JSON; the columns beside them are what the store itself asks for.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.adapters.versioned import UNFINISHED, VersionedJob, job_exists, moved_on, no_such_job
from shared.contracts.jobs import Job
from shared.contracts.loop import PublicEvent
from shared.errors import ErrorCode, Unavailable

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 10.0
"""How long a write waits for another process' transaction; those take milliseconds."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at_s REAL NOT NULL,
    body TEXT NOT NULL,
    dispatches INTEGER NOT NULL DEFAULT 0,
    canceled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, created_at_s, number);
CREATE TABLE IF NOT EXISTS events (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
) WITHOUT ROWID;
"""


class SqliteJobStore:
    """A `JobStore` in the file at `path`, which is made where it does not exist.

    Raises:
        Unavailable: the file cannot be opened, is not a database, or was written by a newer version of this program.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with self._outages():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._prepare()

    def close(self) -> None:
        """Closes the file; the store is of no use afterwards."""
        with self._lock:
            self._connection.close()

    def create(self, job: Job, events: Sequence[PublicEvent]) -> None:
        """Stores a new job at version 1; see `JobStore.create`."""
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone():
                raise job_exists(job.id)
            connection.execute(
                "INSERT INTO jobs (id, version, status, created_at_s, body) VALUES (?, 1, ?, ?, ?)",
                (job.id, job.status.value, job.created_at_s, job.model_dump_json()),
            )
            _append(connection, events)

    def load(self, job_id: str) -> VersionedJob:
        """The job with its version; see `JobStore.load`."""
        row = self._one("SELECT body, version FROM jobs WHERE id = ?", job_id)
        if row is None:
            raise no_such_job(job_id)
        return VersionedJob(Job.model_validate_json(str(row[0])), int(row[1]))

    def commit(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> int:
        """Replaces the job and appends its events, or does nothing; see `JobStore.commit`."""
        with self._transaction() as connection:
            row = connection.execute("SELECT version FROM jobs WHERE id = ?", (job.id,)).fetchone()
            if row is None:
                raise no_such_job(job.id)
            if row[0] != expected_version:
                raise moved_on(job.id, row[0], expected_version)
            connection.execute(
                "UPDATE jobs SET version = ?, status = ?, body = ? WHERE id = ?",
                (expected_version + 1, job.status.value, job.model_dump_json(), job.id),
            )
            _append(connection, events)
        return expected_version + 1

    def events_after(self, job_id: str, seq: int) -> Sequence[PublicEvent]:
        """The public events with a higher `seq`, in order; empty for an unknown job."""
        query = "SELECT body FROM events WHERE job_id = ? AND seq > ? ORDER BY seq"
        return tuple(PublicEvent.model_validate_json(str(row[0])) for row in self._all(query, job_id, seq))

    def next_dispatch(self, job_id: str) -> int:
        """A number never given before for this job, kept across crashes; see `JobStore.next_dispatch`."""
        with self._transaction() as connection:
            query = "UPDATE jobs SET dispatches = dispatches + 1 WHERE id = ? RETURNING dispatches"
            row = connection.execute(query, (job_id,)).fetchone()
            if row is None:
                raise no_such_job(job_id)
        return int(row[0])

    def request_cancel(self, job_id: str) -> None:
        """Leaves a cancel request beside the job; see `JobStore.request_cancel`."""
        with self._transaction() as connection:
            if not connection.execute("UPDATE jobs SET canceled = 1 WHERE id = ?", (job_id,)).rowcount:
                raise no_such_job(job_id)

    def cancel_requested(self, job_id: str) -> bool:
        """Whether `request_cancel` was called; False for an unknown job."""
        row = self._one("SELECT canceled FROM jobs WHERE id = ?", job_id)
        return row is not None and bool(row[0])

    def unfinished(self) -> Sequence[str]:
        """Ids of jobs that are queued or running, oldest first."""
        query = "SELECT id FROM jobs WHERE status IN (?, ?) ORDER BY created_at_s, number"
        return tuple(str(row[0]) for row in self._all(query, *UNFINISHED))

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # a commit that returned survives a power cut too
        self._connection.execute("PRAGMA foreign_keys = ON")
        with self._transaction() as connection:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if found > SCHEMA_VERSION:
                message = f"{self._path} was written by a newer version: update, or use another data folder"
                raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message)
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: the lock is taken at once, and an exception rolls everything back."""
        with self._lock, self._outages():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _one(self, query: str, *values: str | int) -> tuple[str | int, ...] | None:
        rows = self._all(query, *values)
        return rows[0] if rows else None

    def _all(self, query: str, *values: str | int) -> list[tuple[str | int, ...]]:
        with self._lock, self._outages():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _outages(self) -> Iterator[None]:
        """Turns what SQLite refuses into `Unavailable`."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a fault of the program, not of the file
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                message = f"the disk that holds {self._path} is full: free some space and try again"
                raise Unavailable(ErrorCode.DISK_FULL, message) from error
            message = f"the job store {self._path} cannot be used ({error}): check the file and its folder"
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message) from error


def _append(connection: sqlite3.Connection, events: Sequence[PublicEvent]) -> None:
    connection.executemany(
        "INSERT INTO events (job_id, seq, body) VALUES (?, ?, ?)",
        [(event.job_id, event.seq, event.model_dump_json()) for event in events],
    )
