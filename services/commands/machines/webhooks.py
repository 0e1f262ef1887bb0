"""`retoucher worker webhooks`: delivers what jobs have to tell, from Redis; any number of them may run.

No queue: deliveries are made in the step that commits their events, and claimed from the store when they are due.
"""

import asyncio
import random
import signal

import structlog
from prometheus_client import CollectorRegistry

from services.commands.machines.settings import BackendSettings, WorkerSettings
from services.orchestrator.webhooks.deliverer import Deliverer
from services.orchestrator.webhooks.delivery_loop import DeliveryLoop
from services.orchestrator.webhooks.settings import WebhookSettings
from shared.adapters.clock import SystemClock
from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_deliveries import RedisDeliveryStore
from shared.environment import read_settings
from shared.logs import configure_logs
from shared.probes import Probes
from shared.telemetry import WebhookMetrics
from shared.web_guard import WebGuard
from shared.web_settings import UrlSettings

log = structlog.get_logger()

GRACE_S = 10.0


def run_webhooks() -> None:
    """Delivers until SIGTERM; tries under way may end.

    Raises:
        BadInput: a setting is not usable.
        MissingResource: there is no secret to sign with.
        Unavailable: Redis does not answer at the start, or the probe port is taken.
    """
    backend, settings, webhooks = (
        read_settings(BackendSettings),
        read_settings(WorkerSettings),
        read_settings(WebhookSettings),
    )
    configure_logs(settings.log_level, settings.log_format)
    connection = RedisConnection(backend.redis_url.get_secret_value())
    connection.ping()
    registry = CollectorRegistry()
    deliverer = Deliverer(
        RedisDeliveryStore(connection),
        WebGuard(read_settings(UrlSettings).policy()),
        webhooks.signer(),
        SystemClock(),
        random.random,
        webhooks.rules(),
        WebhookMetrics(registry).tried,
    )
    probes = Probes(registry, settings.probe_port)
    asyncio.run(_deliver(DeliveryLoop(deliverer, webhooks.poll_s), probes))
    probes.close()


async def _deliver(loop: DeliveryLoop, probes: Probes) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    probes.ready.set()
    log.info("webhooks_ready", probe_port=probes.port)
    await loop.run(stop, GRACE_S)
