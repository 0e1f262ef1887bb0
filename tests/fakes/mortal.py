"""A process that forks workers which can be killed: each runs the unfinished jobs of a data folder on scripted agents.

Reads a `Life` as a line of JSON from stdin and prints the worker's process id; at the next, empty line it waits for the
worker's end and prints its exit status. Forking from here saves the second of imports that a new interpreter takes.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from fakes.agents import Disturbance, ScriptedAgents
from fakes.clock import FakeClock
from fakes.world import Decline, Effect, Flaw, World
from pydantic import BaseModel

from services.orchestrator.finalize import CanvasFinalizer
from services.orchestrator.runner import Runner
from shared.adapters.file_images import FileImageStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.jobs import Job
from shared.contracts.loop import Command, PublicEvent

WORLD = World(
    flaws={
        "a": Flaw(0.9, box=(0, 0, 8, 8)),
        "b": Flaw(0.8, box=(10, 0, 18, 8)),
        "c": Flaw(0.7, box=(20, 0, 28, 8)),
    },
    repairs={"a": (Effect(after=0.1),), "b": (Effect(after=0.8), Effect(tool="opencv")), "c": (Decline(),)},
)
"""Two rounds, a refusal, a second look at a subset, a decline: every phase of the loop that needs no reasoner."""


class Life(BaseModel):
    """One worker: where its data lies, at which point it kills itself (0: never), and how slow its agents are."""

    data: Path
    die_at: int = 0
    slow_s: float = 0.0


@dataclass
class Fate:
    """Counts the points at which a process might be killed, and kills it at the chosen one."""

    die_at: int
    passed: int = 0

    def point(self) -> None:
        self.passed += 1
        if self.passed == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalJobs(SqliteJobStore):
    """The real store, with a point before and after everything it writes."""

    def __init__(self, path: Path, fate: Fate) -> None:
        super().__init__(path)
        self.fate = fate

    def commit(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> int:
        self.fate.point()
        version = super().commit(job, expected_version, events)
        self.fate.point()
        return version

    def next_dispatch(self, job_id: str) -> int:
        number = super().next_dispatch(job_id)
        self.fate.point()
        return number


class MortalImages(FileImageStore):
    """The real store, with a point after each object."""

    def __init__(self, root: Path, fate: Fate) -> None:
        super().__init__(root)
        self.fate = fate

    def put(self, ref: str, data: bytes) -> str:
        super().put(ref, data)
        self.fate.point()
        return ref


class SlowAgents(ScriptedAgents):
    """Scripted agents that take their time, so that a kill from outside falls within a step as well."""

    slow_s = 0.0

    def _called(self, job: Job, command: Command) -> None:
        time.sleep(self.slow_s)
        super()._called(job, command)
        time.sleep(self.slow_s)


def live(life: Life) -> int:
    """Runs every unfinished job to its end; returns how many points were passed."""
    fate = Fate(life.die_at)
    jobs = MortalJobs(life.data / "jobs.sqlite3", fate)
    images = MortalImages(life.data / "images", fate)
    agents = SlowAgents(WORLD, images, Disturbance())
    agents.slow_s = life.slow_s
    clock = FakeClock()
    runner = Runner(jobs, agents, agents, agents, CanvasFinalizer(images, clock), clock)
    for job_id in jobs.unfinished():
        runner.run(job_id)
    jobs.close()
    return fate.passed


def main() -> None:
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet, logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for line in iter(sys.stdin.readline, ""):
        life = Life.model_validate_json(line)
        child = os.fork()
        if child == 0:
            try:
                live(life)
            except BaseException as error:
                print(f"worker failed: {error!r}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(child, flush=True)
        sys.stdin.readline()  # until then the worker is not reaped, so that its id stays its own
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
