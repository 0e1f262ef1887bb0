"""The sabotage table of blemishes: what stands in for a repair of a drawn or photographed thing.

To delete what should not be there (a third arm, a second gift) is a repair and no sabotage: where the place is then
repaired and three quarters of its squared error are gone, that trial is left out of the table. A made-up backdrop has
seldom the twin's very pixels.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from services.action.tools.opencv import erase
from services.evaluation.retouch.fidelity import is_repaired, place_fidelity
from services.evaluation.retouch.pictures import Picture, TrueBlemish
from services.evaluation.sabotage import (
    ON_THE_FAULT,
    Order,
    SabotageCase,
    Stand,
    Trial,
    common,
    first_order,
    stored_patch,
    tried,
)
from services.local import Local
from shared.contracts.base import BoxXYXY
from shared.geometry import Mask, dilate, expand, iou, mask_box
from shared.images import Gray, Rgb, compose, crop, encode_png

RIGHT_GAIN_DB = 6.0
"""By which the PSNR of a place rises, its GMSD falling, where a deletion was the right repair."""

_MARGIN_PX = 2
"""By which a patch is larger than what its repair has to change: its border then lies where both twins agree."""

_CONTEXT_PX = 64
"""Around what is deleted: what a convincing deletion is continued from."""


class Bad(StrEnum):
    """What is done in place of the repair; the first is the right one."""

    TWIN = "twin"
    BLURRED = "blurred"
    MEAN = "mean"
    DELETED = "deleted"
    ANOTHER = "another_blemish"


RIGHT = frozenset({Bad.TWIN})


@dataclass(frozen=True)
class Scrap:
    """A blemish cut from another picture: `(h, w, 3)` RGB of its box."""

    pixels: Rgb


def scrap_of(picture: Picture) -> Scrap | None:
    """The picture's largest blemish, to be pasted elsewhere; None of a healthy one."""
    boxes = [box for blemish in picture.blemishes if (box := mask_box(blemish.visible)) is not None]
    if not boxes:
        return None
    largest = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    return Scrap(crop(picture.image, largest))


def sabotage_picture(local: Local, picture: Picture, scrap: Scrap | None, seed: int) -> SabotageCase:
    """All trials at the first blemish of the picture that the product orders to be repaired.

    The stop rule's gates stand open: what is measured is the verdict, on every blemish that a detector points at.

    Args:
        local: whose verification is tried.
        picture: with its clean twin.
        scrap: another picture's blemish; None leaves that kind out.
        seed: of the job.
    """
    order = first_order(local, encode_png(picture.image), picture.prompt, seed, open_gates=True)
    if order is None:
        return SabotageCase(file=picture.file, trials=())
    trials: list[Trial] = []
    for blemish in picture.blemishes:
        stand = stand_at(picture, blemish, order)
        if stand is not None:
            trials = _trials(local, picture, blemish, stand, scrap)
            break
    local.store.delete(f"{order.job.id}/")
    return SabotageCase(file=picture.file, trials=tuple(trials))


def stand_at(picture: Picture, blemish: TrueBlemish, order: Order) -> Stand | None:
    """The stand at one blemish; None where no target of the order lies on it, or nobody knows what is right."""
    flaw = mask_box(blemish.visible)
    if flaw is None or picture.clean is None:
        return None
    there = [
        target.region for target in order.command.targets if common(target.region.box_xyxy_px, flaw) >= ON_THE_FAULT
    ]
    if not there:
        return None
    # As in the loop, a patch answers for the region that it was ordered for; others that it touches may not suffer.
    answered = max(there, key=lambda region: iou(region.box_xyxy_px, flaw))
    mask = dilate(blemish.repair, _MARGIN_PX)
    box = mask_box(mask) or flaw
    return Stand(picture.file, order.job, order.command, (answered.id,), box, _inner(mask, box))


def _trials(local: Local, picture: Picture, blemish: TrueBlemish, stand: Stand, scrap: Scrap | None) -> list[Trial]:
    trials = []
    for kind in Bad:
        pixels = sabotaged_pixels(picture, stand, kind, scrap)
        if pixels is not None and not (kind is Bad.DELETED and deletion_is_right(picture, blemish, stand, pixels)):
            trials.append(tried(local, stand, kind, (stored_patch(local, stand, kind, pixels, "sabotage"),)))
    return trials


def _inner(mask: Mask, box: BoxXYXY) -> Mask:
    return mask[box[1] : box[3], box[0] : box[2]].copy()


def deletion_is_right(picture: Picture, blemish: TrueBlemish, stand: Stand, pixels: Rgb) -> bool:
    """Whether the patched place is repaired, and nearer to the clean twin by `RIGHT_GAIN_DB`."""
    if picture.clean is None:
        return False
    alpha: Gray = stand.mask.astype(np.uint8) * np.uint8(255)
    patched = compose(picture.image, pixels, alpha, stand.box)
    before, after = (place_fidelity(image, picture.clean, blemish.repair) for image in (picture.image, patched))
    return is_repaired(before, after) and after.psnr >= before.psnr + RIGHT_GAIN_DB


def sabotaged_pixels(picture: Picture, stand: Stand, kind: Bad, scrap: Scrap | None) -> Rgb | None:
    """`(h, w, 3)` pixels of the patch's box; None where this kind cannot be made of the picture."""
    now, mask = crop(picture.image, stand.box), stand.mask
    if kind is Bad.TWIN:
        return None if picture.clean is None else crop(picture.clean, stand.box)
    if kind is Bad.BLURRED:
        return np.asarray(cv2.GaussianBlur(now, (0, 0), max(3.0, 0.15 * float(np.sqrt(mask.sum())))), np.uint8)
    if kind is Bad.MEAN:
        return np.broadcast_to(now[mask].mean(axis=0).round().astype(np.uint8), now.shape).copy()
    if kind is Bad.DELETED:
        return _deleted(picture.image, stand)
    if scrap is None:
        return None
    return np.asarray(cv2.resize(scrap.pixels, now.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _deleted(image: Rgb, stand: Stand) -> Rgb:
    """The place continued from its surroundings, as if nothing had stood there, by the product's own eraser."""
    window = expand(stand.box, _CONTEXT_PX, (image.shape[0], image.shape[1]))
    x0, y0 = stand.box[0] - window[0], stand.box[1] - window[1]
    h, w = stand.mask.shape
    hole = np.zeros((window[3] - window[1], window[2] - window[0]), np.bool_)
    hole[y0 : y0 + h, x0 : x0 + w] = stand.mask
    filled, _ = erase(crop(image, window), hole, seed=0)
    return filled[y0 : y0 + h, x0 : x0 + w].copy()
