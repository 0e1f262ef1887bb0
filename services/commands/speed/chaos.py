"""`retoucher speed chaos`: an installation under load whose processes and Redis are killed and paused at random.

What it proves or not is printed as counts: jobs lost, ended twice, events that changed, and how long recovery took.
"""

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import cpu_count
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from services.commands.speed.arrivals import finished
from services.commands.speed.figures import Latency, latency, print_latencies, write_json
from services.commands.speed.fleet import ROLES, Fleet
from services.commands.speed.idle_agents import idle_job
from services.commands.speed.servers import scratch_folder
from shared.adapters.celery_app import CeleryStageQueue, make_app
from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_gateway import RedisDispatcher
from shared.adapters.redis_jobs import RedisJobStore
from shared.contracts.jobs import Status
from shared.contracts.loop import PublicEvent
from shared.errors import ErrorCode, RetoucherError, StageError, Unavailable
from shared.intake import new_job_id

STAGE_SECONDS = 0.2
SETTLE_S = 120.0
ENDINGS = frozenset({"job.succeeded", "job.failed", "job.canceled"})
REDIS_FAULTS = ("redis killed", "redis paused")


@dataclass(frozen=True)
class ChaosPlan:
    """Jobs per second for so many seconds, with a fault every so many."""

    seconds: float
    per_s: float
    fault_every_s: float
    seed: int


class Chaos(BaseModel):
    """The counts. Everything from `lost` to `changed_events` must be 0."""

    model_config = ConfigDict(frozen=True)

    cpus: int
    submitted: int
    refused_while_redis_was_away: int
    succeeded: int
    failed: dict[str, int]
    lost: int
    ended_twice: int
    gaps_in_events: int
    changed_events: int
    faults: dict[str, int]
    deaths: dict[str, int]
    jobs: Latency | None
    longest_recovery_s: float


@dataclass
class _Run:
    """What is gathered while it runs."""

    fleet: Fleet
    chance: random.Random
    names: list[str] = field(default_factory=list)
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    struck_at_s: list[float] = field(default_factory=list)
    seen: dict[tuple[str, int], PublicEvent] = field(default_factory=dict)
    changed: int = 0
    over: threading.Event = field(default_factory=threading.Event)


def run(plan: ChaosPlan, json_file: Path | None) -> None:
    """Runs, prints the counts, and fails if one that must be 0 is not.

    Raises:
        MissingResource: `redis-server` is not installed.
        StageError: a job was lost, ended twice, or its events changed.
    """
    with scratch_folder() as folder, Fleet(folder, (*ROLES, *ROLES), STAGE_SECONDS) as fleet:
        running = _Run(fleet, random.Random(plan.seed))
        threads = [
            threading.Thread(target=_strike, args=(running, plan), daemon=True),
            threading.Thread(target=_watch, args=(running,), daemon=True),
        ]
        for thread in threads:
            thread.start()
        _submit(running, plan)
        running.over.set()
        for thread in threads:
            thread.join()
        report = _counted(running)
    _print(report)
    if json_file is not None:
        write_json(json_file, report)
    if report.lost or report.ended_twice or report.gaps_in_events or report.changed_events:
        raise StageError(ErrorCode.STAGE_FAILED, "jobs were lost or doubled: see the counts above")


def _submit(running: _Run, plan: ChaosPlan) -> None:
    jobs = RedisJobStore(running.fleet.connection)
    dispatcher = RedisDispatcher(running.fleet.connection, CeleryStageQueue(make_app(running.fleet.url)))
    began_s = time.time()
    for number in range(round(plan.seconds * plan.per_s)):
        due_s = began_s + number / plan.per_s
        time.sleep(max(0.0, due_s - time.time()))
        job_id = new_job_id()
        try:
            jobs.create(idle_job(job_id, due_s), ())
        except RetoucherError:
            running.refused += 1  # as a caller is refused; the write may have happened all the same
            continue
        running.names.append(job_id)
        dispatcher.dispatch(job_id)


def _strike(running: _Run, plan: ChaosPlan) -> None:
    """One fault after another, until the jobs have all been sent."""
    while not running.over.wait(plan.fault_every_s):
        running.struck_at_s.append(time.time())
        fault = running.chance.choice((*REDIS_FAULTS, *(["process killed"] * 6)))
        if fault == "redis killed":
            running.fleet.kill_redis()
            time.sleep(1.0)
            running.fleet.start_redis()
        elif fault == "redis paused":
            running.fleet.pause_redis(running.chance.uniform(1.0, 8.0))
        else:
            fault = f"{running.fleet.kill(running.chance.randrange(running.fleet.size))} killed"
        running.faults[fault] += 1


def _watch(running: _Run) -> None:
    """Reads events as callers do: one that was seen must never read otherwise."""
    connection = RedisConnection(running.fleet.url)
    jobs = RedisJobStore(connection)
    while not running.over.wait(0.5):
        try:
            for job_id in jobs.unfinished()[:200]:
                for event in jobs.events_after(job_id, 0):
                    if running.seen.setdefault((job_id, event.seq), event) != event:
                        running.changed += 1
        except Unavailable:
            continue
    connection.close()


def _counted(running: _Run) -> Chaos:
    jobs = RedisJobStore(running.fleet.connection)
    ended = finished(jobs, running.names, SETTLE_S)
    twice = gaps = changed = 0
    for job in ended:
        events = jobs.events_after(job.id, 0)
        twice += sum(event.type in ENDINGS for event in events) != 1
        gaps += [event.seq for event in events] != list(range(1, len(events) + 1))
        changed += sum(running.seen.get((job.id, event.seq), event) != event for event in events)
    seconds = [job.finished_at_s - job.created_at_s for job in ended if job.finished_at_s is not None]
    failed = Counter(job.error.code if job.error else job.status for job in ended if job.status is not Status.SUCCEEDED)
    return Chaos(
        cpus=cpu_count() or 1,
        submitted=len(running.names),
        refused_while_redis_was_away=running.refused,
        succeeded=sum(job.status is Status.SUCCEEDED for job in ended),
        failed=dict(failed),
        lost=len(running.names) - len(ended),
        ended_twice=twice,
        gaps_in_events=gaps,
        changed_events=running.changed + changed,
        faults=dict(sorted(running.faults.items())),
        deaths=dict(sorted(running.fleet.deaths.items())),
        jobs=latency("job", seconds) if seconds else None,
        longest_recovery_s=_longest_recovery(running.struck_at_s, [job.finished_at_s or 0.0 for job in ended]),
    )


def _longest_recovery(struck_at_s: Sequence[float], finished_at_s: Sequence[float]) -> float:
    """The longest time from a fault to the next job that was done after it."""
    waits = [min((end - at for end in finished_at_s if end > at), default=0.0) for at in struck_at_s]
    return max(waits, default=0.0)


def _print(report: Chaos) -> None:
    for name, value in report.model_dump(exclude={"jobs"}).items():
        shown = (
            ", ".join(f"{key} {count}" for key, count in value.items()) or "none" if isinstance(value, dict) else value
        )
        shown = f"{shown:.1f}" if isinstance(shown, float) else shown
        sys.stdout.write(f"{name.replace('_', ' ')}: {shown}\n")
    if report.jobs is not None:
        print_latencies([report.jobs])
