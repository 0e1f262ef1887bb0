"""The threads that run jobs: order, stops, outages of the store, faults, and jobs that are gone."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from fakes.agents import queued_job
from fakes.clock import FakeClock

from services.standalone.pool import FIRST_GUESS_S, MOST_CRASHES, JobPool
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.contracts.jobs import Job, Status
from shared.contracts.loop import PublicEvent
from shared.errors import ErrorCode, NotFound, Unavailable


class ScriptedLocal:
    """Runs a job by ending it; `fails` are raised first, one for each call."""

    def __init__(self, jobs: MemoryJobStore, fails: list[Exception] | None = None) -> None:
        self.jobs = jobs
        self.fails = fails or []
        self.ran: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def run(self, job_id: str, on_event: Callable[[PublicEvent], None], stop: Callable[[], bool]) -> Job:
        self.ran.append(job_id)
        while not self.gate.wait(0.01):
            if stop():
                return self.jobs.load(job_id).job
        if self.fails:
            raise self.fails.pop(0)
        stored = self.jobs.load(job_id)
        ended = stored.job.model_copy(update={"status": Status.SUCCEEDED})
        event = PublicEvent(seq=1, job_id=job_id, type="job.succeeded", at_s=1.0)
        self.jobs.commit(ended, stored.version, [event])
        on_event(event)
        return ended


class Bench:
    def __init__(self, workers: int = 1, fails: list[Exception] | None = None) -> None:
        self.jobs = MemoryJobStore()
        self.local = ScriptedLocal(self.jobs, fails)
        self.pool = JobPool(self.jobs, FakeClock(), workers)
        self.heard: list[str] = []
        self.pool.listen(self.heard.append)

    def add(self, *names: str) -> None:
        for number, name in enumerate(names):
            job = queued_job(MemoryImageStore(), name).model_copy(update={"created_at_s": float(number)})
            self.jobs.create(job, ())

    def start(self) -> None:
        self.pool.start(self.local)  # type: ignore[arg-type]

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.005)


def test_jobs_run_in_the_order_in_which_they_came_and_each_is_told_of() -> None:
    bench = Bench()
    bench.add("job_1", "job_2", "job_3")
    bench.pool.dispatch("job_2")
    assert bench.pool.adopt_unfinished() == 3
    assert bench.local.ran == []  # nothing before the agents are there
    bench.start()
    bench.until(lambda: len(bench.heard) == 3)
    assert bench.local.ran == bench.heard == ["job_2", "job_1", "job_3"]
    assert bench.pool.stop(30)
    assert bench.pool.workload().seconds_per_job < FIRST_GUESS_S


def test_a_stop_leaves_what_runs_and_what_waits() -> None:
    bench = Bench()
    bench.add("job_1", "job_2")
    bench.local.gate.clear()
    bench.pool.adopt_unfinished()
    bench.start()
    bench.until(lambda: bench.local.ran == ["job_1"])
    assert bench.pool.stop(30)
    assert bench.local.ran == ["job_1"]
    assert list(bench.jobs.unfinished()) == ["job_1", "job_2"]
    assert bench.pool.workload().seconds_per_job == FIRST_GUESS_S


def test_an_outage_of_the_store_is_waited_for() -> None:
    bench = Bench(fails=[Unavailable(ErrorCode.STORE_UNAVAILABLE, "gone: try again")])
    bench.add("job_1")
    bench.pool.dispatch("job_1")
    bench.start()
    bench.until(lambda: bench.heard == ["job_1"])
    assert bench.local.ran == ["job_1", "job_1"]
    assert bench.pool.stop(30)


def test_a_fault_does_not_end_the_worker_and_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(fails=[RuntimeError("a fault") for _ in range(MOST_CRASHES)])
    bench.add("job_1", "job_2")
    monkeypatch.setattr("services.standalone.pool.LONGEST_PAUSE_S", 0.0)
    bench.pool.dispatch("job_1")
    bench.start()
    bench.until(lambda: bench.local.ran == ["job_1"] * MOST_CRASHES)
    bench.pool.dispatch("job_2")
    bench.until(lambda: bench.heard == ["job_2"])
    assert list(bench.jobs.unfinished()) == ["job_1"]
    bench.until(lambda: bench.pool.dispatch("job_1") is None and bench.heard == ["job_2", "job_1"])
    assert bench.pool.stop(30)


def test_a_job_that_was_deleted_meanwhile_is_passed_over() -> None:
    bench = Bench(fails=[NotFound(ErrorCode.JOB_NOT_FOUND, "gone: check the id")])
    bench.add("job_2")
    bench.pool.dispatch("job_1")
    bench.pool.dispatch("job_2")
    bench.start()
    bench.until(lambda: bench.heard == ["job_2"])
    assert bench.local.ran == ["job_1", "job_2"]
    assert bench.pool.stop(30)


def test_a_cancel_ends_a_job_that_waits_and_leaves_one_that_was_not_canceled() -> None:
    bench = Bench()
    bench.add("job_1", "job_2")
    bench.jobs.request_cancel("job_1")
    for name in ("job_1", "job_2"):
        bench.pool.cancel(name)
    assert bench.jobs.load("job_1").job.status is Status.CANCELED
    assert bench.jobs.load("job_2").job.status is Status.QUEUED
    assert bench.heard == ["job_1"]


def test_several_workers_run_several_jobs_side_by_side() -> None:
    bench = Bench(workers=3)
    bench.add("job_1", "job_2", "job_3")
    bench.local.gate.clear()
    bench.pool.adopt_unfinished()
    bench.start()
    bench.until(lambda: len(bench.local.ran) == 3)
    bench.local.gate.set()
    bench.until(lambda: len(bench.heard) == 3)
    assert bench.pool.stop(30)


def test_what_the_server_needs_to_answer_brings_no_agent() -> None:
    code = "import sys, services.commands.serve; print([name for name in sys.modules if name in %r])"
    heavy = ("services.local", "services.perception.agent", "onnxruntime", "skimage", "torch")
    done = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
