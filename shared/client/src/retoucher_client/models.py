"""What the server answers, as frozen pydantic models.

They are tolerant: a field that a newer server adds is kept as it came, one that an older server lacks has its default.
Boxes are `(x0, y0, x1, y1)` in pixels of the image, half-open; sizes are `(height, width)`; times are seconds since
the epoch, durations are seconds.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

ENDED = frozenset({"succeeded", "failed", "canceled"})
"""States that no job leaves."""

LAST_EVENTS = frozenset({"job.succeeded", "job.failed", "job.canceled"})
"""Nothing follows one of these."""

Box = tuple[int, int, int, int]


class Model(BaseModel):
    """The base of all answers."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Reading(Model):
    """What is written at a region, and what should be; `expected` is None where nothing says so."""

    text: str
    expected: str | None = None
    fault: str
    confidence: float | None = None


class Colour(Model):
    """The colour that a region shows, those that the prompt may ask for there, and its words."""

    seen: str
    asked: tuple[str, ...]
    phrase: str = ""


class Region(Model):
    """A place where a detector saw a distortion; `evidence` lies in [0, 1], higher is worse."""

    id: str
    box_xyxy_px: Box
    detector: str
    evidence: float
    saliency_mean: float | None = None
    saliency_peak: float | None = None
    reading: Reading | None = None
    colour: Colour | None = None
    protected_share: float = 0.0


class Diagnosis(Model):
    """What is wrong with a region; `category` is None where nobody could say."""

    region_id: str
    distorted: bool
    category: str | None = None
    description: str = ""
    inconsistency: str = ""
    instruction: str = ""
    confidence: float | None = None
    source: str = ""


class Patch(Model):
    """One repair that was tried, and why in this way."""

    id: str
    region_ids: tuple[str, ...]
    tool: str
    box_xyxy_px: Box
    seed: int | None = None
    reason: str = ""


class Verdict(Model):
    """Whether a patch stayed, and why."""

    patch_id: str
    region_id: str
    evidence_before: float
    evidence_after: float
    accepted: bool
    reason: str = ""


class Declined(Model):
    """A region that was left as it is, with the sentence that says why."""

    region_id: str
    reason: str


class InputInfo(Model):
    """The image and prompt as the server has them."""

    size_hw: tuple[int, int]
    format: str
    sha256: str
    prompt: str


class Scores(Model):
    """Sum of evidence over all regions ever watched, lower is better; None where nothing was perceived."""

    before: float | None = None
    after: float | None = None


class Seconds(Model):
    """How long the job waited and took; `stages` by the stage's name."""

    queued: float | None = None
    total: float | None = None
    stages: dict[str, float] = Field(default_factory=dict)


class Queue(Model):
    """Where a queued job stands; 1 is next."""

    position: int
    estimated_wait_s: float | None = None


class Progress(Model):
    """What a running job is at."""

    stage: str
    iteration: int | None = None


class JobProblem(Model):
    """Why a job failed."""

    code: str
    message: str
    retryable: bool = False


class Feedback(Model):
    """What a person said of a region (whose id it then has), or of a place where none was seen."""

    id: str
    verdict: str
    region_id: str | None = None
    box_xyxy_px: Box | None = None
    category: str | None = None
    comment: str = ""


class JobView(Model):
    """A job as the server shows it.

    Attributes:
        status: `queued`, `running`, `succeeded`, `failed` or `canceled`.
        outcome: of a job that succeeded: `repaired`, `improved`, `nothing_to_fix`, `no_gain` or `analyzed`.
        scores: before and after, lower is better.
        largest_outside_difference: between original and result outside the edited masks, in 8-bit steps; 0 is proof
            that the rest is untouched.
        artifacts: names to URLs, `result.png` and `report.html` among them.
        cost: US dollars that tools with a price have cost.
        third_parties: each party outside the server that saw pixels.
    """

    id: str
    status: str
    client_id: str | None = None
    outcome: str | None = None
    stop_reason: str | None = None
    input: InputInfo | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    profile: str = ""
    created_at_s: float | None = None
    started_at_s: float | None = None
    finished_at_s: float | None = None
    expires_at_s: float | None = None
    queue: Queue | None = None
    progress: Progress | None = None
    regions: tuple[Region, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    patches: tuple[Patch, ...] = ()
    accepted_patch_ids: tuple[str, ...] = ()
    declined: tuple[Declined, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    scores: Scores = Scores()
    largest_outside_difference: int | None = None
    seconds: Seconds = Seconds()
    cost: float = 0.0
    third_parties: tuple[Any, ...] = ()
    artifacts: dict[str, str] = Field(default_factory=dict)
    urls: dict[str, str] = Field(default_factory=dict)
    webhook_url: str | None = None
    feedback: tuple[Feedback, ...] = ()
    error: JobProblem | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.status in ENDED


class Event(Model):
    """One public event of a job; `seq` counts from 1."""

    seq: int
    job_id: str
    type: str
    at_s: float
    data: dict[str, Any] = Field(default_factory=dict)

    @property
    def last(self) -> bool:
        """Whether nothing follows."""
        return self.type in LAST_EVENTS


class Attempt(Model):
    """One try to deliver; without an answer `status_code` is None and `error` says why."""

    at_s: float
    status_code: int | None = None
    error: str | None = None
    seconds: float | None = None


class Delivery(Model):
    """One webhook: `status` is `pending`, `delivered`, `failed` or `disabled`."""

    id: str
    type: str
    url: str
    status: str
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at_s: float | None = None


class Upload(Model):
    """An image that the server keeps for a while, to be named in a submission."""

    id: str
    expires_at_s: float
    size_hw: tuple[int, int]
    format: str


class Tool(Model):
    """A tool of the server's profile, and why it is not available where it is not."""

    name: str
    kind: str
    licence: str = ""
    native_size_px: int | None = None
    available: bool = True
    reason: str | None = None


class Category(Model):
    """One of the kinds of distortion that the server tells apart."""

    name: str
    dimension: str


class JobPage(Model):
    """One page of the caller's jobs, newest first."""

    jobs: tuple[JobView, ...]
    next_cursor: str | None = None


class Deliveries(Model):
    """The webhooks of a job."""

    deliveries: tuple[Delivery, ...]


class Tools(Model):
    """What the server can repair with."""

    profile: str = ""
    tools: tuple[Tool, ...] = ()


class Categories(Model):
    """What the server tells apart."""

    categories: tuple[Category, ...]
