"""Laws of boxes, quadrilaterals and masks."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shared.contracts.base import BoxXYXY, QuadXY
from shared.geometry import (
    box_area,
    dilate,
    expand,
    intersection,
    iou,
    mask_box,
    quad_box,
    quad_mask,
    union,
)

SIDE = 40
EDGE = st.integers(0, SIDE)


@st.composite
def boxes(draw: st.DrawFn) -> BoxXYXY:
    x0, y0 = draw(st.integers(0, SIDE - 1)), draw(st.integers(0, SIDE - 1))
    return x0, y0, draw(st.integers(x0 + 1, SIDE)), draw(st.integers(y0 + 1, SIDE))


def painted(box: BoxXYXY) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def upright(box: BoxXYXY) -> QuadXY:
    x0, y0, x1, y1 = box
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


@given(boxes(), boxes())
def test_areas_agree_with_counting_pixels(a: BoxXYXY, b: BoxXYXY) -> None:
    both, either = painted(a) & painted(b), painted(a) | painted(b)
    assert box_area(a) == painted(a).sum()
    assert box_area(intersection(a, b)) == both.sum()
    assert iou(a, b) == pytest.approx(both.sum() / either.sum())
    assert union(a, b) == mask_box(either)


@given(boxes(), boxes())
def test_iou_is_symmetric_and_one_for_itself_alone(a: BoxXYXY, b: BoxXYXY) -> None:
    assert iou(a, b) == iou(b, a)
    assert iou(a, a) == 1.0
    assert (iou(a, b) == 1.0) == (a == b)


def test_empty_and_inverted_boxes_have_no_area() -> None:
    assert box_area((5, 5, 5, 9)) == 0 and box_area((9, 5, 5, 9)) == 0
    assert iou((5, 5, 5, 5), (7, 7, 7, 7)) == 0.0


@given(boxes(), st.integers(0, 50))
def test_expanding_grows_by_the_margin_and_stops_at_the_border(box: BoxXYXY, margin: int) -> None:
    grown = expand(box, margin, (SIDE, SIDE))
    assert union(grown, box) == grown
    assert intersection(grown, (0, 0, SIDE, SIDE)) == grown
    for new, old, limit in zip(grown, box, (0, 0, SIDE, SIDE), strict=True):
        assert abs(new - old) == margin or new == limit


@given(boxes())
def test_an_upright_quadrilateral_is_its_box_to_the_pixel(box: BoxXYXY) -> None:
    whole = (0, 0, SIDE, SIDE)
    assert quad_box(upright(box), (SIDE, SIDE)) == box
    assert (quad_mask(upright(box), whole) == painted(box)).all()
    assert quad_mask(upright(box), box).all()
    x0, y0, x1, y1 = box
    backwards: QuadXY = ((x1, y0), (x0, y0), (x0, y1), (x1, y1))
    assert (quad_mask(backwards, whole) == painted(box)).all()


@given(st.floats(8, 32), st.floats(8, 32), st.floats(4, 14), st.floats(2, 8), st.floats(0, 6.3))
def test_a_turned_quadrilateral_has_its_area_and_lies_in_its_box(
    x: float, y: float, a: float, b: float, angle: float
) -> None:
    along, across = np.array([np.cos(angle), np.sin(angle)]) * a, np.array([-np.sin(angle), np.cos(angle)]) * b
    centre = np.array([x, y]) + SIDE
    corners = [centre - along - across, centre + along - across, centre + along + across, centre - along + across]
    quad: QuadXY = tuple((float(px), float(py)) for px, py in corners)  # type: ignore[assignment]
    size = (3 * SIDE, 3 * SIDE)
    mask = quad_mask(quad, (0, 0, size[1], size[0]))
    assert abs(mask.sum() - 4 * a * b) <= 2 * (a + b) + 2
    box, tight = quad_box(quad, size), mask_box(mask)
    assert tight is not None and union(box, tight) == box
    assert (quad_mask(quad, box) == mask[box[1] : box[3], box[0] : box[2]]).all()


def test_a_sliver_never_vanishes() -> None:
    thin: QuadXY = ((5.0, 5.1), (30.0, 5.1), (30.0, 5.2), (5.0, 5.2))
    assert quad_mask(thin, (0, 0, SIDE, SIDE)).sum() >= 20


def test_a_quadrilateral_outside_the_image_is_empty_not_an_error() -> None:
    away: QuadXY = ((-30, -30), (-10, -30), (-10, -10), (-30, -10))
    box = quad_box(away, (SIDE, SIDE))
    assert box_area(box) == 0
    assert not quad_mask(away, box).size and not quad_mask(away, (0, 0, SIDE, SIDE)).any()


@given(arrays(bool, (9, 11)))
def test_the_tight_box_holds_all_and_no_row_or_column_too_many(mask: np.ndarray) -> None:
    box = mask_box(mask)
    if box is None:
        assert not mask.any()
        return
    x0, y0, x1, y1 = box
    inside = mask[y0:y1, x0:x1]
    assert inside.sum() == mask.sum()
    assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


@given(arrays(bool, (15, 17)), st.integers(0, 4))
def test_dilation_grows_by_at_most_its_radius(mask: np.ndarray, radius: int) -> None:
    grown = dilate(mask, radius)
    assert (grown | mask == grown).all()
    assert (grown == mask).all() or radius > 0
    rows, columns = np.nonzero(grown)
    ys, xs = np.nonzero(mask)
    assume(len(ys) > 0)
    nearest = np.min(np.hypot(rows[:, None] - ys, columns[:, None] - xs), axis=1)
    assert nearest.max() <= radius + 0.75


def test_dilation_reaches_its_radius_each_way() -> None:
    mask = np.zeros((21, 21), bool)
    mask[10, 10] = True
    grown = dilate(mask, 5)
    assert mask_box(grown) == (5, 5, 16, 16) and mask.sum() == 1
    assert grown is not mask and dilate(mask, 0) is not mask
