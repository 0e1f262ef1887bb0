"""Prometheus metrics of the gateway, in a registry of their own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from services.gateway.events import EventHub
from services.gateway.standing import Waiting

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """What `/metrics` shows. The queue is looked at when it is asked for."""

    def __init__(self, waiting: Waiting, hub: EventHub) -> None:
        self._waiting = waiting
        self._hub = hub
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "retoucher_http_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "retoucher_http_request_seconds",
            "Seconds to the first byte of the answer.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.submitted = Counter("retoucher_jobs_submitted", "Jobs accepted.", registry=self._registry)
        self._queued = Gauge("retoucher_jobs_queued", "Jobs that wait.", registry=self._registry)
        self._running = Gauge("retoucher_jobs_running", "Jobs that run.", registry=self._registry)
        self._watchers = Gauge("retoucher_event_streams", "Open event streams.", registry=self._registry)

    def exposition(self) -> bytes:
        """The text that Prometheus reads; asks the store."""
        queued, running = self._waiting.counts()
        self._queued.set(queued)
        self._running.set(running)
        self._watchers.set(self._hub.watchers)
        return generate_latest(self._registry)
