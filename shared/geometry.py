"""Boxes, quadrilaterals and masks in the original's pixels. Boxes are XYXY and half-open, sizes are (H, W)."""

import cv2
import numpy as np
import numpy.typing as npt

from shared.contracts.base import BoxXYXY, QuadXY

Mask = npt.NDArray[np.bool_]


def box_area(box: BoxXYXY) -> int:
    """Pixels inside; 0 for an empty or inverted box."""
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def intersection(a: BoxXYXY, b: BoxXYXY) -> BoxXYXY:
    """The common part; its area is 0 where the boxes do not meet."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def union(a: BoxXYXY, b: BoxXYXY) -> BoxXYXY:
    """The smallest box that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def iou(a: BoxXYXY, b: BoxXYXY) -> float:
    """Intersection over union in [0, 1]; 0 for two empty boxes."""
    common = box_area(intersection(a, b))
    total = box_area(a) + box_area(b) - common
    return common / total if total else 0.0


def expand(box: BoxXYXY, margin_px: int, size_hw: tuple[int, int]) -> BoxXYXY:
    """The box grown by `margin_px` on every side, cut at the image's border."""
    h, w = size_hw
    return (
        max(0, box[0] - margin_px),
        max(0, box[1] - margin_px),
        min(w, box[2] + margin_px),
        min(h, box[3] + margin_px),
    )


def quad_array(quad: QuadXY) -> npt.NDArray[np.float32]:
    """`(4, 2)` float32 corners."""
    return np.asarray(quad, dtype=np.float32)


def quad_box(quad: QuadXY, size_hw: tuple[int, int]) -> BoxXYXY:
    """The smallest box of whole pixels around the quadrilateral, cut at the image's border."""
    points = quad_array(quad)
    x0, y0 = np.floor(points.min(axis=0)).astype(int)
    x1, y1 = np.ceil(points.max(axis=0)).astype(int)
    return intersection((int(x0), int(y0), int(x1), int(y1)), (0, 0, size_hw[1], size_hw[0]))


def quad_mask(quad: QuadXY, box: BoxXYXY) -> Mask:
    """`(h, w)` bool of the box's size, True where a pixel's centre lies inside the quadrilateral.

    Corners may run either way round. One too thin to hold a pixel's centre, or crossing itself, is drawn with its
    outline, so that it never vanishes.
    """
    mask = np.zeros((max(0, box[3] - box[1]), max(0, box[2] - box[0])), np.bool_)
    if not mask.size:
        return mask
    points = quad_array(quad).astype(np.float64) - np.asarray(box[:2])
    x0, y0 = np.clip(np.floor(points.min(axis=0)).astype(int), 0, None)
    x1, y1 = np.minimum(np.ceil(points.max(axis=0)).astype(int), (mask.shape[1], mask.shape[0]))
    if x0 >= x1 or y0 >= y1:
        return mask
    y, x = np.mgrid[y0:y1, x0:x1] + 0.5
    sides = np.roll(points, -1, axis=0) - points
    turns = [dx * (y - py) - dy * (x - px) for (px, py), (dx, dy) in zip(points, sides, strict=True)]
    inside = np.all([turn >= 0 for turn in turns], axis=0) | np.all([turn <= 0 for turn in turns], axis=0)
    if inside.any():
        mask[y0:y1, x0:x1] = inside
        return mask
    canvas = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(canvas, np.floor(points).astype(np.int32), 255)
    return canvas > 0


def mask_box(mask: Mask) -> BoxXYXY | None:
    """The tight box around True; None where there is none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def dilate(mask: Mask, radius_px: int) -> Mask:
    """Grown by a disc of `radius_px`; 0 returns an equal mask."""
    if radius_px <= 0:
        return mask.copy()
    side = 2 * radius_px + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc)) > 0
