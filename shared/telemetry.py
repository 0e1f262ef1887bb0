"""Prometheus metrics of the distributed processes. Names end in their unit; labels take few values.

One object for each process, made in its entry file, on a registry of its own.
"""

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


class LoopMetrics:
    """What an orchestrator worker tells of the loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.jobs_ended = Counter(
            "retoucher_jobs_ended", "Jobs by how they ended.", ["status", "outcome", "stop_reason"], registry=registry
        )
        self.job_seconds = Histogram(
            "retoucher_job_seconds", "From a job's creation to its end.", buckets=_SECONDS, registry=registry
        )
        self.verdicts = Counter("retoucher_verdicts", "Verdicts on patches.", ["accepted"], registry=registry)
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
