"""`retype` where photographs differ from drawn signs: split grounds, soft shadows, screws, emblems, mirrored words."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fakes.tool_requests import a_text_request
from PIL import Image, ImageDraw, ImageFont

from services.action.tools.base import EditResult, ToolDeclined
from services.action.tools.retype import Retype
from shared.contracts.base import QuadXY
from shared.contracts.values import TextFault, TextReading
from shared.fonts import HELDOUT_FONTS
from shared.images import Rgb, compose

Floats = npt.NDArray[np.float32]
BY_NAME = {face.name: face for face in HELDOUT_FONTS}
SIZE_HW = (220, 640)
INK = np.array((238.0, 234.0, 226.0))


def cover_of(
    text: str, x: float = 90.0, size: int = 72, font: str = "OpenSans-SemiBold"
) -> tuple[Floats, list[QuadXY]]:
    """Coverage of words with the baseline at y = 140, and the quads of the words."""
    face = ImageFont.truetype(str(BY_NAME[font].path), size * 4)
    canvas = Image.new("L", (SIZE_HW[1] * 4, SIZE_HW[0] * 4), 0)
    ImageDraw.Draw(canvas).text((x * 4, 560), text, font=face, fill=255, anchor="ls")
    small = cv2.resize(np.asarray(canvas, np.float32) / 255, SIZE_HW[::-1], interpolation=cv2.INTER_AREA)
    cover = np.asarray(cv2.GaussianBlur(small, (0, 0), 0.7), np.float32)
    quads: list[QuadXY] = []
    start = 0
    for word in text.split(" "):
        left, box = x + face.getlength(text[:start]) / 4, face.getbbox(word, anchor="ls")
        x0, x1 = left + box[0] / 4 - 2, left + box[2] / 4 + 2
        y0, y1 = 140 + box[1] / 4 - 2, 140 + box[3] / 4 + 2
        quads.append(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))
        start += len(word) + 1
    return cover, quads


def board(ground: tuple[int, int, int]) -> npt.NDArray[np.float64]:
    return np.full((*SIZE_HW, 3), ground, np.float64)


def inked(ground: npt.NDArray[np.float64], cover: Floats, seed: int = 3) -> Rgb:
    image = ground * (1 - cover[..., None]) + INK * cover[..., None]
    image += np.random.default_rng(seed).normal(0, 1.5, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def set_anew(
    image: Rgb,
    quads: list[QuadXY],
    text: str,
    index: int,
    expected: str,
    fault: TextFault = TextFault.WRONG,
    line_expected: str | None = None,
    typeface_rank: int = 0,
) -> tuple[EditResult | ToolDeclined, Rgb]:
    """The tool's answer, and the image after it."""
    reading = TextReading(
        text=text.split(" ")[index],
        expected=expected,
        fault=fault,
        confidence=0.9,
        quad_px=quads[index],
        line_text=text,
        line_expected=line_expected,
        line_quad_px=(quads[0][0], quads[-1][1], quads[-1][2], quads[0][3]),
    )
    box = (0, 0, SIZE_HW[1], SIZE_HW[0])
    asked = a_text_request(image, np.ones(SIZE_HW, np.bool_), reading, typeface_rank=typeface_rank)
    answer = Retype().edit([asked])[0]
    return answer, image if isinstance(answer, ToolDeclined) else compose(image, answer.image, answer.alpha, box)


def made(answer: EditResult | ToolDeclined) -> EditResult:
    assert isinstance(answer, EditResult), str(answer)
    return answer


def agreement(image: Rgb, ground: npt.NDArray[np.float64], wanted: Floats) -> float:
    """Best correlation, over shifts, of what leaves the known ground with the coverage wanted."""
    step = INK - ground
    ink = ((image - ground) * step).sum(axis=2) / np.square(step).sum(axis=2)
    rows, columns = np.nonzero(wanted > 0.5)
    template = wanted[rows.min() - 4 : rows.max() + 5, columns.min() - 4 : columns.max() + 5]
    seen = np.pad(np.clip(ink, -1, 1).astype(np.float32), 40)
    return float(cv2.matchTemplate(seen, template, cv2.TM_CCOEFF_NORMED).max())


def split_board() -> npt.NDArray[np.float64]:
    """Dark on the left, lit on the right, with a change within a letter's width: no smooth light explains it."""
    lit = np.clip((np.arange(SIZE_HW[1]) - 225) / 40, 0, 1)[None, :, None]
    return board((26, 24, 40)) * (1 - lit) + board((120, 128, 205)) * lit


def test_a_ground_that_changes_sharply_under_the_word_keeps_its_light() -> None:
    ground = split_board()
    cover, quads = cover_of("HOTEL", font="Arvo-Bold")
    wanted, _ = cover_of("HOSTEL", font="Arvo-Bold")
    answer, after = set_anew(inked(ground, cover), quads, "HOTEL", 0, "HOSTEL")
    made(answer)
    assert agreement(after, ground, wanted) > 0.85


def test_a_small_plate_takes_nothing_from_what_lies_beyond_it() -> None:
    ground = board((190, 150, 60))
    ground[72:150, 70:470] = (44, 42, 52)
    cover, quads = cover_of("GM 125")
    answer, after = set_anew(inked(ground, cover), quads, "GM 125", 1, "150")
    made(answer)
    off = after[76:146, 76:464].astype(float)
    yellow = (off[..., 0] - off[..., 2] > 40).mean()
    assert yellow < 0.002


def test_a_soft_shadow_goes_with_its_letter_and_comes_with_the_new_one() -> None:
    ground = board((52, 48, 160))
    cover, quads = cover_of("Bay")
    fallen = np.asarray(cv2.warpAffine(cover, np.array([[1.0, 0, 3], [0, 1.0, 6]]), SIZE_HW[::-1]), np.float32)
    shadow = cv2.GaussianBlur(fallen, (0, 0), 3.0)[..., None] * np.array((-20.0, -18.0, -60.0))
    answer, after = set_anew(inked(ground + shadow, cover), quads, "Bay", 0, "Bar")
    made(answer)
    tail = slice(148, 166), slice(int(quads[0][1][0]) - 45, int(quads[0][1][0]))
    assert abs(float(after[tail][..., 2].mean()) - 160.0) < 8.0
    below = after[142:150, int(quads[0][0][0]) : int(quads[0][1][0]), 2]
    assert below.min() < 140


def test_screws_beside_the_letters_are_no_letters_and_stay() -> None:
    ground = board((204, 210, 214))
    ink, (cover, quads) = np.array((40.0, 40.0, 44.0)), cover_of("copy centre", size=64)
    image = ground * (1 - cover[..., None]) + ink * cover[..., None]
    at = [(int(quads[0][1][0]) - 4, 84), (int(quads[1][0][0]) + 60, 152)]
    for x, y in at:
        cv2.circle(image, (x, y), 3, (40, 40, 44), -1)
    image += np.random.default_rng(3).normal(0, 1.5, image.shape)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    answer, after = set_anew(pixels, quads, "copy centre", 0, "cosy")
    assert int(str(made(answer).settings["letters_kept"])) >= 2
    assert all((after[y - 1 : y + 2, x - 1 : x + 2] < 90).all() for x, y in at)


def test_an_emblem_at_the_end_of_the_outline_is_not_erased() -> None:
    ground = board((150, 24, 50))
    cover, quads = cover_of("unicef")
    x = int(quads[0][1][0]) + 34
    disc = np.zeros(SIZE_HW, np.float32)
    cv2.circle(disc, (x, 116), 27, 1.0, 3)
    cv2.circle(disc, (x, 116), 14, 1.0, -1)
    image = inked(ground, np.maximum(cover, disc))
    (left, right, low, foot) = quads[0]
    wide: list[QuadXY] = [(left, (x + 30.0, right[1]), (x + 30.0, low[1]), foot)]
    answer, after = set_anew(image, wide, "unicef", 0, "unites")
    made(answer)
    assert (after[disc > 0.9].mean(axis=0) > 200).all()


def seen_from_behind(text: str) -> tuple[Floats, Floats, list[QuadXY]]:
    """Coverage of the word as it should be and as it is mirrored where it stands; its quad."""
    cover, quads = cover_of(text)
    x0, x1 = int(quads[0][0][0]), int(quads[0][1][0])
    turned = cover.copy()
    turned[:, x0:x1] = cover[:, x0:x1][:, ::-1]
    return cover, turned, quads


@pytest.mark.parametrize("read", ["GATE", "ETAG"])
def test_a_mirrored_word_is_turned_round_in_its_own_letters(read: str) -> None:
    ground = board((30, 90, 60))
    cover, turned, quads = seen_from_behind("GATE")
    answer, after = set_anew(inked(ground, turned), quads, read, 0, "GATE", TextFault.MIRRORED)
    assert made(answer).settings["letters_kept"] == 0 and made(answer).settings["letters_reused"] == 4
    assert "turned round" in made(answer).notes[0]
    assert agreement(after, ground, cover) > max(0.95, agreement(inked(ground, turned), ground, cover) + 0.1)


def test_the_second_try_at_a_mirrored_word_is_set_wholly_anew_in_its_own_typeface() -> None:
    ground = board((30, 90, 60))
    cover, turned, quads = seen_from_behind("GATE")
    answer, after = set_anew(inked(ground, turned), quads, "ETAG", 0, "GATE", TextFault.MIRRORED, typeface_rank=1)
    assert made(answer).settings["letters_kept"] == made(answer).settings["letters_reused"] == 0
    assert agreement(after, ground, cover) > max(0.82, agreement(inked(ground, turned), ground, cover) + 0.1)


def test_a_longer_word_keeps_the_space_to_the_next() -> None:
    ground = board((40, 40, 120))
    cover, quads = cover_of("Gift Box")
    answer, after = set_anew(inked(ground, cover), quads, "Gift Box", 0, "Gifts")
    made(answer)
    old = quads[1][0][0] - quads[0][1][0] + 4.0
    row = after[90:140, :, 1].max(axis=0) > 140
    before = np.flatnonzero(row[: int(quads[1][0][0]) + 2])
    assert quads[1][0][0] + 2 - (before[-1] + 1) > 0.75 * old


def test_a_word_much_shorter_is_left_to_the_line_where_that_is_known() -> None:
    ground = board((40, 40, 60))
    cover, quads = cover_of("Conference Hall", size=56)
    image = inked(ground, cover)
    answer, _ = set_anew(image, quads, "Conference Hall", 0, "Gym", line_expected="Gym Hall")
    assert isinstance(answer, ToolDeclined) and "hole" in str(answer)
    alone, _ = set_anew(image, quads, "Conference Hall", 0, "Gym")
    assert isinstance(alone, EditResult)
