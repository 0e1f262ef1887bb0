"""What claims, leases, answers and the sweeper's list promise, run against each store that has them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from fakes.agents import queued_job
from fakes.clock import FakeClock
from fakes.stores import fresh_redis

from services.orchestrator.loop import begin
from shared.adapters.memory import MemoryImageStore
from shared.adapters.memory_dispatches import MemoryDispatches
from shared.adapters.redis_dispatches import RedisDispatches
from shared.adapters.redis_jobs import RedisJobStore
from shared.contracts.dispatch import Dispatch, SendingReason, Work
from shared.contracts.jobs import Job, Status
from shared.contracts.leases import LeaseRules
from shared.contracts.loop import Perceived, StageFailed
from shared.errors import Conflict, ErrorCode, NotFound
from shared.ports import Dispatches, JobStore

UNIT_S = 2.0
"""All times below are in this unit, so that a busy machine is still in time for what must not have happened yet."""

LONG = 60.0


def rules(lease: float = 0.6, silence: float = 30.0) -> LeaseRules:
    return LeaseRules(
        lease_s=lease * UNIT_S,
        silence_s=silence * UNIT_S,
        first_send_s=0.3 * UNIT_S,
        growth=2.0,
        longest_spacing_s=0.8 * UNIT_S,
    )


@dataclass
class Store:
    """Both ports on one storage, and a way to let its time pass."""

    jobs: JobStore
    dispatches: Dispatches
    sleep: Callable[[float], None]

    def wait(self, units: float) -> None:
        self.sleep(units * UNIT_S)

    def claim(self, dispatch: Dispatch, units: float) -> Job | None:
        return self.dispatches.claim(dispatch, "w", units * UNIT_S)

    def pending(self, job_id: str = "job_1", deadline_at_s: float | None = None) -> Dispatch:
        """A job that has begun and waits for its perception."""
        self.jobs.create(a_job(job_id, deadline_at_s), ())
        begun = begin(a_job(job_id, deadline_at_s), 1.0)
        return self.dispatches.send(begun.job, 1, begun.public_events)

    def until_due(self) -> tuple[float, list[tuple[str, int, Work, SendingReason]]]:
        """What is due next, and after how long: late on a busy machine, but never early."""
        began_s, waited = time.monotonic(), 0.0
        while not (sendings := self.due()):
            self.wait(0.02)
            waited += 0.02
        real = self.sleep is time.sleep
        return ((time.monotonic() - began_s) / UNIT_S if real else waited), sendings

    def due(self) -> list[tuple[str, int, Work, SendingReason]]:
        return [
            (item.dispatch.job_id, item.dispatch.dispatch, item.dispatch.work, item.reason)
            for item in self.dispatches.due(100)
        ]


def memory(rules: LeaseRules) -> Iterator[Store]:
    clock = FakeClock(time.time())
    store = MemoryDispatches(clock, rules)
    yield Store(store, store, clock.advance)


def on_redis(rules: LeaseRules) -> Iterator[Store]:
    connection = fresh_redis()
    yield Store(RedisJobStore(connection, rules), RedisDispatches(connection, rules), time.sleep)
    connection.close()


ADAPTERS: dict[str, Callable[[LeaseRules], Iterator[Store]]] = {"memory": memory, "redis": on_redis}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Callable[[LeaseRules], Iterator[Store]]:
    return ADAPTERS[request.param]


@pytest.fixture
def store(adapter: Callable[[LeaseRules], Iterator[Store]]) -> Iterator[Store]:
    yield from adapter(rules())


def a_job(job_id: str = "job_1", deadline_at_s: float | None = None) -> Job:
    return queued_job(MemoryImageStore(), job_id, deadline_at_s=deadline_at_s)


def perceived(step: int = 1) -> Perceived:
    return Perceived(step=step, at_s=2.0, elapsed_s=0.5, warnings=("seen",))


def waiting(store: Store, work: Work) -> tuple[int, int]:
    (counts,) = [item for item in store.dispatches.backlog() if item.work is work]
    return counts.waiting, counts.running


class TestSending:
    def test_a_new_job_waits_for_the_loop(self, store: Store) -> None:
        store.jobs.create(a_job(), ())
        assert waiting(store, Work.ADVANCE) == (1, 0)
        units, sendings = store.until_due()
        assert sendings == [("job_1", 0, Work.ADVANCE, SendingReason.UNCLAIMED)]
        assert units > 0.25

    def test_a_commit_says_what_to_publish(self, store: Store) -> None:
        assert store.pending() == Dispatch(job_id="job_1", step=1, dispatch=1, work=Work.PERCEIVE)
        assert (waiting(store, Work.ADVANCE), waiting(store, Work.PERCEIVE)) == ((0, 0), (1, 0))

    def test_a_commit_that_comes_second_sends_nothing(self, store: Store) -> None:
        dispatch = store.pending()
        begun = begin(a_job(), 1.0)
        with pytest.raises(Conflict) as refusal:
            store.dispatches.send(begun.job, 1, begun.public_events)
        assert refusal.value.code is ErrorCode.VERSION_CONFLICT
        assert store.dispatches.claim(dispatch, "w", LONG) is not None

    def test_unclaimed_is_sent_again_as_the_same_dispatch_with_growing_spacing(self, store: Store) -> None:
        store.pending()
        spacings = []
        for _ in range(5):
            units, sendings = store.until_due()
            assert sendings == [("job_1", 1, Work.PERCEIVE, SendingReason.UNCLAIMED)]
            spacings.append(units)
        for spacing, least in zip(spacings, (0.3, 0.6, 0.8, 0.8, 0.8), strict=True):
            assert spacing > 0.9 * least
        assert spacings[4] < 2.0  # it would be 4.8 without a longest one

    def test_being_sent_often_does_not_fail_a_job(self, store: Store) -> None:
        dispatch = store.pending()
        for _ in range(6):
            store.wait(0.85)
            assert store.due()
        assert store.dispatches.claim(dispatch, "w", LONG) is not None


class TestClaims:
    def test_a_claim_gives_the_job(self, store: Store) -> None:
        job = store.dispatches.claim(store.pending(), "w", LONG)
        assert job == begin(a_job(), 1.0).job
        assert waiting(store, Work.PERCEIVE) == (0, 1)

    def test_of_many_one_claims(self, store: Store) -> None:
        dispatch = store.pending()
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda n: store.dispatches.claim(dispatch, f"w{n}", LONG), range(24)))
        assert sum(job is not None for job in won) == 1

    @pytest.mark.parametrize(
        "change", [{"step": 2}, {"step": 0}, {"dispatch": 2}, {"dispatch": 0}, {"job_id": "job_x"}]
    )
    def test_a_stale_dispatch_is_not_claimed(self, store: Store, change: dict[str, object]) -> None:
        dispatch = store.pending()
        assert store.dispatches.claim(dispatch.model_copy(update=change), "w", LONG) is None

    def test_a_job_that_waits_for_the_loop_is_not_claimed(self, store: Store) -> None:
        store.jobs.create(a_job(), ())
        new = Dispatch(job_id="job_1", step=0, dispatch=0, work=Work.ADVANCE)
        assert store.dispatches.claim(new, "w", LONG) is None

    def test_a_prolonged_claim_does_not_expire(self, store: Store) -> None:
        dispatch = store.pending()
        store.claim(dispatch, 0.6)
        for _ in range(4):
            store.wait(0.3)
            assert list(store.dispatches.prolong([dispatch], "w", 0.6 * UNIT_S)) == []
            assert store.due() == []

    def test_an_expired_claim_is_the_next_dispatch(self, store: Store) -> None:
        dispatch = store.pending()
        store.claim(dispatch, 0.4)
        store.wait(0.45)
        assert store.due() == [("job_1", 2, Work.PERCEIVE, SendingReason.CLAIM_EXPIRED)]
        assert list(store.dispatches.prolong([dispatch], "w", LONG)) == [dispatch]
        assert store.dispatches.claim(dispatch, "w", LONG) is None
        assert store.dispatches.claim(dispatch.model_copy(update={"dispatch": 2}), "w2", LONG) is not None

    def test_a_claim_of_another_is_not_prolonged(self, store: Store) -> None:
        dispatch = store.pending()
        store.dispatches.claim(dispatch, "w", LONG)
        assert list(store.dispatches.prolong([dispatch], "other", LONG)) == [dispatch]

    def test_a_released_claim_is_sent_at_once_and_not_counted(self, store: Store) -> None:
        dispatch = store.pending()
        for _ in range(5):
            assert store.dispatches.claim(dispatch, "w", LONG) is not None
            store.dispatches.release(dispatch, "w")
            assert store.due() == [("job_1", 1, Work.PERCEIVE, SendingReason.UNCLAIMED)]
        assert waiting(store, Work.PERCEIVE) == (1, 0)

    def test_what_is_not_held_is_not_released(self, store: Store) -> None:
        dispatch = store.pending()
        store.dispatches.claim(dispatch, "w", LONG)
        store.dispatches.release(dispatch, "other")
        assert waiting(store, Work.PERCEIVE) == (0, 1)


class TestLostClaims:
    def lose(self, store: Store, dispatch: Dispatch, times: int) -> Dispatch:
        for _ in range(times):
            assert store.claim(dispatch, 0.1) is not None
            store.wait(0.15)
            (sending,) = store.dispatches.due(10)
            dispatch = sending.dispatch
        return dispatch

    def test_three_expired_claims_give_up_with_the_reason(self, store: Store) -> None:
        dispatch = self.lose(store, store.pending(), 2)
        assert dispatch.dispatch == 3
        assert store.claim(dispatch, 0.1) is not None
        store.wait(0.15)
        assert store.due() == [("job_1", 3, Work.ADVANCE, SendingReason.GIVEN_UP)]
        answer = store.dispatches.standing("job_1").answer
        assert isinstance(answer, StageFailed)
        assert (answer.step, answer.code, answer.retryable) == (1, ErrorCode.WORKER_LOST, False)
        assert answer.message.startswith("perceive was taken up 3 times")
        assert abs(answer.at_s - time.time()) < LONG
        assert not store.dispatches.answer(dispatch, perceived())

    def test_a_late_answer_counts_before_the_third_loss(self, store: Store) -> None:
        first = store.pending()
        self.lose(store, first, 2)
        assert store.dispatches.answer(first, perceived())
        assert store.dispatches.standing("job_1").answer == perceived()

    def test_the_next_step_begins_to_count_anew(self, store: Store) -> None:
        self.lose(store, store.pending(), 2)
        job = store.jobs.load("job_1").job
        assert job.pending is not None
        again = job.model_copy(update={"step": 2, "pending": job.pending.model_copy(update={"step": 2})})
        dispatch = store.dispatches.send(again, 2, ())
        assert dispatch.dispatch == 4
        self.lose(store, dispatch, 2)
        assert store.dispatches.standing("job_1").answer is None

    def test_last_chances_of_one_stage_are_taken_one_after_another(self, store: Store) -> None:
        """Two jobs shared a worker with the one that kills it: they must not go down with it a third time."""
        dispatches = {name: store.pending(name) for name in ("job_1", "job_2", "job_3")}
        for _ in range(2):
            for dispatch in dispatches.values():
                assert store.claim(dispatch, 0.1) is not None
            store.wait(0.15)
            dispatches = {item.dispatch.job_id: item.dispatch for item in store.dispatches.due(10)}
        (first,) = dispatches
        store.wait(0.7)
        assert {name for name, *_ in store.due()} == {first}
        assert store.dispatches.answer(dispatches[first], perceived())
        store.wait(0.7)
        second = {name for name, _, work, _ in store.due() if work is Work.PERCEIVE}
        assert len(second) == 1
        assert first not in second


class TestOutage:
    def test_after_a_silence_no_claim_expires_for_one_lease(self, adapter: Callable[..., Iterator[Store]]) -> None:
        # Where time is real, it may be late by a third of a second: neither a lease nor the silence ends by that.
        for store in adapter(rules(silence=1.2)):
            dispatch = store.pending()
            store.claim(dispatch, 0.6)
            assert store.due() == []
            store.wait(1.5)  # nobody called: the store was down
            assert store.due() == []
            store.wait(0.25)
            assert list(store.dispatches.prolong([dispatch], "w", 0.6 * UNIT_S)) == []
            store.wait(0.8)
            assert store.due() == [("job_1", 2, Work.PERCEIVE, SendingReason.CLAIM_EXPIRED)]


class TestAnswers:
    def test_the_first_answer_is_taken(self, store: Store) -> None:
        dispatch = store.pending()
        store.dispatches.claim(dispatch, "w", LONG)
        assert store.dispatches.answer(dispatch, perceived())
        other = StageFailed(step=1, at_s=0.0, code="internal", message="late", retryable=False)
        assert not store.dispatches.answer(dispatch, other)
        standing = store.dispatches.standing("job_1")
        assert (standing.answer, standing.version, standing.canceled) == (perceived(), 2, False)
        assert standing.job == store.jobs.load("job_1").job
        assert (waiting(store, Work.PERCEIVE), waiting(store, Work.ADVANCE)) == ((0, 0), (1, 0))

    def test_an_answer_is_sent_for_until_the_loop_takes_it(self, store: Store) -> None:
        dispatch = store.pending()
        store.dispatches.answer(dispatch, perceived())
        store.wait(0.35)
        assert store.due() == [("job_1", 1, Work.ADVANCE, SendingReason.UNCLAIMED)]

    def test_an_answer_of_another_step_is_refused(self, store: Store) -> None:
        dispatch = store.pending()
        assert not store.dispatches.answer(dispatch.model_copy(update={"step": 2}), perceived(2))
        assert not store.dispatches.answer(dispatch.model_copy(update={"job_id": "job_x"}), perceived())

    def test_the_next_command_waits_without_an_answer(self, store: Store) -> None:
        store.dispatches.answer(store.pending(), perceived())
        job = store.jobs.load("job_1").job
        assert job.pending is not None
        following = job.model_copy(update={"step": 2, "pending": job.pending.model_copy(update={"step": 2})})
        assert store.dispatches.send(following, 2, ()).dispatch == 2
        assert store.dispatches.standing("job_1").answer is None

    def test_an_unknown_job_stands_nowhere(self, store: Store) -> None:
        with pytest.raises(NotFound):
            store.dispatches.standing("job_x")


class TestAttention:
    def test_a_cancel_request_is_told_to_the_loop_until_it_is_heeded(self, store: Store) -> None:
        store.dispatches.claim(store.pending(), "w", LONG)
        store.jobs.request_cancel("job_1")
        assert store.due() == [("job_1", 1, Work.ADVANCE, SendingReason.ATTENTION)]
        assert store.dispatches.standing("job_1").canceled
        store.wait(0.35)
        assert store.due() == [("job_1", 1, Work.ADVANCE, SendingReason.ATTENTION)]

    def test_a_deadline_is_told_to_the_loop(self, store: Store) -> None:
        store.dispatches.claim(store.pending(deadline_at_s=5.0), "w", LONG)
        assert store.due() == [("job_1", 1, Work.ADVANCE, SendingReason.ATTENTION)]

    def test_a_deadline_to_come_is_not(self, store: Store) -> None:
        store.dispatches.claim(store.pending(deadline_at_s=time.time() + LONG), "w", LONG)
        assert store.due() == []

    def test_a_job_that_has_ended_waits_for_its_record_until_it_is_settled(self, store: Store) -> None:
        dispatch = store.pending(deadline_at_s=5.0)
        store.jobs.request_cancel("job_1")
        ended = store.jobs.load("job_1").job.model_copy(update={"status": Status.FAILED, "pending": None})
        assert store.dispatches.send(ended, 2, ()).work is Work.ADVANCE
        assert store.dispatches.claim(dispatch, "w", LONG) is None
        store.wait(0.35)
        assert store.due() == [("job_1", 1, Work.ADVANCE, SendingReason.UNCLAIMED)]
        store.dispatches.settle("job_1")
        store.wait(2.0)
        assert store.due() == []
        assert [item for item in store.dispatches.backlog() if item.waiting or item.running] == []

    def test_a_job_that_runs_is_not_settled(self, store: Store) -> None:
        store.pending()
        store.dispatches.settle("job_1")
        store.wait(0.35)
        assert len(store.due()) == 1
