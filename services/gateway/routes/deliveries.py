"""What became of a job's webhooks, and one more try for one of them."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from services.gateway.answers import UNAVAILABLE, as_json, problems
from services.gateway.deps import KEYED, JobName, Owner, TheGateway
from shared.contracts.base import Contract
from shared.contracts.deliveries import Delivery, DeliveryAttempt, DeliveryStatus
from shared.errors import ErrorCode, NotFound

router = APIRouter(prefix="/v1/jobs", tags=["webhooks"], dependencies=KEYED)


class DeliveryView(Contract):
    """One webhook; `id` is the receiver's `webhook-id`, the same in every try."""

    id: str
    type: str
    url: str
    status: DeliveryStatus
    attempts: tuple[DeliveryAttempt, ...]
    next_attempt_at_s: float | None


class DeliveryList(Contract):
    """A job's webhooks, in the order of its events."""

    deliveries: tuple[DeliveryView, ...]


@router.get(
    "/{job_id}/deliveries",
    summary="See what became of webhooks",
    response_model=DeliveryList,
    responses=problems(s404=(ErrorCode.JOB_NOT_FOUND,), s503=UNAVAILABLE),
)
async def deliveries(gateway: TheGateway, owner: Owner, job_id: JobName) -> Response:
    """Every try, with the receiver's status or why there was none."""

    def read() -> DeliveryList:
        job = gateway.find(job_id, owner)
        return DeliveryList(deliveries=tuple(_view(delivery) for delivery in gateway.parts.deliveries.of_job(job.id)))

    return as_json(await gateway.store(read))


@router.post(
    "/{job_id}/deliveries/{delivery_id}/replay",
    summary="Send a webhook once more",
    status_code=202,
    response_model=DeliveryView,
    responses=problems(s404=(ErrorCode.JOB_NOT_FOUND, ErrorCode.DELIVERY_NOT_FOUND), s503=UNAVAILABLE),
)
async def replay(
    gateway: TheGateway,
    owner: Owner,
    job_id: JobName,
    delivery_id: Annotated[str, Path(min_length=1, max_length=128, description="`evt_<job>_<seq>`.")],
) -> Response:
    """Soon, whatever came of it so far; a URL that had answered 410 is used again."""

    def again() -> DeliveryView:
        job = gateway.find(job_id, owner)
        if delivery_id not in {delivery.id for delivery in gateway.parts.deliveries.of_job(job.id)}:
            message = f"{job.id} has no delivery {delivery_id!r}: see its deliveries"
            raise NotFound(ErrorCode.DELIVERY_NOT_FOUND, message)
        return _view(gateway.parts.deliveries.replay(delivery_id, gateway.parts.clock.now_s()))

    return as_json(await gateway.store(again), 202)


def _view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        type=delivery.type,
        url=delivery.url,
        status=delivery.status,
        attempts=delivery.attempts,
        next_attempt_at_s=delivery.next_attempt_at_s,
    )
