"""Which blemish a proposed region shows, if any.

The rule, on boxes of visible blemishes: a proposal belongs to the blemish of the highest IoU among those with an IoU
of at least 0.2 or with their centre in the proposal's box. It is healthy where its box, with a margin of 2 pixels,
holds no pixel of any visible blemish. All others show part of a blemish and are neither: they are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.contracts.base import BoxXYXY
from shared.geometry import Mask, expand, iou, mask_box

LEAST_IOU = 0.2
SOUND_MARGIN_PX = 2


@dataclass(frozen=True)
class Match:
    """What a proposal shows.

    Attributes:
        blemish: index of the blemish; None on a sound place.
        covered: share of the blemish's pixels inside the proposal's box, 0 on a sound place.
    """

    blemish: int | None
    covered: float


def match(box: BoxXYXY, visible_masks: Sequence[Mask]) -> Match | None:
    """What the box shows, by the rule above; None where it is neither a blemish nor sound.

    Args:
        box: the proposal's, within the image.
        visible_masks: `(H, W)` bool, one per blemish.
    """
    best: tuple[float, int] | None = None
    sound = True
    for number, mask in enumerate(visible_masks):
        around = mask_box(mask)
        if around is None:
            continue
        sound = sound and not _cut(mask, expand(box, SOUND_MARGIN_PX, (mask.shape[0], mask.shape[1]))).any()
        overlap = iou(box, around)
        if (overlap >= LEAST_IOU or _holds(box, mask)) and (best is None or overlap > best[0]):
            best = overlap, number
    if best is not None:
        mask = visible_masks[best[1]]
        return Match(best[1], float(_cut(mask, box).sum() / mask.sum()))
    return Match(None, 0.0) if sound else None


def _cut(mask: Mask, box: BoxXYXY) -> Mask:
    x0, y0, x1, y1 = box
    return mask[y0:y1, x0:x1]


def _holds(box: BoxXYXY, mask: Mask) -> bool:
    """Whether the centre of the mask's pixels lies in the box."""
    ys, xs = np.nonzero(mask)
    return bool(box[0] <= xs.mean() + 0.5 < box[2] and box[1] <= ys.mean() + 0.5 < box[3])
