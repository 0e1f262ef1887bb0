"""Where lines of writing stand, at any size: the whole picture scaled down for large letters, tiles for small ones.

Deals in quadrilaterals; the network that marks text pixels is passed in. Reading direction is decided elsewhere: a
quadrilateral here has its long side first, nearest to left-to-right.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.perception.detectors.text.layout import common_area
from shared.contracts.base import BoxXYXY
from shared.images import Rgb

Quads = npt.NDArray[np.float32]
"""`(N, 4, 2)` float32 corners in pixels."""

FindLines = Callable[[Rgb], tuple[Quads, npt.NDArray[np.float32]]]
"""Lines of one picture with sides of multiples of 32: quadrilaterals and `(N,)` scores in [0, 1]."""

_COARSE_SIDE_PX = 1152
_ONE_LOOK_SIDE_PX = 1344
_FINE_PIXELS = 8_000_000
_TILE_PX = 1216
_OVERLAP_PX = 160
_SMALL_SIDE_PX = 640
_LARGEST_ZOOM = 4.0
_WORTH_ENLARGING_PX = 900
_CLEAR_HEIGHT_PX = 18.0


@dataclass(frozen=True)
class FoundLine:
    """A line's quadrilateral `(4, 2)`, and how sure the finder is, in [0, 1]."""

    quad: npt.NDArray[np.float32]
    score: float


def find_lines(image: Rgb, find: FindLines) -> list[FoundLine]:
    """Lines of any size in `image`, in no particular order.

    A picture of up to 1344 px is looked at once (enlarged where it is tiny). A larger one is looked at scaled down,
    for what is then still tall enough, and in overlapping tiles of at most 8 megapixels in all for the rest.
    """
    longest = max(image.shape[:2])
    zoom = min(_LARGEST_ZOOM, _SMALL_SIDE_PX / longest) if longest < _SMALL_SIDE_PX else 1.0
    if longest <= _ONE_LOOK_SIDE_PX:
        return _distinct(_find_scaled(image, zoom, find))
    coarse = _find_scaled(image, _COARSE_SIDE_PX / longest, find)
    scale = _COARSE_SIDE_PX / longest
    clear = [line for line in coarse if line_height(line.quad) * scale >= _CLEAR_HEIGHT_PX]
    small = [line for line in coarse if line_height(line.quad) * scale < _CLEAR_HEIGHT_PX]
    fine = _join_across_tiles(_find_in_tiles(image, find))
    return _distinct(clear + fine + small)


def find_overlooked(image: Rgb, find: FindLines, known: list[FoundLine]) -> list[FoundLine]:
    """Lines found at half the usual scale, in small pictures also at one and a half, where no known one stands."""
    longest = max(image.shape[:2])
    usual = _SMALL_SIDE_PX / longest if longest < _SMALL_SIDE_PX else min(1.0, _COARSE_SIDE_PX / longest)
    found = list(known)
    for factor in (0.5, 1.5) if usual * longest < _WORTH_ENLARGING_PX else (0.5,):
        found += _find_scaled(image, min(_LARGEST_ZOOM, usual * factor), find)
    return [line for line in _distinct(found) if not any(line is k for k in known)]


def _find_scaled(image: Rgb, scale: float, find: FindLines) -> list[FoundLine]:
    height, width = image.shape[:2]
    target = [max(32, round(side * scale / 32) * 32) for side in (height, width)]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(image, (target[1], target[0]), interpolation=interpolation), np.uint8)
    quads, scores = find(scaled)
    factor = np.asarray((width / target[1], height / target[0]), np.float32)
    limit = np.asarray((width, height), np.float32)
    return [FoundLine(np.clip(q * factor, 0, limit), float(s)) for q, s in zip(quads, scores, strict=True)]


def _tiles(size_hw: tuple[int, int], tile_px: int, overlap_px: int) -> list[BoxXYXY]:
    def starts(length: int) -> list[int]:
        if length <= tile_px:
            return [0]
        count = -(-(length - overlap_px) // (tile_px - overlap_px))
        return [round(i * (length - tile_px) / (count - 1)) for i in range(count)]

    h, w = size_hw
    return [(x, y, min(w, x + tile_px), min(h, y + tile_px)) for y in starts(h) for x in starts(w)]


def _find_in_tiles(image: Rgb, find: FindLines) -> list[FoundLine]:
    height, width = image.shape[:2]
    scale = min(1.0, (_FINE_PIXELS / (height * width)) ** 0.5)
    found: list[FoundLine] = []
    for x0, y0, x1, y1 in _tiles((height, width), round(_TILE_PX / scale), round(_OVERLAP_PX / scale)):
        origin = np.asarray((x0, y0), np.float32)
        inside = _find_scaled(image[y0:y1, x0:x1], scale, find)
        found += [FoundLine(line.quad + origin, line.score) for line in inside]
    return found


def _join_across_tiles(lines: list[FoundLine]) -> list[FoundLine]:
    """Pieces of one line that two overlapping tiles cut, put together."""
    joined: list[FoundLine] = []
    for line in sorted(lines, key=lambda line: -_area(line.quad)):
        for i, other in enumerate(joined):
            common = _common_area(line.quad, other.quad)
            alike = 0.7 < line_height(line.quad) / max(1.0, line_height(other.quad)) < 1.4
            if alike and common > 0.02 * min(_area(line.quad), _area(other.quad)):
                hull = _oriented(np.concatenate([line.quad, other.quad]))
                if line_height(hull) < 1.3 * max(line_height(line.quad), line_height(other.quad)):
                    joined[i] = FoundLine(hull, max(line.score, other.score))
                    break
        else:
            joined.append(line)
    return joined


def _distinct(lines: list[FoundLine]) -> list[FoundLine]:
    """Without those that an earlier one covers by half, or that cover an earlier one."""
    kept: list[FoundLine] = []
    for line in lines:
        area = _area(line.quad)
        if area <= 0:
            continue
        if all(_common_area(line.quad, k.quad) < 0.5 * min(area, _area(k.quad)) for k in kept):
            kept.append(line)
    return kept


def _oriented(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return long_side_first(np.asarray(cv2.boxPoints(cv2.minAreaRect(points)), np.float32))


def long_side_first(corners: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The rectangle's corners, clockwise on the picture, from the one whose next side is long and goes to the right.

    A side that goes straight up or down counts as long only where it is 1.5 times the other, as stacked letters and
    squarish words are.
    """
    x, y = corners[:, 0], corners[:, 1]
    signed = float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    ring = corners if signed > 0 else corners[::-1]
    sides = np.roll(ring, -1, axis=0) - ring
    lengths = np.linalg.norm(sides, axis=1)
    rightward = sides[:, 0] / np.maximum(lengths, 1e-6)
    ratio = (lengths[0] + lengths[2]) / max(1e-6, float(lengths[1] + lengths[3]))
    if 1 / 1.5 < ratio < 1.5:
        first = int(np.argmax(rightward))
    else:
        pair = (0, 2) if ratio >= 1.5 else (1, 3)
        # A line that runs straight up or down: prefer upward, which the numbers below call rightmost by a hair.
        lean = rightward - 1e-3 * sides[:, 1] / np.maximum(lengths, 1e-6)
        first = max(pair, key=lambda i: float(lean[i]))
    return np.asarray(np.roll(ring, -first, axis=0), np.float32)


def line_height(quad: npt.NDArray[np.float32]) -> float:
    """Of a quadrilateral with its long side first, in pixels: the mean of the sides across."""
    return float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2


def _area(quad: npt.NDArray[np.float32]) -> float:
    return float(abs(cv2.contourArea(quad)))


def _common_area(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    if (a.max(axis=0) < b.min(axis=0)).any() or (b.max(axis=0) < a.min(axis=0)).any():
        return 0.0
    return common_area(a, b)
