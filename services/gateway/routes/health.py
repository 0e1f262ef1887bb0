"""For whoever runs the server: is it alive, is it ready, what does it do."""

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from services.gateway.answers import as_json
from services.gateway.deps import TheGateway
from services.gateway.parts import Check
from shared.contracts.base import Contract

router = APIRouter(tags=["operation"])


class Live(Contract):
    """It answers."""

    live: bool = True


class Readiness(Contract):
    """Whether jobs are run now, and what is missing where they are not. Jobs are accepted all the same."""

    ready: bool
    checks: dict[str, Check]


@router.get("/livez", summary="Is it alive?", response_model=Live)
async def livez() -> Response:
    """Asks nothing but this process."""
    return as_json(Live())


@router.get(
    "/readyz",
    summary="Is it ready?",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Something is missing: `checks` says what and why."}},
)
async def readyz(gateway: TheGateway) -> Response:
    """Asks everything that a job needs."""
    checks = await gateway.store(gateway.parts.readiness)
    ready = all(check.ok for check in checks.values())
    return as_json(Readiness(ready=ready, checks=checks), 200 if ready else 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(gateway: TheGateway) -> Response:
    """Requests, seconds, jobs and streams."""
    return Response(await gateway.store(gateway.metrics.exposition), media_type=CONTENT_TYPE_LATEST)
