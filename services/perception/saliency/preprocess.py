"""Between images of any size and the square that the network sees. Numpy and OpenCV; knows no torch.

An image is scaled by one factor and centred: stretching it would make healthy limbs look distorted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from shared.geometry import Mask
from shared.images import Rgb


@dataclass(frozen=True)
class Placement:
    """Where an image lies in the network's square: rows `top:top + height`, columns `left:left + width`."""

    top: int
    left: int
    height: int
    width: int
    side: int


def place(size_hw: tuple[int, int], side: int) -> Placement:
    """The placement of an image of that size in a square of `side` pixels."""
    scale = side / max(size_hw)
    height, width = (max(1, round(length * scale)) for length in size_hw)
    return Placement((side - height) // 2, (side - width) // 2, height, width, side)


def to_square(image: Rgb, placement: Placement, mean: Sequence[float]) -> Rgb:
    """The image in its square, `(side, side, 3)` uint8; around it the mean colour, which is 0 once normalised."""
    square = np.empty((placement.side, placement.side, 3), np.uint8)
    square[...] = np.round(np.asarray(mean) * 255).astype(np.uint8)
    square[_window(placement)] = _scaled(image, placement)
    return square


def fitted(mask: Mask, placement: Placement) -> npt.NDArray[np.float32]:
    """An image's mask in the image's square: `(side, side)` share of each pixel that it covers, 0 around the image.

    However small a mask is, some pixel of the square has a share of it.
    """
    square = np.zeros((placement.side, placement.side), np.float32)
    square[_window(placement)] = np.clip(_scaled(mask.astype(np.float32), placement), 0.0, 1.0)
    return square


def _scaled(plane: npt.NDArray[Any], placement: Placement) -> npt.NDArray[Any]:
    shrinks = placement.height < plane.shape[0] or placement.width < plane.shape[1]
    scaled = cv2.resize(
        plane, (placement.width, placement.height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    return np.asarray(scaled)


def from_square(
    saliency: npt.NDArray[np.float32], placement: Placement, size_hw: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """The part of a square map that shows the image, at the image's size: `(H, W)` float32 in the map's range.

    Args:
        saliency: `(side / stride, side / stride)`.
        placement: of the image in the square.
        size_hw: the image's size.
    """
    side = placement.side
    full = cv2.resize(saliency, (side, side), interpolation=cv2.INTER_LINEAR)
    inner = np.ascontiguousarray(full[_window(placement)])
    if inner.shape == size_hw:
        return np.asarray(inner, np.float32)
    return np.asarray(cv2.resize(inner, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def normalised(squares: npt.NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]) -> npt.NDArray[np.float32]:
    """`(B, side, side, 3)` uint8 to `(B, 3, side, side)` float32, normalised per channel."""
    values = squares.astype(np.float32) / 255
    values = (values - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def _window(placement: Placement) -> tuple[slice, slice]:
    return (
        slice(placement.top, placement.top + placement.height),
        slice(placement.left, placement.left + placement.width),
    )
