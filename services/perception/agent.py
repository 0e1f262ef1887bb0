"""The perception agent: looks at a canvas with every detector, and answers the loop's `Perceive`.

It finds regions, and measures evidence at every region it is asked to watch. Knows nothing of diagnoses or repairs.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.perception.detectors.base import Detection, Detector, Explains, Scene, Verifies
from services.perception.regions import (
    USER,
    Candidate,
    RegionWriter,
    tight,
    user_candidates,
    without_covered_marks,
)
from services.perception.saliency.pairs import Laid
from shared.appearance import check_patch, tone_of
from shared.contracts.jobs import Job
from shared.contracts.loop import Perceive, Perceived
from shared.contracts.values import AppearanceCheck, Canvas, Evidence, Patch, Region
from shared.geometry import Mask
from shared.images import Gray, compose_canvas, decode_gray, encode_png, patch_pixels
from shared.ports import Clock, ImageStore, ModelObserver, unobserved


@dataclass(frozen=True)
class _Look:
    """What one detector says of the scene."""

    detector: Detector
    detection: Detection


class PerceptionAgent:
    """Implements `shared.ports.Perceiver`.

    Args:
        store: holds originals, patches and masks.
        detectors: each is asked about every region.
        clock: measures how long a look takes.
        observe: is told of each detector's call.
    """

    def __init__(
        self,
        store: ImageStore,
        detectors: Sequence[Detector],
        clock: Clock,
        observe: ModelObserver = unobserved,
    ) -> None:
        self._store = store
        self._detectors = tuple(detectors)
        self._clock = clock
        self._observe = observe

    def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
        """Regions and evidence on the command's canvas, and how the patches on trial sit in it.

        Raises:
            BadInput: the caller's regions do not fit the image.
            NotFound, Unavailable: the store lacks something, or does not answer.
        """
        began = self._clock.now_s()
        prefix = f"{job.id}/s{command.step}-d{dispatch}"
        image = compose_canvas(self._store, command.canvas)
        scene = Scene(image, job.input.prompt, job.options.expected_text)
        looks = [self._look(detector, scene) for detector in self._detectors]
        drawn = next((look.detection for look in looks if look.detection.saliency is not None), None)
        saliency = None if drawn is None else drawn.saliency
        writer = RegionWriter(self._store, prefix, self._mask(job.options.protected_ref), saliency)
        candidates = self._candidates(job, command, looks, scene)
        written = writer.write(candidates, command.watch)
        regions = _explained(written, candidates, job, looks, scene)
        checks = self._checks(job, command, scene, looks)
        ended = self._clock.now_s()
        return Perceived(
            step=command.step,
            regions=regions,
            evidence=self._evidence(scene, looks, command, regions, checks),
            checks=tuple(check for name, check in checks.items() if name in command.on_trial),
            saliency_ref=None if saliency is None else self._store.put(f"{prefix}/saliency.png", _as_png(saliency)),
            saliency_peak=None if saliency is None else float(np.clip(saliency.max(), 0.0, 1.0)),
            any_distortion=None if drawn is None else drawn.any_distortion,
            thresholds=None if drawn is None else drawn.thresholds,
            in_domain=all(look.detection.in_domain for look in looks),
            warnings=tuple(dict.fromkeys(w for look in looks for w in look.detection.warnings)),
            at_s=ended,
            elapsed_s=max(0.0, ended - began),
        )

    def _look(self, detector: Detector, scene: Scene) -> _Look:
        began_s = time.perf_counter()
        detection = detector.detect(scene)
        self._observe(detector.name, time.perf_counter() - began_s)
        return _Look(detector, detection)

    def warm_up(self) -> None:
        """Has each detector look at a small grey picture, which loads its models; raises as they do."""
        scene = Scene(np.full((64, 64, 3), 127, np.uint8), "a grey wall")
        for detector in self._detectors:
            detector.detect(scene)

    def _candidates(self, job: Job, command: Perceive, looks: Sequence[_Look], scene: Scene) -> list[Candidate]:
        """Detectors' findings and the caller's marks, worst first; a mark that a patch has answered is left out."""
        found = [
            Candidate(look.detector.name, finding)
            for look in looks
            for finding in map(tight, look.detection.findings)
            if finding is not None
        ]
        size_hw = (int(scene.image.shape[0]), int(scene.image.shape[1]))
        marks = user_candidates(job.options.region_boxes_px, self._mask(job.options.regions_ref), size_hw)
        answered = {
            region.box_xyxy_px
            for region in command.watch
            if region.detector == USER and _is_patched(region, command.canvas)
        }
        open_marks = [mark for mark in marks if mark.finding.box_xyxy_px not in answered]
        explained = [c.finding.box_xyxy_px for c in found if c.finding.reading is not None]
        explained += [region.box_xyxy_px for region in command.watch if region.reading is not None]
        candidates = found + without_covered_marks(open_marks, explained)
        return sorted(candidates, key=lambda candidate: -candidate.finding.evidence)

    def _evidence(
        self,
        scene: Scene,
        looks: Sequence[_Look],
        command: Perceive,
        regions: Sequence[Region],
        checks: Mapping[str, AppearanceCheck],
    ) -> tuple[Evidence, ...]:
        """One value per region and detector. A watched region is judged by what was known of it when it was found.

        What a verified patch leaves of its region's evidence is the chance that it is no repair: the verifier sees the
        place before and after, the detector only how it looks now.
        """
        last = {name: checks.get(patch.id) for patch in command.canvas.patches for name in patch.region_ids}
        watched = {region.id for region in command.watch}
        asked = [*command.watch, *(region for region in regions if region.id not in watched)]
        evidence = []
        for look in looks:
            values = look.detector.evidence_at(scene, look.detection, asked)
            for region, found in zip(asked, values, strict=True):
                check = last.get(region.id) if _verifies(look) and region.detector == look.detector.name else None
                repaired = None if check is None else check.repaired
                value = found if repaired is None else region.evidence * (1 - repaired)
                evidence.append(Evidence(region_id=region.id, detector=look.detector.name, value=value))
        for region in asked:
            if region.detector == USER:
                value = 0.0 if _is_patched(region, command.canvas) else 1.0
                evidence.append(Evidence(region_id=region.id, detector=USER, value=value))
        return tuple(evidence)

    def _checks(self, job: Job, command: Perceive, scene: Scene, looks: Sequence[_Look]) -> dict[str, AppearanceCheck]:
        """By patch id how it sits in the canvas, and what a verifier gives it of being a repair, beside the original.

        Patches on trial alone where there is no verifier. One judges every patch of the canvas for what its own
        detector found: evidence has to mean the same on all canvases.
        """
        look = next((look for look in looks if _verifies(look)), None)
        finders = {region.id: region.detector for region in (*job.known, *command.watch)}
        checks: dict[str, AppearanceCheck] = {}
        laid: list[Laid] = []
        for patch in command.canvas.patches:
            if look is None and patch.id not in command.on_trial:
                continue
            _, alpha = patch_pixels(self._store, patch)
            checks[patch.id] = self._check(command.canvas, patch, alpha)
            own = look is not None and any(finders.get(name) == look.detector.name for name in patch.region_ids)
            if own and alpha.any():
                laid.append(Laid(patch.box_xyxy_px, alpha, checks[patch.id]))
        if look is not None and isinstance(look.detector, Verifies) and laid:
            original = Canvas(original_ref=command.canvas.original_ref)
            before = replace(scene, image=compose_canvas(self._store, original))
            said = look.detector.verify(before, look.detection, laid)
            for one, value in zip(laid, said, strict=True):
                checks[one.check.patch_id] = one.check.model_copy(update={"repaired": value})
        return checks

    def _check(self, canvas: Canvas, patch: Patch, alpha: Gray) -> AppearanceCheck:
        """Against the canvas without the patch and what was made on it."""
        before = compose_canvas(self._store, canvas.without(frozenset({patch.id})))
        after = compose_canvas(self._store, canvas.without(_made_on(patch.id, canvas)))
        return check_patch(before, after, patch.id, patch.box_xyxy_px, alpha, tone_of(patch))

    def _mask(self, ref: str | None) -> Mask | None:
        return None if ref is None else decode_gray(self._store.get(ref)) > 127


def _explained(
    regions: Sequence[Region], candidates: Sequence[Candidate], job: Job, looks: Sequence[_Look], scene: Scene
) -> tuple[Region, ...]:
    """The regions, made of the candidates in order, with what their detectors know of colours.

    Of a known region it is what was known when it was found.
    """
    known = {region.id: region.colour for region in (*job.found, *job.known)}
    colours = {region.id: known.get(region.id) for region in regions}
    size_hw = (int(scene.image.shape[0]), int(scene.image.shape[1]))
    new = [pair for pair in zip(regions, candidates, strict=True) if pair[0].id not in known]
    for look in looks:
        own = [(region.id, one.finding) for region, one in new if region.detector == look.detector.name]
        if own and isinstance(look.detector, Explains):
            masks = [finding.whole(size_hw) for _, finding in own]
            said = look.detector.colour_faults(scene, look.detection, masks)
            colours.update(zip((name for name, _ in own), said, strict=True))
    return tuple(one.model_copy(update={"colour": colours[one.id]}) for one in regions)


def _verifies(look: _Look) -> bool:
    return look.detection.sight is not None and isinstance(look.detector, Verifies)


def _is_patched(region: Region, canvas: Canvas) -> bool:
    return any(region.id in patch.region_ids for patch in canvas.patches)


def _made_on(patch_id: str, canvas: Canvas) -> frozenset[str]:
    """Ids of the patches that fall with this one, itself not among them."""
    kept = {patch.id for patch in canvas.without(frozenset({patch_id})).patches}
    return frozenset(patch.id for patch in canvas.patches if patch.id not in kept and patch.id != patch_id)


def _as_png(saliency: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> bytes:
    return encode_png(np.round(np.clip(saliency, 0.0, 1.0) * 255).astype(np.uint8))
