"""Where words stand on the picture: from characters of a line to quadrilaterals, and which lines stand out.

Geometry of lines only; decides nothing about right or wrong.
"""

import numpy as np
import numpy.typing as npt

from services.perception.detectors.text.reading import CtcReading, Line
from shared.contracts.base import QuadXY
from shared.geometry import quad_array


def span_quad(quad: QuadXY, reading: CtcReading, start: int, end: int) -> QuadXY:
    """The part of a line's quadrilateral that characters `start:end` take up, cut half way to their neighbours."""
    centres = np.asarray(reading.centres)
    if start >= end or not centres.size:
        return quad
    inked = [i for i in range(start, end) if reading.text[i] != " "] or list(range(start, end))
    before = [i for i in range(inked[0]) if reading.text[i] != " "]
    after = [i for i in range(inked[-1] + 1, len(reading.text)) if reading.text[i] != " "]
    pitch = float(np.median(np.diff(centres))) if centres.size > 1 else 1.0
    left, right = 0.0, 1.0
    if before:
        left = max(centres[inked[0]] - 0.75 * pitch, (centres[before[-1]] + centres[inked[0]]) / 2)
    if after:
        right = min(centres[inked[-1]] + 0.75 * pitch, (centres[after[0]] + centres[inked[-1]]) / 2)
    return part_of(quad, float(left), float(right))


def part_of(quad: QuadXY, left: float, right: float) -> QuadXY:
    """The part between the shares `left` and `right` of the width, in [0, 1]."""
    tl, tr, br, bl = quad_array(quad).astype(np.float64)
    corners = tl + (tr - tl) * left, tl + (tr - tl) * right, bl + (br - bl) * right, bl + (br - bl) * left
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return a, b, c, d


def mirrored(quad: QuadXY) -> QuadXY:
    """The same place read from the other side of the glass."""
    tl, tr, br, bl = quad
    return tr, tl, bl, br


def upright(quad: QuadXY) -> QuadXY:
    """The quadrilateral turned by half where it reads towards the left: where new letters would go."""
    tl, tr, br, bl = quad
    return (br, bl, tl, tr) if tr[0] < tl[0] else quad


def common_area(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> float:
    """Area in pixels that two convex quadrilaterals `(4, 2)` share.

    Sutherland and Hodgman's clipping; OpenCV's own intersection answers 0 for some that share an edge.
    """
    ring = _clockwise(np.asarray(b, np.float64))
    clipped = list(_clockwise(np.asarray(a, np.float64)))
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        edge = end - start
        sides = [float(edge[0] * (p[1] - start[1]) - edge[1] * (p[0] - start[0])) for p in clipped]
        kept = []
        for i, (point, side) in enumerate(zip(clipped, sides, strict=True)):
            previous, before = clipped[i - 1], sides[i - 1]
            if (side < 0) != (before < 0):
                kept.append(previous + (point - previous) * (before / (before - side)))
            if side >= 0:
                kept.append(point)
        clipped = kept
        if not clipped:
            return 0.0
    return abs(_signed_area(np.asarray(clipped)))


def _clockwise(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return points if _signed_area(points) > 0 else points[::-1]


def _signed_area(points: npt.NDArray[np.float64]) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def prominence(line: Line, size_hw: tuple[int, int]) -> float:
    """How much a line stands out: height and area of the picture it takes, and how near the middle; 0 and up."""
    h, w = size_hw
    height, width = line.size_px
    x, y = line.centre_px
    off_centre = ((x / w - 0.5) ** 2 + (y / h - 0.5) ** 2) ** 0.5
    share = height * width / (h * w)
    return float(share**0.5 * (height / min(h, w)) ** 0.5 * (1.2 - min(1.0, off_centre)) * (0.3 + 0.7 * line.detection))


def are_stacked(a: Line, b: Line) -> bool:
    """Whether two lines of like height stand directly one below the other, or beside each other in one row."""
    (ha, wa), (hb, wb) = a.size_px, b.size_px
    if not 0.6 < ha / max(1e-6, hb) < 1.65 or abs(np.sin(a.angle - b.angle)) > 0.15:
        return False
    offset = np.subtract(b.centre_px, a.centre_px)
    along = abs(float(np.dot(offset, (np.cos(a.angle), np.sin(a.angle)))))
    across = abs(float(np.dot(offset, (-np.sin(a.angle), np.cos(a.angle)))))
    height = (ha + hb) / 2
    below = 0.5 * height < across < 2.2 * height and 2 * along < max(wa, wb)
    beside = across < 0.4 * height and along < (wa + wb) / 2 + 1.2 * height
    return below or beside
