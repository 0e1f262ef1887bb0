"""Between crops of any size and the square that a generative tool sees. Knows no torch.

A crop is scaled by one factor: stretching it would make what is drawn into it come out stretched. What a square has
beyond the crop mirrors it, so that the tool sees no border; the way back cuts that off.
"""

import cv2
import numpy as np

from shared.geometry import Mask
from shared.images import Rgb


def fit(image: Rgb, side_px: int) -> Rgb:
    """`(h, w, 3)` as `(side_px, side_px, 3)`."""
    top, bottom, left, right = _borders(image.shape[0], image.shape[1])
    square = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REFLECT_101)
    return _resized(np.asarray(square, np.uint8), side_px)


def fit_mask(mask: Mask, side_px: int) -> Mask:
    """`(h, w)` bool as `(side_px, side_px)`: True wherever a pixel covers any of the mask; False beyond the crop."""
    top, bottom, left, right = _borders(mask.shape[0], mask.shape[1])
    square = np.pad(mask, ((top, bottom), (left, right))).astype(np.float32)
    interpolation = cv2.INTER_AREA if square.shape[0] > side_px else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(square, (side_px, side_px), interpolation=interpolation) > 0)


def unfit(square: Rgb, size_hw: tuple[int, int]) -> Rgb:
    """The part of a square that shows a crop of that size, at that size."""
    h, w = size_hw
    top, _, left, _ = _borders(h, w)
    return np.ascontiguousarray(_resized(square, max(h, w))[top : top + h, left : left + w])


def _borders(h: int, w: int) -> tuple[int, int, int, int]:
    """Rows above and below, columns at the left and right, that make a square of the longer side."""
    across, down = max(0, h - w), max(0, w - h)
    return down // 2, down - down // 2, across // 2, across - across // 2


def _resized(square: Rgb, side_px: int) -> Rgb:
    if square.shape[0] == side_px:
        return square
    interpolation = cv2.INTER_AREA if square.shape[0] > side_px else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side_px, side_px), interpolation=interpolation), np.uint8)
