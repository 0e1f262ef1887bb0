"""What people say of a job's regions; kept with the job, and exported as training data."""

from typing import Annotated, Literal

import uuid_utils
from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import Field

from services.gateway.answers import UNAVAILABLE, as_json, problems
from services.gateway.deps import KEYED, JobName, Owner, TheGateway
from shared.contracts.base import BoxXYXY, Contract
from shared.contracts.categories import Category
from shared.contracts.gateway import Feedback, FeedbackVerdict
from shared.errors import BadInput, ErrorCode, NotFound

router = APIRouter(prefix="/v1/jobs", tags=["feedback"], dependencies=KEYED)

MOST_MISSED = 100
"""Places that may be marked as missed on one image."""

ERRORS = problems(
    s400=(ErrorCode.BAD_REQUEST,),
    s404=(ErrorCode.JOB_NOT_FOUND, ErrorCode.REGION_NOT_FOUND),
    s413=(ErrorCode.REQUEST_TOO_LARGE,),
    s422=(ErrorCode.BAD_OPTION, ErrorCode.BAD_REGION),
    s503=UNAVAILABLE,
)


class Opinion(Contract):
    """Whether the region was found and treated rightly."""

    verdict: Literal[FeedbackVerdict.ACCEPT, FeedbackVerdict.REJECT]
    comment: str = Field(default="", max_length=2000)


class Missed(Contract):
    """A flaw that nobody found, as a box in pixels of the image."""

    verdict: Literal[FeedbackVerdict.MISSED] = FeedbackVerdict.MISSED
    box_xyxy_px: BoxXYXY
    category: Category | None = None
    comment: str = Field(default="", max_length=2000)


RegionId = Annotated[str, Path(min_length=1, max_length=64, description="The region's id, or that of the entry.")]


@router.put(
    "/{job_id}/feedback/{region_id}",
    summary="Accept or reject a region",
    status_code=201,
    response_model=Feedback,
    responses=ERRORS,
)
async def judge(gateway: TheGateway, owner: Owner, job_id: JobName, region_id: RegionId, opinion: Opinion) -> Response:
    """A second word replaces the first."""

    def put() -> Feedback:
        job = gateway.find(job_id, owner)
        if region_id not in {region.id for region in job.known}:
            known = ", ".join(region.id for region in job.known) or "none"
            raise NotFound(ErrorCode.REGION_NOT_FOUND, f"{job.id} has no region {region_id!r}; it has: {known}")
        entry = Feedback(
            id=region_id,
            job_id=job.id,
            verdict=opinion.verdict,
            region_id=region_id,
            comment=opinion.comment,
            at_s=gateway.parts.clock.now_s(),
        )
        gateway.parts.feedback.put(entry)
        return entry

    return as_json(await gateway.change(put), 201)


@router.post(
    "/{job_id}/feedback",
    summary="Mark a flaw that was missed",
    status_code=201,
    response_model=Feedback,
    responses=ERRORS,
)
async def miss(gateway: TheGateway, owner: Owner, job_id: JobName, missed: Missed) -> Response:
    """The entry's `id` takes it back."""

    def put() -> Feedback:
        job = gateway.find(job_id, owner)
        height, width = job.input.size_hw
        x0, y0, x1, y1 = missed.box_xyxy_px
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            box = list(missed.box_xyxy_px)
            message = f"{box} does not lie inside the {width}x{height} image: send x0,y0,x1,y1 in its pixels"
            raise BadInput(ErrorCode.BAD_REGION, message)
        if len(gateway.parts.feedback.of_job(job.id)) >= MOST_MISSED + len(job.known):
            raise BadInput(ErrorCode.TOO_MANY_REGIONS, f"{MOST_MISSED} places are marked already: take one back first")
        entry = Feedback(
            id=f"missed_{uuid_utils.uuid7().hex}",
            job_id=job.id,
            verdict=FeedbackVerdict.MISSED,
            box_xyxy_px=missed.box_xyxy_px,
            category=missed.category,
            comment=missed.comment,
            at_s=gateway.parts.clock.now_s(),
        )
        gateway.parts.feedback.put(entry)
        return entry

    return as_json(await gateway.change(put), 201)


@router.delete(
    "/{job_id}/feedback/{entry_id}",
    summary="Take feedback back",
    status_code=204,
    responses=problems(s404=(ErrorCode.JOB_NOT_FOUND, ErrorCode.FEEDBACK_NOT_FOUND), s503=UNAVAILABLE),
)
async def take_back(gateway: TheGateway, owner: Owner, job_id: JobName, entry_id: RegionId) -> Response:
    """By the region's id, or that of a missed place."""

    def remove() -> None:
        job = gateway.find(job_id, owner)
        if not gateway.parts.feedback.remove(job.id, entry_id):
            message = f"{job.id} has no feedback {entry_id!r}: see the job's feedback"
            raise NotFound(ErrorCode.FEEDBACK_NOT_FOUND, message)

    await gateway.change(remove)
    return Response(status_code=204)
