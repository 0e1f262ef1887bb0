"""Public events of watched jobs, read from the store once for all who watch, with wake-ups within this process."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import structlog
from anyio import CapacityLimiter, to_thread

from shared.contracts.loop import PublicEvent
from shared.errors import RetoucherError
from shared.ports import JobCatalog

log = structlog.get_logger()

LAST_EVENTS = frozenset({"job.succeeded", "job.failed", "job.canceled"})
"""Nothing follows one of these."""


class _Watch:
    """One job's events so far, shared by all who watch it."""

    def __init__(self) -> None:
        self.events: list[PublicEvent] = []
        self.watchers = 0
        self.wake = asyncio.Event()
        self.changed = asyncio.Condition()
        self.over = False
        self.reader: asyncio.Task[None] | None = None


class EventHub:
    """Follows jobs for as long as somebody watches them.

    Args:
        jobs: where events are.
        storing: limits the threads that ask it.
        poll_s: how long a wake-up is waited for before the store is asked anyway.
    """

    def __init__(self, jobs: JobCatalog, storing: CapacityLimiter, poll_s: float) -> None:
        self._jobs = jobs
        self._storing = storing
        self._poll_s = poll_s
        self._watches: dict[str, _Watch] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closing = False

    def start(self) -> None:
        """Binds to the running event loop; wake-ups from other threads arrive there."""
        self._loop = asyncio.get_running_loop()

    def wake(self, job_id: str) -> None:
        """Something has been committed for the job; may be called from any thread."""
        if self._loop is not None and job_id in self._watches:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed: nobody watches any more
                self._loop.call_soon_threadsafe(self._wake, job_id)

    def close(self) -> None:
        """Ends every stream: the server stops. May be called from a signal handler's thread."""
        self.closing = True
        if self._loop is not None:
            for job_id in list(self._watches):
                self._loop.call_soon_threadsafe(self._wake, job_id)

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return sum(watch.watchers for watch in self._watches.values())

    async def follow(self, job_id: str, after: int) -> AsyncGenerator[PublicEvent]:
        """The job's events with a higher `seq`, as they come, to its last one; less if the server stops."""
        async with self._watching(job_id) as watch:
            number = 0
            while True:
                while number < len(watch.events):
                    event = watch.events[number]
                    number += 1
                    if event.seq > after:
                        yield event
                if watch.over or self.closing:
                    return
                async with watch.changed:
                    if number == len(watch.events) and not watch.over and not self.closing:
                        await watch.changed.wait()

    async def ended(self, job_id: str, timeout_s: float) -> bool:
        """Whether the job's last event came within the time."""
        try:
            async with asyncio.timeout(timeout_s), contextlib.aclosing(self.follow(job_id, 0)) as events:
                async for event in events:
                    if event.type in LAST_EVENTS:
                        return True
        except TimeoutError:
            return False
        return False

    def _wake(self, job_id: str) -> None:
        watch = self._watches.get(job_id)
        if watch is not None:
            watch.wake.set()

    @contextlib.asynccontextmanager
    async def _watching(self, job_id: str) -> AsyncIterator[_Watch]:
        watch = self._watches.setdefault(job_id, _Watch())
        watch.watchers += 1
        if watch.reader is None:
            watch.reader = asyncio.create_task(self._read(job_id, watch))
        try:
            yield watch
        finally:
            watch.watchers -= 1
            if watch.watchers == 0:
                watch.reader.cancel()
                if self._watches.get(job_id) is watch:
                    del self._watches[job_id]

    async def _read(self, job_id: str, watch: _Watch) -> None:
        try:
            while not watch.over and not self.closing:
                watch.wake.clear()
                last = watch.events[-1].seq if watch.events else 0
                fresh = await to_thread.run_sync(self._jobs.events_after, job_id, last, limiter=self._storing)
                if fresh:
                    await self._tell(watch, list(fresh))
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(watch.wake.wait(), self._poll_s)
        except RetoucherError as error:
            # The streams end, and their readers come again.
            log.warning("events_unreadable", job_id=job_id, code=error.code, message=error.message)
        finally:
            watch.over = True
            if self._watches.get(job_id) is watch:
                del self._watches[job_id]
            async with watch.changed:
                watch.changed.notify_all()

    @staticmethod
    async def _tell(watch: _Watch, fresh: list[PublicEvent]) -> None:
        async with watch.changed:
            watch.events += fresh
            watch.over = fresh[-1].type in LAST_EVENTS
            watch.changed.notify_all()
