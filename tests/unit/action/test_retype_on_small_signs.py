"""`retype` where words fill their sign: the wall around it is no ground to erase them with."""

import cv2
import numpy as np
import pytest
from fakes.tool_requests import a_line_request
from PIL import Image, ImageDraw, ImageFont

from services.action.tools.base import EditResult
from services.action.tools.retype import Retype
from shared.contracts.base import QuadXY
from shared.fonts import HELDOUT_FONTS
from shared.geometry import Mask
from shared.images import Rgb, compose

FACE = next(face for face in HELDOUT_FONTS if face.name == "Cabin-Bold")


def small_sign(
    text: str, wall: tuple[int, int, int], board: tuple[int, int, int], ink: tuple[int, int, int]
) -> tuple[Rgb, Mask, QuadXY]:
    """A wall of 256 pixels with a sign whose rim is two pixels from its letters of 14; the sign; the word's quad."""
    scale = 8
    font = ImageFont.truetype(str(FACE.path), 20 * scale)
    picture = Image.new("RGB", (256 * scale, 96 * scale), wall)
    draw = ImageDraw.Draw(picture)
    x0, y0, x1, y1 = draw.textbbox((70 * scale, 60 * scale), text, font=font, anchor="ls")
    rim = (x0 - 4 * scale, y0 - 4 * scale, x1 + 4 * scale, y1 + 4 * scale)
    draw.rectangle(rim, fill=board)
    draw.text((70 * scale, 60 * scale), text, font=font, fill=ink, anchor="ls")
    small = np.asarray(picture.resize((256, 96), Image.Resampling.BOX), np.float32)
    small = cv2.GaussianBlur(small, (0, 0), 0.9) + np.random.default_rng(3).normal(0, 3, small.shape)
    sign = np.zeros((96, 256), np.bool_)
    sign[rim[1] // scale + 2 : rim[3] // scale - 1, rim[0] // scale + 2 : rim[2] // scale - 1] = True
    left, top, right, bottom = (edge / scale for edge in (x0, y0, x1, y1))
    quad = ((left - 1, top - 1), (right + 1, top - 1), (right + 1, bottom + 1), (left - 1, bottom + 1))
    return np.clip(np.rint(small), 0, 255).astype(np.uint8), sign, quad


def retyped(image: Rgb, quad: QuadXY, text: str, expected: str) -> Rgb:
    h, w = image.shape[:2]
    answer = Retype().edit([a_line_request(image, quad, text, expected)])[0]
    assert isinstance(answer, EditResult), str(answer)
    return compose(image, answer.image, answer.alpha, (0, 0, w, h))


@pytest.mark.parametrize(
    ("wall", "board", "ink"),
    [
        ((200, 214, 224), (132, 92, 66), (236, 226, 206)),
        ((36, 40, 84), (64, 140, 196), (240, 240, 236)),
        ((226, 226, 222), (196, 160, 52), (30, 28, 22)),
    ],
)
def test_a_sign_stays_in_its_colour(
    wall: tuple[int, int, int], board: tuple[int, int, int], ink: tuple[int, int, int]
) -> None:
    image, sign, quad = small_sign("BARRBER", wall, board, ink)
    after = retyped(image, quad, "BARRBER", "BARBER")
    assert not np.array_equal(after, image)
    colours = np.array([wall, board, ink], np.float32)
    nearest = [
        np.linalg.norm(seen[sign].astype(np.float32)[:, None] - colours, axis=2).argmin(axis=1)
        for seen in (image, after)
    ]
    before_wall, after_wall = (float((near == 0).mean()) for near in nearest)
    assert after_wall <= before_wall + 0.03
    assert (nearest[1] == 1).mean() >= 0.4 and (nearest[1] == 2).mean() >= 0.1
