"""Draws the lines of a sign as a coverage mask, and says where each word and line stands.

Uses the fonts set aside for tests (`shared/fonts/heldout`), never those that the product sets words with. A spoilt
sign and its right twin are laid out at the same size, so that they differ in the spoilt word's letters alone.
"""

import itertools
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

import shared
from services.evaluation.text.corruptions import DrawnWord, Lines, Manner, plain

Coverage = npt.NDArray[np.float32]
"""`(h, w)` float32 in [0, 1]: how much of each pixel is ink."""

Box = tuple[float, float, float, float]

MAX_STRETCH = 1.12
"""A word in the room of a longer one is drawn at most this much wider: more would look like another typeface."""

FONT_FOLDER = Path(shared.__file__).parent / "fonts" / "heldout"


class Face(StrEnum):
    """The typefaces set aside for tests."""

    SANS = "OpenSans-SemiBold"
    HUMANIST = "Cabin-Bold"
    CONDENSED = "BarlowCondensed-SemiBold"
    SERIF = "LibreBaskerville-Regular"
    SERIF_BOLD = "PTSerif-Bold"
    SLAB = "Arvo-Bold"
    STENCIL = "BlackOpsOne-Regular"
    HAND = "GloriaHallelujah-Regular"


@dataclass(frozen=True)
class Manuscript:
    """What is set, and how: the right lines, the lines as drawn, the face, tracking (em) and line pitch (em).

    `room_for` is what must fit at the same size too, so that a sign and its spoilt twin agree in size.
    """

    lines: Lines
    drawn: tuple[tuple[DrawnWord, ...], ...]
    face: Face
    tracking_em: float = 0.0
    pitch_em: float = 1.15
    centred: bool = True
    room_for: tuple[tuple[DrawnWord, ...], ...] = ()


@dataclass(frozen=True)
class Lettering:
    """Letters on a plate. Boxes are XYXY in the plate's pixels, around ink; `words` follows the drawn lines."""

    coverage: Coverage
    words: tuple[tuple[Box, ...], ...]
    lines: tuple[Box, ...]


@lru_cache(maxsize=64)
def _font(face: Face, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT_FOLDER / f"{face}.ttf", size_px)


def _advances(text: str, font: ImageFont.FreeTypeFont, tracking_px: float) -> list[float]:
    pen, starts = 0.0, []
    for at, char in enumerate(text):
        starts.append(pen)
        following = text[at + 1 : at + 2]
        pen += font.getlength(char + following) - (font.getlength(following) if following else 0.0) + tracking_px
    return [*starts, pen - tracking_px]


def _width(word: str, font: ImageFont.FreeTypeFont, tracking_px: float) -> float:
    return _advances(word, font, tracking_px)[-1]


def _room(drawn: DrawnWord, font: ImageFont.FreeTypeFont, tracking_px: float) -> float:
    return _width(drawn.slot if drawn.slot is not None else drawn.text, font, tracking_px)


def _line_width(line: tuple[DrawnWord, ...], font: ImageFont.FreeTypeFont, tracking_px: float) -> float:
    gaps = (len(line) - 1) * (font.getlength(" ") + tracking_px)
    return sum(_room(word, font, tracking_px) for word in line) + gaps


def fitting_size(script: Manuscript, room_hw: tuple[int, int]) -> int:
    """The largest font size (pixels) at which both the right and the drawn lines fit into the room; at least 4."""
    h, w = room_hw
    probe = _font(script.face, 100)
    tracking = script.tracking_em * 100
    widest = max(
        _line_width(line, probe, tracking)
        for lines in (script.drawn, plain(script.lines), script.room_for)
        for line in lines
    )
    ascent, descent = _extent(script, probe)
    height = ascent + descent + script.pitch_em * 100 * (len(script.drawn) - 1)
    return max(4, int(100 * min(w / max(widest, 1.0), h / max(height, 1.0))))


def _extent(script: Manuscript, font: ImageFont.FreeTypeFont) -> tuple[float, float]:
    text = "".join(word for line in script.lines for word in line)
    box = font.getbbox(text, anchor="ls")
    return -box[1], max(box[3], 0.0)


def set_lines(script: Manuscript, size_hw: tuple[int, int], room: Box) -> Lettering:
    """Sets the drawn lines into `room` of a plate of `size_hw`, as large as fits, centred upright."""
    size = fitting_size(script, (int(room[3] - room[1]), int(room[2] - room[0])))
    font, tracking = _font(script.face, size), script.tracking_em * size
    ascent, descent = _extent(script, font)
    pitch = script.pitch_em * size
    total = ascent + descent + pitch * (len(script.drawn) - 1)
    baseline = (room[1] + room[3] - total) / 2 + ascent
    coverage = np.zeros(size_hw, np.float32)
    words: list[tuple[Box, ...]] = []
    for number, line in enumerate(script.drawn):
        width = _line_width(line, font, tracking)
        pen = (room[0] + room[2] - width) / 2 if script.centred else room[0]
        boxes: list[Box] = []
        for word in line:
            boxes.append(_place(coverage, word, font, tracking, (pen, baseline + number * pitch)))
            pen += _room(word, font, tracking) + font.getlength(" ") + tracking
        words.append(tuple(boxes))
    return Lettering(coverage, tuple(words), tuple(_around(boxes) for boxes in words))


def _around(boxes: tuple[Box, ...]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def _place(
    coverage: Coverage, word: DrawnWord, font: ImageFont.FreeTypeFont, tracking: float, pen: tuple[float, float]
) -> Box:
    """Draws one word with its baseline's left end at `pen`; returns the box of its ink (of the slot, if absent)."""
    shown = word.slot if word.manner is Manner.ABSENT and word.slot else word.text
    strip, above = _strip(shown, font, tracking)
    margin = (strip.shape[1] - _width(shown, font, tracking)) / 2
    if word.manner in (Manner.MIRRORED, Manner.LETTER_MIRRORED, Manner.GARBLED):
        strip = _spoil(strip, word, _advances(word.text, font, tracking), int(margin))
    room = _room(word, font, tracking)
    if word.slot is not None:
        width = strip.shape[1] - 2 * margin
        size = (round(strip.shape[1] * min(room / width, MAX_STRETCH)), strip.shape[0])
        strip = np.asarray(cv2.resize(strip, size), np.float32)
    x = round(pen[0] + (room - strip.shape[1]) / 2)
    y = round(pen[1] - above)
    columns, rows = np.flatnonzero(strip.max(axis=0) > 0.3), np.flatnonzero(strip.max(axis=1) > 0.3)
    box = (float(x + columns[0]), float(y + rows[0]), float(x + columns[-1] + 1), float(y + rows[-1] + 1))
    if word.manner is not Manner.ABSENT:
        _add(coverage, strip, x, y)
    return box


def _add(coverage: Coverage, strip: Coverage, x: int, y: int) -> None:
    h, w = coverage.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + strip.shape[1], w), min(y + strip.shape[0], h)
    if x1 > x0 and y1 > y0:
        window = coverage[y0:y1, x0:x1]
        np.maximum(window, strip[y0 - y : y1 - y, x0 - x : x1 - x], out=window)


def _strip(text: str, font: ImageFont.FreeTypeFont, tracking: float) -> tuple[Coverage, float]:
    """The word alone, with a margin of a third of the size on every side; and the baseline's distance from the top."""
    size = int(font.size)
    margin = size // 3
    starts = _advances(text, font, tracking)
    above = round(size * 1.2) + margin
    image = Image.new("L", (round(starts[-1]) + 2 * margin, above + round(size * 0.5) + margin), 0)
    pen = ImageDraw.Draw(image)
    for char, start in zip(text, starts, strict=False):
        pen.text((margin + start, above), char, fill=255, font=font, anchor="ls")
    return np.asarray(image, np.float32) / 255.0, float(above)


def _spoil(strip: Coverage, word: DrawnWord, starts: list[float], margin: int) -> Coverage:
    if word.manner is Manner.MIRRORED:
        return np.ascontiguousarray(strip[:, ::-1])
    if word.manner is Manner.LETTER_MIRRORED:
        x0, x1 = margin + round(starts[word.letter]), margin + round(starts[word.letter + 1])
        spoilt = strip.copy()
        spoilt[:, x0:x1] = strip[:, x0:x1][:, ::-1]
        return spoilt
    edges = [round(margin + start) for start in starts]
    return _garble(strip, word.text, edges, np.random.default_rng(word.letter))


def _garble(strip: Coverage, text: str, edges: list[int], rng: np.random.Generator) -> Coverage:
    """Letter-like scribble: upper and lower halves of the letters recombined, all bent by a smooth field."""
    rows = np.flatnonzero(strip.max(axis=1) > 0.3)
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    waist = top + int((bottom - top) * rng.uniform(0.4, 0.6))
    spoilt = np.zeros_like(strip)
    order = rng.permutation(len(edges) - 1)
    for at, (left, right) in enumerate(itertools.pairwise(edges)):
        if right - left < 2:
            continue
        other = int(order[at])
        upper = strip[:, edges[at] : edges[at + 1]]
        lower = strip[:, edges[other] : edges[other + 1]]
        if lower.shape[1] >= 2:
            lower = np.asarray(cv2.resize(lower, (right - left, strip.shape[0])), np.float32)
            # two halves of the same letter would make it whole again
            lower = lower[:, ::-1] if text[other] == text[at] or rng.random() < 0.5 else lower
        else:
            lower = upper[:, ::-1]
        spoilt[:waist, left:right] = upper[:waist]
        spoilt[waist:, left:right] = lower[waist:]
    size = bottom - top
    dx, dy = (_wave(strip.shape, size * 0.45, rng) * size * 0.09 for _ in range(2))
    yy, xx = np.mgrid[: strip.shape[0], : strip.shape[1]].astype(np.float32)
    return np.asarray(cv2.remap(spoilt, xx + dx, yy + dy, cv2.INTER_LINEAR), np.float32)


def _wave(shape: tuple[int, ...], wavelength_px: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """`(h, w)` smooth field of about unit deviation."""
    h, w = shape[0], shape[1]
    coarse = rng.normal(size=(max(3, int(h / wavelength_px) + 2), max(3, int(w / wavelength_px) + 2)))
    return np.asarray(cv2.resize(coarse.astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC), np.float32)
