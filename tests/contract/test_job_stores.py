"""What every job store promises, run against each of them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.agents import queued_job
from fakes.drive import Script, through_advance
from fakes.stores import memory_jobs, redis_jobs, sqlite_jobs
from fakes.world import Effect, Flaw, World

from services.orchestrator.loop import begin
from shared.adapters.memory import MemoryImageStore
from shared.contracts.jobs import Job, JobOptions, Status
from shared.contracts.loop import PublicEvent
from shared.errors import Conflict, ErrorCode, NotFound
from shared.ports import JobStore

ADAPTERS: dict[str, Callable[[Path], Iterator[JobStore]]] = {
    "memory": memory_jobs,
    "sqlite": sqlite_jobs,
    "redis": redis_jobs,
}


@pytest.fixture(params=ADAPTERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    yield from ADAPTERS[request.param](tmp_path)


def a_job(job_id: str = "job_1", created_at_s: float = 1.0, status: Status = Status.QUEUED) -> Job:
    job = queued_job(MemoryImageStore(), job_id)
    return job.model_copy(update={"created_at_s": created_at_s, "status": status})


def waiting_job() -> Job:
    """With a command that nobody has begun."""
    return begin(a_job(), 2.0).job


def an_event(seq: int, job_id: str = "job_1") -> PublicEvent:
    return PublicEvent(seq=seq, job_id=job_id, type="stage.started", at_s=1.25, data={"stage": "perceive", "step": seq})


class TestJobStore:
    def test_gives_back_what_was_created(self, store: JobStore) -> None:
        job = a_job()
        store.create(job, [an_event(1)])
        assert (store.load("job_1").job, store.load("job_1").version) == (job, 1)
        assert list(store.events_after("job_1", 0)) == [an_event(1)]

    def test_keeps_every_field_of_a_job_that_has_lived(self, store: JobStore) -> None:
        world = World({"a": Flaw(), "b": Flaw(box=(10, 0, 18, 8))}, {"b": (Effect(after=0.9),)})
        options = JobOptions(
            seed=2**63 - 1, metadata={"nested": [1, 2.5, None, {"ä": "ö"}]}, region_boxes_px=((0, 0, 1, 2),)
        )
        job = through_advance(Script(world, options=options)).job
        store.create(job, ())
        assert store.load(job.id).job == job

    def test_an_id_is_created_once(self, store: JobStore) -> None:
        store.create(a_job(), ())
        with pytest.raises(Conflict) as refusal:
            store.create(a_job(created_at_s=9.0), [an_event(1)])
        assert refusal.value.code is ErrorCode.OBJECT_EXISTS
        assert store.load("job_1").job == a_job()
        assert list(store.events_after("job_1", 0)) == []

    def test_a_commit_counts_the_version_up(self, store: JobStore) -> None:
        store.create(a_job(), [an_event(1)])
        running = a_job(status=Status.RUNNING)
        assert store.commit(running, 1, [an_event(2), an_event(3)]) == 2
        assert (store.load("job_1").job, store.load("job_1").version) == (running, 2)
        assert list(store.events_after("job_1", 1)) == [an_event(2), an_event(3)]

    def test_a_commit_that_comes_second_changes_nothing(self, store: JobStore) -> None:
        store.create(a_job(), ())
        store.commit(a_job(status=Status.RUNNING), 1, [an_event(1)])
        with pytest.raises(Conflict) as refusal:
            store.commit(a_job(status=Status.FAILED), 1, [an_event(1)])
        assert refusal.value.code is ErrorCode.VERSION_CONFLICT
        assert store.load("job_1").job.status is Status.RUNNING
        assert list(store.events_after("job_1", 0)) == [an_event(1)]

    def test_of_commits_at_the_same_time_one_wins(self, store: JobStore) -> None:
        store.create(a_job(), ())

        def commit(number: int) -> bool:
            try:
                store.commit(a_job(created_at_s=float(number)), 1, [an_event(1)])
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(commit, range(16)))
        assert sum(won) == 1
        assert store.load("job_1").job.created_at_s == won.index(True)
        assert len(store.events_after("job_1", 0)) == 1

    def test_an_unknown_job_is_not_found(self, store: JobStore) -> None:
        for use in (
            lambda: store.load("job_x"),
            lambda: store.commit(a_job("job_x"), 1, ()),
            lambda: store.next_dispatch("job_x"),
            lambda: store.request_cancel("job_x"),
        ):
            with pytest.raises(NotFound) as refusal:
                use()
            assert refusal.value.code is ErrorCode.JOB_NOT_FOUND
        assert list(store.events_after("job_x", 0)) == []
        assert not store.cancel_requested("job_x")

    def test_events_belong_to_their_job(self, store: JobStore) -> None:
        store.create(a_job("job_1"), [an_event(1)])
        store.create(a_job("job_2"), [an_event(1, "job_2"), an_event(2, "job_2")])
        assert [event.job_id for event in store.events_after("job_2", 0)] == ["job_2", "job_2"]
        assert list(store.events_after("job_1", 1)) == []

    def test_a_dispatch_number_is_given_once(self, store: JobStore) -> None:
        store.create(a_job(), ())
        store.create(a_job("job_2"), ())
        assert [store.next_dispatch("job_1") for _ in range(3)] == [1, 2, 3]
        assert store.next_dispatch("job_2") == 1
        store.commit(a_job(status=Status.RUNNING), 1, ())
        assert store.next_dispatch("job_1") == 4
        with ThreadPoolExecutor(8) as pool:
            numbers = list(pool.map(lambda _: store.next_dispatch("job_1"), range(32)))
        assert sorted(numbers) == list(range(5, 37))

    def test_commands_and_repetitions_of_them_get_numbers_of_their_own(self, store: JobStore) -> None:
        store.create(a_job(), ())
        given = [store.next_dispatch("job_1")]
        for version in (1, 2):
            store.commit(waiting_job(), version, ())
            given += [store.next_dispatch("job_1"), store.next_dispatch("job_1")]
        store.commit(waiting_job(), 3, ())
        store.commit(waiting_job(), 4, ())
        given.append(store.next_dispatch("job_1"))
        with pytest.raises(Conflict):
            store.commit(waiting_job(), 1, ())
        given.append(store.next_dispatch("job_1"))
        assert given == sorted(set(given))

    def test_a_cancel_request_lies_beside_the_job(self, store: JobStore) -> None:
        store.create(a_job(), ())
        assert not store.cancel_requested("job_1")
        store.request_cancel("job_1")
        store.request_cancel("job_1")
        assert store.cancel_requested("job_1")
        assert store.load("job_1").version == 1
        store.commit(a_job(status=Status.RUNNING), 1, ())
        assert store.cancel_requested("job_1")

    def test_lists_unfinished_jobs_oldest_first(self, store: JobStore) -> None:
        for number, (created, status) in enumerate(
            [
                (3.0, Status.QUEUED),
                (1.0, Status.RUNNING),
                (2.0, Status.SUCCEEDED),
                (0.5, Status.QUEUED),
                (1.0, Status.QUEUED),
            ]
        ):
            store.create(a_job(f"job_{number}", created, status), ())
        assert list(store.unfinished()) == ["job_3", "job_1", "job_4", "job_0"]
        store.commit(a_job("job_3", 0.5, Status.CANCELED), 1, ())
        assert list(store.unfinished()) == ["job_1", "job_4", "job_0"]
