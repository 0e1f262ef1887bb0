"""Which perceived canvas is the best one, and what that makes of the job.

The score of a canvas is the sum of every region's own detector's evidence on it: lower is better. Pure: no clock, no
pixels. Only canvases that were perceived, and whose patches were all accepted, can be the result.
"""

import math
from collections.abc import Iterable

from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import Job, LoopPolicy, Mode, Outcome, Perception
from shared.contracts.values import Canvas, Region, Verdict

USER_DETECTOR = "user"
"""Detector name of a region that the caller sent: neither the stop rule nor a veto drops it."""

UNMEASURED = 1.0
"""Evidence of a watched region that its detector did not judge: the worst, so that silence never looks like repair."""


RESIDUE_SHARE = 0.5
"""Of a salient region's box, inside an earlier one's: it is a part of that flaw then, and no flaw of its own."""


def own_evidence(perception: Perception, regions: Iterable[Region]) -> dict[str, float]:
    """Evidence by region id, each from the region's own detector; a region that was not judged is absent.

    Where the detector found a region and gave no separate value, the finding's own stands.
    """
    judged = {(item.region_id, item.detector): item.value for item in perception.evidence}
    found = {(region.id, region.detector): region.evidence for region in perception.regions}
    keys = {region.id: (region.id, region.detector) for region in regions}
    return {name: judged.get(key, found.get(key, 0.0)) for name, key in keys.items() if key in judged or key in found}


def totals(job: Job) -> tuple[float, ...]:
    """The score of each of the job's perceptions, in order.

    A region that was not known yet when a canvas was perceived was there all the same where both canvases have the
    very same pixels: it counts there what it counts where it was first seen. Where a patch lies between, it counts 0:
    the detector saw nothing. One that was known, and was not judged, counts `UNMEASURED`. Regions of a detector that
    judges nothing here count nothing, nor does what is left of an earlier salient region: the earlier one's evidence is
    that of its worst pixels, and has it already.
    """
    sums: list[float] = []
    watched: set[str] = set()
    seen = _first_seen(job)
    silent_ones = silent_detectors(job)
    uncounted = {
        region.id
        for region, at in seen
        if region.detector in silent_ones
        or is_residue(region, [other for other, then in seen if then < at], job.policy)
    }
    heard = tuple(region for region in job.known if region.id not in uncounted)
    for number, perception in enumerate(job.perceptions):
        own = own_evidence(perception, heard)
        silent = len(watched - own.keys())
        overlooked = [
            own_evidence(job.perceptions[later], (region,)).get(region.id, 0.0)
            for region, later in seen
            if later > number
            and region.id not in own.keys() | uncounted
            and _same_pixels(perception, job.perceptions[later], region)
        ]
        sums.append(math.fsum(own.values()) + silent * UNMEASURED + math.fsum(overlooked))
        watched.update(region.id for region in perception.regions if region.id not in uncounted)
    return tuple(sums)


def _first_seen(job: Job) -> tuple[tuple[Region, int], ...]:
    """Each region as first seen, with the number of that perception."""
    seen: dict[str, tuple[Region, int]] = {}
    for number, perception in enumerate(job.perceptions):
        for region in perception.regions:
            seen.setdefault(region.id, (region, number))
    return tuple(seen.values())


def _same_pixels(one: Perception, other: Perception, region: Region) -> bool:
    """Whether no patch that only one of the canvases has can have touched the region."""
    ours, theirs = ({patch.id: patch for patch in canvas.patches} for canvas in (one.canvas, other.canvas))
    differing = [patch for name, patch in {**ours, **theirs}.items() if name not in ours or name not in theirs]
    return not any(overlap(patch.box_xyxy_px, region.box_xyxy_px) for patch in differing)


def is_residue(region: Region, earlier: Iterable[Region], policy: LoopPolicy) -> bool:
    """Whether a salient region lies where an earlier one does: a part of the same flaw, under another id.

    What a patch leaves of a flaw has another box, hence another id, and was counted twice: as evidence that the old
    region kept, and as a new flaw.
    """
    return region.detector == policy.saliency_detector and any(
        other.detector == region.detector
        and other.id != region.id
        and _covered(region.box_xyxy_px, other.box_xyxy_px) >= RESIDUE_SHARE
        for other in earlier
    )


def _covered(box: BoxXYXY, by: BoxXYXY) -> float:
    """Share of the first box that lies in the second, in [0, 1]."""
    width, height = min(box[2], by[2]) - max(box[0], by[0]), min(box[3], by[3]) - max(box[1], by[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(0, width) * max(0, height) / area if area > 0 else 0.0


def overlap(a: BoxXYXY, b: BoxXYXY) -> bool:
    """Whether two half-open boxes share a pixel (`shared.geometry` would bring numpy into the loop)."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def accepted_ids(job: Job) -> frozenset[str]:
    """Ids of patches with verdicts, all of which accept."""
    judged = {verdict.patch_id for verdict in job.verdicts}
    return frozenset(judged - {verdict.patch_id for verdict in job.verdicts if not verdict.accepted})


def candidates(job: Job) -> tuple[int, ...]:
    """Indices of the perceptions whose canvas may be the result: each of its patches has been accepted."""
    accepted = accepted_ids(job)
    return tuple(
        index
        for index, perception in enumerate(job.perceptions)
        if all(patch.id in accepted for patch in perception.canvas.patches)
    )


def best(job: Job) -> int:
    """Index of the candidate with the least score; on a tie the earliest, so that the original stays.

    Raises:
        ValueError: nothing has been perceived.
    """
    scores = totals(job)
    return min(candidates(job), key=lambda index: (scores[index], index))


def perception_of(job: Job, canvas: Canvas) -> Perception:
    """The latest perception of `canvas`.

    Raises:
        LookupError: it has not been perceived.
    """
    for perception in reversed(job.perceptions):
        if perception.canvas == canvas:
            return perception
    raise LookupError(f"{job.id}: a canvas of {len(canvas.patches)} patches has not been perceived")


def worth_editing(perception: Perception, policy: LoopPolicy) -> tuple[Region, ...]:
    """The regions found, less those that the stop rule drops (DESIGN.md, "The loop").

    Saliency regions alone are no reason to edit where the map's peak or the "any distortion" head is below the
    threshold that its checkpoint was calibrated to; a region of any other detector, the caller's own included, is one.
    """
    alone = all(region.detector == policy.saliency_detector for region in perception.regions)
    peak, any_distortion = perception.saliency_peak, perception.any_distortion
    limits = perception.thresholds or policy
    faint = (peak is not None and peak < limits.tau_s) or (
        any_distortion is not None and any_distortion < limits.tau_any
    )
    return () if alone and faint else perception.regions


def silent_detectors(job: Job) -> frozenset[str]:
    """Detectors that judge nothing on this job: a checkpoint that does not know such images, unless somebody insists.

    Its regions are shown; what it sees rise beside another detector's repair means nothing.
    """
    knows = job.perceptions[0].in_domain or job.options.force
    return frozenset() if knows or job.policy.saliency_detector is None else frozenset({job.policy.saliency_detector})


def out_of_domain(job: Job, region: Region) -> bool:
    """Whether the region comes from a checkpoint that does not know such images, and nobody insists."""
    knows = all(perception.in_domain for perception in (job.perceptions[0], perception_of(job, job.canvas)))
    return not knows and region.detector == job.policy.saliency_detector and not job.options.force


def vetoed(job: Job, region: Region, canvas: Canvas) -> bool:
    """Whether the reasoner, granted a veto, has last said that the region is not distorted on this canvas.

    Both must grant it: the profile, and the card of the model that answered.
    """
    if not (job.policy.may_veto and job.reasoner_may_veto) or region.detector == USER_DETECTOR:
        return False
    present = {patch.id for patch in canvas.patches}
    opinions = [diagnosis.distorted for diagnosis in job.diagnoses if diagnosis.region_id == region.id]
    opinions += [verdict.rejudged for verdict in _verdicts_on(job, region, present) if verdict.rejudged is not None]
    return bool(opinions) and not opinions[-1]


def remaining(job: Job, canvas: Canvas) -> tuple[Region, ...]:
    """What is still wrong with a perceived canvas: regions found, less stop rule, veto and what nobody can judge.

    What a checkpoint highlights on images that it does not know is shown, and is no verdict on the image; only a
    caller who asked for the analysis alone is given it as one.
    """
    found = worth_editing(perception_of(job, canvas), job.policy)
    shown = job.options.mode is Mode.ANALYZE
    return tuple(
        region for region in found if (shown or not out_of_domain(job, region)) and not vetoed(job, region, canvas)
    )


def outcome_of(job: Job, result: Canvas) -> Outcome:
    """What came of the job, if `result` is its result."""
    left = remaining(job, result)
    if result.patches:
        return Outcome.IMPROVED if left else Outcome.REPAIRED
    if not left:
        return Outcome.NOTHING_TO_FIX
    return Outcome.ANALYZED if job.options.mode is Mode.ANALYZE else Outcome.NO_GAIN


def _verdicts_on(job: Job, region: Region, patch_ids: set[str]) -> list[Verdict]:
    return [verdict for verdict in job.verdicts if verdict.region_id == region.id and verdict.patch_id in patch_ids]
