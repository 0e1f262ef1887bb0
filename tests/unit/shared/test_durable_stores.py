"""What only the stores on a disk can get wrong: full disks, foreign files, leftovers of a killed process, reopening."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fakes.agents import queued_job

from services.orchestrator.loop import begin
from shared.adapters.clock import SystemClock
from shared.adapters.file_images import FileImageStore
from shared.adapters.memory import MemoryImageStore
from shared.adapters.sqlite_file import SqliteFile
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.adapters.sqlite_schema import FIRST
from shared.contracts.loop import PublicEvent
from shared.errors import ErrorCode, NotFound, Unavailable


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileImageStore(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unavailable) as refusal:
            store.put("job_1/a.png", b"bytes")
    assert refusal.value.code is ErrorCode.DISK_FULL
    assert refusal.value.retryable
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(NotFound):
        store.get("job_1/a.png")
    store.put("job_1/a.png", b"bytes")


def test_a_folder_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(Unavailable) as refusal:
        FileImageStore(tmp_path / "images")
    assert refusal.value.code is ErrorCode.STORE_UNAVAILABLE


def test_what_a_killed_process_was_writing_is_no_object_and_goes_with_the_job(tmp_path: Path) -> None:
    store = FileImageStore(tmp_path)
    store.put("job_1/s1-d1/a.png", b"whole")
    (tmp_path / "job_1/s1-d1/.writing-x").write_bytes(b"ha")
    assert list(store.refs("job_1/")) == ["job_1/s1-d1/a.png"]
    assert store.delete("job_1/") == 1
    assert list(tmp_path.iterdir()) == []


def test_files_are_shared_by_two_stores(tmp_path: Path) -> None:
    FileImageStore(tmp_path).put("job_1/a.png", b"x")
    assert FileImageStore(tmp_path).get("job_1/a.png") == b"x"


def test_jobs_outlive_the_store(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    job = queued_job(MemoryImageStore())
    event = PublicEvent(seq=1, job_id=job.id, type="job.started", at_s=1.0)
    first = SqliteJobStore(path)
    first.create(job, [event])
    assert first.next_dispatch(job.id) == 1
    first.request_cancel(job.id)
    second = SqliteJobStore(path)
    first.close()
    assert second.load(job.id).job == job
    assert list(second.events_after(job.id, 0)) == [event]
    assert second.next_dispatch(job.id) == 2
    assert second.cancel_requested(job.id)
    second.close()


def test_a_number_that_a_killed_process_had_in_hand_is_not_given_again(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    job = queued_job(MemoryImageStore())
    first, second = SqliteJobStore(path), SqliteJobStore(path)
    first.create(job, ())
    first.commit(begin(job, 2.0).job, 1, ())
    taken_elsewhere = second.next_dispatch(job.id)
    assert first.next_dispatch(job.id) != taken_elsewhere
    second.commit(begin(job, 2.0).job, 2, ())
    second.close()
    third = SqliteJobStore(path)
    assert third.next_dispatch(job.id) > taken_elsewhere
    first.close()
    third.close()


def test_a_number_in_hand_is_none_once_the_job_was_deleted_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    job = queued_job(MemoryImageStore())
    first, second = SqliteJobStore(path), SqliteJobStore(path)
    first.create(job, ())
    first.commit(begin(job, 2.0).job, 1, ())
    second.delete(job.id)
    with pytest.raises(NotFound):
        first.next_dispatch(job.id)
    first.close()
    second.close()


def test_a_step_of_the_loop_is_one_transaction(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    job = queued_job(MemoryImageStore())
    store = SqliteJobStore(path)
    store.create(job, ())
    store.commit(begin(job, 2.0).job, 1, ())
    with closing(sqlite3.connect(path)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        store.next_dispatch(job.id)
        assert other.execute("PRAGMA data_version").fetchone() == before
    store.close()


def test_a_commit_whose_events_cannot_be_written_is_no_commit(tmp_path: Path) -> None:
    store = SqliteJobStore(tmp_path / "jobs.sqlite3")
    job = queued_job(MemoryImageStore())
    event = PublicEvent(seq=1, job_id=job.id, type="job.started", at_s=1.0)
    store.create(job, [event])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit(job.model_copy(update={"step": 5}), 1, [event])
    assert store.load(job.id).version == 1
    assert store.load(job.id).job.step == 0
    store.close()


@pytest.mark.parametrize("content", [b"this is not a database, only words " * 40, None])
def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "jobs.sqlite3"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(Unavailable) as refusal:
        SqliteJobStore(path)
    assert refusal.value.code is ErrorCode.STORE_UNAVAILABLE
    assert str(path) in refusal.value.message


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Unavailable, match="newer version"):
        SqliteJobStore(path)


def test_jobs_of_an_earlier_version_are_kept_and_belong_to_the_local_owner(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    job = queued_job(MemoryImageStore())
    body = job.model_dump_json(exclude={"owner", "client_id", "idempotency_key", "request_sha256", "expires_at_s"})
    SqliteFile(path, (FIRST,)).close()
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO jobs (id, version, status, created_at_s, body) VALUES (?, 3, 'queued', 0, ?)", (job.id, body)
    )
    connection.commit()
    connection.close()
    store = SqliteJobStore(path)
    assert (store.load(job.id).job, store.load(job.id).version) == (job, 3)
    assert list(store.of_owner("local", 9)) == [job]
    store.close()


def test_a_full_database_says_so(tmp_path: Path) -> None:
    store = SqliteJobStore(tmp_path / "jobs.sqlite3")
    store._file._writer.execute("PRAGMA max_page_count = 20")
    job = queued_job(MemoryImageStore()).model_copy(update={"warnings": tuple("x" * 4000 for _ in range(20))})
    with pytest.raises(Unavailable) as refusal:
        store.create(job, ())
    assert refusal.value.code is ErrorCode.DISK_FULL
    with pytest.raises(NotFound):
        store.load(job.id)
    store.close()


def test_the_clock_goes_forward() -> None:
    clock = SystemClock()
    first = clock.now_s()
    assert 1.7e9 < first <= clock.now_s()
