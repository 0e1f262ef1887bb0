"""A worker is killed with SIGKILL, again and again; whoever comes next ends each job once, with the same result."""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.agents import queued_job
from fakes.mortal import Life, live

from shared.adapters.file_images import FileImageStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.jobs import Outcome, Status

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL


class Nursery:
    """Starts workers in processes of their own; see `fakes.mortal`."""

    def __init__(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fakes.mortal"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def start(self, life: Life) -> int:
        return self._ask(life.model_dump_json())

    def end(self) -> int:
        """Waits for the worker's end: 0, or minus the signal that killed it."""
        return self._ask("")

    def _ask(self, line: str) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where the system has such a folder: SIGKILL loses no written page, and syncing a disk takes minutes."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


def new_data(folder: Path, count: int = 1) -> Path:
    folder.mkdir()
    images, jobs = FileImageStore(folder / "images"), SqliteJobStore(folder / "jobs.sqlite3")
    for number in range(count):
        jobs.create(queued_job(images, f"job_{number}"), ())
    jobs.close()
    return folder


def story(data: Path, job_id: str = "job_0") -> tuple[str, list[str], dict[str, bytes]]:
    """All that a job left: its state and events less job and dispatch numbers, and the bytes of its artifacts."""
    images, jobs = FileImageStore(data / "images"), SqliteJobStore(data / "jobs.sqlite3")
    job = jobs.load(job_id).job
    events = jobs.events_after(job_id, 0)
    jobs.close()
    assert job.status is Status.SUCCEEDED
    assert job.outcome is Outcome.IMPROVED
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.type for event in events].count("job.succeeded") == 1
    artifacts = {name: images.get(ref) for name, ref in job.artifacts.items()}
    return plain(job.model_dump_json()), [plain(event.model_dump_json()) for event in events], artifacts


def plain(text: str) -> str:
    return re.sub(r"job_\d+", "job", re.sub(r"-d\d+/", "/", text))


def test_killed_at_every_point_of_a_job(folder: Path, nursery: Nursery) -> None:
    whole = new_data(folder / "whole")
    points = live(Life(data=whole))
    assert points > 40
    expected = story(whole)
    for point in range(1, points + 1):
        data = new_data(folder / f"p{point}")
        nursery.start(Life(data=data, die_at=point))
        assert nursery.end() == KILLED
        live(Life(data=data))
        assert story(data) == expected, f"killed at point {point} of {points}"


def test_killed_at_random_moments_until_all_jobs_are_done(folder: Path, nursery: Nursery) -> None:
    whole = new_data(folder / "whole")
    live(Life(data=whole))
    expected = story(whole)
    data = new_data(folder / "torn", count=8)
    chance = random.Random(20261123)
    kills = 0
    give_up_at = time.monotonic() + 60.0
    while True:
        assert time.monotonic() < give_up_at, "the jobs do not get on"
        worker = nursery.start(Life(data=data, slow_s=0.002))
        time.sleep(chance.uniform(0.0, 0.05 + 0.005 * kills))  # ever longer lives, for a slow machine
        os.kill(worker, signal.SIGKILL)  # not reaped yet, so the id is still this worker's
        if nursery.end() == 0:
            break
        kills += 1
    assert kills >= 5
    for number in range(8):
        assert story(data, f"job_{number}") == expected
