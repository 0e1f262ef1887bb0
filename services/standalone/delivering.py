"""Webhook deliveries of a standalone server, on a thread with an event loop of its own.

Not on the server's loop: what a hundred receivers do must not slow the answers to callers down.
"""

import asyncio
import random
import threading
from pathlib import Path

import structlog

from services.orchestrator.webhooks.deliverer import Deliverer
from services.orchestrator.webhooks.delivery_loop import DeliveryLoop
from services.orchestrator.webhooks.settings import WebhookSettings, secret_in
from shared.ports import Clock, DeliveryStore
from shared.web_guard import WebGuard

log = structlog.get_logger()


class DeliveryThread:
    """Runs a `DeliveryLoop` between `start` and `stop`; tries under way then have `grace_s` to end."""

    def __init__(self, delivery_loop: DeliveryLoop, grace_s: float) -> None:
        self._delivery_loop = delivery_loop
        self._grace_s = grace_s
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begins to deliver, what an earlier process left first."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> bool:
        """Ends, and says whether it has; what is not delivered by then is delivered after the next start."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(self._grace_s + 2.0)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._deliver())
        except Exception:
            # Nobody waits for this thread: without this line the deliveries would end in silence.
            log.exception("webhooks_crashed", next_step="restart the server; nothing is lost")

    async def _deliver(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._delivery_loop.run(self._stop, self._grace_s)


def delivery_thread(
    store: DeliveryStore,
    guard: WebGuard,
    settings: WebhookSettings,
    folder: Path,
    clock: Clock,
    grace_s: float = 3.0,
) -> DeliveryThread:
    """The thread, not yet started.

    Args:
        store: the deliveries.
        guard: decides which addresses may be reached.
        settings: secrets and limits.
        folder: keeps a secret of its own for where the settings hold none.
        clock: the time.
        grace_s: how long a stop waits for receivers.

    Raises:
        MissingResource: the folder's file of the secret is spoilt (WEBHOOKS_NOT_CONFIGURED).
    """
    signer = settings.signer(None if settings.secrets else secret_in(folder))
    deliverer = Deliverer(store, guard, signer, clock, random.random, settings.rules())
    return DeliveryThread(DeliveryLoop(deliverer, settings.poll_s), grace_s)
