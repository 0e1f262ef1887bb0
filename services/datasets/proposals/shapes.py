"""Shapes of proposed regions: a blemish's mask spoilt as a detector would, and blobs on sound things.

Lengths are shares of the image's longer side, so that any size gives the same regions. Pixels alone.
"""

import math
import random
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from shared.geometry import Mask, dilate, mask_box

Spoiling = Literal["jittered", "too large", "too small"]

_SIGMA = 1 / 64
"""Of the Gaussian over a blemish, as the truth maps of saliency have it."""
_ELLIPSES = 0.5
"""Share of regions that lose their own outline: healthy ones have none, and the outline must not tell them apart."""
_LEAST_SIDE = 1 / 40
_SOUND_SIDES = (1 / 24, 1 / 3)
"""Of blobs on sound things; blemishes of the benchmark lie between."""


def spoilt(mask: Mask, how: Spoiling, rng: random.Random) -> Mask:
    """The region that a detector might make of a blemish: blurred, cut at some level, moved, grown.

    Args:
        mask: `(H, W)` bool, not empty.
        how: `jittered` moves by up to a fifth of its side; `too large` grows by up to its side; `too small` keeps a
            part of it.
        rng: of this region.
    """
    side = max(mask.shape)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), side * _SIGMA * rng.uniform(0.5, 1.2))
    grown = soft >= float(soft.max()) * rng.uniform(0.15, 0.5)
    box = mask_box(grown)
    if box is None:
        raise ValueError("an empty mask is no blemish")
    width, height = box[2] - box[0], box[3] - box[1]
    if how == "too small":
        grown = _part(grown, rng)
    if how == "too large":
        grown = dilate(grown, max(2, round(rng.uniform(0.2, 0.6) * max(width, height) / 2 + side / 64)))
    reach = 0.1 if how == "too small" else 0.2
    grown = _moved(grown, round(rng.uniform(-reach, reach) * width), round(rng.uniform(-reach, reach) * height))
    if rng.random() < _ELLIPSES:
        grown = _ellipse_of(grown)
    return _not_tiny(grown)


def blob(centre_xy: tuple[int, int], size_hw: tuple[int, int], rng: random.Random) -> Mask:
    """`(H, W)` bool: one or two ellipses around the centre."""
    canvas = np.zeros(size_hw, np.uint8)
    side = max(size_hw)
    longest = side * math.exp(rng.uniform(math.log(_SOUND_SIDES[0]), math.log(_SOUND_SIDES[1])))
    for number in range(rng.choice((1, 1, 2))):
        aspect = rng.uniform(0.4, 1.0)
        shift = [0.0, 0.0] if number == 0 else [rng.uniform(-0.35, 0.35) * longest for _ in range(2)]
        middle = round(centre_xy[0] + shift[0]), round(centre_xy[1] + shift[1])
        axes = max(1, round(longest / 2)), max(1, round(longest * aspect / 2))
        cv2.ellipse(canvas, middle, axes, rng.uniform(0, 180), 0, 360, 1, -1)
    return _not_tiny(canvas > 0)


def moved_to(mask: Mask, centre_xy: tuple[int, int], rng: random.Random) -> Mask:
    """The shape of a mask at another place, mirrored at random; what leaves the image is cut off."""
    box = mask_box(mask)
    if box is None:
        raise ValueError("an empty mask has no shape")
    shape = mask[box[1] : box[3], box[0] : box[2]]
    if rng.random() < 0.5:
        shape = shape[:, ::-1]
    canvas = np.zeros_like(mask)
    top, left = centre_xy[1] - shape.shape[0] // 2, centre_xy[0] - shape.shape[1] // 2
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(mask.shape[0], top + shape.shape[0]), min(mask.shape[1], left + shape.shape[1])
    canvas[y0:y1, x0:x1] = shape[y0 - top : y1 - top, x0 - left : x1 - left]
    return canvas


def detail(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """`(H, W)` float32: how much is drawn around each pixel; things have edges, skies and walls have few."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = np.abs(cv2.Sobel(gray, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    return np.asarray(cv2.GaussianBlur(edges, (0, 0), max(image.shape[:2]) / 48), np.float32)


def _part(mask: Mask, rng: random.Random) -> Mask:
    """Some 40 to 80 hundredths of the mask, from one side."""
    ys, xs = np.nonzero(mask)
    angle = rng.uniform(0, 2 * math.pi)
    along = xs * math.cos(angle) + ys * math.sin(angle)
    kept = along <= np.quantile(along, rng.uniform(0.4, 0.8))
    part = np.zeros_like(mask)
    part[ys[kept], xs[kept]] = True
    return part


def _moved(mask: Mask, dx: int, dy: int) -> Mask:
    """Moved, unless that would leave nothing of it in the image."""
    shift = np.asarray([[1, 0, dx], [0, 1, dy]], np.float32)
    moved = cv2.warpAffine(mask.astype(np.uint8), shift, (mask.shape[1], mask.shape[0])) > 0
    return np.asarray(moved) if moved.any() else mask


def _ellipse_of(mask: Mask) -> Mask:
    box = mask_box(mask)
    if box is None:
        return mask
    canvas = np.zeros(mask.shape, np.uint8)
    middle = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    cv2.ellipse(canvas, middle, (max(1, (box[2] - box[0]) // 2), max(1, (box[3] - box[1]) // 2)), 0, 0, 360, 1, -1)
    return canvas > 0


def _not_tiny(mask: Mask) -> Mask:
    """A detector drops specks: a smaller region is grown."""
    box = mask_box(mask)
    least = max(mask.shape) * _LEAST_SIDE
    if box is None:
        return mask
    lacking = least - min(box[2] - box[0], box[3] - box[1])
    return dilate(mask, math.ceil(lacking / 2)) if lacking > 0 else mask
