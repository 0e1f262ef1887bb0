"""The sabotage table: does verification refuse bad patches and keep right ones?

For a word whose fault the product found, the loop is run up to its order to repair; then each patch in turn answers
it, and the real perception agent and the loop's own verdict decide. A job is a frozen value, so every patch
starts from the same state.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from services.evaluation.text.figures import SabotageFigures
from services.evaluation.text.samples import TestPicture, make_pictures, with_other_word
from services.evaluation.text.scoring import reads_as
from services.evaluation.text.tesseract import read
from services.evaluation.text.truth import Kind
from services.local import Local
from services.orchestrator.loop import advance, begin
from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import Job, JobOptions
from shared.contracts.loop import Diagnose, Diagnosed, Perceive, Perceived, Retouch, Retouched
from shared.contracts.values import Patch
from shared.errors import ErrorCode, StageError
from shared.geometry import Mask, box_area, dilate, intersection, mask_box, quad_box, quad_mask
from shared.images import Rgb, compose, crop, encode_png, patch_pixels

IN_ITS_SLOT = frozenset({Kind.MISSPELT, Kind.GARBLED, Kind.WRONG, Kind.MIRRORED})
"""Faults whose repair is one word in its own room, so that the right twin's pixels are a right patch."""


class Sabotage(StrEnum):
    """What is done to a patch; the first two are right ones."""

    TWIN = "twin"
    TOOL = "tool"
    BLURRED = "blurred"
    MEAN = "mean"
    ERASED = "erased"
    WRONG_WORD = "wrong_word"
    GREYED = "greyed"
    NOISE = "noise"
    SHIFTED = "shifted"


RIGHT = frozenset({Sabotage.TWIN, Sabotage.TOOL})


@dataclass(frozen=True)
class Stand:
    """A job that waits for an answer to its order to repair, and the place in question."""

    picture: TestPicture
    job: Job
    command: Retouch
    region_ids: tuple[str, ...]
    box: BoxXYXY
    mask: Mask
    letter_height_px: float


@dataclass(frozen=True)
class Trial:
    """One patch and what verification said."""

    sabotage: Sabotage
    file: str
    accepted: bool
    reason: str


def sabotage_table(local: Local, words: int, seed: int) -> tuple[SabotageFigures, ...]:
    """Figures for each kind of patch over `words` words (pictures whose fault is not found do not count)."""
    trials = list(sabotage_trials(local, words, seed))
    return tuple(
        SabotageFigures(
            kind=kind,
            right=kind in RIGHT,
            tried=sum(trial.sabotage is kind for trial in trials),
            accepted=sum(trial.accepted for trial in trials if trial.sabotage is kind),
        )
        for kind in Sabotage
    )


def sabotage_trials(local: Local, words: int, seed: int) -> Iterator[Trial]:
    """Every trial of `words` words; gives up after five times as many pictures."""
    stands = 0
    for picture in make_pictures(words * 10, seed + 1):
        if picture.sample.kind not in IN_ITS_SLOT:
            continue
        stand = stand_at_repair(local, picture, seed)
        if stand is None:
            continue
        for kind in Sabotage:
            trial = _try(local, stand, kind)
            if trial is not None:
                yield trial
        local.store.delete(f"{stand.job.id}/")
        stands += 1
        if stands == words:
            return


def stand_at_repair(local: Local, picture: TestPicture, seed: int) -> Stand | None:
    """Runs the loop up to its first order to repair; None where the fault is not among what it wants repaired."""
    job_id = local.submit(encode_png(picture.image), picture.sample.prompt, JobOptions(seed=seed))
    job = begin(local.jobs.load(job_id).job, local.clock.now_s()).job
    while isinstance(job.pending, Perceive | Diagnose):
        job = advance(job, _answer(local, job, job.pending)).job
    if not isinstance(job.pending, Retouch):
        return None
    size_hw = (picture.image.shape[0], picture.image.shape[1])
    place = picture.sample.places[0].quad_px
    faults = tuple(quad_box(quad, size_hw) for quad in picture.sample.fault_quads_px)
    targets = [
        target.region
        for target in job.pending.targets
        if any(_common(target.region.box_xyxy_px, fault) >= 0.3 for fault in faults)
    ]
    if not targets:
        return None
    height = float(np.linalg.norm(np.subtract(place[3], place[0])))
    whole = (0, 0, size_hw[1], size_hw[0])
    mask = quad_mask(place, whole)
    for quad in picture.sample.fault_quads_px:
        mask |= quad_mask(quad, whole)
    mask = dilate(mask, max(2, round(height * 0.15)))
    box = mask_box(mask) or whole
    ids = tuple(region.id for region in targets)
    return Stand(picture, job, job.pending, ids, box, mask[box[1] : box[3], box[0] : box[2]], height)


def _common(a: BoxXYXY, b: BoxXYXY) -> float:
    return box_area(intersection(a, b)) / max(1, min(box_area(a), box_area(b)))


def _answer(local: Local, job: Job, command: Perceive | Diagnose) -> Perceived | Diagnosed:
    dispatch = local.jobs.next_dispatch(job.id)
    if isinstance(command, Perceive):
        return local.agents.perception.perceive(job, command, dispatch)
    return local.agents.reasoning.diagnose(job, command, dispatch)


def _try(local: Local, stand: Stand, kind: Sabotage) -> Trial | None:
    """Answers the order to repair with one patch; None where the tool itself made none."""
    patches = _tool_patches(local, stand) if kind is Sabotage.TOOL else (_patch(local, stand, kind),)
    if not patches:
        return None
    at_s = local.clock.now_s()
    job = advance(stand.job, Retouched(step=stand.command.step, at_s=at_s, patches=patches)).job
    while isinstance(job.pending, Perceive | Diagnose) and not _judged(job, patches[0].id):
        job = advance(job, _answer(local, job, job.pending)).job
    verdicts = [verdict for verdict in job.verdicts if verdict.patch_id == patches[0].id]
    if not verdicts:
        raise StageError(ErrorCode.INTERNAL, f"the loop ended without a verdict on a {kind} patch: see {stand.job.id}")
    return Trial(kind, stand.picture.sample.file, all(each.accepted for each in verdicts), verdicts[0].reason)


def _judged(job: Job, patch_id: str) -> bool:
    return any(verdict.patch_id == patch_id for verdict in job.verdicts)


def _tool_patches(local: Local, stand: Stand) -> tuple[Patch, ...]:
    """The product's own repair of the place, where the independent reader finds it right."""
    dispatch = local.jobs.next_dispatch(stand.job.id)
    targets = tuple(each for each in stand.command.targets if each.region.id in stand.region_ids)
    order = stand.command.model_copy(update={"targets": targets})
    patches = local.agents.action.retouch(stand.job, order, dispatch).patches
    image = stand.picture.image
    for patch in patches:
        image = compose(image, *patch_pixels(local.store, patch), patch.box_xyxy_px)
    place = stand.picture.sample.places[0]
    return patches if patches and reads_as(read(image, place.quad_px), place.text) else ()


def _patch(local: Local, stand: Stand, kind: Sabotage) -> Patch:
    pixels = sabotaged_pixels(stand, kind)
    alpha = stand.mask.astype(np.uint8) * np.uint8(255)
    stem = f"{stand.job.id}/sabotage/{kind}"
    return Patch(
        id=f"sabotage-{kind}",
        region_ids=stand.region_ids,
        tool="retype",
        box_xyxy_px=stand.box,
        image_ref=local.store.put(f"{stem}.png", encode_png(pixels)),
        alpha_ref=local.store.put(f"{stem}.alpha.png", encode_png(alpha)),
        seed=0,
        reason=f"sabotage: {kind}",
    )


def sabotaged_pixels(stand: Stand, kind: Sabotage) -> Rgb:
    """`(h, w, 3)` pixels of the patch's box.

    Raises:
        ValueError: `TOOL`, whose pixels are the product's.
    """
    right = crop(stand.picture.twin, stand.box)
    now = crop(stand.picture.image, stand.box)
    if kind is Sabotage.TWIN:
        return right
    if kind is Sabotage.BLURRED:
        return np.asarray(cv2.GaussianBlur(right, (0, 0), max(2.0, 0.12 * stand.letter_height_px)), np.uint8)
    if kind is Sabotage.MEAN:
        return np.broadcast_to(now[stand.mask].mean(axis=0).round().astype(np.uint8), now.shape).copy()
    if kind is Sabotage.ERASED:
        hole = stand.mask.astype(np.uint8) * np.uint8(255)
        return np.asarray(cv2.inpaint(now, hole, 5, cv2.INPAINT_TELEA), np.uint8)
    if kind is Sabotage.WRONG_WORD:
        return crop(with_other_word(stand.picture, stand.picture.sample.places[0].text), stand.box)
    if kind is Sabotage.GREYED:
        grey = right.mean(axis=2, keepdims=True)
        return np.asarray(np.broadcast_to(128 + 0.35 * (grey - grey.mean()), right.shape), np.uint8).copy()
    if kind is Sabotage.NOISE:
        noise = np.random.default_rng(0).normal(0, 45, right.shape)
        return np.clip(right + noise, 0, 255).astype(np.uint8)
    if kind is Sabotage.SHIFTED:
        by = max(3, round(0.3 * stand.letter_height_px))
        return np.roll(right, (by, by), axis=(0, 1))
    raise ValueError(f"{kind} has no pixels of its own")
