"""A job's files: what was sent, the result, masks, heat maps, and the report, which is made when it is asked for."""

import hashlib
from contextlib import suppress
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Path
from fastapi.responses import Response

from services.gateway.answers import UNAVAILABLE, problems
from services.gateway.core import Gateway
from services.gateway.deps import KEYED, JobName, Owner, TheGateway
from services.gateway.parts import GatewayParts
from services.gateway.views import ORIGINAL, REPORT, artifact_names
from shared.contracts.jobs import Job
from shared.errors import Conflict, ErrorCode, NotFound

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=KEYED)

REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
"""The report brings a stricter policy of its own; the sandbox keeps its script away from this origin's storage."""


@router.get(
    "/{job_id}/artifacts/{name:path}",
    summary="Fetch a file of a job",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes; they never change.",
            "content": {
                "image/png": {"schema": {"type": "string", "format": "binary"}},
                "text/html": {"schema": {"type": "string"}},
            },
        },
        304: {"description": "You have it already (`If-None-Match`)."},
        **problems(s404=(ErrorCode.JOB_NOT_FOUND, ErrorCode.OBJECT_NOT_FOUND), s503=UNAVAILABLE),
    },
)
async def artifact(
    gateway: TheGateway,
    owner: Owner,
    job_id: JobName,
    name: Annotated[str, Path(max_length=200, description="A key of the job's `artifacts`.", examples=["result.png"])],
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """`result.png`, `original.png`, `edited_mask.png`, `masks/<region>.png`, `saliency/…` or `report.html`."""
    job = await gateway.job(job_id, owner)
    if name not in artifact_names(job):
        known = ", ".join(artifact_names(job))
        raise NotFound(ErrorCode.OBJECT_NOT_FOUND, f"{job.id} has no artifact {name!r}; it has: {known}")
    ref = {ORIGINAL: job.input.original_ref, REPORT: f"{job.id}/report.html", **job.artifacts}[name]
    tag = f'"{hashlib.sha256(ref.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=31536000, immutable"}
    if if_none_match is not None and tag in (part.strip().removeprefix("W/") for part in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    data = await _bytes(gateway, job, name, ref)
    headers["Content-Disposition"] = f'inline; filename="{name.rpartition("/")[2]}"'
    if name == REPORT:
        headers["Content-Security-Policy"] = REPORT_POLICY
        return Response(data, media_type="text/html", headers=headers)
    return Response(data, media_type="image/png", headers=headers)


async def _bytes(gateway: Gateway, job: Job, name: str, ref: str) -> bytes:
    if name != REPORT:
        return await gateway.store(partial(gateway.parts.images.get, ref))
    return await to_thread.run_sync(partial(_report, gateway.parts, job, ref), limiter=gateway.decoding)


def _report(parts: GatewayParts, job: Job, ref: str) -> bytes:
    """The report, kept once it has been made."""
    with suppress(NotFound):
        return parts.images.get(ref)
    page = parts.report(job)
    with suppress(Conflict):  # made twice at one time, by servers of two versions: either will do
        parts.images.put(ref, page)
    return page
