"""Wires the processes of an installation on many machines, on Redis and S3. Knows no HTTP and reads no environment.

`services.local` wires the same agents and the same loop into one process. Each role imports its own agent alone, for a
machine has only that agent's packages.
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from prometheus_client import CollectorRegistry
from pydantic import JsonValue

from shared.action_settings import AS_THE_PROFILE_SAYS, ActionSettings
from shared.adapters.celery_app import CeleryStageQueue, make_app, run_worker
from shared.adapters.clock import SystemClock
from shared.adapters.patient_images import PatientImageStore
from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_dispatches import RedisDispatches
from shared.adapters.redis_gateway import RedisFeedbackStore, RedisUploadStore
from shared.adapters.redis_jobs import RedisJobStore
from shared.contracts.leases import LeaseRules
from shared.errors import RetoucherError
from shared.heart import Heart
from shared.ports import Finalizer, ImageStore, Spans
from shared.probes import Probes
from shared.profiles import Profile
from shared.reasoning_settings import NO_SERVER, ReasoningSettings
from shared.retention import Holdings, delete_expired
from shared.spans import NO_SPANS
from shared.stage_worker import Agent, StageWorker
from shared.telemetry import LoopMetrics, SweeperMetrics, WorkerMetrics

log = structlog.get_logger()


@dataclass(frozen=True)
class Backend:
    """Where Redis is, and the times that all processes must agree on. `redis_url` may hold a password."""

    redis_url: str = field(repr=False)
    rules: LeaseRules = LeaseRules()


@dataclass(frozen=True)
class WorkRules:
    """How a worker works.

    Attributes:
        threads: so many commands at once.
        stage_timeout_s: a command that takes longer hangs, and the process ends.
        patience_s: how long an outage of the image store is waited out within a command.
        batch_wait_s: how long a batch waits for company.
        probe_port: of `/livez`, `/readyz` and `/metrics`; 0 takes any free one.
    """

    threads: int = 2
    stage_timeout_s: float = 300.0
    patience_s: float = 120.0
    batch_wait_s: float = 0.02
    probe_port: int = 9100


@dataclass(frozen=True)
class ModelSettings:
    """Where the models that agents ask are served, and how those of their own run."""

    reasoning: ReasoningSettings = NO_SERVER
    action: ActionSettings = AS_THE_PROFILE_SAYS


class Process:
    """What every process of the installation has: connections, a name, metrics.

    Args:
        backend: where Redis is.
        role: what the process does; the name of its queue, if it has one.
        images: the store that all machines share.
        spans: told of each stage.

    Raises:
        BadInput: an address cannot be used. Nothing connects here yet.
    """

    def __init__(self, backend: Backend, role: str, images: ImageStore, spans: Spans = NO_SPANS) -> None:
        self.role = role
        self.rules = backend.rules
        self.name = f"{role}@{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.clock = SystemClock()
        self.registry = CollectorRegistry()
        self.connection = RedisConnection(backend.redis_url)
        self.jobs = RedisJobStore(self.connection, backend.rules)
        self.dispatches = RedisDispatches(self.connection, backend.rules)
        self.app = make_app(backend.redis_url)
        self.queue = CeleryStageQueue(self.app)
        self.images = images
        self.spans = spans

    def tell_of_tools(self, tools: Sequence[Mapping[str, JsonValue]]) -> None:
        """An action worker says what its tools are, for the gateway has none.

        Raises:
            Unavailable: Redis does not answer.
        """
        self.connection.ask("SET", self.connection.key("tools"), json.dumps(list(tools)))

    def tools(self) -> Sequence[Mapping[str, JsonValue]]:
        """What an action worker has said last; nothing before the first has started. Raises as `tell_of_tools`."""
        said = self.connection.ask("GET", self.connection.key("tools"))
        return list(json.loads(said)) if said is not None else []

    def roles_alive(self) -> frozenset[str]:
        """The roles of which a worker has said within a lease that it lives. Raises as `tell_of_tools`."""
        now_s = float(self.connection.ask("TIME")[0])
        members = self.connection.ask("ZRANGEBYSCORE", self.connection.key("alive"), now_s, "+inf")
        return frozenset(member.decode().partition(" ")[0] for member in members)


def work_as(
    role: str, process: Process, profile: Profile, rules: WorkRules, models: ModelSettings = ModelSettings()
) -> None:
    """Runs the worker of a role until it is told to stop.

    Raises:
        MissingResource: a model of the profile is not there.
        Unavailable: Redis does not answer, or the probe port is taken.
    """
    images = PatientImageStore(process.images, rules.patience_s)
    metrics = WorkerMetrics(process.registry)
    if role == "orchestrator":
        from services.orchestrator.finalize import CanvasFinalizer

        orchestrate(process, CanvasFinalizer(images, process.clock), rules, metrics)
    else:
        agent = build_agent(role, process, profile, images, rules, metrics, models)
        work(role, process, agent, rules, metrics)


def build_agent(
    role: str,
    process: Process,
    profile: Profile,
    images: ImageStore,
    rules: WorkRules,
    metrics: WorkerMetrics,
    models: ModelSettings,
) -> Agent:
    """The agent of a role, its models loaded and warm.

    Raises:
        MissingResource: a model of the profile is not there.
    """
    if profile.device != "cpu" and role in ("perception", "action"):
        metrics.watch_gpu(_gpu_memory_bytes)
    # On a CPU a batch gains nothing, and one thread for each command does more than one for all.
    batched = profile.device != "cpu"
    if role == "perception":
        from services.perception.build import build_perception, gathered

        gather = gathered(rules.batch_wait_s, metrics.batches_of("saliency")) if batched else None
        perception = build_perception(profile, images, process.clock, metrics.model_called, gather)
        perception.warm_up()
        return perception.perceive
    if role == "reasoning":
        from services.reasoning.build import build_reasoning

        settings = models.reasoning
        reasoner = build_reasoning(settings.applied_to(profile), images, process.clock, settings, metrics.model_called)
        reasoner.warm_up()
        return reasoner.diagnose
    from services.action.build import build_action, owned_by_a_thread

    owned = owned_by_a_thread(rules.batch_wait_s if batched else 0.0, metrics.batches_of)
    action = build_action(models.action.applied_to(profile), images, owned, metrics.model_called, models.action)
    action.warm_up()
    process.tell_of_tools(
        [
            {"name": tool.name, "kind": tool.kind.value, "licence": tool.licence, "native_size_px": tool.native_size_px}
            for tool in action.tools
        ]
    )
    return action.retouch


def _gpu_memory_bytes() -> float:
    """What torch holds of the GPU, in use or not."""
    import torch

    return float(torch.cuda.memory_reserved())


def work(role: str, process: Process, agent: Agent, rules: WorkRules, metrics: WorkerMetrics) -> None:
    """Runs the worker of one agent until it is told to stop."""
    heart = Heart(process.dispatches, process.name, process.rules.lease_s, rules.stage_timeout_s, metrics)
    worker = StageWorker(process.dispatches, process.queue, heart, agent, process.clock, metrics, spans=process.spans)
    match role:
        case "perception":
            from services.perception.tasks import register
        case "reasoning":
            from services.reasoning.tasks import register
        case _:
            from services.action.tasks import register
    register(process.app, worker)
    _serve(process, heart, rules)


def orchestrate(process: Process, finalizer: Finalizer, rules: WorkRules, metrics: WorkerMetrics) -> None:
    """Runs an orchestrator worker, which advances jobs and finalizes results, until it is told to stop."""
    from services.orchestrator.conductor import Conductor
    from services.orchestrator.tasks import register

    heart = Heart(process.dispatches, process.name, process.rules.lease_s, rules.stage_timeout_s, metrics)
    finalizing = StageWorker(
        process.dispatches, process.queue, heart, finalizer.finalize, process.clock, metrics, spans=process.spans
    )
    conductor = Conductor(
        process.dispatches, process.queue, process.images, process.clock, LoopMetrics(process.registry)
    )
    register(process.app, conductor, finalizing)
    _serve(process, heart, rules)


def sweep(process: Process, stopped: threading.Event, tick_s: float, retention_s: float, probe_port: int) -> None:
    """Runs the sweeper until it is stopped; beside it, what has expired is deleted."""
    from services.orchestrator.sweeper import Sweeper

    sweeper = Sweeper(process.dispatches, process.queue, SweeperMetrics(process.registry), tick_s)
    probes = Probes(process.registry, probe_port)
    probes.ready.set()
    log.info("sweeper_ready", name=process.name, probe_port=probes.port)
    retention = threading.Thread(target=_delete_expired, args=(process, retention_s, stopped), daemon=True)
    retention.start()
    sweeper.run(stopped)
    probes.close()


def _delete_expired(process: Process, every_s: float, stopped: threading.Event) -> None:
    """Now and then. Images without a job are left: a record beside them may be all that has outlived Redis."""
    connection = process.connection
    holdings = Holdings(process.jobs, process.images, RedisUploadStore(connection), RedisFeedbackStore(connection))
    while not stopped.wait(every_s):
        try:
            delete_expired(holdings, process.clock.now_s())
        except RetoucherError as error:
            log.warning("retention_failed", code=error.code, message=error.message)
        except Exception:
            # A thread that ended here would end in silence.
            log.exception("retention_crashed")


def _serve(process: Process, heart: Heart, rules: WorkRules) -> None:
    process.connection.ping()
    process.dispatches.tell_of(process.role, rules.threads)
    probes = Probes(process.registry, rules.probe_port, live={"heart": lambda: heart.alive})
    heart.start()

    def ready() -> None:
        probes.ready.set()
        log.info("worker_ready", name=process.name, threads=rules.threads, probe_port=probes.port)

    def stopping() -> None:
        probes.ready.clear()
        log.info("worker_stopping", name=process.name)

    run_worker(process.app, [process.role], rules.threads, process.name, ready, stopping)
    heart.stop()
    probes.close()
    process.spans.close()
