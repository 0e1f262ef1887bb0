"""Whether each patch on trial stays: the rule of DESIGN.md ("The loop"), as numbers and one plain sentence a patch.

A patch has to make its own regions better by the detector that found them, make nothing else worse, satisfy the
reasoner where there is one, and sit in its surroundings. What was not measured is refused. Pure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.orchestrator.selection import UNMEASURED, is_residue, overlap, own_evidence
from shared.contracts.jobs import LoopPolicy, Perception
from shared.contracts.loop import least_detail
from shared.contracts.values import AppearanceCheck, Canvas, Ground, Patch, Region, Verdict

ROUNDING = 1e-9
"""Slack for thresholds: 0.3 - 0.1 is a gain of 0.2 although binary fractions make it a little less."""


_CERTAIN = 1e-12
"""A probability nearer to 0 or 1 has no log odds to speak of."""


@dataclass(frozen=True)
class Objection:
    """What speaks against a patch: its kind, and a sentence with the figures."""

    ground: Ground
    sentence: str


_ON_A_REFUSED_ONE = Objection(Ground.BASE_REFUSED, "it was made on top of a patch that was refused")


@dataclass(frozen=True)
class Trial:
    """Patches that await their verdicts.

    Attributes:
        before: the perception of the canvas without them.
        after: the perception of the canvas with them.
        patches: those on trial.
        known: every region seen so far, those of `after` included.
        rejudged: by region id, whether the reasoner still calls it distorted on the patched canvas.
        silent: detectors that judge nothing here.
    """

    policy: LoopPolicy
    before: Perception
    after: Perception
    patches: tuple[Patch, ...]
    known: tuple[Region, ...]
    rejudged: Mapping[str, bool]
    silent: frozenset[str] = frozenset()

    def min_gain(self, detector: str) -> float:
        """By how much that detector's evidence must fall: a calibrated checkpoint's own figure, or the policy's."""
        calibrated = self.before.thresholds
        if calibrated is not None and detector == self.policy.saliency_detector:
            return calibrated.min_gain
        return self.policy.min_gain

    def check(self, patch: Patch) -> AppearanceCheck | None:
        """How the patch sits on the canvas with it; None where nobody looked."""
        return next((check for check in self.after.checks if check.patch_id == patch.id), None)


def judge(trial: Trial) -> tuple[Verdict, ...]:
    """One verdict for each patch on trial and each of its regions; a patch's verdicts agree on `accepted`.

    A patch made on top of a refused one is refused with it.
    """
    objections = {patch.id: _objections(trial, patch) for patch in trial.patches}
    sound = _standing(trial, objections)
    objections |= {patch.id: _whole_image(trial, patch, sound) for patch in sound}
    standing = {patch.id for patch in _standing(trial, objections)}
    before = own_evidence(trial.before, trial.known)
    after = own_evidence(trial.after, trial.known)
    verdicts: list[Verdict] = []
    for patch in trial.patches:
        accepted = patch.id in standing
        against = () if accepted else tuple(objections[patch.id]) or (_ON_A_REFUSED_ONE,)
        reason = _praise(trial, patch) if accepted else "; ".join(one.sentence for one in against)
        verdicts += [
            Verdict(
                patch_id=patch.id,
                region_id=region_id,
                evidence_before=before.get(region_id, 0.0),
                evidence_after=after.get(region_id, UNMEASURED),
                rejudged=trial.rejudged.get(region_id),
                accepted=accepted,
                reason=reason,
                grounds=tuple(dict.fromkeys(one.ground for one in against)),
            )
            for region_id in patch.region_ids
        ]
    return tuple(verdicts)


def _standing(trial: Trial, objections: Mapping[str, Sequence[Objection]]) -> tuple[Patch, ...]:
    """The patches that nothing speaks against, nor against one below them."""
    refused = frozenset(name for name, found in objections.items() if found)
    return Canvas(original_ref="", patches=trial.patches).without(refused).patches


def _objections(trial: Trial, patch: Patch) -> list[Objection]:
    """Sentences against the patch; none is acceptance, unless what lies below it is refused."""
    regions = tuple(region for region in trial.known if region.id in patch.region_ids)
    found: list[Objection] = []
    for region in regions:
        found += _own_detector(trial, region)
        found += _other_detectors(trial, region)
        if trial.rejudged.get(region.id):
            sentence = f"looked at again, {region.id} is still called distorted"
            found.append(Objection(Ground.STILL_DISTORTED, sentence))
    found += _damage(trial, patch, regions)
    found += _appearance(trial, patch)
    return found + _verified(trial, patch, regions)


def _own_detector(trial: Trial, region: Region) -> list[Objection]:
    before = own_evidence(trial.before, (region,)).get(region.id)
    after = own_evidence(trial.after, (region,)).get(region.id)
    if before is None or after is None:
        sentence = f"{region.detector} gave no evidence at {region.id}, so nothing shows that it is better"
        return [Objection(Ground.NO_EVIDENCE, sentence)]
    gain = before - after
    if gain <= 0:
        sentence = f"{region.detector} evidence at {region.id} did not fall: {before:.2f} before, {after:.2f} after"
        return [Objection(Ground.NO_GAIN, sentence)]
    wanted = trial.min_gain(region.detector)
    if gain < wanted - ROUNDING:
        sentence = (
            f"{region.detector} evidence at {region.id} fell only from {before:.2f} to {after:.2f}, "
            f"by less than {wanted:.2f}"
        )
        return [Objection(Ground.LITTLE_GAIN, sentence)]
    return []


def _other_detectors(trial: Trial, region: Region) -> list[Objection]:
    def others(perception: Perception) -> dict[str, float]:
        return {
            item.detector: item.value
            for item in perception.evidence
            if item.region_id == region.id and item.detector not in trial.silent | {region.detector}
        }

    before, after = others(trial.before), others(trial.after)
    gone = [f"{name} gave no evidence at {region.id} any more" for name in before if name not in after]
    found = [Objection(Ground.NO_EVIDENCE, sentence) for sentence in gone]
    for name, value in after.items():
        earlier = before.get(name, 0.0)
        if value - earlier > trial.policy.max_rise + ROUNDING:
            sentence = (
                f"{name} evidence at {region.id} rose from {earlier:.2f} to {value:.2f}, "
                f"by more than {trial.policy.max_rise:.2f}"
            )
            found.append(Objection(Ground.OTHER_DETECTOR, sentence))
    return found


def _damage(trial: Trial, patch: Patch, regions: tuple[Region, ...]) -> list[Objection]:
    """Objections from regions that the patch touches and was not meant for, new ones included.

    What the patch's own detectors see there counts against its gain; what another detector sees may not rise by more
    than `max_rise`. A region under another patch on trial is that patch's to answer for. What is left of the patch's
    own salient regions under another id is in their evidence, and no new flaw.
    """
    detectors = {region.detector for region in regions}
    answered = {name for other in trial.patches for name in other.region_ids}
    known_before = own_evidence(trial.before, trial.known)
    touched = tuple(
        region
        for region in trial.known
        if region.id not in answered
        and region.detector not in trial.silent
        and overlap(region.box_xyxy_px, patch.box_xyxy_px)
        and (region.id in known_before or not is_residue(region, regions, trial.policy))
    )
    before, after = own_evidence(trial.before, touched), own_evidence(trial.after, touched)
    found: list[Objection] = []
    harm = 0.0
    for region in touched:
        earlier, now = before.get(region.id, 0.0), after.get(region.id, UNMEASURED)
        if region.detector in detectors:
            harm += max(0.0, now - earlier)
        elif now - earlier > trial.policy.max_rise + ROUNDING:
            sentence = f"{region.detector} evidence at {region.id}, which it touches, rose to {now:.2f}"
            found.append(Objection(Ground.OTHER_DETECTOR, sentence))
    if harm > 0:
        found += _outweighed(trial, regions, harm)
    return found


def _outweighed(trial: Trial, regions: tuple[Region, ...], harm: float) -> list[Objection]:
    before, after = own_evidence(trial.before, regions), own_evidence(trial.after, regions)
    gain = sum(before.get(region.id, 0.0) - after.get(region.id, UNMEASURED) for region in regions)
    wanted = max(trial.min_gain(region.detector) for region in regions)
    if gain - harm >= wanted - ROUNDING and gain > harm:
        return []
    sentence = f"the gain of {gain:.2f} is outweighed by a new flaw of {harm:.2f} that it left beside it"
    return [Objection(Ground.NEW_FLAW, sentence)]


def _whole_image(trial: Trial, patch: Patch, standing: Sequence[Patch]) -> list[Objection]:
    """Objections from the "any distortion" head, where patches that stand cover all salient regions of a doubted image.

    Then nothing salient should be left, and true repairs of whole images make the head as much surer as its checkpoint
    was calibrated to. Repairs of some flaws among several move it too little to be judged by it, and what a refused
    patch leaves is not held against the others.
    """
    saliency, limits = trial.policy.saliency_detector, trial.before.thresholds
    before, after = trial.before.any_distortion, trial.after.any_distortion
    if limits is None or limits.min_any_fall <= 0 or before is None or before < limits.tau_any:
        return []
    repaired = {name for one in standing for name in one.region_ids}
    salient = {region.id for region in trial.before.regions if region.detector == saliency}
    if not salient <= repaired or salient.isdisjoint(patch.region_ids):
        return []
    if after is not None and _log_odds(before) - _log_odds(after) >= limits.min_any_fall - ROUNDING:
        return []
    now = "unknown" if after is None else f"{after:.2f}"
    sentence = (
        f"the chance of any distortion went from {before:.2f} to {now}: its log odds had to fall by "
        f"{limits.min_any_fall:.2f}, for no salient region is left without a patch"
    )
    return [Objection(Ground.WHOLE_IMAGE, sentence)]


def _log_odds(probability: float) -> float:
    inner = min(max(probability, _CERTAIN), 1 - _CERTAIN)
    return math.log(inner / (1 - inner))


def _appearance(trial: Trial, patch: Patch) -> list[Objection]:
    check = trial.check(patch)
    if check is None:
        return [Objection(Ground.NOT_CHECKED, "its appearance was not checked")]
    found: list[Objection] = []
    least = least_detail(trial.policy.min_detail_ratio, trial.before.thresholds, check)
    if check.detail_ratio < least - ROUNDING:
        sentence = f"it has {check.detail_ratio:.2f} of its surroundings' fine detail, less than {least:.2f}: a smear"
        found.append(Objection(Ground.SMEAR, sentence))
    if check.colour_shift > trial.policy.max_colour_shift + ROUNDING:
        sentence = (
            f"its colour moved {check.colour_shift:.1f} away from its surroundings, "
            f"more than {trial.policy.max_colour_shift:.1f}"
        )
        found.append(Objection(Ground.COLOUR, sentence))
    if check.seam > trial.policy.max_seam + ROUNDING:
        sentence = f"its border shows: a seam of {check.seam:.1f}, more than {trial.policy.max_seam:.1f}"
        found.append(Objection(Ground.SEAM, sentence))
    return found


def _verified(trial: Trial, patch: Patch, regions: tuple[Region, ...]) -> list[Objection]:
    """The verifier's objection to a patch for what its own checkpoint found; it was taught nothing else."""
    limits = trial.before.thresholds
    check = trial.check(patch)
    if limits is None or limits.min_repaired is None or check is None or check.repaired is None:
        return []
    if all(region.detector != trial.policy.saliency_detector for region in regions):
        return []
    if check.repaired >= limits.min_repaired - ROUNDING:
        return []
    sentence = f"the verifier gives it {check.repaired:.2f} of being a repair, less than {limits.min_repaired:.2f}"
    return [Objection(Ground.NO_REPAIR, sentence)]


def _praise(trial: Trial, patch: Patch) -> str:
    regions = tuple(region for region in trial.known if region.id in patch.region_ids)
    before, after = own_evidence(trial.before, regions), own_evidence(trial.after, regions)
    falls = [
        f"{region.detector} evidence at {region.id} fell from {before[region.id]:.2f} to {after[region.id]:.2f}"
        for region in regions
    ]
    check = next(check for check in trial.after.checks if check.patch_id == patch.id)
    verified = "" if check.repaired is None else f"; the verifier gives it {check.repaired:.2f} of being a repair"
    return (
        f"{'; '.join(falls)}; detail {check.detail_ratio:.2f} and colour shift {check.colour_shift:.1f} are in limits"
        f"{verified}"
    )
