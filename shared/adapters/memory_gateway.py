"""Uploads and feedback in this process' memory: for tests. Safe for several threads."""

import threading
from collections.abc import Sequence

from shared.contracts.gateway import Feedback, Upload
from shared.errors import Conflict, ErrorCode, NotFound


def no_such_upload(upload_id: str) -> NotFound:
    """The error of every upload store for an unknown upload."""
    return NotFound(ErrorCode.UPLOAD_NOT_FOUND, f"there is no upload {upload_id}: it may have expired, send it again")


def upload_exists(upload_id: str) -> Conflict:
    """The error of every upload store for an id that is taken."""
    return Conflict(ErrorCode.OBJECT_EXISTS, f"upload {upload_id} exists: choose another id")


class MemoryUploadStore:
    """An `UploadStore` in a dictionary."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def add(self, upload: Upload) -> None:
        """Stores it; see `UploadStore.add`."""
        with self._lock:
            if upload.id in self._uploads:
                raise upload_exists(upload.id)
            self._uploads[upload.id] = upload

    def get(self, upload_id: str) -> Upload:
        """The upload; see `UploadStore.get`."""
        try:
            return self._uploads[upload_id]
        except KeyError:
            raise no_such_upload(upload_id) from None

    def expired(self, now_s: float, limit: int) -> Sequence[Upload]:
        """Those to be deleted; see `UploadStore.expired`."""
        with self._lock:
            uploads = list(self._uploads.values())
        return tuple(upload for upload in uploads if upload.expires_at_s <= now_s)[:limit]

    def remove(self, upload_id: str) -> None:
        """Forgets it; one that is not there is no error."""
        with self._lock:
            self._uploads.pop(upload_id, None)


class MemoryFeedbackStore:
    """A `FeedbackStore` in a dictionary."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Feedback]] = {}
        self._lock = threading.Lock()

    def put(self, feedback: Feedback) -> None:
        """Stores it in place of an earlier one of the same job and id."""
        with self._lock:
            self._entries.setdefault(feedback.job_id, {})[feedback.id] = feedback

    def of_job(self, job_id: str) -> Sequence[Feedback]:
        """All of a job's, by id; empty for an unknown job."""
        with self._lock:
            entries = self._entries.get(job_id, {})
            return tuple(entries[name] for name in sorted(entries))

    def remove(self, job_id: str, feedback_id: str) -> bool:
        """Takes one back; returns whether it was there."""
        with self._lock:
            entries = self._entries.get(job_id, {})
            found = entries.pop(feedback_id, None) is not None
            if not entries:
                self._entries.pop(job_id, None)
            return found

    def remove_job(self, job_id: str) -> None:
        """Takes all of a job's back."""
        with self._lock:
            self._entries.pop(job_id, None)

    def job_ids(self) -> Sequence[str]:
        """Ids of all jobs that have feedback, sorted."""
        with self._lock:
            return tuple(sorted(self._entries))
