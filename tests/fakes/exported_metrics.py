"""Every metric that a process of an installation exports, by the names that Prometheus stores samples under."""

from dataclasses import dataclass
from types import SimpleNamespace

from prometheus_client import CollectorRegistry

from services.gateway.metrics import Metrics
from shared.telemetry import LoopMetrics, SweeperMetrics, WebhookMetrics, WorkerMetrics


@dataclass(frozen=True)
class Exported:
    """One metric: its name as Prometheus' users write it, its kind, its help, and the labels of its samples."""

    name: str
    kind: str
    documentation: str
    labels: tuple[str, ...]

    @property
    def samples(self) -> dict[str, set[str]]:
        """Sample name to labels."""
        labels = set(self.labels)
        if self.kind != "histogram":
            return {self.name: labels}
        return {
            f"{self.name}_bucket": labels | {"le"},
            f"{self.name}_sum": labels,
            f"{self.name}_count": labels,
        }


def _registries() -> list[CollectorRegistry]:
    worker, loop, sweeper, webhooks = (CollectorRegistry() for _ in range(4))
    WorkerMetrics(worker).watch_gpu(lambda: 0.0)
    LoopMetrics(loop)
    SweeperMetrics(sweeper)
    WebhookMetrics(webhooks)
    nobody = SimpleNamespace(counts=lambda: (0, 0), watchers=0)
    return [worker, loop, sweeper, webhooks, Metrics(nobody, nobody)._registry]


def exported() -> list[Exported]:
    """Sorted by name. The library has no public way to ask a metric without samples for its labels."""
    found = []
    for registry in _registries():
        for collector in registry._collector_to_names:
            kind, name = collector._type, collector._name
            found.append(
                Exported(
                    name=f"{name}_total" if kind == "counter" else name,
                    kind=kind,
                    documentation=collector._documentation,
                    labels=tuple(collector._labelnames),
                )
            )
    return sorted(found, key=lambda one: one.name)
