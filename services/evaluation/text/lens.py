"""What a photograph's lens, film and light were like, measured, so that a sign set into it can be given the same.

Knows photographs alone: nothing of signs or words.
"""

import cv2
import numpy as np

from services.evaluation.text.surfaces import Floats
from shared.images import Rgb


def sharpness_sigma_px(photograph: Rgb) -> float:
    """Blur of the photograph's sharpest edges as a Gaussian's sigma, in [0.35, 2.5] pixels.

    An ideal step of height A blurred by sigma has the slope A / (sigma sqrt(2 pi)); the tenth percentile over all
    strong steps stands for what the lens and the scaling left.
    """
    gray = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=1), cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=1)) / 2
    kernel = np.ones((11, 11), np.uint8)
    height = cv2.dilate(gray, kernel) - cv2.erode(gray, kernel)
    strong = (height > max(40.0, float(np.percentile(height, 80)))) & (slope > 4)
    if strong.sum() < 50:
        return 0.8
    widths = height[strong] / (slope[strong] * np.sqrt(2 * np.pi))
    return float(np.clip(np.percentile(widths, 4) * 0.8, 0.35, 2.5))


def grain_sigma(photograph: Rgb) -> float:
    """Noise of the photograph's flattest parts, in grey levels (median absolute Laplacian, Immerkaer 1996)."""
    gray = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY).astype(np.float32)
    kernel = np.asarray([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(gray, cv2.CV_32F, kernel))
    blocks = cv2.resize(response, (gray.shape[1] // 16, gray.shape[0] // 16), interpolation=cv2.INTER_AREA)
    return float(np.clip(np.percentile(blocks, 20) / 6 * np.sqrt(np.pi / 2), 0.4, 6.0))


def colour_cast(photograph: Rgb) -> Floats:
    """`(3,)` factor: a share of the scene's colour cast."""
    mean = photograph.reshape(-1, 3).mean(axis=0) + 1
    return np.asarray(np.clip((mean / mean.mean()) ** 0.25, 0.9, 1.08), np.float32)


def is_grey(photograph: Rgb) -> bool:
    """Whether it is black and white, so that a coloured sign would look pasted in."""
    wide = photograph[::4, ::4].astype(np.int16)
    return int((wide.max(axis=2) - wide.min(axis=2)).max()) <= 8


def without_colour(rgb: Floats) -> Floats:
    """`(h, w, 3)` luma in all three channels."""
    grey = rgb @ np.asarray([0.299, 0.587, 0.114], np.float32)
    return np.repeat(grey[..., None], 3, axis=2)
