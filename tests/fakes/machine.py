"""A process of an installation with scripted agents: everything but the agents is what `retoucher worker` runs.

`python -m fakes.machine ROLE SECONDS [FOLDER]`: images lie in the folder, or in S3 without one.
What befalls a job is written in its metadata, `{"fate", "stage", "times"}`:
`kill` ends the process by SIGKILL, `hang` sleeps for an hour, the first `times` that the stage works on it. Each
command begun is counted in Redis, under `calls`. The reasoning agent is the real one where RETOUCHER_REASONING_URL
names a server.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from fakes.agents import ScriptedAgents
from fakes.drive import RecordingFinalizer
from fakes.mortal import WORLD

from services.commands.machines.settings import BackendSettings, WorkerSettings
from services.distributed import ModelSettings, Process, build_agent, orchestrate, sweep, work
from services.orchestrator.finalize import CanvasFinalizer
from shared.adapters.file_images import FileImageStore
from shared.adapters.patient_images import PatientImageStore
from shared.contracts.jobs import Job
from shared.contracts.loop import Command
from shared.environment import read_settings
from shared.logs import configure_logs
from shared.profiles import load_profile
from shared.reasoning_settings import ReasoningSettings
from shared.spans import TraceSettings, spans_of
from shared.telemetry import WorkerMetrics


class FatedAgents(ScriptedAgents):
    """Take `slow_s` seconds for each command, and do what the job's metadata says."""

    def __init__(self, process: Process, slow_s: float, patience_s: float) -> None:
        super().__init__(WORLD, PatientImageStore(process.images, patience_s))
        self.process = process
        self.slow_s = slow_s

    def _called(self, job: Job, command: Command) -> None:
        connection = self.process.connection
        connection.ask("HINCRBY", connection.key("calls"), f"{job.id} {command.step}", 1)
        fate = job.options.metadata
        strikes = fate.get("stage") == command.kind
        if strikes and connection.ask("HINCRBY", connection.key("fates"), job.id, 1) <= fate["times"]:
            if fate["fate"] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(3600.0)
        time.sleep(self.slow_s)


def main(role: str, slow_s: float, folder: str = "") -> None:
    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_level, settings.log_format)
    backend = read_settings(BackendSettings)
    images = FileImageStore(Path(folder)) if folder else backend.images()
    process = Process(backend.backend(), role, images, spans_of(read_settings(TraceSettings), role))
    if role == "sweeper":
        sweep(process, threading.Event(), 0.5, 1.0, 0)
        return
    agents = FatedAgents(process, slow_s, settings.patience_s)
    metrics = WorkerMetrics(process.registry)
    if role == "orchestrator":
        finalizer = RecordingFinalizer(agents, CanvasFinalizer(agents.store, process.clock))
        orchestrate(process, finalizer, settings.rules(), metrics)
        return
    reasoning = read_settings(ReasoningSettings)
    if role == "reasoning" and reasoning.url is not None:
        profile = load_profile(settings.profile)
        models = ModelSettings(reasoning)
        agent = build_agent(role, process, profile, agents.store, settings.rules(), metrics, models)
        work(role, process, agent, settings.rules(), metrics)
        return
    calls = {"perception": agents.perceive, "reasoning": agents.diagnose, "action": agents.retouch}
    work(role, process, calls[role], settings.rules(), metrics)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
