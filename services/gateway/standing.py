"""Who waits and for how long: places in the queue, and whether one more job may join it."""

import time
from dataclasses import dataclass

from services.gateway.problems import Overloaded
from shared.ports import Dispatcher, JobCatalog

FRESH_S = 0.5
"""How old a count of the queue may be: many callers who ask at one time share one look at the store."""


@dataclass(frozen=True)
class Standing:
    """A job's place in the queue, 1 is next, and the seconds it will probably wait."""

    position: int
    wait_s: float


@dataclass(frozen=True)
class _Queue:
    seen_at_s: float
    places: dict[str, int]
    running: int


class Waiting:
    """The queue as the store has it. Calls block on the store now and then: use them in threads."""

    def __init__(self, jobs: JobCatalog, dispatcher: Dispatcher, max_wait_s: float) -> None:
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._max_wait_s = max_wait_s
        self._queue: _Queue | None = None

    def standing(self, job_id: str) -> Standing:
        """Where a queued job waits; behind all others where it has only just joined the queue."""
        queue = self._seen()
        place = queue.places.get(job_id, len(queue.places) + 1)
        return Standing(place, self._wait_s(queue, place - 1))

    def admit_one_more(self) -> None:
        """Raises:
        Overloaded: it would have to wait too long.
        """
        queue = self._seen()
        wait_s = self._wait_s(queue, len(queue.places))
        if wait_s > self._max_wait_s:
            message = (
                f"{len(queue.places)} jobs wait, a new one would begin in about {wait_s:.0f} s: "
                "try again later, Retry-After says when"
            )
            raise Overloaded(message, wait_s - self._max_wait_s)

    def counts(self) -> tuple[int, int]:
        """How many jobs wait and how many run."""
        queue = self._seen()
        return len(queue.places), queue.running

    def _wait_s(self, queue: _Queue, ahead: int) -> float:
        """Every worker is at a job that is half done on average; with a free worker there is no wait."""
        work = self._dispatcher.workload()
        if ahead + queue.running < work.workers:
            return 0.0
        return (ahead + 0.5 * min(queue.running, work.workers)) * work.seconds_per_job / work.workers

    def _seen(self) -> _Queue:
        queue = self._queue
        if queue is None or time.monotonic() - queue.seen_at_s > FRESH_S:
            queued = self._jobs.queued()
            unfinished = len(self._jobs.unfinished())
            places = {name: number for number, name in enumerate(queued, start=1)}
            queue = _Queue(time.monotonic(), places, max(0, unfinished - len(queued)))
            self._queue = queue
        return queue
