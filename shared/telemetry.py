"""Prometheus metrics of the distributed processes. Names end in their unit; labels take few values.

One object for each process, made in its entry file, on a registry of its own.
"""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class WorkerMetrics:
    """What a worker tells of its stage."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.claims = Counter(
            "retoucher_claims", "Dispatches taken up, or refused as stale.", ["work", "result"], registry=registry
        )
        self.stage_seconds = Histogram(
            "retoucher_stage_seconds",
            "Time of one command in its agent.",
            ["work"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.stage_results = Counter(
            "retoucher_stage_results",
            "Answers by kind: what the stage said, and whether it was taken.",
            ["work", "kind", "taken"],
            registry=registry,
        )
        self.stage_failures = Counter(
            "retoucher_stage_failures", "Commands that failed, by error code.", ["work", "code"], registry=registry
        )
        self.model_seconds = Histogram(
            "retoucher_model_seconds",
            "Time of one call of a detector or tool.",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.running = Gauge("retoucher_claims_held", "Claims held now.", ["work"], registry=registry)
        self.leases_lost = Counter(
            "retoucher_leases_lost", "Claims that were gone when they were prolonged.", registry=registry
        )
        self.heartbeat_failures = Counter(
            "retoucher_heartbeat_failures", "Heartbeats that the job store did not take.", registry=registry
        )
        self.batch_size = Histogram(
            "retoucher_batch_items",
            "Items that went through a model at once.",
            ["model"],
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=registry,
        )
        self.batch_wait_seconds = Histogram(
            "retoucher_batch_wait_seconds",
            "Time an item waited for its batch.",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._registry = registry

    def model_called(self, model: str, seconds: float) -> None:
        """Notes one call of a detector or tool."""
        self.model_seconds.labels(model).observe(seconds)

    def batches_of(self, model: str) -> Callable[[int, Sequence[float]], None]:
        """Notes the batches of a model; see `shared.batching.Observer`."""

        def observe(items: int, waits_s: Sequence[float]) -> None:
            self.batch_size.labels(model).observe(items)
            for wait_s in waits_s:
                self.batch_wait_seconds.labels(model).observe(wait_s)

        return observe

    def watch_gpu(self, read_bytes: Callable[[], float]) -> None:
        """Shows the GPU memory that this process holds, read whenever Prometheus asks."""
        memory = Gauge("retoucher_gpu_memory_bytes", "GPU memory that the process holds.", registry=self._registry)
        memory.set_function(read_bytes)


class LoopMetrics:
    """What an orchestrator worker tells of the loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.jobs_ended = Counter(
            "retoucher_jobs_ended",
            "Jobs by how they ended; `code` says why one failed.",
            ["status", "outcome", "stop_reason", "code"],
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "retoucher_job_queue_seconds",
            "From a job's creation to its first command.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.job_seconds = Histogram(
            "retoucher_job_seconds", "From a job's creation to its end.", buckets=_SECONDS, registry=registry
        )
        self.verdicts = Counter("retoucher_verdicts", "Verdicts on patches.", ["accepted"], registry=registry)
        self.refusals = Counter(
            "retoucher_refusals",
            "Grounds on which patches were refused; one verdict may have several.",
            ["ground"],
            registry=registry,
        )
        self.repairs = Counter(
            "retoucher_repairs_tried",
            "Tries to repair a region; `again` after a first one.",
            ["again"],
            registry=registry,
        )
        self.commits_lost = Counter(
            "retoucher_commits_lost", "Commits that another worker's came before.", registry=registry
        )


class SweeperMetrics:
    """What the sweeper tells of the queues."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sent = Counter(
            "retoucher_sweeper_sent", "Dispatches published by the sweeper.", ["reason"], registry=registry
        )
        self.failures = Counter("retoucher_sweeper_failures", "Rounds that an outage cut short.", registry=registry)
        self.waiting = Gauge(
            "retoucher_queue_waiting", "Jobs that wait for a kind of work.", ["work"], registry=registry
        )
        self.running = Gauge("retoucher_queue_running", "Jobs that are being worked on.", ["work"], registry=registry)


class WebhookMetrics:
    """What the deliverer tells of receivers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tries = Counter(
            "retoucher_webhook_tries",
            "Tries to deliver, by what became of the delivery.",
            ["result"],
            registry=registry,
        )
        self.seconds = Histogram("retoucher_webhook_seconds", "Time of one try.", buckets=_SECONDS, registry=registry)

    def tried(self, result: str, seconds: float) -> None:
        """Notes one try; `result` is the delivery's status after it."""
        self.tries.labels(result).inc()
        self.seconds.observe(seconds)
