"""Masks of every region from the two drawings: what one sees to be wrong, and all that differs between the twins."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.datasets.benchmark.graph import Scene
from services.datasets.benchmark.mutations import Change
from services.datasets.benchmark.render import Renderer
from shared.geometry import Mask
from shared.images import Rgb

SEEN_LEVELS = 8
"""A channel must differ by so much before style for a pixel to count as visibly different."""
LEAST_SHARE = 0.0004
"""A visible blemish below this share of the image (5 by 5 pixels at 256) is none: the change is refused."""
LEAST_CONTRAST = 14.0
"""Mean of the largest channel difference inside the visible blemish."""
_HEAL = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
"""Holes where the colours happen to agree are part of the blemish."""


@dataclass(frozen=True)
class RegionMasks:
    """`(H, W)` bool each; `visible` lies inside `repair`."""

    visible: Mask
    repair: Mask


def region_masks(
    renderer: Renderer,
    clean: Scene,
    shown: Scene,
    changes: Sequence[Change],
    drawn: tuple[Rgb, Rgb],
    final: tuple[Rgb, Rgb],
) -> list[RegionMasks | None]:
    """Masks in the order of the changes; None in place of one that cannot be seen.

    Args:
        renderer: of the drawings' size.
        clean: the healthy graph; `shown` the one with all changes.
        shown: see `clean`.
        changes: what was done, one per region.
        drawn: clean and shown picture before style.
        final: clean and shown picture as they will be stored.
    """
    raw = difference(*drawn)
    stored = difference(*final) > 0
    owner = _owners(renderer, clean, shown, changes)
    seen = (raw >= SEEN_LEVELS) & stored
    visible: list[Mask] = []
    for number in range(1, len(changes) + 1):
        own = cv2.dilate((owner == number).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        own &= (owner == 0) | (owner == number)
        mask = own & seen
        mask &= ~_specks(mask)
        mask = own & (cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, _HEAL) > 0)
        plain = mask.mean() >= LEAST_SHARE and raw[mask].mean() >= LEAST_CONTRAST
        visible.append(mask if plain else np.zeros_like(mask))
    nearest = _nearest(visible)
    return [
        RegionMasks(mask, (stored & (nearest == i)) | mask) if mask.any() else None for i, mask in enumerate(visible)
    ]


def difference(a: Rgb, b: Rgb) -> npt.NDArray[np.uint8]:
    """`(H, W)`, the largest difference of a channel, in levels."""
    by_channel = cv2.absdiff(a, b)
    return np.asarray(np.maximum(np.maximum(by_channel[..., 0], by_channel[..., 1]), by_channel[..., 2]))


def _owners(renderer: Renderer, clean: Scene, shown: Scene, changes: Sequence[Change]) -> npt.NDArray[np.uint8]:
    """The number of the region that each pixel belongs to: by the shown graph, else by what has gone."""
    touched = {path: n for n, change in enumerate(changes, start=1) for path in change.touched}
    gone = {path: n for n, change in enumerate(changes, start=1) for path in change.gone}
    owner = renderer.numbers(shown, touched) if touched else np.zeros((renderer.size_px,) * 2, np.uint8)
    if gone:
        before = renderer.numbers(clean, gone)
        owner = np.where(owner > 0, owner, before)
    return owner


def _specks(mask: Mask) -> Mask:
    """Pixels of components under 3 pixels: the fringe of anti-aliasing, not a blemish."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    small = np.flatnonzero(stats[:count, cv2.CC_STAT_AREA] < 3)
    return np.isin(labels, small[small > 0])


def _nearest(visible: Sequence[Mask]) -> npt.NDArray[np.int64]:
    """The index of the region that lies nearest to each pixel; -1 where no region can be seen at all."""
    if not any(mask.any() for mask in visible):
        return np.full(visible[0].shape, -1, np.int64)
    if len(visible) == 1:
        return np.zeros(visible[0].shape, np.int64)
    distances = [cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3) for mask in visible]
    return np.asarray(np.argmin(np.stack(distances), axis=0))
