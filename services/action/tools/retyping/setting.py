"""Places the expected words: size, width and position in the frame, then their coverage on the crop's pixels.

Knows the style and the room there is; nothing of colour. Too little room is a refusal, not a squeeze.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from services.action.tools.base import ToolDeclined
from services.action.tools.retyping.frame import Float, Frame, warp
from services.action.tools.retyping.glyphs import Drawn, draw
from services.action.tools.retyping.line import Line
from services.action.tools.retyping.typeface import Style
from shared.geometry import Mask

MIN_CONDENSED = 0.75
MIN_SCALED = 0.7
_FLUSH = 0.2
"""Body heights by which lines set flush may begin apart: letters' side bearings differ."""
FILLED = 0.13
"""Room beside words, over their width, below which they fill their place: a sign's margins, and no empty wall."""
MAX_GROWN = 1.6
_AIR = 0.25
"""Letter heights that stay free above and below letters that grow."""
OVERSAMPLING = 3
_MAX_DRAWN_EM_PX = 600


@dataclass(frozen=True)
class Room:
    """Columns of the frame that the words may take, where they stood, and how they are aligned.

    `tallest` is None where the letters keep their size. Where the old words filled their place from margin to margin,
    so are the new ones to do, their letters smaller or up to so many times as tall.
    """

    x0: float
    x1: float
    old_x0: float
    old_x1: float
    keep: str
    tallest: float | None = None

    def filling(self, width: float) -> float:
        """By what letters that are `width` wide in all are scaled to fill the place; 1 where they keep their size."""
        if self.tallest is None:
            return 1.0
        return float(np.clip((self.old_x1 - self.old_x0) / width, MIN_SCALED, self.tallest))


@dataclass(frozen=True)
class Setting:
    """The words in place: `drawn` under `to_frame`, a `(3, 3)` affine map from drawn pixels to frame points.

    Ink lies from `x0` to `x1` in the frame.
    """

    drawn: Drawn
    to_frame: Float
    condensed: float
    scaled: float
    x0: float = 0.0
    x1: float = 0.0


def room_for(
    line: Line, frame: Frame, run_quad: Float, free: Mask, allowed: Mask, keep: str, layout_known: bool = False
) -> Room:
    """How far the run may reach to either side.

    Args:
        line: as measured.
        frame: the frame.
        run_quad: `(4, 2)` the run's quadrilateral in the frame.
        free: `(H, W)` bool, plain ground, or ink that will go.
        allowed: `(H, W)` bool, what may change.
        keep: how the words are aligned, see `alignment`.
        layout_known: the old words are whole, so that they show whether they were set to fill their place.
    """
    run = [line.words[i] for i in line.run]
    before = line.words[line.run.start - 1] if line.run.start > 0 and line.words else None
    after = line.words[line.run.stop] if line.run.stop < len(line.words) else None
    if run:
        old_x0, old_x1 = run[0].box.x0, run[-1].box.x1
    else:
        old_x0, old_x1 = float(run_quad[:, 0].min()), float(run_quad[:, 0].max())
    top, bottom = _rows(line, frame)
    usable = allowed[top:bottom].all(axis=0) & (free[top:bottom].mean(axis=0) > 0.88)
    clear = free[top:bottom].mean(axis=0) > 0.88
    x0 = _reach(usable, old_x0, -1, 0 if before is None else before.box.x1)
    x1 = _reach(usable, old_x1, 1, usable.size if after is None else after.box.x0)
    if before is None:
        x0 = max(x0, _kept_clear(clear, old_x0, -1, frame))
    if after is None:
        x1 = min(x1, _kept_clear(clear, old_x1, 1, frame))
    if before is not None:
        x0 = max(x0, before.box.x1 + _least_gap(old_x0 - before.box.x1, frame))
    if after is not None:
        x1 = min(x1, after.box.x0 - _least_gap(after.box.x0 - old_x1, frame))
    tallest = None
    if layout_known and run and len(run) == len(line.words):
        beside = (old_x0 - _reach(clear, old_x0, -1, 0), _reach(clear, old_x1, 1, clear.size) - old_x1)
        if max(beside) < FILLED * (old_x1 - old_x0):
            columns = slice(int(old_x0), int(np.ceil(old_x1)))
            tallest = _tallest((free & allowed)[:, columns].mean(axis=1) > 0.88, top, bottom)
    return Room(min(x0, old_x0), max(x1, old_x1), old_x0, old_x1, keep, tallest)


def _tallest(open_rows: Mask, top: int, bottom: int) -> float:
    """By what letters between those rows may grow about their middle with some air left above and below."""
    air = min(top - _reach(open_rows, top, -1, 0), _reach(open_rows, bottom - 1, 1, open_rows.size) - (bottom - 1))
    height = bottom - top
    return float(np.clip((height + 2.0 * air) / (height * (1.0 + 2.0 * _AIR)), 1.0, MAX_GROWN))


def alignment(line: Line, frame: Frame, old: str, new: str, trusted: bool) -> str:
    """Whether words keep their left edge or their centre.

    They keep the left one where they begin as the old ones did, or stand first or last among others.

    Garbled letters say little of where the right ones would have begun: those are centred on them.
    """
    if not trusted:
        return "centre"
    if len(line.run) == len(line.words):
        return "left" if old and (new.startswith(old + " ") or flush_left(line, frame)) else "centre"
    first, last = line.run.start == 0, line.run.stop == len(line.words)
    return "left" if first or last else "centre"


def flush_left(line: Line, frame: Frame) -> bool:
    """Whether lines above or below begin where this one does and end elsewhere, as far as the frame shows them."""
    body = frame.line.height
    x0, x1 = line.words[0].box.x0, line.words[-1].box.x1
    top, bottom = _rows(line, frame)
    strips = (slice(max(0, top - round(0.6 * body)), max(0, top - 3)), slice(bottom + 3, bottom + round(0.6 * body)))
    left = right = 0
    for rows in strips:
        columns = np.flatnonzero(line.solid[rows].any(axis=0)) if rows.stop > rows.start else np.zeros(0, np.intp)
        near = columns[(columns > x0 - body) & (columns < x1 + body)]
        if near.size < 0.5 * body:
            continue
        left += abs(float(near[0]) - x0) < _FLUSH * body
        right += abs(float(near[-1]) - x1) < _FLUSH * body
    return left > right


def _least_gap(old: float, frame: Frame) -> float:
    """How narrow a space between words may become: 0.8 of the old one, less of a wide one, and still a space."""
    body = frame.line.height
    return min(max(0.22 * body, 0.8 * old if old < 0.6 * body else 0.67 * old), max(old, 1.0))


def _kept_clear(clear: Mask, start: float, step: int, frame: Frame) -> float:
    """Up to where the words may come before the next thing on that side: 0.8 of the old distance stays, if short."""
    body = frame.line.height
    thing = _reach(clear, start, step, clear.size if step > 0 else 0)
    distance = abs(thing - start)
    return thing - step * min(max(0.1 * body, 0.8 * distance if distance < 0.8 * body else 0.3 * body), distance)


def _rows(line: Line, frame: Frame) -> tuple[int, int]:
    boxes = [w.box for w in line.words]
    top = min([b.y0 for b in boxes], default=frame.line.y0)
    bottom = max([b.y1 for b in boxes], default=frame.line.y1)
    return max(0, int(top)), min(frame.size_hw[0], int(np.ceil(bottom)))


def _reach(usable: Mask, start: float, step: int, stop: float) -> float:
    """The last usable column from `start` towards `stop`."""
    column = int(np.clip(start, 0, usable.size - 1))
    while 0 <= column + step < usable.size and usable[column + step] and (column + step - stop) * step < 0:
        column += step
    return float(column)


def place(text: str, style: Style, room: Room, frame: Frame) -> Setting:
    """The words set into the room.

    Raises:
        ToolDeclined: they would have to be condensed and scaled down too far.
    """
    em = int(np.clip(round(OVERSAMPLING * style.em_px / frame.scale), 90, _MAX_DRAWN_EM_PX))
    drawn = draw(text, style.face, em, style.tracking_em, style.bolder_em)
    if drawn.ink.width <= 0:
        raise ToolDeclined(f"“{text}” has no visible letters")
    unit = style.em_px / em
    lean = abs(style.slant) * drawn.ink.height * unit
    natural = drawn.ink.width * unit * style.widen + lean
    condensed, scaled = _squeeze(text, natural, room)
    width = natural * condensed * scaled
    left = room.old_x0 if room.keep == "left" else (room.old_x0 + room.old_x1 - width) / 2
    left = float(np.clip(left, room.x0, max(room.x0, room.x1 - width)))
    sx, sy = unit * style.widen * condensed * scaled, unit * scaled
    ink = drawn.ink
    baseline = style.baseline_y - 0.5 * (1.0 - scaled) * abs(ink.y0) * unit
    leftmost = min(-style.slant * sy * ink.y0, -style.slant * sy * ink.y1)
    matrix = np.array(
        [
            [sx, -style.slant * sy, left - leftmost - sx * (ink.x0 + drawn.pen) + style.slant * sy * drawn.baseline],
            [0.0, sy, baseline - sy * drawn.baseline],
            [0.0, 0.0, 1.0],
        ]
    )
    return Setting(drawn=drawn, to_frame=matrix, condensed=condensed, scaled=scaled, x0=left, x1=left + width)


def _squeeze(text: str, natural: float, room: Room) -> tuple[float, float]:
    """By what the letters are condensed, and then scaled down, to fit the room; a little either way to fill it."""
    available = room.x1 - room.x0
    if room.tallest is not None:
        scaled = room.filling(natural)
        condensed = min(1.0, float(available / (natural * scaled)))
        if condensed < MIN_CONDENSED:
            raise _too_long(text, natural, available)
        return condensed, scaled
    if natural > available:
        condensed = max(float(available / natural), MIN_CONDENSED)
        scaled = min(1.0, float(available / (natural * condensed)))
        if scaled < MIN_SCALED:
            raise _too_long(text, natural, available)
        return condensed, scaled
    if room.keep == "centre" and available < 1.3 * natural:
        filling = float(np.clip((room.old_x1 - room.old_x0) / natural, 0.96, 1.04))
        return min(filling, float(available / natural)), 1.0
    return 1.0, 1.0


def _too_long(text: str, natural: float, available: float) -> ToolDeclined:
    times = natural / max(available, 1.0)
    return ToolDeclined(f"“{text}” is too long for its place: it needs {times:.1f} times the room there is")


def letter_at(text: str, x0: float, style: Style, frame: Frame) -> Setting:
    """One letter drawn so that its ink begins at frame column `x0`."""
    open_room = Room(x0, x0 + 1e6, x0, x0, "left")
    return place(text, replace(style, tracking_em=0.0), open_room, frame)


def coverage(setting: Setting, frame: Frame, crop_hw: tuple[int, int]) -> Float:
    """`(h, w)` share of each crop pixel that the words cover, in [0, 1]; averaged over each pixel's area."""
    to_crop = np.linalg.inv(frame.from_crop) @ setting.to_frame
    h, w = setting.drawn.coverage.shape
    corners = np.array([[0.0, 0.0, 1.0], [w, 0.0, 1.0], [w, h, 1.0], [0.0, h, 1.0]]) @ to_crop.T
    points = corners[:, :2] / corners[:, 2:]
    low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, crop_hw[::-1])
    result = np.zeros(crop_hw, np.float32)
    size_w, size_h = (high - low).tolist()
    if size_w <= 0 or size_h <= 0:
        return result
    finer = np.diag([float(OVERSAMPLING), float(OVERSAMPLING), 1.0])
    finer[:2, 2] = -OVERSAMPLING * low
    fine_hw = (size_h * OVERSAMPLING, size_w * OVERSAMPLING)
    fine = warp(setting.drawn.coverage, finer @ to_crop, fine_hw, cv2.INTER_LINEAR, 0.0)
    part = cv2.resize(fine, (size_w, size_h), interpolation=cv2.INTER_AREA)
    result[low[1] : high[1], low[0] : high[0]] = part
    return result
