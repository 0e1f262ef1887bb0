"""What callers see of a job: its record without the store's keys, and what the gateway knows besides."""

from typing import Any

from pydantic import Field, JsonValue

from services.gateway.standing import Standing
from shared.contracts.base import BoxXYXY, Contract, UnitFloat
from shared.contracts.gateway import Feedback
from shared.contracts.jobs import (
    Iteration,
    Job,
    JobError,
    JobRecord,
    Mode,
    Outcome,
    Phase,
    Preference,
    Scores,
    Status,
    StopReason,
    Timing,
)
from shared.contracts.loop import Declined
from shared.contracts.values import ColourFault, Diagnosis, Evidence, TextReading, Verdict

ORIGINAL = "original.png"
REPORT = "report.html"


class InputView(Contract):
    """The image and prompt as sent; `sha256` is that of the file."""

    size_hw: tuple[int, int]
    format: str
    sha256: str
    prompt: str


class OptionsView(Contract):
    """What was chosen; None stands for the profile's value."""

    mode: Mode
    max_iterations: int | None
    threshold: UnitFloat | None
    tools: tuple[str, ...] | None
    preference: Preference
    expected_text: tuple[str, ...]
    region_boxes_px: tuple[BoxXYXY, ...]
    force: bool
    seed: int
    deadline_s: float | None
    max_cost: float | None
    metadata: dict[str, JsonValue]


class RegionView(Contract):
    """A place where a detector saw a distortion; its mask is the artifact `masks/<id>.png`."""

    id: str
    box_xyxy_px: BoxXYXY
    detector: str
    evidence: UnitFloat
    saliency_mean: UnitFloat | None
    saliency_peak: UnitFloat | None
    reading: TextReading | None
    colour: ColourFault | None
    protected_share: UnitFloat


class PatchView(Contract):
    """One repair that was tried."""

    id: str
    region_ids: tuple[str, ...]
    tool: str
    box_xyxy_px: BoxXYXY
    base_patch_ids: tuple[str, ...]
    seed: int
    settings: dict[str, JsonValue]
    reason: str


class QueueView(Contract):
    """Where a queued job stands; 1 is next."""

    position: int = Field(ge=1)
    estimated_wait_s: float = Field(ge=0)


class ProgressView(Contract):
    """What a running job is at: the stage's command, and how many rounds of repair have begun."""

    stage: str
    iteration: int = Field(ge=0)


class SecondsView(Contract):
    """How long the job waited, how long it took from being sent to its end, and how long each stage worked."""

    queued: float | None
    total: float | None
    stages: dict[str, float]


class JobView(Contract):
    """A job, in any state. Times are seconds since the epoch, scores are better the lower they are."""

    schema_version: int
    id: str
    client_id: str | None
    status: Status
    outcome: Outcome | None
    stop_reason: StopReason | None
    input: InputView
    options: OptionsView
    profile: str
    traceparent: str | None = Field(description="Of the request that made it (W3C Trace Context).")
    created_at_s: float
    started_at_s: float | None
    finished_at_s: float | None
    expires_at_s: float | None
    queue: QueueView | None
    progress: ProgressView | None
    iterations: tuple[Iteration, ...]
    regions: tuple[RegionView, ...]
    diagnoses: tuple[Diagnosis, ...]
    patches: tuple[PatchView, ...]
    accepted_patch_ids: tuple[str, ...]
    declined: tuple[Declined, ...]
    verdicts: tuple[Verdict, ...]
    evidence_before: tuple[Evidence, ...]
    evidence_after: tuple[Evidence, ...]
    scores: Scores
    in_domain: bool | None = Field(description="False where the saliency network does not know such images.")
    largest_outside_difference: int | None
    timings: tuple[Timing, ...]
    seconds: SecondsView
    cost: float = Field(description="US dollars that tools with a price have cost.")
    third_parties: tuple[str, ...] = Field(description="Models outside this server that were sent the picture.")
    artifacts: dict[str, str] = Field(description="Names to URLs.")
    urls: dict[str, str]
    webhook_url: str | None
    feedback: tuple[Feedback, ...]
    error: JobError | None
    warnings: tuple[str, ...]


class JobPage(Contract):
    """Jobs, newest first; `next_cursor` is None on the last page."""

    jobs: tuple[JobView, ...]
    next_cursor: str | None


HIDDEN: dict[str, Any] = {
    "input": {"original_ref", "alpha_ref"},
    "options": {"protected_ref", "regions_ref"},
    "regions": {"__all__": {"mask_ref"}},
    "patches": {"__all__": {"image_ref", "alpha_ref"}},
}
"""Keys of the image store are nobody's business outside."""


def view_of(
    job: Job, record: JobRecord, standing: Standing | None, feedback: tuple[Feedback, ...], now_s: float
) -> JobView:
    """The view of a job.

    Args:
        job: as stored.
        record: of the same job.
        standing: its place in the queue; None unless it waits.
        feedback: what was said of it.
        now_s: for the time that it has waited so far.
    """
    path = f"/v1/jobs/{job.id}"
    return JobView(
        **record.model_dump(exclude={**HIDDEN, "artifacts": True, "third_parties": True}),
        client_id=job.client_id,
        expires_at_s=job.expires_at_s,
        queue=QueueView(position=standing.position, estimated_wait_s=standing.wait_s) if standing else None,
        progress=_progress(job),
        seconds=_seconds(job, now_s),
        third_parties=_third_parties(job),
        artifacts={name: f"{path}/artifacts/{name}" for name in artifact_names(job)},
        urls={"self": path, "events": f"{path}/events", "cancel": f"{path}/cancel"},
        webhook_url=job.webhook.url if job.webhook else None,
        feedback=feedback,
    )


def artifact_names(job: Job) -> tuple[str, ...]:
    """What can be fetched of a job now."""
    report = (REPORT,) if job.result is not None and job.phase is Phase.ENDED else ()
    return (ORIGINAL, *sorted(job.artifacts), *report)


def _third_parties(job: Job) -> tuple[str, ...]:
    """Whom tools sent pixels to, and the models that diagnosed, for each was sent the picture.

    The service cannot know whose server a model runs on, so it names every one. One that never gave an answer is named
    in the warnings or the error instead.
    """
    sources = [diagnosis.source for diagnosis in job.diagnoses] if job.policy.sends_pictures else []
    models = [source for source in sources if not source.startswith("detector:")]
    return tuple(dict.fromkeys((*models, *job.third_parties)))


def _progress(job: Job) -> ProgressView | None:
    if job.pending is None:
        return None
    return ProgressView(stage=job.pending.kind, iteration=len(job.iterations))


def _seconds(job: Job, now_s: float) -> SecondsView:
    left_queue_at_s = next(time for time in (job.started_at_s, job.finished_at_s, now_s) if time is not None)
    stages: dict[str, float] = {}
    for timing in job.timings:
        stages[timing.stage] = stages.get(timing.stage, 0.0) + timing.seconds
    return SecondsView(
        queued=max(0.0, left_queue_at_s - job.created_at_s),
        total=max(0.0, job.finished_at_s - job.created_at_s) if job.finished_at_s is not None else None,
        stages=stages,
    )
