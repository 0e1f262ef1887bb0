"""The third way to run a job on scripted agents: the distributed path, in one process, on a queue that misbehaves.

Conductor, stage workers and sweeper are the real ones; every message is handed over twice, and all earlier ones again.
"""

from collections import deque
from collections.abc import Callable

from fakes.agents import Disturbance, ScriptedAgents, queued_job
from fakes.clock import FakeClock
from fakes.drive import DEADLINE_AT_S, RecordingFinalizer, Run, Script
from prometheus_client import CollectorRegistry

from services.orchestrator.conductor import Conductor
from services.orchestrator.finalize import CanvasFinalizer
from services.orchestrator.sweeper import Sweeper
from shared.adapters.memory import MemoryImageStore
from shared.adapters.memory_dispatches import MemoryDispatches
from shared.contracts.dispatch import Dispatch, Work
from shared.contracts.jobs import Job
from shared.heart import Heart
from shared.stage_worker import Agent, StageWorker
from shared.telemetry import LoopMetrics, SweeperMetrics, WorkerMetrics


class MemoryQueue:
    """Messages in order; `lost` counts those that a test makes vanish."""

    def __init__(self) -> None:
        self.messages: deque[Dispatch] = deque()

    def publish(self, dispatch: Dispatch) -> None:
        self.messages.append(dispatch)


class Machines:
    """One of each process of an installation, without the processes."""

    def __init__(self, agents: ScriptedAgents, images: MemoryImageStore, clock: FakeClock) -> None:
        self.clock = clock
        self.images = images
        self.queue = MemoryQueue()
        self.jobs = MemoryDispatches(clock)
        registry = CollectorRegistry()
        metrics = WorkerMetrics(registry)
        self.conductor = Conductor(self.jobs, self.queue, images, clock, LoopMetrics(registry))
        self.sweeper = Sweeper(self.jobs, self.queue, SweeperMetrics(registry))
        finalizer = RecordingFinalizer(agents, CanvasFinalizer(images, clock))
        calls: dict[Work, Agent] = {
            Work.PERCEIVE: agents.perceive,
            Work.DIAGNOSE: agents.diagnose,
            Work.RETOUCH: agents.retouch,
            Work.FINALIZE: finalizer.finalize,  # type: ignore[dict-item]
        }
        self.workers = {
            work: StageWorker(self.jobs, self.queue, Heart(self.jobs, work, 10.0, 300.0, metrics), call, clock, metrics)
            for work, call in calls.items()
        }

    def hand_over(self, dispatch: Dispatch) -> None:
        if dispatch.work is Work.ADVANCE:
            self.conductor.advance(dispatch.job_id)
        else:
            self.workers[dispatch.work].handle(dispatch)


def through_machines(script: Script) -> Run:
    images, clock = MemoryImageStore(), FakeClock()
    disturbance = Disturbance(fails=dict(script.fails))
    agents = ScriptedAgents(script.world, images, disturbance)
    machines = Machines(agents, images, clock)
    job = queued_job(images, policy=script.policy, options=script.options, deadline_at_s=DEADLINE_AT_S)
    machines.jobs.create(job, ())

    def late(_: Job) -> None:
        clock.time_s = DEADLINE_AT_S

    def cancel(running: Job) -> None:
        machines.jobs.request_cancel(running.id)

    strikes: tuple[tuple[int | None, Callable[[Job], None]], ...] = (
        (script.deadline_after, late),
        (script.cancel_after, cancel),
    )
    for step, strike in strikes:
        if step == 0:
            strike(job)
        elif step is not None:
            disturbance.then[step] = strike
    clock.advance(2.1)
    machines.sweeper.sweep()
    seen: list[Dispatch] = []
    while machines.queue.messages:
        message = machines.queue.messages.popleft()
        seen.append(message)
        for again in (message, message, *seen):
            machines.hand_over(again)
    ended = machines.jobs.load(job.id).job
    events = tuple(machines.jobs.events_after(job.id, 0))
    assert [item for item in machines.jobs.backlog() if item.waiting or item.running] == []
    return Run(ended, tuple(agents.calls), events, images)
