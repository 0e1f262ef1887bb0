"""How the gateway's estimates come about on Redis, and who is told of a new job."""

from collections.abc import Iterator

import pytest
from fakes.agents import queued_job
from fakes.machines import MemoryQueue
from fakes.stores import fresh_redis

from shared.adapters.memory import MemoryImageStore
from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_dispatches import RedisDispatches
from shared.adapters.redis_gateway import GUESSED_SECONDS_PER_JOB, RedisDispatcher
from shared.adapters.redis_jobs import RedisJobStore
from shared.contracts.dispatch import Dispatch, Work
from shared.contracts.jobs import Status, Timing
from shared.errors import BadInput, Unavailable


@pytest.fixture
def redis() -> Iterator[RedisConnection]:
    connection = fresh_redis()
    yield connection
    connection.close()


def end_a_job(redis: RedisConnection, job_id: str, **seconds: float) -> None:
    jobs, job = RedisJobStore(redis), queued_job(MemoryImageStore(), job_id)
    jobs.create(job, ())
    timings = tuple(Timing(step=1, stage=stage, seconds=value) for stage, value in seconds.items())
    jobs.commit(job.model_copy(update={"status": Status.SUCCEEDED, "timings": timings}), 1, ())


def alive(redis: RedisConnection, role: str, threads: int, holder: str) -> None:
    dispatches = RedisDispatches(redis)
    dispatches.tell_of(role, threads)
    dispatches.prolong([], holder, 60.0)


def test_a_guess_before_the_first_job_has_ended(redis: RedisConnection) -> None:
    assert RedisDispatcher(redis, MemoryQueue()).workload().seconds_per_job == GUESSED_SECONDS_PER_JOB


def test_the_stage_with_the_least_threads_for_its_work_sets_the_pace(redis: RedisConnection) -> None:
    alive(redis, "perception", 4, "a")
    alive(redis, "action", 1, "b")
    end_a_job(redis, "job_1", perceive=2.0, retouch=3.0)
    dispatcher = RedisDispatcher(redis, MemoryQueue())
    assert dispatcher.workload().seconds_per_job == pytest.approx(3.0)
    alive(redis, "action", 11, "c")
    assert dispatcher.workload().seconds_per_job == pytest.approx(0.5)
    end_a_job(redis, "job_2", perceive=12.0, retouch=3.0)
    assert dispatcher.workload().seconds_per_job == pytest.approx((0.9 * 2.0 + 0.1 * 12.0) / 4)


def test_the_loop_is_sent_for_a_new_and_a_canceled_job(redis: RedisConnection) -> None:
    queue = MemoryQueue()
    dispatcher = RedisDispatcher(redis, queue)
    dispatcher.dispatch("job_1")
    dispatcher.cancel("job_1")
    assert list(queue.messages) == [Dispatch(job_id="job_1", step=0, dispatch=0, work=Work.ADVANCE)] * 2


def test_a_server_that_is_away_is_unavailable_and_its_password_not_told() -> None:
    connection = RedisConnection("redis://:pass-word@127.0.0.1:9/0")
    for use in (connection.ping, lambda: RedisJobStore(connection).load("job_1"), lambda: connection.run("sweep")):
        with pytest.raises(Unavailable, match="Redis does not answer") as refusal:
            use()
        assert "pass-word" not in str(refusal.value)


def test_a_url_of_something_else_is_bad_input() -> None:
    with pytest.raises(BadInput, match="redis://"):
        RedisConnection("http://127.0.0.1/")
