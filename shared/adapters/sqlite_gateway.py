"""Uploads and feedback in SQLite files: pydantic JSON, with the columns that the stores themselves ask for."""

from collections.abc import Sequence
from pathlib import Path

from shared.adapters.memory_gateway import no_such_upload, upload_exists
from shared.adapters.sqlite_file import SqliteFile
from shared.contracts.gateway import Feedback, Upload

_UPLOADS = """
CREATE TABLE uploads (id TEXT PRIMARY KEY, expires_at_s REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX uploads_by_expiry ON uploads (expires_at_s)
"""
_FEEDBACK = """
CREATE TABLE feedback (
    job_id TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job_id, id)
) WITHOUT ROWID
"""


class SqliteUploadStore:
    """An `UploadStore` in the file at `path`; raises as `SqliteFile`."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, (_UPLOADS,))

    def close(self) -> None:
        """Closes the file; the store is of no use afterwards."""
        self._file.close()

    def add(self, upload: Upload) -> None:
        """Stores it; see `UploadStore.add`."""
        with self._file.transaction() as connection:
            if connection.execute("SELECT 1 FROM uploads WHERE id = ?", (upload.id,)).fetchone():
                raise upload_exists(upload.id)
            connection.execute(
                "INSERT INTO uploads (id, expires_at_s, body) VALUES (?, ?, ?)",
                (upload.id, upload.expires_at_s, upload.model_dump_json()),
            )

    def get(self, upload_id: str) -> Upload:
        """The upload; see `UploadStore.get`."""
        row = self._file.one("SELECT body FROM uploads WHERE id = ?", upload_id)
        if row is None:
            raise no_such_upload(upload_id)
        return Upload.model_validate_json(str(row[0]))

    def expired(self, now_s: float, limit: int) -> Sequence[Upload]:
        """Those to be deleted; see `UploadStore.expired`."""
        query = "SELECT body FROM uploads WHERE expires_at_s <= ? ORDER BY expires_at_s LIMIT ?"
        return tuple(Upload.model_validate_json(str(row[0])) for row in self._file.all(query, now_s, limit))

    def remove(self, upload_id: str) -> None:
        """Forgets it; one that is not there is no error."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM uploads WHERE id = ?", (upload_id,))


class SqliteFeedbackStore:
    """A `FeedbackStore` in the file at `path`; raises as `SqliteFile`."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, (_FEEDBACK,))

    def close(self) -> None:
        """Closes the file; the store is of no use afterwards."""
        self._file.close()

    def put(self, feedback: Feedback) -> None:
        """Stores it in place of an earlier one of the same job and id."""
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO feedback (job_id, id, body) VALUES (?, ?, ?)",
                (feedback.job_id, feedback.id, feedback.model_dump_json()),
            )

    def of_job(self, job_id: str) -> Sequence[Feedback]:
        """All of a job's, by id; empty for an unknown job."""
        rows = self._file.all("SELECT body FROM feedback WHERE job_id = ? ORDER BY id", job_id)
        return tuple(Feedback.model_validate_json(str(row[0])) for row in rows)

    def remove(self, job_id: str, feedback_id: str) -> bool:
        """Takes one back; returns whether it was there."""
        with self._file.transaction() as connection:
            query = "DELETE FROM feedback WHERE job_id = ? AND id = ?"
            return connection.execute(query, (job_id, feedback_id)).rowcount > 0

    def remove_job(self, job_id: str) -> None:
        """Takes all of a job's back."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM feedback WHERE job_id = ?", (job_id,))

    def job_ids(self) -> Sequence[str]:
        """Ids of all jobs that have feedback, sorted."""
        rows = self._file.all("SELECT DISTINCT job_id FROM feedback ORDER BY job_id")
        return tuple(str(row[0]) for row in rows)
