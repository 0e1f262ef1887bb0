"""Fills a hole with its own ground: light interpolated, texture and grain taken from places that match.

Each hole pixel takes the detail of a pixel at one of a few offsets, the one whose surroundings agree best with what is
known around the hole (after He and Sun, "Statistics of patch offsets for image completion", 2012, with local costs in
place of a graph cut). Light is carried apart, so that a gradient is not dragged along.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from shared.geometry import Mask

Float = npt.NDArray[np.float32]

OFFSETS = 120
KEPT = 16
_GRAIN = 4.0
"""Median deviations from the light that grain may have: 2.7 standard deviations were it normal."""
WORK_PX = 45_000
"""Above so many pixels the offsets are chosen on a smaller copy."""


def fill(
    image: Float,
    hole: Mask,
    known: Mask,
    reach_px: float,
    rng: np.random.Generator,
    light_px: float | None = None,
    tries: int = OFFSETS,
    plain: bool = False,
    grain: Float | None = None,
) -> Float:
    """`image` with the hole filled.

    Args:
        image: `(h, w, 3)` float32 in 0..255.
        hole: `(h, w)` bool, to fill.
        known: `(h, w)` bool, ground that may be copied; disjoint from the hole.
        reach_px: how far detail may come from, about two heights of capitals.
        rng: chooses the offsets to try.
        light_px: how far light is averaged; None for as far as the hole is thick.
        tries: how many offsets to look at.
        plain: the ground has grain alone; what stands out of it is something else and is not copied.
        grain: `(3,)` median deviations from the light, where they are known better than from what may be copied.

    Returns:
        `(h, w, 3)` float32, equal to `image` outside the hole.
    """
    if not hole.any() or not known.any():
        return image.copy()
    thick = 2.0 * float(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5).max())
    light = interpolate(image, known, max(1.5, 0.5 * thick))
    wide = light if light_px is None else interpolate(image, known, light_px)
    detail = np.where(known[..., None], image - light, 0.0).astype(np.float32)
    if plain:
        seen = np.median(np.abs(detail[known]), axis=0)
        limit = _GRAIN * (seen if grain is None else np.minimum(seen, grain))
        detail = np.clip(detail, -limit, limit).astype(np.float32)
    chosen, offsets = _choose(detail, hole, known, _Search(reach_px, thick, tries), rng)
    rows, columns = np.nonzero(hole)
    shift = offsets[chosen[rows, columns]]
    h, w = hole.shape
    source_y = np.clip(rows + shift[:, 0], 0, h - 1)
    source_x = np.clip(columns + shift[:, 1], 0, w - 1)
    result = image.copy()
    result[rows, columns] = wide[rows, columns] + detail[source_y, source_x]
    return result


def interpolate(image: Float, known: Mask, sigma: float) -> Float:
    """Smooth light everywhere: Gaussian means of known pixels, from coarser levels where none are near (pull-push)."""
    weight: Float = known.astype(np.float32)
    mean: Float = image * weight[..., None]
    shrink = max(1, int(sigma / 3.0))
    if shrink > 1:
        size = (max(1, known.shape[1] // shrink), max(1, known.shape[0] // shrink))
        weight = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), np.float32)
        mean = np.asarray(cv2.resize(mean, size, interpolation=cv2.INTER_AREA), np.float32)
    total = np.asarray(cv2.GaussianBlur(weight, (0, 0), sigma / shrink, borderType=cv2.BORDER_REFLECT), np.float32)
    mean = np.asarray(cv2.GaussianBlur(mean, (0, 0), sigma / shrink, borderType=cv2.BORDER_REFLECT), np.float32)
    levels = [(mean, total)]
    while min(total.shape) > 3:
        mean, total = np.asarray(cv2.pyrDown(mean), np.float32), np.asarray(cv2.pyrDown(total), np.float32)
        levels.append((mean, total))
    overall = image[known].mean(axis=0)
    result = np.broadcast_to(overall, (*levels[-1][1].shape, 3)).astype(np.float32)
    for mean, total in reversed(levels):
        result = np.asarray(cv2.resize(result, total.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
        trust = np.clip(total / 0.15, 0.0, 1.0)[..., None]
        result = result + trust * (mean / np.maximum(total, 1e-6)[..., None] - result)
    if result.shape[:2] != known.shape:
        result = np.asarray(cv2.resize(result, known.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(result, np.float32)


@dataclass(frozen=True)
class _Search:
    """How far to look, how thick the hole is at most, and how many offsets to look at."""

    reach_px: float
    thick_px: float
    tries: int


def _choose(
    detail: Float, hole: Mask, known: Mask, search: _Search, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Index of the best offset at each pixel, `(h, w)`, and the offsets `(n, 2)` as (dy, dx)."""
    h, w = hole.shape
    shrink = max(1, int(np.ceil(np.sqrt(h * w / WORK_PX))))
    size = (max(1, w // shrink), max(1, h // shrink))
    small = np.asarray(cv2.resize(detail, size, interpolation=cv2.INTER_AREA), np.float32)
    small_known = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.999
    small_hole = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    offsets = _offsets(search.reach_px / shrink, max(2.0, 0.6 * search.thick_px / shrink), search.tries, rng)
    side = 2 * max(2, round(0.7 * search.thick_px / shrink)) + 1
    costs = np.stack([_cost(small, small_known, small_hole, dy, dx, side) for dy, dx in offsets.tolist()])
    # A few offsets that serve many pixels keep what is filled in one piece.
    wins = np.bincount(costs[:, small_hole].argmin(axis=0), minlength=len(offsets))
    few = np.argsort(-wins, kind="stable")[:KEPT]
    smooth = np.stack([cv2.blur(costs[index], (side // 2 * 2 + 1, side // 2 * 2 + 1)) for index in few])
    chosen = few[smooth.argmin(axis=0)].astype(np.int32)
    full = cv2.resize(chosen, (w, h), interpolation=cv2.INTER_NEAREST)
    return _valid_only(full, offsets * shrink, hole, known, few)


def _cost(detail: Float, known: Mask, hole: Mask, dy: int, dx: int, side: int) -> Float:
    """How badly what lies at an offset agrees with what is known around, per pixel, lower is better.

    Dearer where the offset leads back into the hole for much of the neighbourhood, since what serves a whole stroke is
    better than a patchwork.
    """
    there = _shifted(detail, dy, dx)
    usable = _shifted(known.astype(np.float32), dy, dx) > 0.5
    both = (usable & known).astype(np.float32)
    total = cv2.blur(both, (side, side))
    error = cv2.blur(np.square(detail - there).sum(axis=2) * both, (side, side)) / np.maximum(total, 1e-3)
    useless = cv2.blur((hole & ~usable).astype(np.float32), (side, side))
    useless = useless / np.maximum(cv2.blur(hole.astype(np.float32), (side, side)), 1e-3)
    cost = (error + 4.0) * (1.0 + 4.0 * useless) + np.where(total > 0.05, 0.0, 4e3)
    return np.asarray(np.where(hole & ~usable, cost + 1e4, cost), np.float32)


def _offsets(reach: float, least: float, tries: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Offsets from `least` to `reach` pixels away, near ones more often, some straight along x or y."""
    top = max(reach, least + 2)
    near = np.exp(rng.uniform(np.log(least), np.log(top), tries))
    radius = np.where(rng.random(tries) < 0.5, near, rng.uniform(least, top, tries))
    angle = rng.uniform(0, 2 * np.pi, tries)
    straight = rng.random(tries) < 0.35
    angle = np.where(straight, np.round(angle / (np.pi / 2)) * (np.pi / 2), angle)
    pairs = np.stack([np.round(radius * np.sin(angle)), np.round(radius * np.cos(angle))], axis=1)
    return np.asarray(np.unique(pairs[np.abs(pairs).max(axis=1) > 0], axis=0), np.int32)


def _shifted(image: Float, dy: int, dx: int) -> Float:
    """`image[y + dy, x + dx]` at (y, x); 0 where that lies outside."""
    matrix = np.array([[1.0, 0.0, -dx], [0.0, 1.0, -dy]])
    return np.asarray(cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_NEAREST), np.float32)


def _valid_only(
    chosen: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int32],
    hole: Mask,
    known: Mask,
    order: npt.NDArray[np.intp],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Replaces choices that do not lead to a known pixel by others that do, as far as there are any."""
    h, w = hole.shape
    rows, columns = np.nonzero(hole)
    labels = chosen[rows, columns].copy()
    for attempt in range(-1, len(order)):
        shift = offsets[labels]
        y, x = rows + shift[:, 0], columns + shift[:, 1]
        inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
        good = inside & known[np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)]
        if good.all() or attempt + 1 >= len(order):
            break
        labels[~good] = order[attempt + 1]
    result = chosen.copy()
    result[rows, columns] = labels
    return result, offsets
