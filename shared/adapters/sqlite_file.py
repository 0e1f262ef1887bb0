"""One SQLite file: write-ahead log, transactions that take the write lock at once, and the file's errors as ours.

Several processes and threads may share the file. Reads go over a connection of their own, so that they never wait for
a write to reach the disk. A write that returned is on the disk.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.errors import ErrorCode, Unavailable

BUSY_TIMEOUT_S = 10.0
"""How long a write waits for another process' transaction; those take milliseconds."""

Value = str | int | float | None


class SqliteFile:
    """The file at `path`, which is made where it does not exist.

    Args:
        path: of the database.
        schemas: what brings a file from each version to the next, as statements divided by `;`; the first makes it.

    Raises:
        Unavailable: the file cannot be opened, is not a database, or was written by a newer version of this program.
    """

    def __init__(self, path: Path, schemas: Sequence[str]) -> None:
        self._path = path
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()
        with self._outages():
            self._writer = self._connect()
            self._prepare(schemas)
            self._reader = self._connect()

    def close(self) -> None:
        """Closes the file; it is of no use afterwards."""
        with self._write_lock, self._read_lock:
            self._writer.close()
            self._reader.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: the lock is taken at once, and an exception rolls everything back."""
        with self._write_lock, self._outages():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def all(self, query: str, *values: Value) -> list[tuple[Value, ...]]:
        """The rows of a query, as last committed."""
        with self._read_lock, self._outages():
            return self._reader.execute(query, values).fetchall()

    def one(self, query: str, *values: Value) -> tuple[Value, ...] | None:
        """The first row of a query; None without one."""
        rows = self.all(query, *values)
        return rows[0] if rows else None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit that returned survives a power cut too
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _prepare(self, schemas: Sequence[str]) -> None:
        with self.transaction() as connection:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if found > len(schemas):
                message = f"{self._path} was written by a newer version: update, or use another data folder"
                raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message)
            for schema in schemas[found:]:
                for statement in filter(str.strip, schema.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(schemas)}")

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
