"""What the verifier looks at: the place of a patch before and after, in pixels and in the network's features.

Numpy and OpenCV; knows no torch. A window around the patch is cut from both sights at one size, so that small and large
patches look alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from services.perception.saliency.preprocess import Placement, fitted
from shared.contracts.base import BoxXYXY
from shared.contracts.values import AppearanceCheck
from shared.geometry import mask_box
from shared.images import Gray, Rgb

Floats = npt.NDArray[np.float32]

CELLS = 12
"""Side of the window in features."""
PIXELS = 48
"""Side of the window in pixels."""
FACTS = 22
"""Numbers about the pair as a whole: see `_facts`."""
DETAIL, COLOUR, SEAM = 18, 19, 20
"""Which of them say how the patch sits; a colour's shift is in units of `COLOUR_UNIT`."""
COLOUR_UNIT = 5.0

VERIFIED_GAIN = 0.05
"""Of evidence that a verified patch must take away: its own threshold decides, and the evidence follows from it."""
VERIFIED_DETAIL = 0.35
"""Of its surroundings' fine detail that a verified patch must have: a smear is refused by the verifier for the most."""

_WINDOW = 1.6
"""Side of the window over the longer side of the patch."""
_LEAST_WINDOW_PX = 32.0
"""Of the network's square: less would show the features' cells, not the place."""
_SURE = 1e-4
"""A saliency nearer to 0 or 1 has no log odds to speak of."""
_MOST = 4.0
"""Detail, seam and colour count as this much at the most: further out nothing more is said."""


@dataclass(frozen=True)
class Sight:
    """What the saliency network made of one image.

    Attributes:
        square: `(S, S, 3)` the image as the network saw it.
        placement: of the image in it.
        fine: `(C, S/4, S/4)` features of its decoder.
        map_logits: `(S/4, S/4)`.
        any_logit: of any distortion.
        score_logits: `(4,)`.
    """

    square: Rgb
    placement: Placement
    fine: Floats
    map_logits: Floats
    any_logit: float
    score_logits: Floats


@dataclass(frozen=True)
class Laid:
    """A patch as it lies on the image, and how it sits there: `(h, w)` alpha of its box."""

    box: BoxXYXY
    alpha: Gray
    check: AppearanceCheck


@dataclass(frozen=True)
class Pair:
    """The window before and after.

    Attributes:
        fine: `(2, C, CELLS, CELLS)`.
        maps: `(2, CELLS, CELLS)` logits.
        cover: `(CELLS, CELLS)` share of each cell that the patch covers.
        pixels: `(2, 3, PIXELS, PIXELS)` in [-1, 1].
        pixel_cover: `(PIXELS, PIXELS)`.
        facts: `(FACTS,)`.
    """

    fine: Floats
    maps: Floats
    cover: Floats
    pixels: Floats
    pixel_cover: Floats
    facts: Floats


PARTS = tuple(field.name for field in fields(Pair))
"""Of a pair, by name, in order."""


def pair_of(before: Sight, after: Sight, size_hw: tuple[int, int], patch: Laid) -> Pair:
    """Cuts the window of a patch from both sights.

    Args:
        before: of the image without the patch.
        after: of the image with it, at the same placement.
        size_hw: of the image.
        patch: not empty.

    Raises:
        ValueError: the patch covers nothing.
    """
    whole = np.zeros(size_hw, np.bool_)
    x0, y0, x1, y1 = patch.box
    whole[y0:y1, x0:x1] = patch.alpha > 0
    square = fitted(whole, before.placement)
    box = mask_box(square > 0)
    if box is None:
        raise ValueError("a patch that covers nothing cannot be judged")
    left, top, side = _window(box)
    stride = square.shape[0] / before.map_logits.shape[0]
    cells = left / stride, top / stride, side / stride
    coarse = np.asarray(cv2.resize(square, before.map_logits.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
    both = (before, after)
    return Pair(
        fine=np.stack([np.stack([_cut(channel, *cells, CELLS) for channel in one.fine]) for one in both]),
        maps=np.stack([_cut(one.map_logits, *cells, CELLS) for one in both]),
        cover=_cut(coarse, *cells, CELLS),
        pixels=np.stack([_cut(one.square, left, top, side, PIXELS).transpose(2, 0, 1) / 127.5 - 1 for one in both]),
        pixel_cover=_cut(square, left, top, side, PIXELS),
        facts=_facts(before, after, coarse, patch.check),
    )


def _window(box: BoxXYXY) -> tuple[float, float, float]:
    """Left, top and side of the square around a box, in pixels; it may reach over the border."""
    x0, y0, x1, y1 = box
    side = max(_LEAST_WINDOW_PX, _WINDOW * max(x1 - x0, y1 - y0))
    return (x0 + x1 - side) / 2, (y0 + y1 - side) / 2, side


def _cut(plane: npt.NDArray[np.generic], left: float, top: float, side: float, count: int) -> Floats:
    """`(count, count[, C])` float32 samples of a window; beyond the border the border's own values go on."""
    step = side / count
    matrix = np.asarray([[step, 0, left + step / 2 - 0.5], [0, step, top + step / 2 - 0.5]], np.float32)
    values = np.asarray(plane, np.float32)
    if step > 1:  # fewer samples than the plane has: an average first, or fine patterns alias
        values = np.asarray(cv2.blur(values, (round(step), round(step)), borderType=cv2.BORDER_REPLICATE), np.float32)
    cut = cv2.warpAffine(
        values,
        matrix,
        (count, count),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cut, np.float32)


def _facts(before: Sight, after: Sight, cover: Floats, check: AppearanceCheck) -> Floats:
    """`(FACTS,)`: saliency under the patch and in all, whole-image logits, how the patch sits, its area."""
    under = cover > 0
    numbers: list[float] = []
    for sight in (before, after):
        odds = sight.map_logits
        probability = 1 / (1 + np.exp(-odds))
        numbers += [
            float(odds[under].max()),
            _log_odds(float(probability[under].mean())),
            float(odds.max()),
            float(np.log1p(probability.sum())),
            sight.any_logit,
        ]
    differences: Sequence[float] = [float(value) for value in after.score_logits - before.score_logits]
    numbers += [*differences, *(float(value) for value in before.score_logits)]
    numbers += [
        min(_MOST, check.detail_ratio),
        min(_MOST, check.colour_shift / COLOUR_UNIT),
        min(_MOST, check.seam),
        float(np.log(cover.mean() + _SURE)),
    ]
    return np.asarray(numbers, np.float32)


def _log_odds(probability: float) -> float:
    inner = min(max(probability, _SURE), 1 - _SURE)
    return float(np.log(inner / (1 - inner)))
