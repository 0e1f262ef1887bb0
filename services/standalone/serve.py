"""`retoucher serve`: wires stores, agents, worker threads and the gateway, and runs until it is told to stop."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from services.gateway.app import create_app
from services.gateway.core import Gateway
from services.gateway.deletion import delete_expired, delete_orphans
from services.gateway.fetching import fetch_image
from services.gateway.parts import Check, GatewayParts
from services.gateway.settings import GatewaySettings
from services.orchestrator.record import record_of
from services.standalone.agents import AgentLoader
from services.standalone.folder import locked_folder
from services.standalone.pool import JobPool
from services.standalone.settings import StandaloneSettings
from shared.adapters.clock import SystemClock
from shared.adapters.file_images import FileImageStore
from shared.adapters.sqlite_gateway import SqliteFeedbackStore, SqliteUploadStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.jobs import Job
from shared.errors import BadInput, ErrorCode, RetoucherError
from shared.logs import configure_logs
from shared.ports import ImageStore
from shared.profiles import load_profile
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


def serve(
    arguments: ServeArguments, settings: StandaloneSettings, gateway_settings: GatewaySettings, urls: UrlSettings
) -> None:
    """Serves until SIGTERM or Ctrl-C.

    Raises:
        BadInput: an unknown profile, a port that is taken, a folder that cannot be written.
        Conflict: another server uses the data folder.
        Unavailable: a file in the data folder cannot be used.
    """
    configure_logs(settings.log_level, settings.log_format)
    profile = load_profile(arguments.profile)
    with ExitStack() as opened:
        folder = opened.enter_context(locked_folder(arguments.data_dir))
        listener = opened.enter_context(closing(_listen(arguments.host, arguments.port)))
        jobs = opened.enter_context(closing(SqliteJobStore(folder / "jobs.sqlite3")))
        uploads = opened.enter_context(closing(SqliteUploadStore(folder / "uploads.sqlite3")))
        feedback = opened.enter_context(closing(SqliteFeedbackStore(folder / "feedback.sqlite3")))
        guard = WebGuard(urls.policy())
        images, clock = FileImageStore(folder / "images"), SystemClock()
        pool = JobPool(jobs, clock, settings.workers)
        loader = AgentLoader(profile, jobs, images, clock, then=pool.start)
        parts = GatewayParts(
            profile=profile,
            jobs=jobs,
            images=images,
            uploads=uploads,
            feedback=feedback,
            dispatcher=pool,
            clock=clock,
            fetch=lambda url: fetch_image(guard, url, gateway_settings.limits.max_bytes),
            record_of=record_of,
            report=lambda job: _report(job, images),
            tools=loader.tools,
            readiness=lambda: {"models": loader.check(), "store": _store_check(jobs)},
        )
        app = create_app(parts, gateway_settings)
        gateway: Gateway = app.state.gateway
        pool.listen(gateway.hub.wake)
        log.info("unfinished_jobs_adopted", count=pool.adopt_unfinished())
        loader.start()
        stopped = threading.Event()
        threading.Thread(target=_sweep, args=(parts, settings.sweep_s, stopped), name="sweep", daemon=True).start()
        _run(app, listener, settings, gateway)
        stopped.set()
        if not pool.stop(settings.shutdown_grace_s):
            # A thread that is in the middle of a model's work cannot be ended, and the stores must not be closed
            # under it: the process ends here, and the step is done again at the next start, as after a crash.
            log.warning("step_left_for_the_next_start")
            sys.stderr.flush()
            os._exit(0)
    log.info("stopped")


def _run(app: FastAPI, listener: socket.socket, settings: StandaloneSettings, gateway: Gateway) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"http://{shown}:{port}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, int(settings.shutdown_grace_s)),
    )
    _Server(config, gateway).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, which ends event streams when it is told to stop, and leaves quietly afterwards."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but the signal is not raised once more at the end: a server that was stopped has done well."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Streams and waiting answers end now; everything else may finish."""
        self._gateway.hub.close()
        super().handle_exit(sig, frame)


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything is loaded, so that a taken port is said at once."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        message = f"cannot listen on {host} port {port} ({error.strerror}): choose another --host or --port"
        raise BadInput(ErrorCode.BAD_OPTION, message) from error
    return listener


def _report(job: Job, images: ImageStore) -> bytes:
    from services.report.page import render_report
    from services.report.pictures import JobPictures

    return render_report(job, record_of(job), JobPictures(job, images)).encode()


def _store_check(jobs: SqliteJobStore) -> Check:
    try:
        jobs.queued()
    except RetoucherError as error:
        return Check(ok=False, detail=error.message)
    return Check(ok=True)


def _sweep(parts: GatewayParts, every_s: float, stopped: threading.Event) -> None:
    """Deletes what has expired, now and then; first of all what a crash left of requests that made no job."""
    boot_s = parts.clock.now_s()
    swept_orphans = False
    while True:
        try:
            if not swept_orphans:
                delete_orphans(parts, before_s=boot_s)
                swept_orphans = True
            delete_expired(parts)
        except RetoucherError as error:
            log.warning("sweep_failed", code=error.code, message=error.message)
        except Exception:
            log.exception("sweep_crashed")
        if stopped.wait(every_s):
            return
