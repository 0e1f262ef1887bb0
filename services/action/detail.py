"""What an instruction editor left alone keeps its own pixels, and what it drew anew gets the grain of its surroundings.

An editor answers every pixel of the crop, and its autoencoder and the size of its square cost all of them fine detail.
So pixels count as edited only where the change is seen from further away than that detail; the others stay as they
were, bit for bit. What was edited gets grain as strong as around it: without it even a good repair shows as a smear.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from shared.appearance import high_pass, quiet_level
from shared.geometry import Mask, dilate
from shared.images import Rgb

Floats = npt.NDArray[np.float32]

LEFT_ALONE, EDITED = 3.0, 9.0
"""Levels by which a smoothed pixel changed, in the channel that changed most: less is the editor's own loss."""
_NATIVE_SIGMA = 1.2
"""Of the smoothing, in pixels of the editor's square; its losses are finer than that."""
_RING_PX = 16


@dataclass(frozen=True)
class Detailed:
    """`image` `(h, w, 3)`; which share of the mask was edited; the standard deviation of the grain, in levels."""

    image: Rgb
    edited_share: float
    grain: float


def with_own_detail(crop: Rgb, image: Rgb, mask: Mask, side_px: int, seed: int) -> Detailed:
    """The editor's picture with the crop's own fine detail.

    Args:
        crop: `(h, w, 3)` before.
        image: `(h, w, 3)` the editor's picture, laid over it.
        mask: `(h, w)` bool, what may change.
        side_px: of the square that the editor saw the crop in.
        seed: of the grain.
    """
    scale = max(1.0, max(mask.shape) / side_px)
    edited = _edited(crop, image, _NATIVE_SIGMA * scale)
    grain, strength = _grain(crop, image, mask, seed)
    share = edited[..., None]
    mixed = crop * (1 - share) + (image + grain[..., None]) * share
    result = np.where(share > 0, np.clip(np.rint(mixed), 0, 255), crop).astype(np.uint8)
    return Detailed(result, float(edited[mask].mean()) if mask.any() else 0.0, strength)


def _edited(crop: Rgb, image: Rgb, sigma_px: float) -> Floats:
    """`(h, w)` in [0, 1]: how much of each pixel is the editor's, a smooth step of how far its tone changed."""
    difference = image.astype(np.float32) - crop.astype(np.float32)
    changed = np.abs(cv2.GaussianBlur(difference, (0, 0), sigma_px)).max(axis=2)
    reach = 2 * int(np.ceil(sigma_px)) + 1
    changed = cv2.dilate(changed, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    rise = np.clip((changed - LEFT_ALONE) / (EDITED - LEFT_ALONE), 0.0, 1.0)
    return np.asarray(rise * rise * (3 - 2 * rise), np.float32)


def _grain(crop: Rgb, image: Rgb, mask: Mask, seed: int) -> tuple[Floats, float]:
    """`(h, w)` white noise that makes the mask as grainy as its ring, and its standard deviation; 0 where it is."""
    ring = dilate(mask, _RING_PX) & ~dilate(mask, 1)
    around = ring if ring.any() else mask
    if not mask.any():
        return np.zeros(mask.shape, np.float32), 0.0
    wanted, own = quiet_level(high_pass(crop), around), quiet_level(high_pass(image), mask)
    noise = np.random.default_rng(seed).standard_normal(mask.shape).astype(np.float32)
    unit = quiet_level(np.abs(noise - cv2.GaussianBlur(noise, (0, 0), 1.2)), np.ones_like(mask))
    strength = float(np.sqrt(max(0.0, wanted**2 - own**2))) / max(unit, 1e-6)
    return noise * np.float32(strength), strength
