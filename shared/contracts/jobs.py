"""A job: what was asked, the policy it runs under, and the state of its loop; and the record that callers see."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from shared.contracts.base import BoxXYXY, Contract, UnitFloat
from shared.contracts.loop import Attempt, Command, Declined, Thresholds
from shared.contracts.values import AppearanceCheck, Canvas, Diagnosis, Evidence, Patch, Region, Verdict

SCHEMA_VERSION: Literal[1] = 1

JOB_ID = r"job_[0-9a-f]{32}"
"""Ids that the service gives: a UUID of version 7, whose first 48 bits are milliseconds since the epoch."""


class Mode(StrEnum):
    """`analyze` stops after the diagnosis."""

    RETOUCH = "retouch"
    ANALYZE = "analyze"


class Preference(StrEnum):
    """Which kind of tool the caller would rather have."""

    AUTO = "auto"
    MASK = "mask"
    INSTRUCTION = "instruction"


class Status(StrEnum):
    """A job's public state."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Outcome(StrEnum):
    """What came of a job that succeeded."""

    REPAIRED = "repaired"
    IMPROVED = "improved"
    NOTHING_TO_FIX = "nothing_to_fix"
    NO_GAIN = "no_gain"
    ANALYZED = "analyzed"


class StopReason(StrEnum):
    """Why the loop stopped."""

    NOTHING_SALIENT = "nothing_salient"
    ANALYZE_ONLY = "analyze_only"
    NOTHING_REPAIRABLE = "nothing_repairable"
    TRIES_SPENT = "tries_spent"
    MAX_ITERATIONS = "max_iterations"
    DEADLINE = "deadline"
    CANCELED = "canceled"
    STAGE_FAILED = "stage_failed"


class JobOptions(Contract):
    """What the caller may choose. None stands for the profile's value.

    `threshold`: the least evidence for which a detector's region is edited; weaker ones are reported and left alone.
    `max_cost`: US dollars that tools with a price may cost; None, like 0, leaves them out.
    """

    mode: Mode = Mode.RETOUCH
    max_iterations: int | None = Field(default=None, ge=1, le=10)
    threshold: UnitFloat | None = None
    tools: tuple[str, ...] | None = None
    preference: Preference = Preference.AUTO
    expected_text: tuple[str, ...] = ()
    protected_ref: str | None = None
    region_boxes_px: tuple[BoxXYXY, ...] = ()
    regions_ref: str | None = None
    force: bool = False
    seed: int = Field(default=0, ge=0, lt=2**63)
    deadline_s: float | None = Field(default=None, gt=0)
    max_cost: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class WebhookEvent(StrEnum):
    """What a webhook may be told of; the names are those of the public events."""

    STARTED = "job.started"
    ITERATION = "job.iteration"
    SUCCEEDED = "job.succeeded"
    FAILED = "job.failed"
    CANCELED = "job.canceled"


class Webhook(Contract):
    """Where a job's events are delivered, and which of them."""

    url: str = Field(min_length=1, max_length=2048)
    events: tuple[WebhookEvent, ...] = Field(default=tuple(WebhookEvent), min_length=1)


LOCAL_OWNER = "local"
"""Owner of jobs that were sent without a key."""


class LoopPolicy(Contract):
    """The numbers that `advance` decides by; the profile and the checkpoints' calibrations give them.

    Attributes:
        saliency_detector: the detector whose regions the stop rule may drop; None where the profile has none.
        tau_s, tau_any: below either, saliency regions alone are no reason to edit.
        min_gain: by how much the own detector's evidence must fall.
        max_rise: by how much another detector's may rise.
        min_detail_ratio, max_colour_shift, max_seam: limits of `AppearanceCheck`.
        has_reasoner: patched crops are re-diagnosed before a verdict.
        sends_pictures: the reasoner runs on a server that is sent the picture.
        may_veto: `distorted=False` drops a region (else it only lowers its rank), if the model's card allows it, too.
        max_regions: the worst so many are diagnosed and repaired.
        stage_tries: how often a stage may fail retryably in a row before the job fails.
    """

    saliency_detector: str | None = None
    tau_s: UnitFloat = 0.5
    tau_any: UnitFloat = 0.5
    min_gain: UnitFloat = 0.2
    max_rise: UnitFloat = 0.1
    min_detail_ratio: float = Field(default=0.35, ge=0)
    max_colour_shift: float = Field(default=12.0, ge=0)
    max_seam: float = Field(default=3.0, ge=0)
    has_reasoner: bool = False
    sends_pictures: bool = False
    may_veto: bool = False
    max_regions: int = Field(default=16, ge=1)
    tries_per_region: int = Field(default=2, ge=1)
    max_iterations: int = Field(default=3, ge=1)
    stage_tries: int = Field(default=3, ge=1)


class InputInfo(Contract):
    """The image and prompt as stored. `size_hw` in pixels; `alpha_ref` is the alpha kept aside, if it had one."""

    original_ref: str
    alpha_ref: str | None = None
    size_hw: tuple[int, int]
    format: str
    sha256: str
    prompt: str


class Perception(Contract):
    """What was seen on one canvas, kept so that the best canvas can be chosen at the end."""

    canvas: Canvas
    regions: tuple[Region, ...]
    evidence: tuple[Evidence, ...]
    checks: tuple[AppearanceCheck, ...] = ()
    saliency_ref: str | None = None
    saliency_peak: UnitFloat | None = None
    any_distortion: UnitFloat | None = None
    in_domain: bool = True
    thresholds: Thresholds | None = None


class Iteration(Contract):
    """One round of repair as the record tells it."""

    number: int
    attempted_region_ids: tuple[str, ...]
    patch_ids: tuple[str, ...] = ()
    accepted_patch_ids: tuple[str, ...] = ()
    declined: tuple[Declined, ...] = ()


class Timing(Contract):
    """Seconds that one command took."""

    step: int
    stage: str
    seconds: float = Field(ge=0)


class JobError(Contract):
    """Why a job failed: a code of `shared.errors.ErrorCode`, and a sentence with the next step."""

    code: str
    message: str
    retryable: bool


class RegionAttempts(Contract):
    """The tries that one region has had."""

    region_id: str
    attempts: tuple[Attempt, ...]


class Phase(StrEnum):
    """Where in the loop a job stands; each waits for the answer to the pending command."""

    NEW = "new"
    PERCEIVING = "perceiving"
    DIAGNOSING = "diagnosing"
    RETOUCHING = "retouching"
    VERIFYING = "verifying"
    REDIAGNOSING = "rediagnosing"
    RECOMPOSING = "recomposing"
    FINALIZING = "finalizing"
    ENDED = "ended"


class Job(Contract):
    """A job with the state of its loop; `advance` makes the next one of it. The job store holds it as JSON.

    Attributes:
        owner: whose key sent it; nobody else sees it.
        client_id: the name that the owner gave it, unique among the owner's jobs; None without one.
        idempotency_key: of the request that made it; names it for the owner for a day.
        request_sha256: fingerprint of that request, to tell a repetition from another request of the same name.
        traceparent: of the request that made it (W3C Trace Context); log lines name its trace.
        webhook: whom to tell; None for nobody.
        expires_at_s: from then on job, images and events may be deleted; None for never.
        step: number of the last command sent; events of other steps are stale.
        pending: the command that awaits its answer.
        canvas: the accepted state, the one that new patches are laid on.
        trial: patches that await a verdict.
        known: every region ever seen, in order of first sight, as last seen.
        found: regions that the last perception of `canvas` calls distorted.
        asked: ids of the regions sent to the reasoner, `max_regions` at the most; none is diagnosed twice.
        reasoner_may_veto: what the reasoner that diagnosed last said of itself.
        perceptions: one for each canvas perceived; the first is the original's.
        history: every patch ever made, with `verdicts` on them.
        cost: US dollars that tools have cost so far, answers that were of no use included.
        third_parties: whom tools have sent pixels to.
        stage_failures: retryable failures in a row.
        event_seq: `seq` of the last public event.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    status: Status = Status.QUEUED
    outcome: Outcome | None = None
    stop_reason: StopReason | None = None
    input: InputInfo
    options: JobOptions = JobOptions()
    policy: LoopPolicy = LoopPolicy()
    profile: str
    owner: str = LOCAL_OWNER
    client_id: str | None = None
    idempotency_key: str | None = None
    request_sha256: str | None = None
    traceparent: str | None = None
    webhook: Webhook | None = None
    created_at_s: float
    started_at_s: float | None = None
    finished_at_s: float | None = None
    deadline_at_s: float | None = None
    expires_at_s: float | None = None

    phase: Phase = Phase.NEW
    step: int = 0
    pending: Command | None = None
    canvas: Canvas
    trial: tuple[Patch, ...] = ()
    known: tuple[Region, ...] = ()
    found: tuple[Region, ...] = ()
    asked: tuple[str, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    reasoner_may_veto: bool = False
    attempts: tuple[RegionAttempts, ...] = ()
    declined: tuple[Declined, ...] = ()
    perceptions: tuple[Perception, ...] = ()
    history: tuple[Patch, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    iterations: tuple[Iteration, ...] = ()
    timings: tuple[Timing, ...] = ()
    cost: float = Field(default=0.0, ge=0)
    third_parties: tuple[str, ...] = ()
    stage_failures: int = 0
    event_seq: int = 0

    result: Canvas | None = None
    artifacts: dict[str, str] = Field(default_factory=dict)
    largest_outside_difference: int | None = None
    error: JobError | None = None
    warnings: tuple[str, ...] = ()


class Scores(Contract):
    """Sum of evidence over all regions ever watched, lower is better; None where nothing was perceived."""

    before: float | None = None
    after: float | None = None


class JobRecord(Contract):
    """What a caller gets of a job (DESIGN.md, "Decided once").

    `traceparent` is that of the request that made it, if it had one. `cost` is in US dollars; `third_parties` are those
    that tools sent pixels to.
    `in_domain` is False where the saliency checkpoint does not know images like this one, so that it judges nothing;
    None before the first look.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    status: Status
    outcome: Outcome | None
    stop_reason: StopReason | None
    input: InputInfo
    options: JobOptions
    profile: str
    traceparent: str | None = None
    created_at_s: float
    started_at_s: float | None
    finished_at_s: float | None
    iterations: tuple[Iteration, ...]
    regions: tuple[Region, ...]
    diagnoses: tuple[Diagnosis, ...]
    patches: tuple[Patch, ...]
    accepted_patch_ids: tuple[str, ...]
    declined: tuple[Declined, ...]
    verdicts: tuple[Verdict, ...]
    evidence_before: tuple[Evidence, ...]
    evidence_after: tuple[Evidence, ...]
    scores: Scores
    in_domain: bool | None
    largest_outside_difference: int | None
    timings: tuple[Timing, ...]
    cost: float = 0.0
    third_parties: tuple[str, ...] = ()
    artifacts: dict[str, str]
    error: JobError | None
    warnings: tuple[str, ...]
