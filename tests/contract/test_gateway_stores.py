"""What every store of uploads and of feedback promises, run against each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.stores import redis_feedback, redis_uploads

from shared.adapters.memory_gateway import MemoryFeedbackStore, MemoryUploadStore
from shared.adapters.sqlite_gateway import SqliteFeedbackStore, SqliteUploadStore
from shared.contracts.categories import Category
from shared.contracts.gateway import Feedback, FeedbackVerdict, Upload
from shared.errors import Conflict, ErrorCode, NotFound
from shared.ports import FeedbackStore, UploadStore


def sqlite_uploads(folder: Path) -> Iterator[UploadStore]:
    store = SqliteUploadStore(folder / "uploads.sqlite3")
    yield store
    store.close()


def memory_uploads(_: Path) -> Iterator[UploadStore]:
    yield MemoryUploadStore()


UPLOADS: dict[str, Callable[[Path], Iterator[UploadStore]]] = {
    "memory": memory_uploads,
    "sqlite": sqlite_uploads,
    "redis": redis_uploads,
}


@pytest.fixture(params=UPLOADS)
def uploads(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UploadStore]:
    yield from UPLOADS[request.param](tmp_path)


def an_upload(upload_id: str = "upload_1", expires_at_s: float = 10.0) -> Upload:
    return Upload(
        id=upload_id,
        owner="local",
        image_ref=f"{upload_id}/image",
        size_hw=(32, 48),
        format="PNG",
        created_at_s=1.0,
        expires_at_s=expires_at_s,
    )


class TestUploadStore:
    def test_gives_back_what_was_added(self, uploads: UploadStore) -> None:
        uploads.add(an_upload())
        assert uploads.get("upload_1") == an_upload()

    def test_an_id_is_added_once(self, uploads: UploadStore) -> None:
        uploads.add(an_upload())
        with pytest.raises(Conflict) as refusal:
            uploads.add(an_upload(expires_at_s=11.0))
        assert refusal.value.code is ErrorCode.OBJECT_EXISTS
        assert uploads.get("upload_1") == an_upload()

    def test_an_unknown_one_is_not_found(self, uploads: UploadStore) -> None:
        with pytest.raises(NotFound) as refusal:
            uploads.get("upload_x")
        assert refusal.value.code is ErrorCode.UPLOAD_NOT_FOUND

    def test_lists_what_has_expired_until_it_is_removed(self, uploads: UploadStore) -> None:
        for number, expires in enumerate([10.0, 11.0, 12.0]):
            uploads.add(an_upload(f"upload_{number}", expires))
        assert list(uploads.expired(9.0, 9)) == []
        assert [upload.id for upload in uploads.expired(11.0, 9)] == ["upload_0", "upload_1"]
        assert len(uploads.expired(11.0, 1)) == 1
        uploads.remove("upload_0")
        uploads.remove("upload_0")
        assert [upload.id for upload in uploads.expired(11.0, 9)] == ["upload_1"]
        with pytest.raises(NotFound):
            uploads.get("upload_0")


def sqlite_feedback(folder: Path) -> Iterator[FeedbackStore]:
    store = SqliteFeedbackStore(folder / "feedback.sqlite3")
    yield store
    store.close()


def memory_feedback(_: Path) -> Iterator[FeedbackStore]:
    yield MemoryFeedbackStore()


FEEDBACK: dict[str, Callable[[Path], Iterator[FeedbackStore]]] = {
    "memory": memory_feedback,
    "sqlite": sqlite_feedback,
    "redis": redis_feedback,
}


@pytest.fixture(params=FEEDBACK)
def feedback(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FeedbackStore]:
    yield from FEEDBACK[request.param](tmp_path)


def a_word(job_id: str = "job_1", region_id: str = "r1", verdict: str = "accept") -> Feedback:
    return Feedback(
        id=region_id, job_id=job_id, verdict=FeedbackVerdict(verdict), region_id=region_id, comment="ä", at_s=1.0
    )


class TestFeedbackStore:
    def test_gives_back_a_jobs_entries_by_id(self, feedback: FeedbackStore) -> None:
        missed = Feedback(
            id="missed_1",
            job_id="job_1",
            verdict=FeedbackVerdict.MISSED,
            box_xyxy_px=(1, 2, 3, 4),
            category=Category.HAND,
            at_s=2.0,
        )
        for entry in (a_word(region_id="r2"), missed, a_word(), a_word("job_0")):
            feedback.put(entry)
        assert list(feedback.of_job("job_1")) == [missed, a_word(), a_word(region_id="r2")]
        assert list(feedback.job_ids()) == ["job_0", "job_1"]

    def test_a_second_word_replaces_the_first(self, feedback: FeedbackStore) -> None:
        feedback.put(a_word())
        feedback.put(a_word(verdict="reject"))
        assert list(feedback.of_job("job_1")) == [a_word(verdict="reject")]

    def test_takes_back_one_or_all(self, feedback: FeedbackStore) -> None:
        for entry in (a_word(), a_word(region_id="r2"), a_word("job_0")):
            feedback.put(entry)
        assert feedback.remove("job_1", "r1")
        assert not feedback.remove("job_1", "r1")
        assert list(feedback.of_job("job_1")) == [a_word(region_id="r2")]
        feedback.remove_job("job_1")
        feedback.remove_job("job_1")
        assert list(feedback.of_job("job_1")) == []
        assert list(feedback.job_ids()) == ["job_0"]
