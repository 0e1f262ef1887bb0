"""Open-loop arrivals of idle jobs: each is due at its time, whatever became of those before, and is timed from then.

A closed loop would slow down with the system that it measures and so never see it overloaded.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.commands.speed.idle_agents import idle_job
from shared.adapters.versioned import UNFINISHED
from shared.contracts.jobs import Job, Status
from shared.contracts.loop import PublicEvent
from shared.errors import Unavailable
from shared.intake import new_job_id
from shared.ports import JobStore

WAIT_FOR_REST_S = 60.0


@dataclass(frozen=True)
class Sent:
    """Jobs that were sent at one rate, with how late the sender itself was at its worst."""

    job_ids: tuple[str, ...]
    late_s: float


def send(jobs: JobStore, told: Callable[[str], None], per_s: float, for_s: float) -> Sent:
    """Stores and announces jobs at a steady rate; each bears the time at which it was due.

    Args:
        jobs: where they go.
        told: is told of each.
        per_s: jobs per second.
        for_s: seconds.
    """
    began_s, names, late_s = time.time(), [], 0.0
    for number in range(max(1, round(per_s * for_s))):
        due_s = began_s + number / per_s
        time.sleep(max(0.0, due_s - time.time()))
        late_s = max(late_s, time.time() - due_s)
        job_id = new_job_id()
        jobs.create(idle_job(job_id, due_s), ())
        told(job_id)
        names.append(job_id)
    return Sent(tuple(names), late_s)


def finished(jobs: JobStore, job_ids: Sequence[str], within_s: float = WAIT_FOR_REST_S) -> list[Job]:
    """Those that have ended, waited for as long as that takes, or `within_s` at the most."""
    give_up_at_s, ended, left = time.monotonic() + within_s, [], list(job_ids)
    while left and time.monotonic() < give_up_at_s:
        waiting = []
        for job_id in left:
            try:
                job = jobs.load(job_id).job
            except Unavailable:
                waiting.append(job_id)
                continue
            (waiting.append(job_id) if job.status in UNFINISHED else ended.append(job))
        left = waiting
        time.sleep(0.05)
    return ended


def job_seconds(job: Job) -> float:
    """From the time at which it was due to its last answer.

    Raises:
        ValueError: it did not succeed.
    """
    if job.status is not Status.SUCCEEDED or job.finished_at_s is None:
        raise ValueError(f"{job.id} is {job.status}")
    return job.finished_at_s - job.created_at_s


def hop_seconds(events: Sequence[PublicEvent]) -> list[float]:
    """From one answer to the next: the report, the loop's commit, and the way to the next stage and through it.

    Each `stage.started` and the end bear the time of the answer that brought them about.
    """
    ends = {"job.succeeded", "job.failed", "job.canceled"}
    times = [event.at_s for event in events if event.type == "stage.started" or event.type in ends]
    return [after - before for before, after in pairwise(times)]
