"""The sabotage table of written words: which patches stand in for a repair, and what is drawn into them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from services.evaluation.sabotage import (
    ON_THE_FAULT,
    SabotageFigures,
    Stand,
    Trial,
    common,
    figures_of,
    first_order,
    stored_patch,
    tried,
)
from services.evaluation.text.samples import TestPicture, make_pictures, with_other_word
from services.evaluation.text.scoring import reads_as
from services.evaluation.text.tesseract import read
from services.evaluation.text.truth import Kind
from services.local import Local
from shared.contracts.values import Patch
from shared.geometry import dilate, mask_box, quad_box, quad_mask
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
class WordStand:
    """The stand at a word, with the picture that it is written in."""

    stand: Stand
    picture: TestPicture
    letter_height_px: float


def table(local: Local, words: int, seed: int) -> tuple[SabotageFigures, ...]:
    """Figures for each kind of patch over `words` words (pictures whose fault is not found do not count)."""
    return figures_of(sabotage_trials(local, words, seed), Sabotage, RIGHT)


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
            tool = kind is Sabotage.TOOL
            patches = _tool_patches(local, stand) if tool else (_patch(local, stand, kind),)
            if patches:
                yield tried(local, stand.stand, kind, patches)
        local.store.delete(f"{stand.stand.job.id}/")
        stands += 1
        if stands == words:
            return


def stand_at_repair(local: Local, picture: TestPicture, seed: int) -> WordStand | None:
    """Runs the loop up to its first order to repair; None where the fault is not among what it wants repaired."""
    size_hw = (picture.image.shape[0], picture.image.shape[1])
    faults = tuple(quad_box(quad, size_hw) for quad in picture.sample.fault_quads_px)
    order = first_order(local, encode_png(picture.image), picture.sample.prompt, seed)
    if order is None:
        return None
    ids = order.targets_on(lambda region: any(common(region.box_xyxy_px, fault) >= ON_THE_FAULT for fault in faults))
    if not ids:
        return None
    place = picture.sample.places[0].quad_px
    height = float(np.linalg.norm(np.subtract(place[3], place[0])))
    whole = (0, 0, size_hw[1], size_hw[0])
    mask = quad_mask(place, whole)
    for quad in picture.sample.fault_quads_px:
        mask |= quad_mask(quad, whole)
    mask = dilate(mask, max(2, round(height * 0.15)))
    box = mask_box(mask) or whole
    inner = mask[box[1] : box[3], box[0] : box[2]]
    return WordStand(Stand(picture.sample.file, order.job, order.command, ids, box, inner), picture, height)


def _tool_patches(local: Local, stand: WordStand) -> tuple[Patch, ...]:
    """The product's own repair of the place, where the independent reader finds it right."""
    job, command = stand.stand.job, stand.stand.command
    dispatch = local.jobs.next_dispatch(job.id)
    targets = tuple(each for each in command.targets if each.region.id in stand.stand.region_ids)
    patches = local.agents.action.retouch(job, command.model_copy(update={"targets": targets}), dispatch).patches
    image = stand.picture.image
    for patch in patches:
        image = compose(image, *patch_pixels(local.store, patch), patch.box_xyxy_px)
    place = stand.picture.sample.places[0]
    return patches if patches and reads_as(read(image, place.quad_px), place.text) else ()


def _patch(local: Local, stand: WordStand, kind: Sabotage) -> Patch:
    return stored_patch(local, stand.stand, kind, sabotaged_pixels(stand, kind), "retype")


def sabotaged_pixels(stand: WordStand, kind: Sabotage) -> Rgb:
    """`(h, w, 3)` pixels of the patch's box.

    Raises:
        ValueError: `TOOL`, whose pixels are the product's.
    """
    mask = stand.stand.mask
    right = crop(stand.picture.twin, stand.stand.box)
    now = crop(stand.picture.image, stand.stand.box)
    if kind is Sabotage.TWIN:
        return right
    if kind is Sabotage.BLURRED:
        return np.asarray(cv2.GaussianBlur(right, (0, 0), max(2.0, 0.12 * stand.letter_height_px)), np.uint8)
    if kind is Sabotage.MEAN:
        return np.broadcast_to(now[mask].mean(axis=0).round().astype(np.uint8), now.shape).copy()
    if kind is Sabotage.ERASED:
        hole = mask.astype(np.uint8) * np.uint8(255)
        return np.asarray(cv2.inpaint(now, hole, 5, cv2.INPAINT_TELEA), np.uint8)
    if kind is Sabotage.WRONG_WORD:
        return crop(with_other_word(stand.picture, stand.picture.sample.places[0].text), stand.stand.box)
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
