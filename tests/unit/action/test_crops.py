"""Where an edit looks and what it may change."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.action.crops import cap_height_px, edit_area, flush_ends, grown_quad, same_line
from services.action.planner import Plan
from services.action.policy import JUST_THE_THING, JUST_THE_WORD, ROOM_TO_WRITE, Extent, Growth
from shared.contracts.base import QuadXY
from shared.contracts.loop import Target
from shared.geometry import Mask, mask_box, quad_array
from shared.images import Rgb

Quad = Callable[[float, float, float, float], QuadXY]


@pytest.fixture
def at(desk: Any, plain_wall: Rgb) -> Any:
    return desk(plain_wall)


def planned(extent: Extent, growth: Growth) -> Plan:
    return Plan("retype", extent, "", growth, "")


def in_image(at: Any, target: Target, plan: Plan, forbidden: Mask | None = None) -> Mask:
    left, top, right, bottom = target.region.box_xyxy_px
    own = np.ones((bottom - top, right - left), bool)
    area = edit_area(plan, target.region, own, np.zeros(at.size_hw, bool) if forbidden is None else forbidden)
    x0, y0, x1, y1 = area.crop_box_xyxy_px
    whole = np.zeros(at.size_hw, bool)
    whole[y0:y1, x0:x1] = area.mask
    return whole


def test_letters_that_are_wanting_get_room(at: Any, quad: Quad) -> None:
    plan = planned(Extent.LINE, ROOM_TO_WRITE)
    same = mask_box(in_image(at, at.text("r1", quad(200, 100, 260, 120), "TEH", "THE"), plan))
    longer = mask_box(in_image(at, at.text("r2", quad(200, 100, 260, 120), "TH", "THEATRE"), plan))
    assert same == (186, 86, 274, 134)
    assert longer is not None and longer[0] < 186 - 50 and longer[2] > 274 + 50 and longer[1::2] == (86, 134)


def test_erasing_a_word_stops_short_of_the_next(at: Any, quad: Quad) -> None:
    line = (quad(100, 100, 300, 120), "THE THE", "THE")
    mask = in_image(
        at, at.text("r1", quad(200, 100, 300, 120), "THE", "", line=line), planned(Extent.RUN, JUST_THE_WORD)
    )
    box = mask_box(mask)
    # Some two pixels towards the word before, more where the line ends.
    assert box is not None and 197 <= box[0] <= 199 and box[2] in (309, 310) and 94 <= box[1] <= 96


def test_what_is_forbidden_is_left_out(at: Any, quad: Quad) -> None:
    forbidden = np.zeros(at.size_hw, bool)
    forbidden[:, 230:] = True
    mask = in_image(
        at, at.text("r1", quad(200, 100, 260, 120), "TEH", "THE"), planned(Extent.LINE, ROOM_TO_WRITE), forbidden
    )
    assert mask.any() and not mask[:, 230:].any()


def test_the_crop_has_context_beyond_the_mask_and_stays_in_the_image(at: Any, quad: Quad) -> None:
    target = at.text("r1", quad(2, 2, 60, 22), "TEH", "THE")
    own = np.ones((20, 58), bool)
    area = edit_area(planned(Extent.LINE, ROOM_TO_WRITE), target.region, own, np.zeros(at.size_hw, bool))
    x0, y0, x1, y1 = area.crop_box_xyxy_px
    inner = mask_box(area.mask)
    assert (x0, y0) == (0, 0) and inner is not None
    assert x1 - inner[2] >= 20 and y1 - inner[3] >= 20


def test_a_users_region_grows_by_a_little(at: Any) -> None:
    mask = in_image(at, at.thing("u1", (100, 100, 150, 150)), planned(Extent.REGION, JUST_THE_THING))
    assert mask_box(mask) == (96, 96, 154, 154)


@given(st.floats(0, 6.28), st.floats(20, 200), st.floats(8, 60), st.floats(0, 40), st.floats(0, 40))
def test_a_quad_grows_along_and_across_its_own_baseline(
    angle: float, width: float, height: float, along: float, across: float
) -> None:
    right, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    corners = np.stack([0 * right, width * right, width * right + height * down, height * down]) + 300
    quad: QuadXY = tuple((float(x), float(y)) for x, y in corners)  # type: ignore[assignment]
    grown = quad_array(grown_quad(quad, along, along, across))
    assert np.linalg.norm(grown[1] - grown[0]) == pytest.approx(width + 2 * along, abs=0.05)
    assert np.linalg.norm(grown[3] - grown[0]) == pytest.approx(height + 2 * across, abs=0.05)
    assert np.allclose(grown.mean(axis=0), corners.mean(axis=0), atol=0.05)


def test_a_quad_that_grows_by_nothing_stays(quad: Quad) -> None:
    trapezoid: QuadXY = ((10, 10), (110, 20), (108, 50), (12, 44))
    assert np.allclose(quad_array(grown_quad(trapezoid, 0, 0, 0)), quad_array(trapezoid), atol=1e-3)


def test_lines_are_told_apart(at: Any, quad: Quad) -> None:
    def reading(y: float, x0: float = 100, x1: float = 300) -> Any:
        line = (quad(x0, y, x1, y + 30), "A B", "A C")
        return at.text(f"r{y}-{x0}", quad(x0, y, x0 + 20, y + 30), "B", "C", line=line).region.reading

    assert same_line(reading(100), reading(104))
    assert not same_line(reading(100), reading(130))
    assert not same_line(reading(100), reading(100, 320, 400))


def test_a_line_that_begins_where_another_does_grows_at_its_end_alone(at: Any, quad: Quad) -> None:
    short = at.text("r1", quad(100, 60, 180, 80), "FRESH", "FRESH BREAD").region
    below = at.text("r2", quad(101, 120, 300, 140), "OPEN DALY", "OPEN DAILY").region
    centred = at.text("r3", quad(60, 170, 220, 190), "OPEN DALY", "OPEN DAILY").region
    assert short.reading and below.reading and centred.reading
    assert flush_ends(short.reading, [below.reading]) == (True, False)
    assert flush_ends(short.reading, [short.reading]) == (False, False)
    assert flush_ends(short.reading, [centred.reading]) == (False, False)
    plan, nothing = planned(Extent.LINE, ROOM_TO_WRITE), np.zeros(at.size_hw, bool)

    def ends(*neighbours: Any) -> tuple[int, int]:
        area = edit_area(plan, short, np.ones((20, 80), bool), nothing, neighbours)
        box = mask_box(area.mask)
        assert box is not None
        return box[0] + area.crop_box_xyxy_px[0], box[2] + area.crop_box_xyxy_px[0]

    assert ends(below)[0] >= 97 and ends()[0] < 40
    assert ends(below)[1] == ends()[1] > 240


def test_cap_height_is_a_share_of_the_box() -> None:
    assert cap_height_px(((0, 0), (50, 0), (50, 20), (0, 20))) == pytest.approx(14)
    assert cap_height_px(((0, 0), (5, 0), (5, 0), (0, 0))) == 1.0
