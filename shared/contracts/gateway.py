"""What the gateway keeps beside jobs: images sent ahead, and what people say of results."""

from enum import StrEnum

from pydantic import Field

from shared.contracts.base import BoxXYXY, Contract
from shared.contracts.categories import Category


class Upload(Contract):
    """An image sent ahead of its job; its bytes lie in the image store at `image_ref`."""

    id: str
    owner: str
    image_ref: str
    size_hw: tuple[int, int]
    format: str
    created_at_s: float
    expires_at_s: float


class FeedbackVerdict(StrEnum):
    """What somebody says of a region, or of a place where none was found."""

    ACCEPT = "accept"
    REJECT = "reject"
    MISSED = "missed"


class Feedback(Contract):
    """One person's word on one place of a job's image.

    `id` is the region's for `accept` and `reject`, so that a second word replaces the first; `box_xyxy_px` and
    `category` are given for `missed` alone.
    """

    id: str
    job_id: str
    verdict: FeedbackVerdict
    region_id: str | None = None
    box_xyxy_px: BoxXYXY | None = None
    category: Category | None = None
    comment: str = Field(default="", max_length=2000)
    at_s: float


class Workload(Contract):
    """How fast jobs are being done.

    `workers` run side by side, each taking `seconds_per_job` on average, which is a guess before the first has ended.
    """

    workers: int = Field(ge=1)
    seconds_per_job: float = Field(gt=0)
