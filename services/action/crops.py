"""Where an edit looks and what it may change: crop boxes with context, and masks grown from a reading or a region.

Geometry and masks only; which extent and growth is the planner's choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.action.planner import Plan, gaps_beside
from services.action.policy import Extent
from shared.contracts.base import BoxXYXY, QuadXY
from shared.contracts.values import Region, TextReading
from shared.geometry import Mask, dilate, expand, mask_box, quad_array, quad_box, quad_mask, union

CAP_SHARE = 0.7  # cap height over the height of a reader's box, which holds ascenders and descenders
ADVANCE = 0.8  # a letter's width in cap heights, a generous mean over typefaces
CONTEXT_CAPS = 1.5
LEAST_CONTEXT_PX = 24
USER_CONTEXT = 0.75  # of the region's longer side
MOST_CONTEXT_PX = 256  # as much texture as an eraser can use
MOST_ENLARGED = 4  # a crop, to a tool's own size: a model sees little in what is larger than life and soft
LEAST_GROWTH_PX = 2
FLUSH_CAPS = 0.15  # room beyond an end that is aligned with another line's
ALIGNED_CAPS = 0.4
LINE_ENDS = 0.35  # cap heights between a word's end and its line's: less is no room for another word


@dataclass(frozen=True)
class EditArea:
    """Where one edit works: the crop's box, and `(h, w)` bool of that box's size, True where pixels may change."""

    crop_box_xyxy_px: BoxXYXY
    mask: Mask


def edit_area(
    plan: Plan,
    region: Region,
    own_mask: Mask,
    forbidden: Mask,
    neighbours: Sequence[Region] = (),
    native_size_px: int | None = None,
) -> EditArea:
    """The crop and the mask for a plan.

    Args:
        plan: extent and growth.
        region: what to repair.
        own_mask: `(h, w)` bool of the region's box.
        forbidden: `(H, W)` bool of the whole image: protected pixels, other lines, what another edit has taken.
        neighbours: other known regions; lines among them tell whether this one is set flush left or right.
        native_size_px: of the tool; a small region's crop is widened until it is enlarged `MOST_ENLARGED` times.

    Returns:
        The area; its mask may be empty where everything is forbidden.
    """
    size_hw = (forbidden.shape[0], forbidden.shape[1])
    if plan.extent is Extent.REGION or region.reading is None:
        least = native_size_px // MOST_ENLARGED if native_size_px is not None else 0
        crop_box, mask = _region_area(plan, region, own_mask, size_hw, least)
    else:
        crop_box, mask = _text_area(
            plan, region.reading, size_hw, [other.reading for other in neighbours if other.reading is not None]
        )
    x0, y0, x1, y1 = crop_box
    return EditArea(crop_box, mask & ~forbidden[y0:y1, x0:x1])


def cap_height_px(quad: QuadXY) -> float:
    """Estimated height of a capital letter in a line's quadrilateral, in pixels, at least 1."""
    points = quad_array(quad)
    left, right = np.linalg.norm(points[0] - points[3]), np.linalg.norm(points[1] - points[2])
    return max(1.0, CAP_SHARE * float(left + right) / 2)


def grown_quad(quad: QuadXY, before_px: float, after_px: float, across_px: float) -> QuadXY:
    """The quadrilateral with its ends moved outwards along its baseline, and its long sides across it.

    Args:
        quad: corners in reading order.
        before_px: by how much the end where reading starts moves out.
        after_px: by how much the end where it stops moves out.
        across_px: by how much top and bottom move out.
    """
    points = quad_array(quad).astype(np.float64)
    plain = _parallelogram(points)
    right, down = plain[1] - plain[0], plain[3] - plain[0]
    right /= max(1e-6, float(np.linalg.norm(right)))
    down /= max(1e-6, float(np.linalg.norm(down)))
    start, end = -before_px * right, after_px * right
    up, low = -across_px * down, across_px * down
    moved = points + np.stack([start + up, end + up, end + low, start + low])
    first, second, third, fourth = ((float(x), float(y)) for x, y in moved)
    return first, second, third, fourth


def _parallelogram(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The parallelogram nearest to four corners: mean sides about the same centre."""
    centre = points.mean(axis=0)
    side = (points[1] - points[0] + points[2] - points[3]) / 4
    down = (points[3] - points[0] + points[2] - points[1]) / 4
    return np.stack([centre - side - down, centre + side - down, centre + side + down, centre - side + down])


def same_line(a: TextReading, b: TextReading) -> bool:
    """Whether two readings speak of one line: their lines' middles lie within half a height and the lines overlap."""
    first, second = quad_array(a.line_quad_px), quad_array(b.line_quad_px)
    start, end = (first[0] + first[3]) / 2, (first[1] + first[2]) / 2
    length = max(float(np.linalg.norm(end - start)), 1e-6)
    direction = (end - start) / length
    offsets = second - start
    along = offsets @ direction
    across = offsets @ np.array((-direction[1], direction[0]), np.float32)
    height = CAP_SHARE * cap_height_px(a.line_quad_px)
    return abs(float(across.mean())) < height and float(along.max()) > 0 and float(along.min()) < length


def flush_ends(reading: TextReading, others: Sequence[TextReading]) -> tuple[bool, bool]:
    """Whether the line begins, or ends, where another line does: text set flush left, or flush right.

    Lines that share both ends, or their middle, say nothing; nor do words of the same line.
    """
    points = quad_array(reading.line_quad_px)
    start, end = (points[0] + points[3]) / 2, (points[1] + points[2]) / 2
    direction = (end - start) / max(float(np.linalg.norm(end - start)), 1e-6)
    near = ALIGNED_CAPS * cap_height_px(reading.line_quad_px)
    left = right = False
    for other in others:
        corners = quad_array(other.line_quad_px)
        begins = float(((corners[0] + corners[3]) / 2 - start) @ direction)
        ends = float(((corners[1] + corners[2]) / 2 - end) @ direction)
        if not same_line(reading, other):
            left |= abs(begins) < near < abs(ends)
            right |= abs(ends) < near < abs(begins)
    return (left, right) if left != right else (False, False)


def _text_area(
    plan: Plan, reading: TextReading, size_hw: tuple[int, int], others: Sequence[TextReading]
) -> tuple[BoxXYXY, Mask]:
    cap = cap_height_px(reading.line_quad_px)
    whole = plan.extent is Extent.LINE
    quad = reading.line_quad_px if whole else reading.quad_px
    old, new = (reading.line_text, reading.line_expected) if whole else (reading.text, reading.expected)
    wanting = max(0, len(new or "") - len(old)) * ADVANCE
    gaps = (0.0, 0.0) if whole else gaps_beside(reading.quad_px, reading.line_quad_px)
    free = [plan.growth.beyond if gap < LINE_ENDS * cap else plan.growth.along for gap in gaps]
    room = [(share + wanting) * cap for share in free]
    if whole:
        room = [
            FLUSH_CAPS * cap if flush else side for side, flush in zip(room, flush_ends(reading, others), strict=True)
        ]
    grown = grown_quad(quad, room[0], room[1], plan.growth.across * cap)
    margin = max(LEAST_CONTEXT_PX, round(CONTEXT_CAPS * cap))
    crop_box = expand(union(quad_box(reading.line_quad_px, size_hw), quad_box(grown, size_hw)), margin, size_hw)
    return crop_box, quad_mask(grown, crop_box)


def _region_area(
    plan: Plan, region: Region, own_mask: Mask, size_hw: tuple[int, int], least_side_px: int
) -> tuple[BoxXYXY, Mask]:
    x0, y0, x1, y1 = region.box_xyxy_px
    growth = max(LEAST_GROWTH_PX, round(plan.growth.across * min(x1 - x0, y1 - y0)))
    crop_box = region_crop_box(region.box_xyxy_px, growth, size_hw, least_side_px)
    mask = np.zeros((crop_box[3] - crop_box[1], crop_box[2] - crop_box[0]), np.bool_)
    mask[y0 - crop_box[1] : y1 - crop_box[1], x0 - crop_box[0] : x1 - crop_box[0]] = own_mask
    return crop_box, dilate(mask, growth)


def region_crop_box(box: BoxXYXY, growth_px: int, size_hw: tuple[int, int], least_side_px: int = 0) -> BoxXYXY:
    """The crop for a region whose mask grows by so much: with context, and a square where the image has room for one.

    Generative tools work in squares; what a crop lacks to one they have to make up. Trained ones learn from crops that
    this function cut.
    """
    longer = max(box[2] - box[0], box[3] - box[1])
    context = int(np.clip(USER_CONTEXT * longer, LEAST_CONTEXT_PX, MOST_CONTEXT_PX))
    side = max(longer + 2 * (context + growth_px), least_side_px)
    x0, x1 = _span(box[0], box[2], side, size_hw[1])
    y0, y1 = _span(box[1], box[3], side, size_hw[0])
    return x0, y0, x1, y1


def _span(start: int, end: int, length: int, limit: int) -> tuple[int, int]:
    """`length` pixels around the middle of a span, moved into the image; all of it where it is shorter."""
    first = min(max(0, (start + end - length) // 2), max(0, limit - length))
    return first, min(limit, first + length)


def tight(alpha: npt.NDArray[np.uint8]) -> BoxXYXY | None:
    """The box of what changes; None where nothing does."""
    return mask_box(alpha > 0)
