"""How near a picture is to its clean twin: PSNR, SSIM and GMSD, of the whole picture and of one blemish's place.

GMSD: Xue et al., "Gradient Magnitude Similarity Deviation", IEEE TIP 23(2), 2014: lightness halved by a 2x2 mean,
Prewitt gradients, similarity with c = 170, and its standard deviation. Lower is better; the twin itself gives 0.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from skimage.metrics import structural_similarity

from shared.geometry import Mask, expand, mask_box
from shared.images import Rgb, crop

SAME_DB = 100.0
"""PSNR of equal pixels, which is infinite: no mean could be taken, and no JSON written."""

REPAIRED_GAIN_DB = 1.0
"""A blemish counts as repaired where the PSNR of its place rose by so much, and its GMSD fell."""

SOFT = 0.65
"""Sharpness below which a repaired place is soft: most of these are ghosts, blends of what was and what should be."""

_SHARP_SIGMA_PX = 1.0
_SHARP_FLOOR = 0.3
"""Levels of fine detail that grain alone has: two plain surfaces are as sharp as one another."""
_GMSD_C = 170.0
_CONTEXT_PX = 8
"""Of the window that a blemish's GMSD is taken over: what a repair does to its border belongs to it."""


@dataclass(frozen=True)
class Fidelity:
    """PSNR in dB and SSIM, higher is better; GMSD, lower is better."""

    psnr: float
    ssim: float
    gmsd: float


@dataclass(frozen=True)
class PlaceFidelity:
    """PSNR in dB over a blemish's own pixels, and GMSD over the window around them."""

    psnr: float
    gmsd: float


def fidelity(image: Rgb, twin: Rgb) -> Fidelity:
    """Of the whole picture.

    Raises:
        ValueError: the sizes differ, or a side is below 7 pixels, SSIM's window.
    """
    ssim = structural_similarity(twin, image, channel_axis=2, data_range=255)  # type: ignore[no-untyped-call]
    return Fidelity(psnr(image, twin), float(ssim), gmsd(image, twin))


def place_fidelity(image: Rgb, twin: Rgb, place: Mask) -> PlaceFidelity:
    """Of one blemish, whose repair mask is `place` (`(H, W)` bool).

    Raises:
        ValueError: the mask is empty, or the sizes differ.
    """
    box = mask_box(place)
    if box is None:
        raise ValueError("a blemish without pixels has no fidelity")
    window = expand(box, _CONTEXT_PX, (place.shape[0], place.shape[1]))
    return PlaceFidelity(psnr(image, twin, place), gmsd(crop(image, window), crop(twin, window)))


def is_repaired(before: PlaceFidelity, after: PlaceFidelity) -> bool:
    """Whether a blemish's place came nearer to the clean twin by both measures."""
    return after.psnr >= before.psnr + REPAIRED_GAIN_DB and after.gmsd < before.gmsd


def sharpness(image: Rgb, twin: Rgb, place: Mask) -> float:
    """Fine detail of a place over the clean twin's: about 1 where it is as sharp, towards 0 for a ghost of it.

    Mean absolute Laplacian of Gaussian (sigma 1 px; Marr and Hildreth, "Theory of edge detection", 1980) of the luma.

    Args:
        image: `(H, W, 3)` RGB.
        twin: the same size.
        place: `(H, W)` bool.

    Raises:
        ValueError: the place is empty.
    """
    if not place.any():
        raise ValueError("a place without pixels has no sharpness")
    here, there = (float(_fine_detail(one)[place].mean()) + _SHARP_FLOOR for one in (image, twin))
    return here / there


def _fine_detail(image: Rgb) -> npt.NDArray[np.float32]:
    light = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(np.abs(cv2.Laplacian(cv2.GaussianBlur(light, (0, 0), _SHARP_SIGMA_PX), cv2.CV_32F)), np.float32)


def psnr(image: Rgb, twin: Rgb, place: Mask | None = None) -> float:
    """Peak signal to noise in dB, of the place's pixels where one is given; `SAME_DB` at the most.

    Raises:
        ValueError: the sizes differ.
    """
    if image.shape != twin.shape:
        raise ValueError(f"sizes differ: {image.shape} and {twin.shape}")
    squared = np.square(image.astype(np.float64) - twin)
    error = float(squared.mean() if place is None else squared[place].mean())
    return SAME_DB if error == 0 else min(SAME_DB, float(10 * np.log10(255.0**2 / error)))


def gmsd(image: Rgb, twin: Rgb) -> float:
    """Gradient magnitude similarity deviation of two pictures of one size; 0 where they are equal.

    Raises:
        ValueError: the sizes differ.
    """
    if image.shape != twin.shape:
        raise ValueError(f"sizes differ: {image.shape} and {twin.shape}")
    one, two = _gradient(image), _gradient(twin)
    similarity = (2 * one * two + _GMSD_C) / (one**2 + two**2 + _GMSD_C)
    return float(similarity.std())


def _gradient(image: Rgb) -> npt.NDArray[np.float64]:
    light = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
    half = cv2.blur(light, (2, 2))[::2, ::2]
    across = np.array([[1, 0, -1]] * 3, np.float64) / 3
    return np.hypot(cv2.filter2D(half, -1, across), cv2.filter2D(half, -1, across.T))
