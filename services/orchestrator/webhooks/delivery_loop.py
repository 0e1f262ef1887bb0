"""Delivers for as long as the process runs; a slow receiver holds up nothing but its own deliveries."""

import asyncio

import structlog

from services.orchestrator.webhooks.deliverer import Deliverer
from shared.contracts.deliveries import Claim
from shared.errors import Unavailable

log = structlog.get_logger()

OUTAGE_WAIT_S = 5.0


class DeliveryLoop:
    """Asks for due deliveries every `poll_s`, and makes at most `rules.at_once` tries at one time."""

    def __init__(self, deliverer: Deliverer, poll_s: float = 1.0) -> None:
        self._deliverer = deliverer
        self._poll_s = poll_s
        self._tries: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event, grace_s: float = 5.0) -> None:
        """Runs until `stop` is set; tries under way then have `grace_s` to end, and are made again later otherwise."""
        try:
            while not stop.is_set():
                await self._wait(stop, await self._start_due())
        finally:
            if self._tries:
                await asyncio.wait(self._tries, timeout=grace_s)
            for unfinished in self._tries:
                unfinished.cancel()
            await asyncio.gather(*self._tries, return_exceptions=True)

    async def _start_due(self) -> float:
        """Starts what is due and fits; returns seconds after which to ask again."""
        room = self._deliverer.rules.at_once - len(self._tries)
        try:
            claims = await self._deliverer.claim(room) if room else ()
        except Unavailable as error:
            log.warning("webhooks_outage", code=error.code, message=error.message)
            return OUTAGE_WAIT_S
        for claim in claims:
            task = asyncio.create_task(self._try(claim))
            self._tries.add(task)
            task.add_done_callback(self._tries.discard)
        return self._poll_s

    async def _try(self, claim: Claim) -> None:
        try:
            await self._deliverer.deliver(claim)
        except Unavailable as error:
            log.warning("webhooks_outage", code=error.code, message=error.message, delivery=claim.delivery.id)
        except Exception:
            # A background task's exception would be seen by nobody; the claim runs out, and the others go on.
            log.exception("webhook_crashed", delivery=claim.delivery.id)

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        """Until `stop` is set, or the time has passed, or a try has ended where others may wait for its place."""
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopping, *self._tries}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
