"""Two ways to run a job on scripted agents: events handed to `advance` one by one, and the real `Runner`.

The first also hands in every answer twice, and every earlier answer again, and insists that those change nothing.
"""

from dataclasses import dataclass, field

from fakes.agents import Disturbance, ScriptedAgents, queued_job
from fakes.clock import FakeClock
from fakes.world import World

from services.orchestrator.finalize import CanvasFinalizer
from services.orchestrator.loop import Advance, advance, begin
from services.orchestrator.runner import Runner
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.contracts.jobs import Job, JobOptions, LoopPolicy
from shared.contracts.loop import (
    CancelRequested,
    Command,
    DeadlinePassed,
    Diagnose,
    Event,
    Finalize,
    Perceive,
    PublicEvent,
    Retouch,
    StageFailed,
)
from shared.errors import RetoucherError
from shared.ports import ImageStore

DEADLINE_AT_S = 5_000.0


@dataclass(frozen=True)
class Script:
    """A world, the numbers that decide, and what disturbs the run; `0` as a step is before the first command."""

    world: World
    policy: LoopPolicy = field(default_factory=LoopPolicy)
    options: JobOptions = field(default_factory=JobOptions)
    fails: tuple[tuple[int, RetoucherError | Exception], ...] = ()
    cancel_after: int | None = None
    deadline_after: int | None = None


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    job: Job
    commands: tuple[Command, ...]
    events: tuple[PublicEvent, ...]
    store: ImageStore

    @property
    def stages(self) -> str:
        """`PDRPF`: the initials of the commands executed."""
        return "".join(command.kind[0].upper() for command in self.commands)


def through_runner(script: Script) -> Run:
    store, jobs, clock = MemoryImageStore(), MemoryJobStore(), FakeClock()
    job = queued_job(store, policy=script.policy, options=script.options, deadline_at_s=DEADLINE_AT_S)
    jobs.create(job, ())
    disturbance = Disturbance(fails=dict(script.fails))

    def late(_: Job) -> None:
        clock.time_s = DEADLINE_AT_S

    def cancel(running: Job) -> None:
        jobs.request_cancel(running.id)

    for step, strike in ((script.deadline_after, late), (script.cancel_after, cancel)):
        if step == 0:
            strike(job)
        elif step is not None:
            disturbance.then[step] = strike
    agents = ScriptedAgents(script.world, store, disturbance)
    seen: list[PublicEvent] = []
    finalizer = RecordingFinalizer(agents, CanvasFinalizer(store, clock))
    ended = Runner(jobs, agents, agents, agents, finalizer, clock).run(job.id, seen.append)
    assert tuple(seen) == tuple(jobs.events_after(job.id, 0))
    return Run(ended, tuple(agents.calls), tuple(seen), store)


class RecordingFinalizer:
    """The real finalizer, disturbed and listed as the other agents are."""

    def __init__(self, agents: ScriptedAgents, finalizer: CanvasFinalizer) -> None:
        self.agents = agents
        self.finalizer = finalizer

    def finalize(self, job: Job, command: Finalize, dispatch: int) -> Event:
        self.agents._called(job, command)
        return self.finalizer.finalize(job, command, dispatch)


def through_advance(script: Script) -> Run:
    store, clock = MemoryImageStore(), FakeClock()
    job = queued_job(store, policy=script.policy, options=script.options, deadline_at_s=DEADLINE_AT_S)
    agents = ScriptedAgents(script.world, store, Disturbance(fails=dict(script.fails)))
    finalizer = RecordingFinalizer(agents, CanvasFinalizer(store, clock))
    step = _interrupted(script, 0, Advance(job))
    public = list(step.public_events)
    if step.job is job:
        step = begin(job, clock.now_s())
        public += step.public_events
    answers: list[Event] = []
    while step.command is not None:
        command = step.command
        answer = _answer(agents, finalizer, step.job, command)
        step = advance(step.job, answer)
        public += step.public_events
        answers.append(answer)
        for old in answers:
            stale = advance(step.job, old)
            assert stale.job is step.job
            assert stale.command is None
            assert stale.public_events == ()
        interrupted = _interrupted(script, command.step, step)
        if interrupted is not step:
            public += interrupted.public_events
            step = interrupted
    return Run(step.job, tuple(agents.calls), tuple(public), store)


def _interrupted(script: Script, after: int, step: Advance) -> Advance:
    """The step with a cancel or a deadline that comes now; a command that stays pending is kept."""
    for when, event in (
        (script.cancel_after, CancelRequested(step=0, at_s=2_000.0)),
        (script.deadline_after, DeadlinePassed(step=0, at_s=DEADLINE_AT_S)),
    ):
        if when == after:
            told = advance(step.job, event)
            kept = step.command if told.job.pending is not None else None
            step = Advance(told.job, told.command or kept, told.public_events)
    return step


def _answer(agents: ScriptedAgents, finalizer: RecordingFinalizer, job: Job, command: Command) -> Event:
    try:
        match command:
            case Perceive():
                return agents.perceive(job, command, command.step)
            case Diagnose():
                return agents.diagnose(job, command, command.step)
            case Retouch():
                return agents.retouch(job, command, command.step)
            case Finalize():
                return finalizer.finalize(job, command, command.step)
    except RetoucherError as error:
        return StageFailed(
            step=command.step, at_s=0.0, code=error.code, message=error.message, retryable=error.retryable
        )
