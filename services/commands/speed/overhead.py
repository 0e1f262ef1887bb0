"""`retoucher speed overhead`: what the machinery costs, on agents that do nothing.

Jobs arrive in an open loop at rising rates, on an installation with Redis and one process of each role, and on the
in-process runner with SQLite, as the standalone server has it. Images lie in a folder that agents never touch; an S3
server's own time is listed apart, where one is configured.
"""

import os
import queue
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from os import cpu_count, getloadavg
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from services.commands.machines.settings import BackendSettings
from services.commands.speed.arrivals import Sent, finished, hop_seconds, job_seconds, send
from services.commands.speed.figures import Latency, latency, print_latencies, write_json
from services.commands.speed.fleet import Fleet
from services.commands.speed.idle_agents import IdleAgents
from services.commands.speed.servers import scratch_folder
from services.orchestrator.runner import Runner
from shared.adapters.celery_app import CeleryStageQueue, make_app
from shared.adapters.clock import SystemClock
from shared.adapters.redis_gateway import RedisDispatcher
from shared.adapters.redis_jobs import RedisJobStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.jobs import Status
from shared.environment import read_settings
from shared.errors import ErrorCode, StageError
from shared.ports import JobStore

GOAL_REDIS_MS, GOAL_STANDALONE_MS = 8.0, 2.0
"""p50 of a hop that the project sets itself on two idle cores."""

QUIET_PER_S = 2.0
"""The rate at which a hop is measured: nothing waits for anything."""

KNEE = 3.0
"""A rate is too high once the median job takes so many times as long as at the quiet rate, or not all are done."""


@dataclass(frozen=True)
class OverheadPlan:
    """Rates in jobs per second, each for so many seconds; S3 objects of so many bytes."""

    rates: tuple[float, ...]
    seconds: float
    object_bytes: int = 200_000


class Rate(BaseModel):
    """What one rate gave. `late_ms` is how late the sender itself was at its worst."""

    model_config = ConfigDict(frozen=True)

    per_s: float
    sent: int
    succeeded: int
    late_ms: float
    job: Latency | None
    hop: Latency | None


class Way(BaseModel):
    """One way to run jobs. `knee_per_s` is the highest rate that was borne; None if not even the first was."""

    model_config = ConfigDict(frozen=True)

    name: str
    rates: tuple[Rate, ...]
    knee_per_s: float | None
    goal_ms: float
    goal_met: bool


class Overhead(BaseModel):
    """The whole measurement."""

    model_config = ConfigDict(frozen=True)

    cpus: int
    load_average: float
    ways: tuple[Way, ...]
    disk: Latency
    s3: tuple[Latency, ...]


def run(plan: OverheadPlan, json_file: Path | None) -> None:
    """Measures and prints; nothing else should run on the machine meanwhile.

    Raises:
        MissingResource: `redis-server` is not installed.
        StageError: the processes do not start, or jobs fail on agents that cannot.
    """
    ways = (on_redis(plan), in_process(plan))
    report = Overhead(
        cpus=cpu_count() or 1,
        load_average=getloadavg()[0],
        ways=ways,
        disk=disk_alone(),
        s3=s3_alone(plan.object_bytes),
    )
    for way in ways:
        _print(way)
    print_latencies((report.disk, *report.s3))
    if not report.s3:
        sys.stdout.write("S3 was not measured: set RETOUCHER_BACKEND_S3_* to measure yours\n")
    if report.load_average > report.cpus:
        sys.stdout.write(f"the machine was busy (load {report.load_average:.1f}): the figures are worse than its own\n")
    if json_file is not None:
        write_json(json_file, report)


def on_redis(plan: OverheadPlan) -> Way:
    """An installation with one process of each role."""
    with scratch_folder() as folder, Fleet(folder) as fleet:
        jobs = RedisJobStore(fleet.connection)
        dispatcher = RedisDispatcher(fleet.connection, CeleryStageQueue(make_app(fleet.url)))
        return measured("Redis, Celery, one process of each role", jobs, dispatcher.dispatch, plan, GOAL_REDIS_MS)


def in_process(plan: OverheadPlan) -> Way:
    """The runner of the standalone server, one worker thread, on SQLite."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    with scratch_folder() as folder:
        jobs, agents = SqliteJobStore(folder / "jobs.sqlite3"), IdleAgents()
        runner = Runner(jobs, agents, agents, agents, agents, SystemClock())

        def work() -> None:
            while job_id := waiting.get():
                runner.run(job_id)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            return measured("standalone, SQLite, one worker", jobs, waiting.put, plan, GOAL_STANDALONE_MS)
        finally:
            waiting.put("")
            worker.join()
            jobs.close()


def measured(name: str, jobs: JobStore, told: Callable[[str], None], plan: OverheadPlan, goal_ms: float) -> Way:
    """Rates one after another until one is too high."""
    send(jobs, told, QUIET_PER_S, 2.0)  # connections, caches
    time.sleep(1.0)
    rates: list[Rate] = []
    knee: float | None = None
    for per_s in (QUIET_PER_S, *plan.rates):
        rate = _rate(jobs, send(jobs, told, per_s, plan.seconds), per_s)
        rates.append(rate)
        if not _borne(rate, rates[0]):
            break
        knee = per_s
    hop = rates[0].hop
    met = hop is not None and hop.p50_ms <= goal_ms
    return Way(name=name, rates=tuple(rates), knee_per_s=knee, goal_ms=goal_ms, goal_met=met)


def disk_alone(count: int = 100) -> Latency:
    """Writing 4 kB and having the disk say that it has them: SQLite does so once for a hop, whatever else it costs."""
    seconds = []
    with scratch_folder() as folder, (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(count):
            began_s = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began_s)
    return latency("disk: write and sync 4 kB", seconds)


def s3_alone(size_bytes: int, count: int = 40) -> tuple[Latency, ...]:
    """Writing and reading one object of the configured server; nothing where none is configured."""
    if not os.environ.get("RETOUCHER_BACKEND_S3_ACCESS_KEY"):
        return ()
    store, data = read_settings(BackendSettings).images(), os.urandom(size_bytes)
    puts, gets = [], []
    folder = f"speed-{uuid.uuid4().hex}"
    try:
        for number in range(count):
            began_s = time.perf_counter()
            store.put(f"{folder}/{number}.bin", data)
            middle_s = time.perf_counter()
            store.get(f"{folder}/{number}.bin")
            puts.append(middle_s - began_s)
            gets.append(time.perf_counter() - middle_s)
    finally:
        store.delete(f"{folder}/")
    size = f"{size_bytes // 1000} kB"
    return latency(f"S3: write {size}", puts), latency(f"S3: read {size}", gets)


def _rate(jobs: JobStore, sent: Sent, per_s: float) -> Rate:
    ended = finished(jobs, sent.job_ids)
    done = [job for job in ended if job.status is Status.SUCCEEDED]
    if len(done) < len(ended):
        told = next(job.error for job in ended if job.error is not None)
        raise StageError(ErrorCode.STAGE_FAILED, f"a job failed on agents that do nothing: {told.message}")
    hops = [seconds for job in done for seconds in hop_seconds(jobs.events_after(job.id, 0))]
    return Rate(
        per_s=per_s,
        sent=len(sent.job_ids),
        succeeded=len(done),
        late_ms=1000.0 * sent.late_s,
        job=latency(f"job at {per_s:g}/s", [job_seconds(job) for job in done]) if done else None,
        hop=latency(f"hop at {per_s:g}/s", hops) if hops else None,
    )


def _borne(rate: Rate, quiet: Rate) -> bool:
    if rate.job is None or quiet.job is None or rate.succeeded < rate.sent:
        return False
    return rate.job.p50_ms <= KNEE * quiet.job.p50_ms


def _print(way: Way) -> None:
    sys.stdout.write(f"{way.name}\n")
    print_latencies([row for rate in way.rates for row in (rate.hop, rate.job) if row is not None])
    knee = "none of these rates was borne" if way.knee_per_s is None else f"{way.knee_per_s:g} jobs/s were borne"
    verdict = "met" if way.goal_met else "not met"
    sys.stdout.write(f"{knee}; goal of {way.goal_ms:g} ms for half of all hops: {verdict}\n\n")
