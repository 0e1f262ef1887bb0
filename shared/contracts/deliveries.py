"""A webhook on its way: one public event of a job that one URL is to be told of, and how that went."""

from enum import StrEnum

from pydantic import Field

from shared.contracts.base import Contract


class DeliveryStatus(StrEnum):
    """`disabled`: the URL has answered 410, and nothing is sent there any more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DISABLED = "disabled"


class DeliveryAttempt(Contract):
    """One try. `error` is None where it succeeded, `status_code` where there was no answer."""

    at_s: float
    status_code: int | None = None
    error: str | None = None
    seconds: float = Field(ge=0)


class Delivery(Contract):
    """What is to be sent, exactly, and what came of it.

    Attributes:
        id: `evt_<job>_<seq>`, the same in every try; receivers know a repetition by it.
        owner: whose job; the signing secret and disabled URLs are the owner's.
        type: of the event, `job.succeeded` say.
        site: host and port of the URL; connections to one site are limited.
        body: the bytes sent, as text; never changes, so that an id always means the same.
        attempts: all, also those before a replay.
        tries: attempts since the delivery was made or replayed; the schedule counts by it.
        next_attempt_at_s: None unless pending.
    """

    id: str
    job_id: str
    seq: int = Field(ge=1)
    owner: str
    type: str
    url: str
    site: str
    body: str
    created_at_s: float
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: tuple[DeliveryAttempt, ...] = ()
    tries: int = Field(default=0, ge=0)
    next_attempt_at_s: float | None


class Claim(Contract):
    """A delivery to be tried now, by whoever got the claim. `number` grows with every claim and replay of it."""

    delivery: Delivery
    number: int
