"""`retoucher gateway`: the same API as the standalone server's, on Redis and S3; any number of them may run.

It knows no agent: what the tools are, action workers have told.
"""

from contextlib import closing
from dataclasses import dataclass

import structlog

from services.commands.machines.settings import BackendSettings, GatewayProcessSettings
from services.distributed import Process
from services.gateway.app import create_app
from services.gateway.fetching import fetch_image
from services.gateway.limiting import LimitSettings
from services.gateway.listening import listen, run
from services.gateway.parts import Check, GatewayParts, ToolInfo
from services.gateway.settings import GatewaySettings
from services.orchestrator.record import record_of
from shared.action_settings import ActionSettings
from shared.adapters.redis_deliveries import RedisDeliveryStore
from shared.adapters.redis_gateway import RedisDispatcher, RedisFeedbackStore, RedisUploadStore
from shared.adapters.redis_keys import RedisKeyStore
from shared.contracts.jobs import Job
from shared.environment import read_settings
from shared.errors import RetoucherError
from shared.logs import configure_logs
from shared.ports import ImageStore
from shared.profile_settings import ProfileSettings
from shared.profiles import load_profile
from shared.reasoning_settings import ReasoningSettings
from shared.spans import TraceSettings, spans_of
from shared.web_guard import WebGuard
from shared.web_settings import UrlSettings

log = structlog.get_logger()


@dataclass(frozen=True)
class _Surroundings:
    """The settings that the parts are made by."""

    process: Process
    settings: GatewaySettings
    urls: UrlSettings
    profile_name: str


def run_gateway(host: str, port: int) -> None:
    """Serves until SIGTERM; open answers may end.

    Raises:
        BadInput: a setting, an unknown profile, or a port that is taken.
        MissingResource: the S3 server is unfit or refuses the keys, or a package is not installed.
        Unavailable: Redis or S3 does not answer at the start.
    """
    backend, own, settings = (
        read_settings(BackendSettings),
        read_settings(GatewayProcessSettings),
        read_settings(GatewaySettings),
    )
    limits = read_settings(LimitSettings)
    configure_logs(own.log_level, own.log_format)
    with closing(listen(host, port)) as listener:
        spans = spans_of(read_settings(TraceSettings), "gateway")
        process = Process(backend.backend(), "gateway", backend.images(), spans)
        process.connection.ping()
        if "limits_url" not in limits.model_fields_set:
            # Several gateways count together.
            limits = limits.model_copy(update={"limits_url": backend.redis_url.get_secret_value()})
        parts = _parts(_Surroundings(process, settings, read_settings(UrlSettings), own.profile))
        app = create_app(parts, settings, limits, host)
        log.info("gateway_ready", name=process.name)
        run(app, listener, own.shutdown_grace_s)
        spans.close()
    log.info("stopped")


def _parts(around: _Surroundings) -> GatewayParts:
    process, images = around.process, around.process.images
    guard = WebGuard(around.urls.policy())
    return GatewayParts(
        profile=read_settings(ActionSettings).applied_to(
            read_settings(ReasoningSettings).applied_to(
                read_settings(ProfileSettings).applied_to(load_profile(around.profile_name))
            ),
            asks=False,
        ),
        jobs=process.jobs,
        images=images,
        uploads=RedisUploadStore(process.connection),
        feedback=RedisFeedbackStore(process.connection),
        keys=RedisKeyStore(process.connection),
        deliveries=RedisDeliveryStore(process.connection),
        dispatcher=RedisDispatcher(process.connection, process.queue),
        clock=process.clock,
        fetch=lambda url: fetch_image(guard, url, around.settings.limits.max_bytes),
        check_webhook=guard.check,
        record_of=record_of,
        report=lambda job: _report(job, images),
        tools=lambda: _tools(process),
        spans=process.spans,
        readiness=lambda: {"redis": _redis(process), "images": _images(images)},
    )


def _tools(process: Process) -> tuple[ToolInfo, ...]:
    alive = "action" in process.roles_alive()
    reason = None if alive else "no action worker is alive"
    return tuple(ToolInfo.model_validate({**said, "available": alive, "reason": reason}) for said in process.tools())


def _report(job: Job, images: ImageStore) -> bytes:
    # Loaded when the first report is asked for, so that the gateway is up at once.
    from services.report.page import render_report
    from services.report.pictures import JobPictures

    return render_report(job, record_of(job), JobPictures(job, images)).encode()


def _redis(process: Process) -> Check:
    try:
        process.connection.ping()
    except RetoucherError as error:
        return Check(ok=False, detail=error.message)
    return Check(ok=True)


def _images(images: ImageStore) -> Check:
    try:
        images.refs("prepare/none")
    except RetoucherError as error:
        return Check(ok=False, detail=error.message)
    return Check(ok=True)
