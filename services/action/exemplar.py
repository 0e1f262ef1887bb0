"""Fills a hole in a texture with patches of the texture around it.

Coarse to fine, alternating nearest-patch search and voting (Wexler, Shechtman and Irani 2007), with the search of
PatchMatch (Barnes et al. 2009) done for all pixels at once. Knows pixels and masks only.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from shared.geometry import Mask, dilate
from shared.images import Rgb

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

RADIUS = 3  # patches of 7x7, as in both papers
MAX_LEVELS = 6
ROUNDS = 4
ROUNDS_FINEST = 2
# Larger levels only double the field of the level below: seconds of search give little that the eye finds.
MOST_SEARCHED = 16_000


@dataclass
class _Level:
    """One scale: the image with its current filling, which pixels are to fill, and where patches may come from."""

    image: Floats
    hole: Mask
    sources: Mask


def fill_from_exemplars(image: Rgb, hole: Mask, seed: int, barred: Mask | None = None) -> Rgb | None:
    """`(h, w, 3)` with the hole filled; pixels outside are the very same. None where no whole patch lies outside.

    Args:
        image: `(h, w, 3)` RGB.
        hole: `(h, w)` bool, what to fill.
        seed: of the random search; the same seed gives the same pixels.
        barred: `(h, w)` bool, what must not be copied into the hole: other letters, say.
    """
    rng = np.random.default_rng(seed)
    levels = _pyramid(image, hole, np.zeros_like(hole) if barred is None else barred)
    if not levels[-1].sources.any():
        return None
    field: Indices | None = None
    for depth in range(len(levels) - 1, -1, -1):
        level = levels[depth]
        targets = np.argwhere(_interior(dilate(level.hole, RADIUS)))
        if field is None:
            field = _random_sources(level, len(targets), rng)
        else:
            field = _from_coarser(field, levels[depth + 1], level, targets, rng)
            if len(targets) > MOST_SEARCHED:
                _copy(level, targets, field)
                continue
            _vote(level, targets, field, sharp=False)
        for turn in range(ROUNDS if depth else ROUNDS_FINEST):
            field = _search(level, targets, field, rng)
            _vote(level, targets, field, sharp=depth == 0 and turn == ROUNDS_FINEST - 1)
    result = image.copy()
    result[hole] = np.clip(np.round(levels[0].image[hole]), 0, 255).astype(np.uint8)
    return result


def _pyramid(image: Rgb, hole: Mask, barred: Mask) -> list[_Level]:
    """Halved until the hole is about a patch across or no source would remain."""
    begun = cv2.inpaint(image, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA).astype(np.float32)
    levels = [_Level(begun, hole, _sources(hole | barred))]
    while len(levels) < MAX_LEVELS:
        last = levels[-1]
        depth = cv2.distanceTransform(np.pad(last.hole, 1).astype(np.uint8), cv2.DIST_L2, 3).max()
        size = (last.hole.shape[1] // 2, last.hole.shape[0] // 2)
        if depth <= RADIUS or min(size) < 4 * RADIUS + 2:
            break
        smaller = cv2.resize(last.hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        barred = cv2.resize(barred.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        sources = _sources(smaller | barred)
        if not sources.any():
            break
        pixels = np.asarray(cv2.resize(last.image, size, interpolation=cv2.INTER_AREA), np.float32)
        levels.append(_Level(pixels, smaller, sources))
    return levels


def _interior(mask: Mask) -> Mask:
    """Only centres whose whole patch lies in the image."""
    inner = np.zeros_like(mask)
    inner[RADIUS:-RADIUS, RADIUS:-RADIUS] = mask[RADIUS:-RADIUS, RADIUS:-RADIUS]
    return inner


def _sources(hole: Mask) -> Mask:
    side = 2 * RADIUS + 1
    touched = np.asarray(cv2.dilate(hole.astype(np.uint8), np.ones((side, side), np.uint8))) > 0
    return _interior(~touched)


def _copy(level: _Level, targets: Indices, field: Indices) -> None:
    """Each pixel of the hole becomes its source's pixel."""
    wanted = level.hole[targets[:, 0], targets[:, 1]]
    to, source = targets[wanted], field[wanted]
    level.image[to[:, 0], to[:, 1]] = level.image[source[:, 0], source[:, 1]]


def _random_sources(level: _Level, count: int, rng: np.random.Generator) -> Indices:
    places = np.argwhere(level.sources)
    return places[rng.integers(0, len(places), count)]


def _from_coarser(field: Indices, coarse: _Level, level: _Level, targets: Indices, rng: np.random.Generator) -> Indices:
    """Each target takes twice the displacement of its coarser pixel; where that is no source, a random one."""
    shape = level.hole.shape
    lookup = np.full((*coarse.hole.shape, 2), -1, np.int64)
    coarse_targets = np.argwhere(_interior(dilate(coarse.hole, RADIUS)))
    lookup[coarse_targets[:, 0], coarse_targets[:, 1]] = field
    parents = np.minimum(targets // 2, np.array(coarse.hole.shape) - 1)
    found = lookup[parents[:, 0], parents[:, 1]]
    guess = np.clip(2 * found + targets % 2, 0, np.array(shape) - 1)
    usable = (found[:, 0] >= 0) & level.sources[guess[:, 0], guess[:, 1]]
    return np.where(usable[:, None], guess, _random_sources(level, len(targets), rng))


def _patches(image: Floats, centres: Indices) -> Floats:
    """`(n, 49, 3)` float32."""
    span = np.arange(-RADIUS, RADIUS + 1)
    offsets = (span[:, None] * image.shape[1] + span).reshape(-1)
    flat = centres[:, 0] * image.shape[1] + centres[:, 1]
    return np.asarray(image.reshape(-1, 3)[flat[:, None] + offsets], np.float32)


def _distances(level: _Level, wanted: Floats, candidates: Indices) -> Floats:
    difference = _patches(level.image, candidates) - wanted
    return np.asarray(np.einsum("npc,npc->n", difference, difference), np.float32)


def _search(level: _Level, targets: Indices, field: Indices, rng: np.random.Generator) -> Indices:
    """Improves the field by its neighbours' displacements at 1, 2 and 4 px and by random ones of shrinking radius."""
    wanted = _patches(level.image, targets)
    best, cost = field.copy(), _distances(level, wanted, field)
    number = np.full(level.hole.shape, -1, np.int64)
    number[targets[:, 0], targets[:, 1]] = np.arange(len(targets))
    limits = np.array(level.hole.shape) - 1

    def offer(candidates: Indices, valid: npt.NDArray[np.bool_]) -> None:
        candidates = np.clip(candidates, 0, limits)
        rows = np.flatnonzero(valid & level.sources[candidates[:, 0], candidates[:, 1]])
        found = _distances(level, wanted[rows], candidates[rows])
        better = found < cost[rows]
        best[rows[better]], cost[rows[better]] = candidates[rows[better]], found[better]

    for stride in (4, 2, 1):
        for step in ((stride, 0), (-stride, 0), (0, stride), (0, -stride)):
            beside = targets + np.array(step)
            at = np.clip(beside, 0, limits)
            neighbour = np.where((at == beside).all(axis=1), number[at[:, 0], at[:, 1]], -1)
            offer(best[neighbour] - np.array(step), neighbour >= 0)
    reach = float(max(level.hole.shape))
    while reach >= 1:
        offer(best + np.round(rng.uniform(-reach, reach, best.shape)).astype(np.int64), np.ones(len(best), np.bool_))
        reach /= 3
    return best


def _vote(level: _Level, targets: Indices, field: Indices, *, sharp: bool) -> None:
    """Each pixel of the hole becomes the weighted mean of what the patches over it propose.

    `sharp` lets the best patch decide nearly alone, so that the last image keeps the texture's grain.
    """
    wanted, proposed = _patches(level.image, targets), _patches(level.image, field)
    cost = np.einsum("npc,npc->n", proposed - wanted, proposed - wanted)
    scale = max(float(np.percentile(cost, 75)), 1.0)  # Wexler et al., section 3.2
    weight = np.exp(-cost / (scale * (0.02 if sharp else 0.5))) + 1e-12
    h, w = level.hole.shape
    span = np.arange(-RADIUS, RADIUS + 1)
    offsets = (span[:, None] * w + span).reshape(-1)
    if sharp:
        reach = np.hypot(*np.meshgrid(span, span)).reshape(-1)
        spread = weight[:, None] * np.exp(-((reach / 0.4) ** 2))
    else:
        spread = np.repeat(weight[:, None], len(offsets), axis=1)
    at = ((targets[:, 0] * w + targets[:, 1])[:, None] + offsets).reshape(-1)
    total = np.bincount(at, spread.reshape(-1), h * w)
    voted = np.stack([np.bincount(at, (spread * proposed[..., i]).reshape(-1), h * w) for i in range(3)], axis=1)
    covered = (total > 0).reshape(h, w) & level.hole
    mean = (voted / np.maximum(total, 1e-30)[:, None]).reshape(h, w, 3)
    level.image[covered] = mean[covered]
