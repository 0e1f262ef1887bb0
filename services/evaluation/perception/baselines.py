"""Maps to compare with: what can be had without knowing what a distortion is. Numpy and OpenCV; no network.

An image-level judgement is asked of them, too: it is their map's peak, hence chance for maps that are scaled to 1.
"""

import cv2
import numpy as np
import numpy.typing as npt

from services.perception.metrics import truth_map
from shared.geometry import Mask
from shared.images import Rgb

SaliencyMap = npt.NDArray[np.float32]

CENTRE_SIGMA_OF_SIDE = 0.25
"""Of the centre prior: a Gaussian stretched to the image's aspect ratio, as in Judd et al. 2012."""

ORACLE_FLOOR = 0.02
"""Of the foreground oracle's map elsewhere: KLD is finite where a blemish leaves the drawn things (a missing arm).
The value near which its KLD on the benchmark is lowest, so that it is as strong a baseline as it can be."""

SPECTRAL_WIDTH_PX = 64
_SPECTRAL_SIGMA_PX = 2.5


def uniform(size_hw: tuple[int, int]) -> SaliencyMap:
    """`(H, W)`, equal everywhere: chance."""
    return np.ones(size_hw, np.float32)


def centre_prior(size_hw: tuple[int, int]) -> SaliencyMap:
    """`(H, W)` in (0, 1], a Gaussian around the image's centre."""
    down, across = (
        np.exp(-0.5 * (((np.arange(side) + 0.5) / side - 0.5) / CENTRE_SIGMA_OF_SIDE) ** 2) for side in size_hw
    )
    return np.asarray(np.outer(down, across), np.float32)


def foreground_oracle(foreground: Mask) -> SaliencyMap:
    """`(H, W)` in [0, 1], high on every drawn thing: what a map is worth that finds things and no flaws.

    It is blurred like a truth map and has the floor `ORACLE_FLOOR`, either to its advantage.

    Args:
        foreground: `(H, W)` bool, all that is not backdrop.
    """
    return np.asarray(ORACLE_FLOOR + (1 - ORACLE_FLOOR) * truth_map(foreground), np.float32)


def spectral_residual(image: Rgb) -> SaliencyMap:
    """What stands out of the image's log spectrum (Hou and Zhang 2007, "Saliency detection: a spectral residual
    approach"): R = L - h * L with L the log amplitude and h a mean of 3x3; S = g * |F^-1(exp(R + iP))|^2.

    As published, on a grey image 64 pixels wide, g a Gaussian of 2.5 pixels, scaled to [0, 1].

    Args:
        image: `(H, W, 3)` uint8 RGB.

    Returns:
        `(H, W)` float32 in [0, 1]; all zero for an image of one grey.
    """
    height, width = image.shape[:2]
    small_hw = max(1, round(height * SPECTRAL_WIDTH_PX / width)), SPECTRAL_WIDTH_PX
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if np.ptp(grey) == 0:  # before scaling, whose rounding would be all that is left to see
        return np.zeros((height, width), np.float32)
    small = cv2.resize(grey.astype(np.float64) / 255, small_hw[::-1], interpolation=cv2.INTER_AREA)
    spectrum = np.fft.fft2(small)
    log_amplitude = np.log(np.abs(spectrum) + np.finfo(np.float64).eps)
    residual = log_amplitude - cv2.blur(log_amplitude, (3, 3), borderType=cv2.BORDER_REPLICATE)
    energy = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    smooth = cv2.GaussianBlur(energy, (0, 0), _SPECTRAL_SIGMA_PX)
    scaled = (smooth - smooth.min()) / np.ptp(smooth)
    full = cv2.resize(scaled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full / full.max(), np.float32)
