"""The gateway's working parts, made once for an app, and the questions that several routes ask of them."""

import re
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from services.gateway.auth import Authenticator
from services.gateway.events import EventHub
from services.gateway.limiting import Limiter, LimitSettings
from services.gateway.metrics import Metrics
from services.gateway.parts import GatewayParts
from services.gateway.settings import GatewaySettings
from services.gateway.standing import Waiting
from services.gateway.submitting import Submitter
from services.gateway.views import JobView, view_of
from shared.contracts.jobs import JOB_ID, Job, Status
from shared.errors import ErrorCode, NotFound
from shared.retention import Holdings

T = TypeVar("T")


class Gateway:
    """What the routes work with.

    Attributes:
        decoding, storing, writing: limit the threads that work on images, that read stores, and that write to them. A
            write waits for the disk, and where many wait, reads must not stand behind them.
    """

    def __init__(
        self, parts: GatewayParts, settings: GatewaySettings, authenticator: Authenticator, limits: LimitSettings
    ) -> None:
        self.parts = parts
        self.holdings = Holdings(parts.jobs, parts.images, parts.uploads, parts.feedback)
        self.settings = settings
        self.decoding = CapacityLimiter(settings.decode_threads)
        self.storing = CapacityLimiter(settings.store_threads)
        self.writing = CapacityLimiter(settings.store_threads)
        self.waiting = Waiting(parts.jobs, parts.dispatcher, settings.max_wait_s)
        self.hub = EventHub(parts.jobs, self.storing, settings.event_poll_s)
        self.submitter = Submitter(parts, settings, self.waiting, self.decoding, self.storing, self.writing)
        self.authenticator = authenticator
        self.limiter = Limiter(limits, self._at_work)
        self.metrics = Metrics(self.waiting, self.hub)

    async def store(self, call: Callable[[], T]) -> T:
        """What a call that reads stores gives, off the event loop."""
        return await to_thread.run_sync(call, limiter=self.storing)

    async def change(self, call: Callable[[], T]) -> T:
        """What a call that writes to stores gives, off the event loop."""
        return await to_thread.run_sync(call, limiter=self.writing)

    async def _at_work(self, owner: str) -> int:
        return await self.store(lambda: self.parts.jobs.at_work(owner))

    async def job(self, name: str, owner: str) -> Job:
        """The owner's job of that id or client id.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        return await self.store(lambda: self.find(name, owner))

    def find(self, name: str, owner: str) -> Job:
        """As `job`, on this thread."""
        job_id = name if re.fullmatch(JOB_ID, name) else self.parts.jobs.named(owner, name)
        if job_id is not None:
            try:
                job = self.parts.jobs.load(job_id).job
            except NotFound:
                job = None
            if job is not None and job.owner == owner:
                return job
        raise NotFound(ErrorCode.JOB_NOT_FOUND, f"there is no job {name}: check the id; it may have expired")

    async def view(self, job: Job) -> JobView:
        """The job as its owner sees it."""
        return await self.store(lambda: self.viewed(job))

    def viewed(self, job: Job) -> JobView:
        """As `view`, on this thread."""
        standing = self.waiting.standing(job.id) if job.status is Status.QUEUED else None
        feedback = tuple(self.parts.feedback.of_job(job.id))
        return view_of(job, self.parts.record_of(job), standing, feedback, self.parts.clock.now_s())
