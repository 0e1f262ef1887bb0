"""A job's public events as they come (server-sent events)."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.gateway.answers import NO_JOB, UNAVAILABLE, problems
from services.gateway.core import Gateway
from services.gateway.deps import KEYED, JobName, Owner, TheGateway
from shared.adapters.versioned import UNFINISHED
from shared.errors import ErrorCode

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=KEYED)

EVENT = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {key: {"type": "string"} for key in ("id", "event", "data")},
}
"""One event of the stream, as tools read the schema of this media type."""


@router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "`id:` is the event's `seq`, `event:` its type, `data:` the event as JSON. Ends after "
            "`job.succeeded`, `job.failed` or `job.canceled`; a comment every 15 s shows that the stream lives.",
            "content": {"text/event-stream": {"schema": EVENT}},
        },
        204: {"description": "The job has ended, and nothing came after the event that was named: do not ask again."},
        **problems(s404=NO_JOB, s422=(ErrorCode.BAD_OPTION,), s503=UNAVAILABLE),
    },
)
async def events(
    gateway: TheGateway,
    owner: Owner,
    job_id: JobName,
    after: Annotated[int, Query(ge=0, le=2**31, description="Begin behind this `seq`.")] = 0,
    last_event_id: Annotated[
        str | None, Header(pattern=r"^\d{1,9}$", description="The last `id` seen; sent by browsers that reconnect.")
    ] = None,
) -> Response:
    """Begins with the job's first event, or behind the one that `Last-Event-ID` or `after` names."""
    job = await gateway.job(job_id, owner)
    last = max(after, int(last_event_id or 0))
    if job.status not in UNFINISHED and last >= job.event_seq:
        return Response(status_code=204)
    return EventSourceResponse(
        _stream(gateway, job.id, last),
        ping=gateway.settings.heartbeat_s,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(gateway: Gateway, job_id: str, last: int) -> AsyncIterator[ServerSentEvent]:
    # Closed at once when the reader goes away, so that the store is not asked for nobody.
    async with aclosing(gateway.hub.follow(job_id, last)) as events:
        async for event in events:
            yield ServerSentEvent(id=str(event.seq), event=event.type, data=event.model_dump_json())
