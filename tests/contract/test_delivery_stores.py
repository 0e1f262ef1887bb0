"""What every delivery store promises, with the job store that it shares its storage with."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.agents import queued_job
from fakes.stores import fresh_redis

from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.adapters.redis_deliveries import RedisDeliveryStore
from shared.adapters.redis_jobs import RedisJobStore
from shared.adapters.sqlite_deliveries import SqliteDeliveryStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.deliveries import Claim, Delivery, DeliveryAttempt, DeliveryStatus
from shared.contracts.jobs import Job, Webhook, WebhookEvent
from shared.contracts.loop import PublicEvent
from shared.deliveries import deliveries_of
from shared.errors import Conflict, ErrorCode, NotFound
from shared.ports import DeliveryStore, JobCatalog

LEASE_S = 60.0


@dataclass(frozen=True)
class Stores:
    """Both over the same storage; `reopened` gives the deliveries as another process sees them."""

    jobs: JobCatalog
    deliveries: DeliveryStore
    reopened: Callable[[], DeliveryStore]


def memory(_: Path) -> Iterator[Stores]:
    jobs = MemoryJobStore()
    yield Stores(jobs, jobs.deliveries, lambda: jobs.deliveries)


def sqlite(folder: Path) -> Iterator[Stores]:
    path = folder / "jobs.sqlite3"
    jobs = SqliteJobStore(path)
    opened = [SqliteDeliveryStore(path)]

    def reopen() -> DeliveryStore:
        opened.append(SqliteDeliveryStore(path))
        return opened[-1]

    yield Stores(jobs, opened[0], reopen)
    for store in opened:
        store.close()
    jobs.close()


def on_redis(_: Path) -> Iterator[Stores]:
    connection = fresh_redis()
    store = RedisDeliveryStore(connection)
    yield Stores(RedisJobStore(connection), store, lambda: RedisDeliveryStore(connection))
    connection.close()


ADAPTERS: dict[str, Callable[[Path], Iterator[Stores]]] = {"memory": memory, "sqlite": sqlite, "redis": on_redis}


@pytest.fixture(params=ADAPTERS)
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    yield from ADAPTERS[request.param](tmp_path)


def a_job(job_id: str = "job_1", url: str = "https://a.example/hook", owner: str = "shop") -> Job:
    job = queued_job(MemoryImageStore(), job_id)
    return job.model_copy(update={"webhook": Webhook(url=url), "owner": owner})


def an_event(seq: int, at_s: float, kind: str = "job.iteration", job_id: str = "job_1") -> PublicEvent:
    return PublicEvent(seq=seq, job_id=job_id, type=kind, at_s=at_s, data={"number": seq, "ä": ["ö"]})


def claim(store: DeliveryStore, now_s: float, limit: int = 100, per_site: int = 100) -> list[Claim]:
    return list(store.claim_due(now_s, LEASE_S, limit, per_site))


def ids(claims: list[Claim]) -> list[str]:
    return [claim.delivery.id for claim in claims]


def tried(delivery: Delivery, status: DeliveryStatus, next_at_s: float | None, at_s: float = 5.0) -> Delivery:
    attempt = DeliveryAttempt(at_s=at_s, status_code=500, error="answered 500", seconds=0.25)
    changed = {"status": status, "next_attempt_at_s": next_at_s, "tries": delivery.tries + 1}
    return delivery.model_copy(update={**changed, "attempts": (*delivery.attempts, attempt)})


class TestDeliveryStore:
    def test_a_commit_makes_the_deliveries_that_its_events_ask_for(self, stores: Stores) -> None:
        job = a_job()
        stores.jobs.create(job, [an_event(1, 1.0, "job.started")])
        events = [an_event(2, 2.0, "stage.started"), an_event(3, 3.0), an_event(4, 4.0, "job.succeeded")]
        stores.jobs.commit(job, 1, events)
        found = list(stores.deliveries.of_job("job_1"))
        assert [delivery.id for delivery in found] == ["evt_job_1_1", "evt_job_1_3", "evt_job_1_4"]
        assert tuple(found[1:]) == deliveries_of(job, events)
        assert list(stores.reopened().of_job("job_1")) == found

    def test_a_commit_that_fails_makes_none(self, stores: Stores) -> None:
        job = a_job()
        stores.jobs.create(job, ())
        with pytest.raises(Conflict):
            stores.jobs.commit(job, 7, [an_event(1, 1.0)])
        with pytest.raises(Conflict):
            stores.jobs.create(job, [an_event(1, 1.0)])
        assert list(stores.deliveries.of_job("job_1")) == []
        assert claim(stores.deliveries, 100.0) == []

    def test_a_job_without_webhook_makes_none(self, stores: Stores) -> None:
        job = a_job().model_copy(update={"webhook": None})
        stores.jobs.create(job, [an_event(1, 1.0)])
        assert claim(stores.deliveries, 100.0) == []

    def test_deleting_a_job_deletes_its_deliveries(self, stores: Stores) -> None:
        for job_id in ("job_1", "job_2"):
            stores.jobs.create(a_job(job_id), [an_event(1, 1.0, job_id=job_id)])
        taken = claim(stores.deliveries, 1.0, limit=1)
        stores.jobs.delete("job_1")
        assert list(stores.deliveries.of_job("job_1")) == []
        assert ids(taken) == ["evt_job_1_1"]
        assert not stores.deliveries.settle(taken[0], tried(taken[0].delivery, DeliveryStatus.FAILED, None))
        assert list(stores.deliveries.of_job("job_1")) == []
        assert ids(claim(stores.deliveries, 100.0)) == ["evt_job_2_1"]

    def test_is_due_from_its_time_on(self, stores: Stores) -> None:
        stores.jobs.create(a_job(), [an_event(1, 10.0)])
        assert claim(stores.deliveries, 9.99) == []
        [taken] = claim(stores.deliveries, 10.0)
        assert taken.delivery == stores.deliveries.of_job("job_1")[0]

    def test_what_has_waited_longest_comes_first(self, stores: Stores) -> None:
        for number, at_s in enumerate([3.0, 1.0, 2.0], start=1):
            stores.jobs.create(a_job(f"job_{number}"), [an_event(1, at_s, job_id=f"job_{number}")])
        assert ids(claim(stores.deliveries, 9.0, limit=2)) == ["evt_job_2_1", "evt_job_3_1"]
        assert ids(claim(stores.deliveries, 9.0, limit=2)) == ["evt_job_1_1"]

    def test_a_claim_holds_until_its_lease_ends(self, stores: Stores) -> None:
        stores.jobs.create(a_job(), [an_event(1, 10.0)])
        [first] = claim(stores.deliveries, 10.0)
        assert claim(stores.deliveries, 10.0 + LEASE_S - 0.01) == []
        [second] = claim(stores.reopened(), 10.0 + LEASE_S)
        assert second.delivery == first.delivery
        assert not stores.deliveries.settle(first, tried(first.delivery, DeliveryStatus.FAILED, None))
        assert stores.deliveries.settle(second, tried(second.delivery, DeliveryStatus.DELIVERED, None))
        assert stores.deliveries.of_job("job_1")[0].status is DeliveryStatus.DELIVERED

    def test_a_settled_claim_is_settled_once(self, stores: Stores) -> None:
        stores.jobs.create(a_job(), [an_event(1, 10.0)])
        [taken] = claim(stores.deliveries, 10.0)
        later = tried(taken.delivery, DeliveryStatus.PENDING, 20.0)
        assert stores.deliveries.settle(taken, later)
        assert list(stores.deliveries.of_job("job_1")) == [later]
        assert claim(stores.deliveries, 19.0) == []
        [again] = claim(stores.deliveries, 20.0)
        assert again.delivery == later
        assert again.number > taken.number
        assert not stores.deliveries.settle(taken, tried(taken.delivery, DeliveryStatus.FAILED, None))
        assert stores.deliveries.settle(again, tried(later, DeliveryStatus.FAILED, None))
        assert claim(stores.deliveries, 10**9) == []
        assert len(stores.reopened().of_job("job_1")[0].attempts) == 2

    def test_a_site_has_no_more_than_its_share_under_lease(self, stores: Stores) -> None:
        stores.jobs.create(a_job("job_1", "https://slow.example/x"), [an_event(seq, 1.0) for seq in range(1, 6)])
        other = [an_event(seq, 2.0, job_id="job_2") for seq in range(1, 4)]
        stores.jobs.create(a_job("job_2", "https://quick.example/x"), other)
        first = claim(stores.deliveries, 3.0, per_site=2)
        assert ids(first) == ["evt_job_1_1", "evt_job_1_2", "evt_job_2_1", "evt_job_2_2"]
        assert claim(stores.deliveries, 3.0, per_site=2) == []
        for taken in first[1:3]:
            assert stores.deliveries.settle(taken, tried(taken.delivery, DeliveryStatus.DELIVERED, None))
        assert ids(claim(stores.deliveries, 3.0, per_site=2)) == ["evt_job_1_3", "evt_job_2_3"]

    def test_one_of_many_gets_a_claim(self, stores: Stores) -> None:
        stores.jobs.create(a_job(), [an_event(seq, 1.0) for seq in range(1, 21)])
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda _: claim(stores.deliveries, 2.0, limit=3), range(16)))
        assert sorted(name for claims in taken for name in ids(claims)) == sorted(
            f"evt_job_1_{seq}" for seq in range(1, 21)
        )

    def test_replays_whatever_came_of_it(self, stores: Stores) -> None:
        stores.jobs.create(a_job(), [an_event(1, 1.0)])
        [taken] = claim(stores.deliveries, 1.0)
        failed = tried(taken.delivery, DeliveryStatus.FAILED, None)
        stores.deliveries.settle(taken, failed)
        again = stores.deliveries.replay("evt_job_1_1", 50.0)
        assert (again.status, again.tries, again.next_attempt_at_s) == (DeliveryStatus.PENDING, 0, 50.0)
        assert (again.attempts, again.body) == (failed.attempts, failed.body)
        assert list(stores.deliveries.of_job("job_1")) == [again]
        assert ids(claim(stores.deliveries, 50.0)) == ["evt_job_1_1"]

    def test_a_replay_voids_the_claim_of_a_try_that_is_under_way(self, stores: Stores) -> None:
        stores.jobs.create(a_job(), [an_event(1, 1.0)])
        [taken] = claim(stores.deliveries, 1.0)
        stores.deliveries.replay("evt_job_1_1", 2.0)
        assert not stores.deliveries.settle(taken, tried(taken.delivery, DeliveryStatus.FAILED, None))
        assert ids(claim(stores.deliveries, 2.0)) == ["evt_job_1_1"]

    def test_an_unknown_delivery_cannot_be_replayed(self, stores: Stores) -> None:
        with pytest.raises(NotFound) as refusal:
            stores.deliveries.replay("evt_job_x_1", 1.0)
        assert refusal.value.code is ErrorCode.DELIVERY_NOT_FOUND

    def test_a_url_is_disabled_for_its_owner_until_a_replay(self, stores: Stores) -> None:
        store, url = stores.deliveries, "https://a.example/hook"
        stores.jobs.create(a_job(url=url), [an_event(1, 1.0)])
        assert not store.is_disabled("shop", url)
        store.disable("shop", url, 5.0)
        store.disable("shop", url, 6.0)
        assert stores.reopened().is_disabled("shop", url)
        assert not store.is_disabled("other", url)
        assert not store.is_disabled("shop", f"{url}2")
        store.replay("evt_job_1_1", 7.0)
        assert not store.is_disabled("shop", url)


def test_only_the_events_asked_for() -> None:
    webhook = Webhook(url="https://A.Example:8443/hook?x=1", events=(WebhookEvent.FAILED,))
    job = a_job().model_copy(update={"webhook": webhook})
    [delivery] = deliveries_of(job, [an_event(1, 1.0, "job.started"), an_event(2, 2.0, "job.failed")])
    assert (delivery.type, delivery.site) == ("job.failed", "a.example:8443")


@pytest.mark.parametrize("url", ["https://[::1", "nonsense", "https://"])
def test_no_url_stops_a_commit(url: str) -> None:
    assert len(deliveries_of(a_job(url=url), [an_event(1, 1.0)])) == 1
