"""Wires the loop and the agents in one process, on memory or on SQLite and a folder. Knows no HTTP.

The command line and the standalone server run jobs through this; the distributed workers wire the same classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.action.agent import ActionAgent
from services.action.build import build_action
from services.orchestrator.finalize import CanvasFinalizer
from services.orchestrator.record import record_of
from services.orchestrator.runner import Runner, never
from services.perception.agent import PerceptionAgent
from services.perception.build import build_perception
from services.reasoning.build import build_reasoning
from shared.action_settings import AS_THE_PROFILE_SAYS, ActionSettings
from shared.adapters.clock import SystemClock
from shared.adapters.file_images import FileImageStore
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.jobs import Job, JobOptions, JobRecord
from shared.contracts.loop import PublicEvent
from shared.errors import ErrorCode, NotFound
from shared.intake import Limits, Request, admit
from shared.ports import Clock, ImageStore, JobStore, Reasoner, Spans
from shared.profile_settings import AS_WRITTEN, ProfileSettings
from shared.profiles import Profile, load_profile
from shared.reasoning_settings import NO_SERVER, ReasoningSettings
from shared.spans import NO_SPANS


@dataclass(frozen=True)
class Agents:
    """The three agents of a profile."""

    perception: PerceptionAgent
    reasoning: Reasoner
    action: ActionAgent


def build_agents(
    profile: Profile,
    store: ImageStore,
    clock: Clock,
    reasoning: ReasoningSettings,
    action: ActionSettings = AS_THE_PROFILE_SAYS,
) -> Agents:
    """The agents that the profile names; models load on first use.

    Raises:
        MissingResource: the profile names a detector, tool or prompt that is not there.
    """
    return Agents(
        build_perception(profile, store, clock),
        build_reasoning(profile, store, clock, reasoning),
        build_action(profile, store, settings=action),
    )


class Local:
    """Jobs in this process. Not safe for two threads running the same job; different jobs may run side by side.

    `reasoning` says where a vision-language model is served, if any, `action` how generative tools run; `profile` is
    then the given one with them.

    Raises:
        BadInput: `reasoning` names a server and no model, or `action` allows a tool and lacks its key.
        MissingResource: the profile names something that is not there.
    """

    def __init__(
        self,
        profile: Profile,
        jobs: JobStore,
        store: ImageStore,
        clock: Clock,
        limits: Limits = Limits(),
        reasoning: ReasoningSettings = NO_SERVER,
        action: ActionSettings = AS_THE_PROFILE_SAYS,
        spans: Spans = NO_SPANS,
    ) -> None:
        self.profile = profile = action.applied_to(reasoning.applied_to(profile))
        self.jobs = jobs
        self.store = store
        self.clock = clock
        self.limits = limits
        self.agents = build_agents(profile, store, clock, reasoning, action)
        self._runner = Runner(
            jobs,
            self.agents.perception,
            self.agents.reasoning,
            self.agents.action,
            CanvasFinalizer(store, clock),
            clock,
            spans,
        )

    @classmethod
    def in_memory(
        cls,
        profile: str = "tiny",
        reasoning: ReasoningSettings = NO_SERVER,
        action: ActionSettings = AS_THE_PROFILE_SAYS,
        changes: ProfileSettings = AS_WRITTEN,
    ) -> "Local":
        """On memory alone: what is not fetched before the process ends is lost. `changes` are the operator's."""
        stores = MemoryJobStore(), MemoryImageStore()
        run = changes.applied_to(load_profile(profile))
        return cls(run, *stores, SystemClock(), reasoning=reasoning, action=action)

    @classmethod
    def on_disk(cls, profile: str, data_dir: Path) -> "Local":
        """On SQLite and a folder: unfinished jobs continue after a crash."""
        data_dir.mkdir(parents=True, exist_ok=True)
        return cls(
            load_profile(profile),
            SqliteJobStore(data_dir / "jobs.sqlite3"),
            FileImageStore(data_dir / "images"),
            SystemClock(),
        )

    def submit(
        self,
        image: bytes,
        prompt: str,
        options: JobOptions = JobOptions(),
        protected: bytes | None = None,
        regions: bytes | None = None,
    ) -> str:
        """Admits a job and returns its id.

        Raises:
            BadInput: nothing has been stored then.
        """
        request = Request(image=image, prompt=prompt, options=options, protected=protected, regions=regions)
        job = admit(self.store, self.profile, request, self.clock.now_s(), self.limits)
        self.jobs.create(job, ())
        return job.id

    def run(
        self,
        job_id: str,
        on_event: Callable[[PublicEvent], None] | None = None,
        stop: Callable[[], bool] = never,
    ) -> Job:
        """Runs the job to its end, from wherever it stands; `stop`, asked between steps, leaves it to a later call."""
        return self._runner.run(job_id, on_event, stop)

    def warm_up(self) -> None:
        """Loads the models, so that the first job does not wait for them.

        Raises:
            MissingResource: a model is not there.
        """
        self.agents.perception.warm_up()
        self.agents.reasoning.warm_up()
        self.agents.action.warm_up()

    def continue_unfinished(self) -> tuple[str, ...]:
        """Runs every job that an earlier process left unfinished; returns their ids."""
        ids = tuple(self.jobs.unfinished())
        for job_id in ids:
            self.run(job_id)
        return ids

    def record(self, job_id: str) -> JobRecord:
        """The record of a job in any state.

        Raises:
            NotFound: no such job.
        """
        return record_of(self.jobs.load(job_id).job)

    def artifact(self, job_id: str, name: str) -> bytes:
        """The bytes of a finished job's artifact, `result.png` say.

        Raises:
            NotFound: no such job, or it has no such artifact.
        """
        artifacts = self.jobs.load(job_id).job.artifacts
        if name not in artifacts:
            known = ", ".join(sorted(artifacts)) or "none yet"
            raise NotFound(ErrorCode.OBJECT_NOT_FOUND, f"{job_id} has no artifact {name!r}; it has: {known}")
        return self.store.get(artifacts[name])
