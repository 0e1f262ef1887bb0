"""What goes through the queues between machines: ids and numbers alone (DESIGN.md, "Distribution")."""

from enum import StrEnum

from pydantic import Field

from shared.contracts.base import Contract


class Work(StrEnum):
    """What a job waits for. The stages bear the names of their commands; the loop itself is `advance`."""

    ADVANCE = "advance"
    PERCEIVE = "perceive"
    DIAGNOSE = "diagnose"
    RETOUCH = "retouch"
    FINALIZE = "finalize"


class Dispatch(Contract):
    """One sending of a stage's command, or of the news that the loop can go on.

    Attributes:
        step: of the command; a dispatch of another step than the job's is stale.
        dispatch: names this sending, and what it writes in the image store.
    """

    job_id: str
    step: int = Field(ge=0)
    dispatch: int = Field(ge=0)
    work: Work


class SendingReason(StrEnum):
    """Why the sweeper sends something."""

    UNCLAIMED = "unclaimed"
    CLAIM_EXPIRED = "claim_expired"
    GIVEN_UP = "given_up"
    ATTENTION = "attention"


class Sending(Contract):
    """A dispatch that is due to be published, and why."""

    dispatch: Dispatch
    reason: SendingReason


class Backlog(Contract):
    """How many jobs wait for a kind of work, and how many are at it."""

    work: Work
    waiting: int = Field(ge=0)
    running: int = Field(ge=0)
