"""A worker whose queue went away takes messages again, whatever it was doing when it lost it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fakes.celery_worker import TASK
from fakes.installation import ROOT
from fakes.redis_server import RedisServer

from shared.adapters.celery_app import make_app
from shared.adapters.redis_connection import RedisConnection

pytestmark = pytest.mark.slow

THREADS = 4
QUEUE = "touches"


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis").start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def worker(tmp_path: Path, redis_server: RedisServer) -> Iterator[subprocess.Popen[bytes]]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    command = [sys.executable, "-m", "fakes.celery_worker", redis_server.url, QUEUE, str(THREADS), str(tmp_path)]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def wait_for(folder: Path, names: list[str], within_s: float = 60.0) -> None:
    give_up_at = time.monotonic() + within_s
    while missing := [name for name in names if not (folder / name).exists()]:
        log = (folder / "worker.log").read_text(errors="replace")
        assert time.monotonic() < give_up_at, f"no {missing}: {log[-2000:]}"
        time.sleep(0.05)


@pytest.mark.usefixtures("worker")
def test_redis_goes_while_every_thread_is_busy_and_comes_back_when_none_is(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    """No message is then being waited for, and none can be acknowledged: nothing else tells that the queue is gone."""
    app = make_app(redis_server.url)
    busy = [f"busy{number}" for number in range(THREADS)]
    for name in busy:
        app.send_task(TASK, args=(name, 1.5), queue=QUEUE)
    wait_for(tmp_path, [f"{name}.begun" for name in busy])
    redis_server.kill()
    wait_for(tmp_path, [f"{name}.done" for name in busy])
    time.sleep(0.5)
    redis_server.start()
    app.send_task(TASK, args=("next", 0.0), queue=QUEUE)
    wait_for(tmp_path, ["next.done"])


@pytest.mark.usefixtures("worker")
def test_what_no_thread_is_free_for_is_left_to_other_workers(tmp_path: Path, redis_server: RedisServer) -> None:
    app = make_app(redis_server.url)
    names = [f"task{number}" for number in range(THREADS + 3)]
    for name in names:
        app.send_task(TASK, args=(name, 2.0), queue=QUEUE)
    wait_for(tmp_path, [f"{name}.begun" for name in names[:THREADS]])
    with closing(RedisConnection(redis_server.url)) as connection:
        assert connection.ask("LLEN", QUEUE) == 3
    wait_for(tmp_path, [f"{name}.done" for name in names])
