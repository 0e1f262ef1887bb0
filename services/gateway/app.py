"""Makes the FastAPI app of the gateway from its parts; imports nothing heavy and starts nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from services.gateway.auth import Authenticator
from services.gateway.bodies import BodyLimits
from services.gateway.core import Gateway
from services.gateway.headers import AroundAnswers
from services.gateway.limiting import LimitSettings
from services.gateway.openapi import describe
from services.gateway.parts import GatewayParts
from services.gateway.problems import add_problem_handlers
from services.gateway.routes import about, artifacts, deliveries, events, feedback, health, jobs, uploads
from services.gateway.routes.page import mount_page
from services.gateway.settings import GatewaySettings
from services.gateway.tracing import TracedRequests

ROUTERS = (
    jobs.router,
    events.router,
    artifacts.router,
    feedback.router,
    deliveries.router,
    uploads.router,
    about.router,
    health.router,
)


def create_app(parts: GatewayParts, settings: GatewaySettings, limits: LimitSettings, host: str) -> FastAPI:
    """The app; `app.state.gateway` is its `Gateway`.

    Args:
        parts: what it stands on.
        settings: of the API.
        limits: of each key.
        host: the address that it is bound to; one that others can reach asks everybody for a key.
    """
    authenticator = Authenticator(parts.keys, parts.clock, host, required=limits.require_key)
    gateway = Gateway(parts, settings, authenticator, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        gateway.hub.start()
        yield
        gateway.hub.close()

    app = FastAPIOffline(
        title="Agentic Retoucher",
        version=metadata.version("agentic-retoucher"),
        description="Finds the small flaws of text-to-image outputs, repairs each, and checks its own work.",
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/files",
        favicon_url="/favicon.svg",
        openapi_url="/openapi.json",
    )
    app.state.gateway = gateway
    add_problem_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    mount_page(app)
    describe(app)
    # The one added last is the outermost.
    app.add_middleware(
        BodyLimits, max_bytes=gateway.settings.max_request_bytes, budget_bytes=gateway.settings.body_budget_bytes
    )
    app.add_middleware(AroundAnswers, metrics=gateway.metrics)
    app.add_middleware(TracedRequests, spans=parts.spans)
    return app
