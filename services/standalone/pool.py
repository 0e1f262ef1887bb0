"""Runs jobs on a few threads of this process, in the order in which they came. The store remembers them, not this.

A job that a stop or a crash has left is found in the store at the next start and continued from its last commit.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from services.orchestrator.runner import end_waiting
from shared.contracts.gateway import Workload
from shared.contracts.loop import PublicEvent
from shared.errors import ErrorCode, NotFound, Unavailable
from shared.ports import Clock, JobStore

if TYPE_CHECKING:
    from services.local import Local  # heavy: it brings the agents, which load while the server already answers

log = structlog.get_logger()

FIRST_GUESS_S = 10.0
"""Seconds per job, until the first has ended."""

MEMORY = 0.2
"""Weight of the last job in the average."""

LONGEST_PAUSE_S = 30.0
MOST_CRASHES = 5


class JobPool:
    """A `Dispatcher` of this process. Takes jobs from the start, and runs them once the agents are there.

    Args:
        jobs: the store.
        clock: of the time that a cancel is stamped with.
        workers: threads.
    """

    def __init__(self, jobs: JobStore, clock: Clock, workers: int) -> None:
        self._jobs = jobs
        self._clock = clock
        self._workers = workers
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._seconds_per_job = FIRST_GUESS_S
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """`listener` is called with a job's id, on any thread, whenever a public event of it has been committed."""
        self._listeners.append(listener)

    def dispatch(self, job_id: str) -> None:
        """See `Dispatcher.dispatch`."""
        with self._lock:
            if job_id in self._taken:
                return
            self._taken.add(job_id)
        self._queue.put(job_id)

    def cancel(self, job_id: str) -> None:
        """See `Dispatcher.cancel`."""
        if end_waiting(self._jobs, job_id, self._clock.now_s()):
            self._tell(job_id)

    def workload(self) -> Workload:
        """See `Dispatcher.workload`."""
        return Workload(workers=self._workers, seconds_per_job=self._seconds_per_job)

    def start(self, local: "Local") -> None:
        """Continues what an earlier process left, and runs what comes."""
        for number in range(self._workers):
            thread = threading.Thread(target=self._work, args=(local,), name=f"worker-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def adopt_unfinished(self) -> int:
        """Takes every job that an earlier process left; returns how many."""
        left = self._jobs.unfinished()
        for job_id in left:
            self.dispatch(job_id)
        return len(left)

    def stop(self, grace_s: float) -> bool:
        """Lets each worker finish its step; whether all have, within the time."""
        self._stopping.set()
        end_s = time.monotonic() + grace_s
        for thread in self._threads:
            thread.join(max(0.0, end_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, local: "Local") -> None:
        crashes: dict[str, int] = {}
        while not self._stopping.is_set():
            try:
                job_id = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._run(local, job_id)
                crashes.pop(job_id, None)
            except NotFound:
                self._forget(job_id)  # deleted in between
            except Exception as error:
                crashes[job_id] = crashes.get(job_id, 0) + 1
                self._after_crash(job_id, crashes[job_id], error)

    def _run(self, local: "Local", job_id: str) -> None:
        started_s = time.monotonic()
        local.run(job_id, self._on_event, self._stopping.is_set)
        if self._stopping.is_set():
            return
        with self._lock:
            self._taken.discard(job_id)
            took_s = max(0.001, time.monotonic() - started_s)
            self._seconds_per_job += MEMORY * (took_s - self._seconds_per_job)

    def _after_crash(self, job_id: str, crashes: int, error: Exception) -> None:
        """An outage of the store is waited for; what else goes wrong is tried again a few times."""
        code = error.code if isinstance(error, Unavailable) else ErrorCode.INTERNAL
        log.error("job_interrupted", job_id=job_id, code=code, crashes=crashes, exc_info=error)
        if not isinstance(error, Unavailable) and crashes >= MOST_CRASHES:
            log.error("job_given_up", job_id=job_id, next_step="it is tried again at the next start")
            self._forget(job_id)
            return
        self._stopping.wait(min(LONGEST_PAUSE_S, 2.0 ** (crashes - 1)))
        self._queue.put(job_id)

    def _forget(self, job_id: str) -> None:
        with self._lock:
            self._taken.discard(job_id)

    def _on_event(self, event: PublicEvent) -> None:
        if event.type in ("job.started", "job.succeeded", "job.failed", "job.canceled"):
            log.info(event.type, job_id=event.job_id, **event.data)
        self._tell(event.job_id)

    def _tell(self, job_id: str) -> None:
        for listener in self._listeners:
            listener(job_id)
