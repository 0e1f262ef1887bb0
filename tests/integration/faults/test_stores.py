"""Redis and S3 are restarted, stand still, are full or slow: jobs wait, and none is lost, doubled or failed."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.installation import Installation
from fakes.s3_server import S3Server

from shared.contracts.jobs import Job, Outcome
from shared.errors import Unavailable

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("told")]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """On an S3 server of its own, for that is stopped here."""
    folder: Path = tmp_path_factory.mktemp("own")
    (folder / "s3").mkdir()
    s3 = S3Server(folder / "s3").start()
    try:
        with Installation(folder, s3, slow_s=0.1) as installation:
            yield installation
    finally:
        s3.kill()


def all_improved(ended: dict[str, Job]) -> bool:
    return {job.outcome for job in ended.values()} == {Outcome.IMPROVED}


def test_redis_restarted(own: Installation) -> None:
    jobs = [own.submit() for _ in range(6)]
    time.sleep(0.3)
    own.redis.kill()
    time.sleep(1.0)
    own.redis.start()
    assert all_improved(own.ended(jobs))


def test_redis_stands_still_for_longer_than_a_lease(own: Installation) -> None:
    jobs = [own.submit() for _ in range(6)]
    time.sleep(0.2)
    own.redis.pause()
    time.sleep(2.5 * own.lease_s)
    own.redis.resume()
    assert all_improved(own.ended(jobs))
    assert [entry for entry in own.logged("sent_again") if entry["reason"] == "given_up"] == []


def test_redis_without_memory_takes_nothing_and_loses_nothing(own: Installation) -> None:
    jobs = [own.submit() for _ in range(4)]
    own.connection.ask("CONFIG", "SET", "maxmemory", "1mb")
    with pytest.raises(Unavailable, match="no memory left"):
        own.submit()
    time.sleep(1.0)
    own.connection.ask("CONFIG", "SET", "maxmemory", "0")
    assert all_improved(own.ended(jobs))


def test_s3_away(own: Installation) -> None:
    jobs = [own.submit() for _ in range(4)]
    time.sleep(0.2)
    own.s3.kill()
    time.sleep(3.0)
    own.s3.start()
    assert all_improved(own.ended(jobs))


def test_s3_stands_still(own: Installation) -> None:
    jobs = [own.submit() for _ in range(4)]
    own.s3.pause()
    time.sleep(5.0)
    own.s3.resume()
    assert all_improved(own.ended(jobs))
