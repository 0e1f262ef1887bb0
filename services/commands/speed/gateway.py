"""`retoucher speed gateway`: many submissions of large images at once, and how fast a job is read meanwhile.

The server is a standalone one in a process of its own, on SQLite and a folder, with agents that do nothing; the images
come from a second process, the reads from this one. A bare FastAPI application is measured in the same way, right
after, and `/livez` of the server itself tells how much of a read is the server's and how much is its load.
"""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from os import cpu_count
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from services.commands.speed.figures import Latency, latency, print_latencies, write_json
from services.commands.speed.reading import Reader
from services.commands.speed.servers import NO_LIMITS, free_port, scratch_folder, server
from services.commands.speed.submitting import Load, Wave, noise_png
from shared.errors import ErrorCode, StageError

GOAL_MS = 50.0
"""p95 of `GET /v1/jobs/{id}` that the project sets itself on two cores."""


@dataclass(frozen=True)
class GatewayPlan:
    """How many submissions at once, of how many bytes each, until so many reads are measured."""

    submissions: int
    image_bytes: int
    samples: int


class GatewaySpeed(BaseModel):
    """What was measured. `accepted_per_s`: submissions that were answered 202, of the server."""

    model_config = ConfigDict(frozen=True)

    cpus: int
    submissions: int
    image_bytes: int
    waves: int
    accepted_per_s: float
    reads: tuple[Latency, ...]
    submits: tuple[Latency, ...]
    goal_ms: float = GOAL_MS
    goal_met: bool


@dataclass
class _Measured:
    """One server under load: its readers, and the waves that it took."""

    job: Reader
    live: Reader
    waves: list[Wave] = field(default_factory=list)
    seconds: float = 0.0


def run(plan: GatewayPlan, json_file: Path | None) -> None:
    """Measures, prints the table, writes the JSON.

    Raises:
        StageError: a server did not start or refused submissions or reads.
    """
    console = Console(stderr=True, highlight=False)
    with scratch_folder() as data, _standalone(data) as url:
        console.print("measuring the standalone server")
        ours = _measure("the standalone server", url, plan, _first_job(url))
    with _bare() as url:
        console.print("measuring bare FastAPI")
        bare = _measure("bare FastAPI", url, plan, "job_1")
    report = _report(plan, ours, bare)
    print_latencies([*report.reads, *report.submits])
    verdict = "met" if report.goal_met else "not met"
    sys.stdout.write(
        f"{report.accepted_per_s:.1f} submissions/s accepted on {report.cpus} cores; "
        f"p95 of reading a job {report.reads[0].p95_ms:.1f} ms, goal {GOAL_MS:.0f} ms: {verdict}\n"
    )
    if json_file is not None:
        write_json(json_file, report)


def _standalone(data: Path) -> AbstractContextManager[str]:
    """The real one, as anybody starts it; it must take everything, for what is measured is the taking."""
    port = free_port()
    command = [
        "-m",
        "services.cli",
        "serve",
        "--profile",
        "idle",
        "--port",
        str(port),
        "--data-dir",
        str(data / "data"),
    ]
    settings = {**NO_LIMITS, "RETOUCHER_STANDALONE_LOG_LEVEL": "error"}
    return server("the standalone server", command, port, "/readyz", settings)


def _bare() -> AbstractContextManager[str]:
    port = free_port()
    return server("bare FastAPI", ["-m", "services.commands.speed.bare", str(port)], port, "/livez")


def _first_job(url: str) -> str:
    """The id of a small job of the server's, to be read from then on."""
    files = {"image": ("a.png", noise_png(20_000))}
    answer = httpx.post(f"{url}/v1/jobs", files=files, data={"prompt": "the one to read"}, timeout=60, trust_env=False)
    if answer.status_code != httpx.codes.ACCEPTED:
        raise StageError(ErrorCode.STAGE_FAILED, f"the server refused the first submission: {answer.text[:200]}")
    job_id: str = answer.json()["id"]
    return job_id


def _measure(name: str, url: str, plan: GatewayPlan, job_id: str) -> _Measured:
    """Waves of submissions until enough reads were made; nothing is read between them."""
    job, live = Reader(f"{url}/v1/jobs/{job_id}"), Reader(f"{url}/livez")
    found = _Measured(job, live)
    with _submitter(Load(url=url, submissions=plan.submissions, image_bytes=plan.image_bytes)) as wave:
        while len(job.seconds) < plan.samples:
            started_s = time.perf_counter()
            with job.reading(), live.reading():
                found.waves.append(wave())
            found.seconds += time.perf_counter() - started_s
    statuses = sum((Counter(one.statuses) for one in found.waves), Counter[int]())
    if set(statuses) != {httpx.codes.ACCEPTED}:
        raise StageError(ErrorCode.STAGE_FAILED, f"{name} answered submissions with {dict(statuses)}, not all 202")
    if job.failures or live.failures:
        failures = Counter(job.failures + live.failures)
        raise StageError(ErrorCode.STAGE_FAILED, f"reads of {name} failed under load: {dict(failures)}")
    return found


@contextmanager
def _submitter(load: Load) -> Iterator[Callable[[], Wave]]:
    """A process that submits a wave at each call, once it has made its image."""
    command = [sys.executable, "-m", "services.commands.speed.submitting"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:

            def ask(line: str) -> str:
                assert process.stdin is not None and process.stdout is not None  # noqa: S101 - both are pipes
                process.stdin.write(line + "\n")
                process.stdin.flush()
                said = process.stdout.readline()
                if not said:
                    raise StageError(ErrorCode.STAGE_FAILED, "the process that submits has died: see above")
                return said

            ask(load.model_dump_json())
            yield lambda: Wave.model_validate_json(ask("go"))
        finally:
            process.kill()


def _report(plan: GatewayPlan, ours: _Measured, bare: _Measured) -> GatewaySpeed:
    job = latency("GET /v1/jobs/{id}", ours.job.seconds)
    done = [second for wave in ours.waves for second in wave.seconds]
    return GatewaySpeed(
        cpus=cpu_count() or 1,
        submissions=plan.submissions,
        image_bytes=plan.image_bytes,
        waves=len(ours.waves),
        accepted_per_s=len(done) / ours.seconds,
        reads=(
            job,
            latency("GET /livez, same server", ours.live.seconds),
            latency("GET, bare FastAPI", bare.job.seconds),
        ),
        submits=(
            latency("POST /v1/jobs", done),
            latency("POST, bare FastAPI", [second for wave in bare.waves for second in wave.seconds]),
        ),
        goal_met=job.p95_ms <= GOAL_MS,
    )
