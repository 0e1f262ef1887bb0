"""Finds what lies between letters and ground: a cast shadow or an outline, the same for every letter of a line.

It is taken as the ink's own shape, grown, moved and blurred, in one colour; the growth, offset and blur that explain
most of what is seen around the letters are chosen. Knows masks and colours, no letters.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from services.action.tools.retyping.frame import Float
from shared.geometry import Mask, dilate

MIN_EXPLAINED = 0.55
MIN_STEP = 9.0
"""RGB distance from the ground below which nothing is seen to lie there."""


@dataclass(frozen=True)
class Underlay:
    """The ink's shape, grown, moved and blurred by so many pixels, that adds `step` RGB to the ground."""

    dy_px: int
    dx_px: int
    grow_px: int
    blur_px: float
    step: Float

    def cast(self, matte: Float) -> Float:
        """How much of it lies at each pixel, `(h, w)` in [0, 1], given the ink's matte."""
        grown: Float = matte
        if self.grow_px:
            side = 2 * self.grow_px + 1
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
            grown = np.asarray(cv2.dilate(matte, disc), np.float32)
        move = np.array([[1.0, 0.0, self.dx_px], [0.0, 1.0, self.dy_px]])
        moved = cv2.warpAffine(grown, move, matte.shape[::-1], flags=cv2.INTER_NEAREST)
        blurred = moved if self.blur_px < 0.3 else cv2.GaussianBlur(moved, (0, 0), self.blur_px)
        return np.asarray(blurred, np.float32)

    @property
    def reach_px(self) -> int:
        """How far it goes beyond the ink."""
        return int(np.ceil(max(abs(self.dy_px), abs(self.dx_px)) + self.grow_px + 2.2 * self.blur_px))


def find_underlay(
    crop: Float, ground: Float, ink: Mask, usable: Mask, body_px: float, spread: float, blur_px: float
) -> Underlay | None:
    """The shadow or outline around the ink, or None where there is none.

    Args:
        crop: `(h, w, 3)` in 0..255.
        ground: the smooth ground, same shape.
        ink: `(h, w)` bool, solid ink of the line.
        usable: `(h, w)` bool, where the crop shows this line's surroundings and nothing else.
        body_px: height of the line.
        spread: standard deviation of the ground.
        blur_px: blur of the ink's own edges, which is no shadow.
    """
    reach = max(3, round(0.2 * body_px))
    core = dilate(ink, max(1, int(np.ceil(1.3 * blur_px))))
    ring = dilate(ink, reach) & ~core & usable
    if ring.sum() < 60:
        return None
    difference = _averaged(crop - ground, ring, max(1.0, 0.025 * body_px))[ring]
    energy = float(np.square(difference).sum())
    level = np.sqrt(energy / len(difference))
    if level < max(0.5 * MIN_STEP, 0.7 * spread):
        return None
    best: Underlay | None = None
    explained = MIN_EXPLAINED
    solid = ink.astype(np.float32)
    for candidate in _candidates(body_px):
        amount = candidate.cast(solid)[ring]
        power = float(np.square(amount).sum())
        if power < 1e-3:
            continue
        along = amount @ difference
        share = float(along @ along) / (power * energy)
        if share > explained:
            explained = share
            best = replace(candidate, step=(along / power).astype(np.float32))
    if best is None or float(np.linalg.norm(best.step)) < max(MIN_STEP, 2.0 * spread):
        return None
    return best


def _averaged(difference: Float, ring: Mask, sigma: float) -> Float:
    """Grain would drown a faint shadow; it is averaged over a small window, inside the ring only."""
    weight = ring.astype(np.float32)
    mean = cv2.GaussianBlur(difference * weight[..., None], (0, 0), sigma)
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.asarray(mean / np.maximum(total, 1e-3)[..., None], np.float32)


def _candidates(body_px: float) -> list[Underlay]:
    unit = max(1.0, 0.035 * body_px)
    shifts = sorted({round(unit * k) for k in (-4, -2.5, -1.5, 0, 1.5, 2.5, 4)})
    blurs = (0.0, 0.7 * unit, 1.6 * unit)
    none = np.zeros(3, np.float32)
    shadows = [Underlay(dy, dx, 0, b, none) for dy in shifts for dx in shifts for b in blurs if dy or dx]
    outlines = [Underlay(0, 0, max(1, round(unit * g)), b, none) for g in (1, 2, 3, 4) for b in blurs]
    return shadows + outlines
