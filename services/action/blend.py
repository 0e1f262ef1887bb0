"""Lays a tool's result into its crop: local colour correction, feathering inside the mask, and a gradient-domain try.

Two kinds of result. A tool that regenerates the whole crop answers alpha 255 all over the mask: its colours have
drifted and its edge is hard, so both are corrected. A tool that draws a matte of its own (letters with soft edges) has
matched colours where it drew: correcting or cloning it again would smear its edges, so it is only kept to the mask.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from services.action.surface import fit_surface
from services.action.tools.base import EditResult
from shared.appearance import seam_measure
from shared.geometry import Mask, dilate
from shared.images import Gray, Rgb, compose

VISIBLE_SEAM = 1.6
LEAST_FEATHER_PX, MOST_FEATHER_PX = 1.0, 10.0
FEATHER_SHARE = 0.12  # of the mask's depth
RING_PX = 16
MOST_CORRECTION = 40.0  # levels; a larger difference is content, not a cast


@dataclass(frozen=True)
class Blended:
    """`image` `(h, w, 3)` and `alpha` `(h, w)` of the crop's size; the seam that remains; which way it was made."""

    image: Rgb
    alpha: Gray
    seam: float
    method: str


def blend(crop: Rgb, result: EditResult, mask: Mask) -> Blended:
    """Makes a patch of a tool's result. The alpha is 0 wherever the mask is False, always.

    Args:
        crop: `(h, w, 3)` the pixels before.
        result: the tool's answer for this crop.
        mask: `(h, w)` bool, what may change; protected pixels are False.

    Raises:
        ValueError: the tool answered in another size.
    """
    if result.image.shape != crop.shape or result.alpha.shape != mask.shape:
        raise ValueError(f"the tool answered {result.image.shape} and alpha {result.alpha.shape} for {crop.shape}")
    own = np.where(mask, result.alpha, 0).astype(np.uint8)
    if not own.any():
        return Blended(crop.copy(), own, 1.0, "unchanged")
    if has_own_matte(result.alpha, mask):
        return Blended(result.image, own, _seam(crop, result.image, own), "matte")
    corrected, feathered = corrected_colour(crop, result.image, mask), feather(mask)
    # Judged without the feather, which hides a step by making a halo of it.
    left = _seam(crop, corrected, own)
    cloned = _poisson(crop, corrected, mask) if left > VISIBLE_SEAM else None
    if cloned is not None and _seam(crop, cloned, own) < left:
        return Blended(cloned, feathered, _seam(crop, cloned, feathered), "poisson")
    return Blended(corrected, feathered, _seam(crop, corrected, feathered), "feathered")


def has_own_matte(alpha: Gray, mask: Mask) -> bool:
    """Whether the tool decided by itself, pixel by pixel, how much of its result to use."""
    return bool((alpha[mask] != 255).any())


def corrected_colour(crop: Rgb, image: Rgb, mask: Mask) -> Rgb:
    """`image` less its colour difference to `crop`, fitted on the ring around the mask as a quadratic surface.

    A generative decoder's shift varies over the image; a constant or a histogram match leaves half of it. Where the
    ring shows no difference the image is returned bit for bit.
    """
    ring = dilate(mask, RING_PX) & ~dilate(mask, 1)
    difference = crop.astype(np.float32) - image.astype(np.float32)
    if not ring.any() or not difference[ring].any():
        return image
    fitted = np.clip(fit_surface(difference, ring, order=2).values, -MOST_CORRECTION, MOST_CORRECTION)
    return np.clip(np.round(image + fitted), 0, 255).astype(np.uint8)


def feather(mask: Mask) -> Gray:
    """`(h, w)` alpha that rises from the mask's border inwards by a smooth step; 0 outside, 255 deep inside.

    The width is a share of the mask's depth, so that a small mask keeps a core. The image's own border is no border.
    """
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    width = float(np.clip(FEATHER_SHARE * distance.max(), LEAST_FEATHER_PX, MOST_FEATHER_PX))
    rise = np.clip(distance / (width + 1.0), 0.0, 1.0)
    return np.where(mask, np.maximum(1, np.round(255 * rise * rise * (3 - 2 * rise))), 0).astype(np.uint8)


def _seam(crop: Rgb, image: Rgb, alpha: Gray) -> float:
    box = (0, 0, crop.shape[1], crop.shape[0])
    return seam_measure(compose(crop, image, alpha, box), box, alpha, crop)


def _poisson(crop: Rgb, image: Rgb, mask: Mask) -> Rgb | None:
    """Gradient-domain cloning (Pérez et al. 2003).

    Where the mask reaches the crop's edge, all are mirrored there: beyond the picture there is nothing to agree with.
    None where it has no say: the mask reaches opposite edges, or is nowhere three pixels thick.
    """
    top, bottom, left, right = _edges_reached(mask)
    if (top and bottom) or (left and right):
        return None
    h, w = mask.shape
    borders = ((h - 1) * top, (h - 1) * bottom, (w - 1) * left, (w - 1) * right)
    around, inside, holes = (
        np.asarray(cv2.copyMakeBorder(each, *borders, cv2.BORDER_REFLECT_101), np.uint8)
        for each in (crop, image, mask.astype(np.uint8))
    )
    cloned = _cloned(around, inside, holes > 0)
    return None if cloned is None else np.ascontiguousarray(cloned[borders[0] :, borders[2] :][:h, :w])


def _edges_reached(mask: Mask) -> tuple[bool, bool, bool, bool]:
    """Whether the mask comes within two pixels of the top, bottom, left and right."""
    return bool(mask[:2].any()), bool(mask[-2:].any()), bool(mask[:, :2].any()), bool(mask[:, -2:].any())


def _cloned(crop: Rgb, image: Rgb, mask: Mask) -> Rgb | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).any():
        return None  # nothing inside its border to solve for
    # OpenCV puts the centre of the mask's bounding rectangle at `centre`, so this leaves everything in place.
    x, width = int(columns[0]), int(columns[-1] - columns[0] + 1)
    y, height = int(rows[0]), int(rows[-1] - rows[0] + 1)
    centre = (x + width // 2, y + height // 2)
    cloned = cv2.seamlessClone(image, crop, mask.astype(np.uint8) * 255, centre, cv2.NORMAL_CLONE)
    return np.asarray(cloned, np.uint8)
