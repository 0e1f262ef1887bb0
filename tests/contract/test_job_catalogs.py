"""What every job store promises the gateway beyond running jobs: names, owners, deletion, expiry."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.agents import queued_job
from fakes.stores import memory_jobs, redis_jobs, sqlite_jobs

from shared.adapters.memory import MemoryImageStore
from shared.contracts.jobs import Job, Status
from shared.contracts.loop import PublicEvent
from shared.errors import Conflict, ErrorCode, NotFound
from shared.ports import KEY_LIFE_S, JobCatalog

ADAPTERS: dict[str, Callable[[Path], Iterator[JobCatalog]]] = {
    "memory": memory_jobs,
    "sqlite": sqlite_jobs,
    "redis": redis_jobs,
}


@pytest.fixture(params=ADAPTERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobCatalog]:
    yield from ADAPTERS[request.param](tmp_path)


def a_job(job_id: str = "job_1", created_at_s: float = 1.0, status: Status = Status.QUEUED) -> Job:
    job = queued_job(MemoryImageStore(), job_id)
    return job.model_copy(update={"created_at_s": created_at_s, "status": status})


def named(job_id: str, owner: str = "local", created_at_s: float = 1.0, **names: str) -> Job:
    return a_job(job_id, created_at_s).model_copy(update={"owner": owner, **names})


def an_event(seq: int, job_id: str = "job_1") -> PublicEvent:
    return PublicEvent(seq=seq, job_id=job_id, type="stage.started", at_s=1.25, data={"stage": "perceive", "step": seq})


class TestJobCatalog:
    def test_lists_queued_jobs_oldest_first(self, store: JobCatalog) -> None:
        for name, created, status in (
            ("job_1", 3.0, Status.QUEUED),
            ("job_2", 1.0, Status.RUNNING),
            ("job_3", 2.0, Status.QUEUED),
        ):
            store.create(a_job(name, created, status), ())
        assert list(store.queued()) == ["job_3", "job_1"]
        store.commit(a_job("job_3", 2.0, Status.RUNNING), 1, ())
        assert list(store.queued()) == ["job_1"]

    def test_counts_an_owners_jobs_at_work(self, store: JobCatalog) -> None:
        for name, owner, status in (
            ("job_1", "local", Status.QUEUED),
            ("job_2", "local", Status.RUNNING),
            ("job_3", "local", Status.FAILED),
            ("job_4", "other", Status.QUEUED),
        ):
            store.create(a_job(name, status=status).model_copy(update={"owner": owner}), ())
        assert [store.at_work(owner) for owner in ("local", "other", "nobody")] == [2, 1, 0]
        store.commit(a_job("job_2", status=Status.SUCCEEDED), 1, ())
        assert store.at_work("local") == 1

    def test_a_deleted_job_is_gone_with_all_that_lay_beside_it(self, store: JobCatalog) -> None:
        names = {"client_id": "mine", "idempotency_key": "k"}
        store.create(named("job_1", **names), [an_event(1)])
        store.next_dispatch("job_1")
        store.request_cancel("job_1")
        store.delete("job_1")
        for use in (
            lambda: store.load("job_1"),
            lambda: store.commit(a_job(), 1, ()),
            lambda: store.delete("job_1"),
        ):
            with pytest.raises(NotFound) as refusal:
                use()
            assert refusal.value.code is ErrorCode.JOB_NOT_FOUND
        assert list(store.events_after("job_1", 0)) == []
        assert not store.cancel_requested("job_1")
        assert list(store.unfinished()) == list(store.queued()) == list(store.of_owner("local", 9)) == []
        assert store.named("local", "mine") is None
        assert store.with_key("local", "k", 1.0) is None
        store.create(named("job_1", **names), [an_event(1)])
        assert store.next_dispatch("job_1") == 1

    def test_a_name_is_one_jobs_for_as_long_as_that_exists(self, store: JobCatalog) -> None:
        store.create(named("job_1", client_id="mine"), ())
        store.create(named("job_2", owner="other", client_id="mine"), ())
        store.create(a_job("job_3"), ())
        store.create(a_job("job_4"), ())
        with pytest.raises(Conflict) as refusal:
            store.create(named("job_5", created_at_s=1e9, client_id="mine"), [an_event(1, "job_5")])
        assert refusal.value.code is ErrorCode.NAME_TAKEN
        assert list(store.events_after("job_5", 0)) == []
        assert store.named("local", "mine") == "job_1"
        assert store.named("other", "mine") == "job_2"
        assert store.named("nobody", "mine") is None
        assert store.named("local", "yours") is None

    def test_an_idempotency_key_is_one_jobs_for_a_day(self, store: JobCatalog) -> None:
        store.create(named("job_1", created_at_s=100.0, idempotency_key="k"), ())
        store.create(named("job_2", owner="other", created_at_s=100.0, idempotency_key="k"), ())
        last_s = 100.0 + KEY_LIFE_S - 1
        assert store.with_key("local", "k", last_s) == "job_1"
        assert store.with_key("local", "other", last_s) is None
        assert store.with_key("local", "k", last_s + 1) is None
        with pytest.raises(Conflict) as refusal:
            store.create(named("job_3", created_at_s=last_s, idempotency_key="k"), ())
        assert refusal.value.code is ErrorCode.NAME_TAKEN
        with pytest.raises(NotFound):
            store.load("job_3")
        store.create(named("job_4", created_at_s=last_s + 1, idempotency_key="k"), ())
        assert store.with_key("local", "k", last_s + 1) == "job_4"
        store.delete("job_1")
        assert store.with_key("local", "k", last_s + 1) == "job_4"

    def test_a_client_id_and_a_key_are_different_names(self, store: JobCatalog) -> None:
        store.create(named("job_1", client_id="x"), ())
        store.create(named("job_2", idempotency_key="x"), ())
        assert store.named("local", "x") == "job_1"
        assert store.with_key("local", "x", 1.0) == "job_2"

    @pytest.mark.parametrize("name", ["client_id", "idempotency_key"])
    def test_of_jobs_of_one_name_created_at_the_same_time_one_is_stored(self, store: JobCatalog, name: str) -> None:
        def create(number: int) -> bool:
            try:
                store.create(named(f"job_{number}", **{name: "x"}), [an_event(1, f"job_{number}")])
            except Conflict as refusal:
                assert refusal.code is ErrorCode.NAME_TAKEN
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(create, range(16)))
        assert sum(won) == 1
        winner = f"job_{won.index(True)}"
        assert list(store.unfinished()) == [winner]
        assert winner in (store.named("local", "x"), store.with_key("local", "x", 1.0))

    def test_lists_an_owners_jobs_newest_first_page_by_page(self, store: JobCatalog) -> None:
        for number in (2, 5, 1, 4, 3):
            store.create(named(f"job_{number}", created_at_s=float(number)), ())
        store.create(named("job_6", owner="other"), ())

        def ids(*arguments: object) -> list[str]:
            return [job.id for job in store.of_owner("local", *arguments)]  # type: ignore[arg-type]

        assert ids(2) == ["job_5", "job_4"]
        assert ids(2, "job_4") == ["job_3", "job_2"]
        assert ids(2, "job_2") == ["job_1"]
        assert ids(2, "job_1") == []
        assert ids(9, "job_35") == ["job_3", "job_2", "job_1"]
        assert [job.id for job in store.of_owner("other", 9)] == ["job_6"]
        assert list(store.of_owner("nobody", 9)) == []
        store.commit(a_job("job_4", 4.0, Status.SUCCEEDED), 1, ())
        store.commit(a_job("job_2", 2.0, Status.SUCCEEDED), 1, ())
        assert ids(9, None, Status.SUCCEEDED) == ["job_4", "job_2"]
        assert ids(1, "job_4", Status.SUCCEEDED) == ["job_2"]
        assert ids(9, None, Status.QUEUED) == ["job_5", "job_3", "job_1"]
        assert ids(9, None, Status.FAILED) == []

    def test_lists_jobs_that_have_ended_and_expired(self, store: JobCatalog) -> None:
        for number, (status, expires) in enumerate(
            [
                (Status.SUCCEEDED, 10.0),
                (Status.FAILED, 10.5),
                (Status.RUNNING, 5.0),
                (Status.QUEUED, 5.0),
                (Status.CANCELED, None),
            ]
        ):
            job = a_job(f"job_{number}", status=status).model_copy(update={"expires_at_s": expires})
            store.create(job, ())
        assert list(store.expired(9.0, 9)) == []
        assert list(store.expired(10.0, 9)) == ["job_0"]
        assert sorted(store.expired(10.5, 9)) == ["job_0", "job_1"]
        assert len(store.expired(10.5, 1)) == 1
        store.commit(a_job("job_2", status=Status.SUCCEEDED).model_copy(update={"expires_at_s": 6.0}), 1, ())
        assert list(store.expired(7.0, 9)) == ["job_2"]
