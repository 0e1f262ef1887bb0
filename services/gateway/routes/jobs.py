"""Jobs: submit, look, list, cancel, delete."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response

from services.gateway.answers import NO_JOB, UNAVAILABLE, as_json, problems
from services.gateway.core import Gateway
from services.gateway.deps import KEYED, JobName, Owner, Submitting, TheGateway
from services.gateway.problems import FieldProblem, InvalidFields
from services.gateway.receiving import read_submission
from services.gateway.requests import CLIENT_ID
from services.gateway.submitting import Name
from services.gateway.submitting_docs import SUBMISSION_BODY, SUBMIT_ERRORS, SUBMIT_HEADERS
from services.gateway.views import JobPage, JobView
from services.gateway.waits import Prefer, seconds_to_wait
from shared.adapters.versioned import UNFINISHED
from shared.contracts.jobs import JOB_ID, Status
from shared.errors import Conflict, ErrorCode
from shared.retention import delete_job
from shared.traces import traceparent_of

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=KEYED)

SUBMIT: dict[str, Any] = {
    "status_code": 202,
    "response_model": JobView,
    "responses": {
        200: {"model": JobView, "description": "Ended within `Prefer: wait`.", "headers": SUBMIT_HEADERS},
        202: {"description": "Accepted; it is stored and will run.", "headers": SUBMIT_HEADERS},
        **SUBMIT_ERRORS,
    },
    "openapi_extra": SUBMISSION_BODY,
}


@router.post("", summary="Submit a job", **SUBMIT)
async def submit(
    request: Request,
    gateway: TheGateway,
    owner: Submitting,
    prefer: Prefer = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            description="With the same request it is the same job for 24 hours, with another an error.",
        ),
    ] = None,
) -> Response:
    """Stores a job and answers 202 at once, or with `Prefer: wait=n` 200 if it ends within n seconds (60 at the most).

    The image comes as a URL, base64 or an upload's id in JSON, or as a file part in multipart/form-data.
    """
    return await _submit(request, gateway, Name(owner, idempotency_key=idempotency_key), prefer)


@router.put("/{client_id}", summary="Submit a job under a name of your own", **SUBMIT)
async def submit_named(
    request: Request,
    gateway: TheGateway,
    owner: Submitting,
    client_id: Annotated[str, Path(pattern=CLIENT_ID, description="Your id for the job, in every route.")],
    prefer: Prefer = None,
) -> Response:
    """As `POST /v1/jobs`; sent again with the same body it is the same job, with another body an error."""
    if re.fullmatch(JOB_ID, client_id):
        message = "ids of this form are given by the server: choose another one, or use POST"
        raise InvalidFields([FieldProblem(field="client_id", message=message)])
    return await _submit(request, gateway, Name(owner, client_id=client_id), prefer)


async def _submit(request: Request, gateway: Gateway, name: Name, prefer: str | None) -> Response:
    wait_s = seconds_to_wait(prefer)
    submission = await read_submission(request, gateway.decoding)
    submitted = await gateway.submitter.submit(submission, name, traceparent_of(request.headers.get("traceparent")))
    del submission
    job = submitted.job
    headers = {"Location": f"/v1/jobs/{job.id}"}
    if submitted.replayed:
        headers["Idempotent-Replayed"] = "true"
    else:
        gateway.metrics.submitted.inc()
    if wait_s is not None:
        headers["Preference-Applied"] = f"wait={wait_s}"
        await gateway.hub.ended(job.id, wait_s)
        job = await gateway.job(job.id, name.owner)
    done = wait_s is not None and job.status not in UNFINISHED
    return as_json(await gateway.view(job), 200 if done else 202, headers)


@router.get(
    "",
    summary="List your jobs",
    response_model=JobPage,
    responses=problems(s422=(ErrorCode.BAD_OPTION,), s503=UNAVAILABLE),
)
async def listing(
    gateway: TheGateway,
    owner: Owner,
    status: Annotated[Status | None, Query(description="Only jobs in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Jobs on a page.")] = 20,
    cursor: Annotated[
        str | None, Query(pattern=f"^{JOB_ID}$", description="The `next_cursor` of the page before.")
    ] = None,
) -> Response:
    """Newest first."""

    def page() -> JobPage:
        jobs = gateway.parts.jobs.of_owner(owner, limit + 1, cursor, status)
        shown = jobs[:limit]
        return JobPage(
            jobs=tuple(gateway.viewed(job) for job in shown),
            next_cursor=shown[-1].id if len(jobs) > limit else None,
        )

    return as_json(await gateway.store(page))


@router.get(
    "/{job_id}", summary="Look at a job", response_model=JobView, responses=problems(s404=NO_JOB, s503=UNAVAILABLE)
)
async def look(gateway: TheGateway, owner: Owner, job_id: JobName) -> Response:
    """The whole record, in any state."""
    return as_json(await gateway.store(lambda: gateway.viewed(gateway.find(job_id, owner))))


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    status_code=202,
    response_model=JobView,
    responses={
        200: {"model": JobView, "description": "It had ended already."},
        **problems(s404=NO_JOB, s503=UNAVAILABLE),
    },
)
async def cancel(gateway: TheGateway, owner: Owner, job_id: JobName) -> Response:
    """A job that waits ends at once; one that runs ends after its step, and keeps what was verified until then."""

    def ask() -> tuple[JobView, int]:
        job = gateway.find(job_id, owner)
        if job.status not in UNFINISHED:
            return gateway.viewed(job), 200
        gateway.parts.jobs.request_cancel(job.id)
        gateway.parts.dispatcher.cancel(job.id)
        return gateway.viewed(gateway.find(job.id, owner)), 202

    view, status = await gateway.change(ask)
    gateway.hub.wake(view.id)
    return as_json(view, status)


@router.delete(
    "/{job_id}",
    summary="Delete a job",
    status_code=204,
    responses=problems(s404=NO_JOB, s409=(ErrorCode.JOB_RUNNING,), s503=UNAVAILABLE),
)
async def delete(gateway: TheGateway, owner: Owner, job_id: JobName) -> Response:
    """With its images, events and feedback. Only a job that has ended: cancel it first."""

    def remove() -> None:
        job = gateway.find(job_id, owner)
        if job.status in UNFINISHED:
            raise Conflict(
                ErrorCode.JOB_RUNNING,
                f"{job.id} is {job.status.value}: cancel it first, and delete it when it has ended",
            )
        delete_job(gateway.holdings, job.id)

    await gateway.change(remove)
    return Response(status_code=204)
