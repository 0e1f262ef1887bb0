"""`retype` on a board from margin to margin: the right words span it as the wrong ones did, in letters of one shape."""

import cv2
import numpy as np
import pytest
from fakes.tool_requests import a_line_request
from PIL import Image, ImageDraw, ImageFont

from services.action.tools.base import EditResult, ToolDeclined
from services.action.tools.retype import Retype
from services.action.tools.retyping.setting import MAX_GROWN, MIN_SCALED
from shared.contracts.base import QuadXY
from shared.contracts.values import TextFault
from shared.fonts import HELDOUT_FONTS
from shared.geometry import Mask
from shared.images import Rgb, compose

FACE = next(face for face in HELDOUT_FONTS if face.name == "Cabin-Bold")
WALL, BOARD, INK = (206, 200, 190), (38, 74, 122), (240, 238, 230)
HW, SCALE = (200, 420), 4


def board_with(text: str, size: int, margin_px: int | None) -> tuple[Rgb, QuadXY]:
    """A word on a board with so much room beside it, or on an empty wall of the board's colour."""
    h, w = HW
    font = ImageFont.truetype(str(FACE.path), size * SCALE)
    picture = Image.new("RGB", (w * SCALE, h * SCALE), BOARD if margin_px is None else WALL)
    draw = ImageDraw.Draw(picture)
    x0, y0, x1, y1 = draw.textbbox((w * SCALE / 2, h * SCALE / 2), text, font=font, anchor="mm")
    if margin_px is not None:
        beside, above = margin_px * SCALE, 36 * SCALE
        draw.rectangle((x0 - beside, y0 - above, x1 + beside, y1 + above), fill=BOARD)
    draw.text((w * SCALE / 2, h * SCALE / 2), text, font=font, fill=INK, anchor="mm")
    image = np.asarray(picture.resize((w, h), Image.Resampling.BOX), np.float32)
    image = cv2.GaussianBlur(image, (0, 0), 0.6) + np.random.default_rng(2).normal(0, 2, image.shape)
    left, top, right, bottom = (edge / SCALE for edge in (x0, y0, x1, y1))
    quad = ((left - 2, top - 2), (right + 2, top - 2), (right + 2, bottom + 2), (left - 2, bottom + 2))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), quad


def answered(image: Rgb, quad: QuadXY, text: str, expected: str, fault: TextFault) -> EditResult | ToolDeclined:
    return Retype().edit([a_line_request(image, quad, text, expected, fault, grow=20)])[0]


def retyped(image: Rgb, quad: QuadXY, text: str, expected: str, fault: TextFault) -> tuple[Rgb, EditResult]:
    h, w = HW
    answer = answered(image, quad, text, expected, fault)
    assert isinstance(answer, EditResult), str(answer)
    return compose(image, answer.image, answer.alpha, (0, 0, w, h)), answer


def ink_box(image: Rgb, quad: QuadXY) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is nearer to the ink's colour than to the board's, around the word."""
    step = np.subtract(INK, BOARD).astype(float)
    share = (image.astype(float) - BOARD) @ step / (step @ step)
    seen: Mask = share > 0.5
    x0, y0, x1, y1 = (round(value) for value in (*quad[0], *quad[2]))
    near = np.zeros(HW, np.bool_)
    near[y0 - 20 : y1 + 20, x0 - 2 : x1 + 2] = True
    rows, columns = np.nonzero(seen & near)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize(
    ("wrong", "right", "fault"),
    [
        ("MEEADOW", "MEADOW", TextFault.DOUBLED),
        ("GROCEERY", "GROCERY", TextFault.MISSPELT),
        ("MOUNTAIN", "CAFETEN", TextFault.WRONG),
        ("YOGHUR", "YOGHURT", TextFault.MISSPELT),
        ("BARBER", "BARBERIA", TextFault.WRONG),
    ],
)
def test_a_word_that_spans_its_board_is_set_to_span_it(wrong: str, right: str, fault: TextFault) -> None:
    image, quad = board_with(wrong, 44, margin_px=8)
    after, answer = retyped(image, quad, wrong, right, fault)
    x0, y0, x1, y1 = ink_box(image, quad)
    left, top, right_end, bottom = ink_box(after, quad)
    scaled = float(answer.settings["scaled"])
    assert answer.settings["condensed"] == pytest.approx(1.0, abs=0.02)
    assert abs(left - x0) <= 3 and abs(right_end - x1) <= 3
    assert (bottom - top) / (y1 - y0) == pytest.approx(scaled, abs=0.08)
    assert (top + bottom) / 2 == pytest.approx((y0 + y1) / 2, abs=1.5)
    assert MIN_SCALED <= scaled <= MAX_GROWN and scaled != 1.0


@pytest.mark.parametrize(("wrong", "right"), [("MEEADOW", "MEADOW"), ("YOGHUR", "YOGHURT")])
def test_a_word_on_an_open_wall_keeps_its_size(wrong: str, right: str) -> None:
    image, quad = board_with(wrong, 44, margin_px=None)
    after, answer = retyped(image, quad, wrong, right, TextFault.MISSPELT)
    assert answer.settings["scaled"] == 1.0
    before, now = ink_box(image, quad), ink_box(after, quad)
    assert now[3] - now[1] == pytest.approx(before[3] - before[1], abs=2)


def test_a_word_far_too_long_for_its_board_is_declined() -> None:
    image, quad = board_with("BARBER", 44, margin_px=8)
    answer = answered(image, quad, "BARBER", "BARBERSANDHAIRDRESSERS", TextFault.WRONG)
    assert isinstance(answer, ToolDeclined) and "too long for its place" in str(answer)
