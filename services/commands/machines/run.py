"""Entry of worker and sweeper: reads the settings, sets the logs up, and runs what `services.distributed` wires."""

import signal
import threading

from services.commands.machines.settings import BackendSettings, SweeperSettings, WorkerSettings
from services.distributed import ModelSettings, Process, sweep, work_as
from shared.action_settings import ActionSettings
from shared.environment import read_settings
from shared.logs import configure_logs
from shared.profile_settings import ProfileSettings
from shared.profiles import load_profile
from shared.reasoning_settings import ReasoningSettings
from shared.spans import TraceSettings, spans_of


def run_worker(role: str) -> None:
    """Runs the worker of a role until SIGTERM; what it has begun it finishes.

    Raises:
        BadInput: a setting is not usable.
        MissingResource: a model of the profile or a package is not there, or the S3 server is unfit.
        Unavailable: Redis or S3 does not answer, or the probe port is taken.
    """
    if role == "webhooks":
        from services.commands.machines.webhooks import run_webhooks

        run_webhooks()
        return
    backend, settings = read_settings(BackendSettings), read_settings(WorkerSettings)
    configure_logs(settings.log_level, settings.log_format)
    spans = spans_of(read_settings(TraceSettings), role)
    process = Process(backend.backend(), role, backend.images(), spans)
    models = ModelSettings(read_settings(ReasoningSettings), read_settings(ActionSettings))
    profile = read_settings(ProfileSettings).applied_to(load_profile(settings.profile))
    work_as(role, process, profile, settings.rules(), models)


def run_sweeper() -> None:
    """Runs the sweeper until SIGTERM.

    Raises:
        BadInput: a setting is not usable.
        Unavailable: Redis does not answer at the start, or the probe port is taken.
    """
    backend, settings = read_settings(BackendSettings), read_settings(SweeperSettings)
    configure_logs(settings.log_level, settings.log_format)
    process = Process(backend.backend(), "sweeper", backend.images())
    process.connection.ping()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    sweep(process, stopped, settings.tick_s, settings.retention_s, settings.probe_port)
