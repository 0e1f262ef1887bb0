"""`retoucher serve`: wires stores, agents, worker threads and the gateway, and runs until it is told to stop."""

import os
import sys
import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.gateway.app import create_app
from services.gateway.core import Gateway
from services.gateway.fetching import fetch_image
from services.gateway.limiting import LimitSettings
from services.gateway.listening import listen, run
from services.gateway.parts import Check, GatewayParts
from services.gateway.settings import GatewaySettings
from services.orchestrator.record import record_of
from services.orchestrator.webhooks.settings import WebhookSettings
from services.standalone.agents import AgentLoader
from services.standalone.delivering import DeliveryThread, delivery_thread
from services.standalone.folder import KEYS_FILE, locked_folder
from services.standalone.pool import JobPool
from services.standalone.settings import StandaloneSettings
from shared.action_settings import ActionSettings
from shared.adapters.clock import SystemClock
from shared.adapters.file_images import FileImageStore
from shared.adapters.sqlite_deliveries import SqliteDeliveryStore
from shared.adapters.sqlite_gateway import SqliteFeedbackStore, SqliteUploadStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.adapters.sqlite_keys import SqliteKeyStore
from shared.contracts.jobs import Job
from shared.errors import RetoucherError
from shared.logs import configure_logs
from shared.ports import Clock, ImageStore, JobStore, Spans
from shared.profile_settings import AS_WRITTEN, ProfileSettings
from shared.profiles import Profile, load_profile
from shared.reasoning_settings import ReasoningSettings
from shared.retention import Holdings, delete_expired, delete_orphans
from shared.spans import TraceSettings, spans_of
from shared.web_guard import WebGuard
from shared.web_settings import UrlSettings

log = structlog.get_logger()


@dataclass(frozen=True)
class ServeArguments:
    """The command's options as parsed."""

    host: str
    port: int
    data_dir: Path
    profile: str


@dataclass(frozen=True)
class ServeSettings:
    """All that the server reads from the environment."""

    standalone: StandaloneSettings
    gateway: GatewaySettings
    limits: LimitSettings
    urls: UrlSettings
    webhooks: WebhookSettings
    reasoning: ReasoningSettings
    action: ActionSettings
    traces: TraceSettings
    profile: ProfileSettings = AS_WRITTEN


@dataclass(frozen=True)
class _Wired:
    """What works on the stores."""

    parts: GatewayParts
    pool: JobPool
    loader: AgentLoader
    deliveries: DeliveryThread


def serve(arguments: ServeArguments, settings: ServeSettings) -> None:
    """Serves until SIGTERM or Ctrl-C.

    Raises:
        BadInput: an unknown profile, a port that is taken, a folder that cannot be written.
        Conflict: another server uses the data folder.
        MissingResource: a package is not installed.
        Unavailable: a file in the data folder cannot be used.
    """
    configure_logs(settings.standalone.log_level, settings.standalone.log_format)
    profile = settings.profile.applied_to(load_profile(arguments.profile))
    profile = settings.action.applied_to(settings.reasoning.applied_to(profile))
    grace_s = settings.standalone.shutdown_grace_s
    with ExitStack() as opened:
        folder = opened.enter_context(locked_folder(arguments.data_dir))
        listener = opened.enter_context(closing(listen(arguments.host, arguments.port)))
        spans = opened.enter_context(closing(spans_of(settings.traces, "server")))
        wired = _wire(opened, folder, profile, settings, spans)
        pool = wired.pool
        app = create_app(wired.parts, settings.gateway, settings.limits, arguments.host)
        gateway: Gateway = app.state.gateway
        pool.listen(gateway.hub.wake)
        log.info("unfinished_jobs_adopted", count=pool.adopt_unfinished())
        wired.loader.start()
        wired.deliveries.start()
        stopped = threading.Event()
        every_s = settings.standalone.sweep_s
        threading.Thread(
            target=_sweep, args=(gateway.holdings, SystemClock(), every_s, stopped), name="sweep", daemon=True
        ).start()
        run(app, listener, grace_s)
        stopped.set()
        if not (pool.stop(grace_s) and wired.deliveries.stop()):
            # A thread that is in the middle of a model's work cannot be ended, and the stores must not be closed
            # under it: the process ends here, and the step is done again at the next start, as after a crash.
            log.warning("step_left_for_the_next_start")
            sys.stderr.flush()
            os._exit(0)
    log.info("stopped")


def _wire(opened: ExitStack, folder: Path, profile: Profile, settings: ServeSettings, spans: Spans) -> _Wired:
    """The stores in the folder, and what works on them; `opened` closes the files."""
    jobs = opened.enter_context(closing(SqliteJobStore(folder / "jobs.sqlite3")))
    uploads = opened.enter_context(closing(SqliteUploadStore(folder / "uploads.sqlite3")))
    feedback = opened.enter_context(closing(SqliteFeedbackStore(folder / "feedback.sqlite3")))
    deliveries = opened.enter_context(closing(SqliteDeliveryStore(folder / "jobs.sqlite3")))
    keys = opened.enter_context(closing(SqliteKeyStore(folder / KEYS_FILE)))
    images, clock = FileImageStore(folder / "images"), SystemClock()
    # One for each event loop: this one's lookups are not held up by those of deliveries.
    guard, delivery_guard = WebGuard(settings.urls.policy()), WebGuard(settings.urls.policy())
    pool = JobPool(jobs, clock, settings.standalone.workers)
    loader = AgentLoader(profile, jobs, images, clock, settings.reasoning, settings.action, spans, then=pool.start)
    parts = GatewayParts(
        profile=profile,
        jobs=jobs,
        images=images,
        uploads=uploads,
        feedback=feedback,
        keys=keys,
        deliveries=deliveries,
        dispatcher=pool,
        clock=clock,
        fetch=lambda url: fetch_image(guard, url, settings.gateway.limits.max_bytes),
        check_webhook=guard.check,
        record_of=record_of,
        report=lambda job: _report(job, images),
        tools=loader.tools,
        spans=spans,
        readiness=lambda: {"models": loader.check(), "store": _store_check(jobs)},
    )
    return _Wired(parts, pool, loader, delivery_thread(deliveries, delivery_guard, settings.webhooks, folder, clock))


def _report(job: Job, images: ImageStore) -> bytes:
    # Loaded when the first report is asked for, so that the server is up at once.
    from services.report.page import render_report
    from services.report.pictures import JobPictures

    return render_report(job, record_of(job), JobPictures(job, images)).encode()


def _store_check(jobs: JobStore) -> Check:
    try:
        jobs.unfinished()
    except RetoucherError as error:
        return Check(ok=False, detail=error.message)
    return Check(ok=True)


def _sweep(holdings: Holdings, clock: Clock, every_s: float, stopped: threading.Event) -> None:
    """Deletes what has expired, now and then; first of all what a crash left of requests that made no job."""
    boot_s = clock.now_s()
    swept_orphans = False
    while not stopped.is_set():
        try:
            if not swept_orphans:
                delete_orphans(holdings, before_s=boot_s)
                swept_orphans = True
            delete_expired(holdings, clock.now_s())
        except RetoucherError as error:
            log.warning("sweep_failed", code=error.code, message=error.message)
        except Exception:
            log.exception("sweep_crashed")
        stopped.wait(every_s)
