"""Commands and events of the loop (DESIGN.md, "The loop"). Commands are orders to a stage, events are its results.

Every command carries the job's step; an event repeats the step that it answers. Time is in seconds since the epoch.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import Contract, UnitFloat
from shared.contracts.values import AppearanceCheck, Canvas, Diagnosis, Evidence, Patch, Region


class Attempt(Contract):
    """One earlier repair of a region, so that the next differs in tool, seed or strength."""

    tool: str
    seed: int
    outcome: str


class Target(Contract):
    """A region to repair: what it is, what is wrong with it, what was tried, and the seed of this try."""

    region: Region
    diagnosis: Diagnosis
    attempts: tuple[Attempt, ...] = ()
    seed: int


class Declined(Contract):
    """A region that the action agent will not edit, with the sentence that says why."""

    region_id: str
    reason: str


class Perceive(Contract):
    """Find regions on the canvas, and measure every detector's evidence at each watched region.

    `watch` holds every region the job has known; `on_trial` are the ids of patches awaiting a verdict, whose
    appearance is to be checked against the canvas without them.
    """

    kind: Literal["perceive"] = "perceive"
    step: int
    canvas: Canvas
    watch: tuple[Region, ...] = ()
    on_trial: tuple[str, ...] = ()


class Diagnose(Contract):
    """Say what is wrong with each region of the canvas."""

    kind: Literal["diagnose"] = "diagnose"
    step: int
    canvas: Canvas
    regions: tuple[Region, ...]


class Retouch(Contract):
    """Repair each target on the canvas."""

    kind: Literal["retouch"] = "retouch"
    step: int
    canvas: Canvas
    targets: tuple[Target, ...]


class Finalize(Contract):
    """Compose the result and write the artifacts."""

    kind: Literal["finalize"] = "finalize"
    step: int
    canvas: Canvas


Command = Annotated[Perceive | Diagnose | Retouch | Finalize, Field(discriminator="kind")]


class _Event(Contract):
    step: int
    at_s: float
    elapsed_s: float = Field(default=0.0, ge=0.0)


class Thresholds(Contract):
    """The numbers that a saliency checkpoint was calibrated to; where they are given they stand above the policy's.

    They travel with the map that they belong to, for whoever admits jobs need not have the checkpoint. `min_repaired`
    is its verifier's, and `min_detail_ratio` the policy's where a verifier has judged; None without one.
    """

    tau_s: UnitFloat
    tau_any: UnitFloat
    min_gain: UnitFloat
    min_any_fall: float = Field(default=0.0, ge=0)
    min_repaired: UnitFloat | None = None
    min_detail_ratio: float | None = Field(default=None, ge=0)


def least_detail(usual: float, limits: Thresholds | None, check: AppearanceCheck) -> float:
    """The least fine detail that a patch must have: the usual, or where a verifier has judged it, the verifier's."""
    if check.repaired is None or limits is None or limits.min_detail_ratio is None:
        return usual
    return limits.min_detail_ratio


class Perceived(_Event):
    """The answer to `Perceive`.

    Attributes:
        regions: what a detector calls distorted on this canvas now, worst first.
        evidence: for each watched and each new region, one value per detector that can judge it. A region's own
            detector always judges it.
        checks: one for each patch on trial.
        saliency_ref: `(H, W)` 8-bit PNG of the saliency map; None without a saliency detector.
        saliency_peak: the map's maximum; None without a map.
        any_distortion: the calibrated head "any distortion at all"; None without a saliency detector.
        in_domain: False where a detector's checkpoint does not know such images; its regions are then not edited.
        thresholds: of the saliency checkpoint; None without one.
        warnings: sentences for the record.
    """

    kind: Literal["perceived"] = "perceived"
    regions: tuple[Region, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    checks: tuple[AppearanceCheck, ...] = ()
    saliency_ref: str | None = None
    saliency_peak: UnitFloat | None = None
    any_distortion: UnitFloat | None = None
    in_domain: bool = True
    thresholds: Thresholds | None = None
    warnings: tuple[str, ...] = ()


class Diagnosed(_Event):
    """The answer to `Diagnose`; a region without a diagnosis stays untouched and is reported.

    `may_veto`: the model's card shows that its "nothing is wrong" can be relied on. It travels with the answer, for
    whoever admits jobs need not have the model.
    """

    kind: Literal["diagnosed"] = "diagnosed"
    diagnoses: tuple[Diagnosis, ...] = ()
    may_veto: bool = False
    warnings: tuple[str, ...] = ()


class Retouched(_Event):
    """The answer to `Retouch`: patches, and the regions declined with the reason.

    `cost` in US dollars and `third_parties` (whom tools sent pixels to) count every call, of use or not.
    """

    kind: Literal["retouched"] = "retouched"
    patches: tuple[Patch, ...] = ()
    declined: tuple[Declined, ...] = ()
    cost: float = Field(default=0.0, ge=0.0)
    third_parties: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Finalized(_Event):
    """The answer to `Finalize`. `artifacts` maps a public name (`result.png`) to its ref."""

    kind: Literal["finalized"] = "finalized"
    artifacts: dict[str, str]
    largest_outside_difference: int = Field(ge=0, le=255)


class StageFailed(_Event):
    """A stage could not answer. Retryable failures are tried again, permanent ones end the job."""

    kind: Literal["stage_failed"] = "stage_failed"
    code: str
    message: str
    retryable: bool


Answer = Perceived | Diagnosed | Retouched | Finalized
"""What a stage that did its work says."""

StageResult = Answer | StageFailed
"""What a stage may say at all."""


class CancelRequested(_Event):
    """The caller wants no more of it. `step` is ignored: it is never stale."""

    kind: Literal["cancel_requested"] = "cancel_requested"


class DeadlinePassed(_Event):
    """The job's time is up. `step` is ignored: it is never stale."""

    kind: Literal["deadline_passed"] = "deadline_passed"


Event = Annotated[
    Perceived | Diagnosed | Retouched | Finalized | StageFailed | CancelRequested | DeadlinePassed,
    Field(discriminator="kind"),
]


class PublicEvent(Contract):
    """What a caller may see of a job's progress; `seq` counts from 1 within the job."""

    seq: int = Field(ge=1)
    job_id: str
    type: str
    at_s: float
    data: dict[str, JsonValue] = Field(default_factory=dict)
