"""The line as it stands: its letters' blobs of ink, which words they make, which of them are the run to set anew.

Works on the matte in the rectified frame and on what the reader read. Knows nothing of typefaces.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from services.action.tools.base import ToolDeclined
from services.action.tools.retyping.frame import Box, Float, Frame
from services.action.tools.retyping.ink import Ink, connected
from shared.geometry import Mask, dilate

_DESCENDING = frozenset("gjpqy,;Q'\"’”“-_$()[]{}|/\\çşţ")
MIN_FILLED = 0.6
"""Share of the outlined line's length that letters must take up."""


@dataclass(frozen=True)
class Blob:
    """Ink that overlaps in x: a letter with its dot or accent, or letters that touch. `labels` index the parts."""

    box: Box
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Word:
    """A word as read and the blobs that make it."""

    text: str
    blobs: tuple[Blob, ...]

    @property
    def box(self) -> Box:
        """Around all blobs."""
        return around(self.blobs)


@dataclass(frozen=True)
class Line:
    """What was measured.

    Attributes:
        words: left to right; `run` says which of them are to be set anew (a half-open range, empty for a gap).
        labels: `(H, W)` int32, number of the part of ink; 0 where there is none.
        matte: `(H, W)`, the ink of this line alone.
        solid: `(H, W)` bool, all that has the ink's colour, this line's or not.
        slope: dy/dx by which the baseline leaves the level.
        opened: whether thin things were taken away first.
    """

    words: tuple[Word, ...]
    run: range
    labels: npt.NDArray[np.int32]
    matte: Float
    solid: Mask
    slope: float
    opened: bool

    def mask_of(self, words: tuple[Word, ...]) -> Mask:
        """`(H, W)` bool, the parts of ink of those words."""
        wanted = [label for word in words for blob in word.blobs for label in blob.labels]
        return np.isin(self.labels, wanted)


def around(blobs: tuple[Blob, ...]) -> Box:
    """The box around blobs."""
    return Box(
        min(b.box.x0 for b in blobs),
        min(b.box.y0 for b in blobs),
        max(b.box.x1 for b in blobs),
        max(b.box.y1 for b in blobs),
    )


def measure(ink: Ink, frame: Frame, line_text: str, text: str, quad: Float, opened: bool = False) -> Line:
    """Blobs, words and the run.

    Args:
        ink: the frame's ink.
        frame: the frame.
        line_text: the line as read.
        text: the run as read; a part of `line_text`.
        quad: `(4, 2)` the run's quadrilateral in the frame.
        opened: take away what is much thinner than the strokes first (mortar, cracks and blades of grass that touch
            the letters); costs hairlines, so it is for grounds where the plain way fails.

    Raises:
        ToolDeclined: no letters.
    """
    plain = ink.matte > 0.5 if ink.solid is None else (ink.matte > 0.5) & dilate(ink.solid, 2)
    solid = _without_thin(plain, frame) if opened else plain
    labels, boxes, centres = connected(solid)
    kept = [i for i in range(1, len(boxes)) if _is_letter(boxes[i], centres[i], frame, ink.clean)]
    kept = _without_specks(kept, boxes, line_text)
    blobs = _merge([Blob(_box(boxes[i]), (i,)) for i in kept])
    if not blobs or not _fills(around(blobs), frame.line):
        raise ToolDeclined("no letters can be told from their ground here")
    slope = _level(_on_baseline(blobs, line_text))
    tokens = line_text.split() or [line_text]
    words = _group(blobs, tokens)
    mine = np.isin(labels, kept)
    matte = np.where(dilate(mine, 2), ink.matte, 0.0).astype(np.float32)
    return Line(
        words=words,
        run=_find_run(words, text, quad),
        labels=labels,
        matte=matte,
        solid=solid,
        slope=slope,
        opened=opened,
    )


def _without_specks(kept: list[int], boxes: npt.NDArray[np.int32], text: str) -> list[int]:
    """The parts without screws, stains and flakes: specks beside letters none of which has a part so small."""
    if len(kept) < 3 or any(not c.isspace() and (not c.isalnum() or c in "ij" or ord(c) > 127) for c in text):
        return kept
    areas, heights = boxes[kept, 4], boxes[kept, 3]
    middles = boxes[kept, 1] + 0.5 * heights
    # What stands high may be an accent that was not read.
    low = middles > np.median(middles)
    small = (areas < np.where(low, 0.2, 0.06) * np.median(areas)) & (
        heights < np.where(low, 0.35, 0.2) * np.median(heights)
    )
    return [i for i, speck in zip(kept, small, strict=True) if not speck]


def _fills(found: Box, line: Box) -> bool:
    """Whether what was found takes up the line as a reader outlined it; a part of it is not the line."""
    common = min(found.x1, line.x1) - max(found.x0, line.x0)
    return common > MIN_FILLED * line.width and found.height > 0.35 * line.height


def _without_thin(solid: Mask, frame: Frame) -> Mask:
    line = frame.line
    depth = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 5)
    inside = depth[int(line.y0) : int(line.y1), int(line.x0) : int(line.x1)]
    if not (inside > 0).any():
        return solid
    radius = max(1, round(0.6 * float(np.percentile(inside[inside > 0], 90))))
    side = 2 * radius + 1
    # A square keeps the corners of letters in a level frame; a disc would round them.
    opened = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8)) > 0
    return dilate(opened, 1) & solid


def _box(stats: npt.NDArray[np.int32]) -> Box:
    return Box(float(stats[0]), float(stats[1]), float(stats[0] + stats[2]), float(stats[1] + stats[3]))


def _is_letter(stats: npt.NDArray[np.int32], centre: npt.NDArray[np.float64], frame: Frame, accents: bool) -> bool:
    line, box = frame.line, _box(stats)
    body = line.height
    h, w = frame.size_hw
    if stats[4] < 0.0015 * body * body or box.height > 1.45 * body or box.width > line.width + 0.5 * body:
        return False
    if box.x0 <= 0 or box.y0 <= 0 or box.x1 >= w or box.y1 >= h:
        return False
    if box.width > 3.0 * body and box.height < 0.2 * body:  # a rule under or over the words
        return False
    inside_x = line.x0 - 0.2 * body < centre[0] < line.x1 + 0.2 * body
    # An accent on a capital stands above the outline that readers draw; so do specks of a busy ground.
    above = 0.35 if accents and box.height < 0.45 * body and box.width < 0.6 * body else 0.08
    return bool(inside_x and line.y0 - above * body < centre[1] < line.y1 + 0.08 * body)


def _merge(parts: list[Blob]) -> tuple[Blob, ...]:
    """Parts over one another in x become one blob."""
    merged: list[Blob] = []
    for part in sorted(parts, key=lambda b: b.box.x0):
        if merged:
            last = merged[-1]
            overlap = min(last.box.x1, part.box.x1) - max(last.box.x0, part.box.x0)
            if overlap > 0.5 * min(last.box.width, part.box.width):
                merged[-1] = Blob(around((last, part)), last.labels + part.labels)
                continue
        merged.append(part)
    return tuple(merged)


def _on_baseline(blobs: tuple[Blob, ...], text: str) -> tuple[Blob, ...]:
    """The blobs without those of letters that reach below the baseline, where each blob is one letter."""
    letters = [c for c in text if not c.isspace()]
    if len(letters) != len(blobs):
        return blobs
    return tuple(blob for blob, c in zip(blobs, letters, strict=True) if c not in _DESCENDING)


def _level(blobs: tuple[Blob, ...]) -> float:
    """The slope of the baseline (Theil and Sen's median of slopes over the blobs' feet)."""
    tall = float(np.median([b.box.height for b in blobs]))
    solid = [b for b in blobs if b.box.height > 0.45 * tall]
    if len(solid) < 3:
        return 0.0
    x = np.array([(b.box.x0 + b.box.x1) / 2 for b in solid])
    feet = np.array([b.box.y1 for b in solid])
    slope = _median_slope(x, feet, min_gap=0.8 * tall)
    return slope if abs(slope) < 0.25 else 0.0


def _median_slope(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], min_gap: float) -> float:
    first, second = np.triu_indices(len(x), 1)
    far = np.abs(x[second] - x[first]) > min_gap
    if not far.any():
        return 0.0
    return float(np.median((y[second] - y[first])[far] / (x[second] - x[first])[far]))


def _group(blobs: tuple[Blob, ...], tokens: list[str]) -> tuple[Word, ...]:
    """Blobs as words: the widest gaps part them, weighed against where the letters' count puts the parting."""
    if len(tokens) == 1 or len(blobs) < len(tokens):
        return (Word(" ".join(tokens), blobs),)
    lengths = np.array([len(token) for token in tokens], float)
    ends = np.cumsum(lengths + 0.6)[:-1] / (lengths.sum() + 0.6 * (len(tokens) - 1))
    left, right = blobs[0].box.x0, blobs[-1].box.x1
    gaps = np.array([b.box.x0 - a.box.x1 for a, b in pairwise(blobs)])
    middles = np.array([(b.box.x0 + a.box.x1) / 2 for a, b in pairwise(blobs)])
    height = float(np.median([b.box.height for b in blobs]))
    # Dynamic programme over gaps: wide gaps gain, distance from the expected place costs.
    count = len(ends)
    best = np.full((count + 1, len(gaps) + 1), -np.inf)
    best[0, :] = 0.0
    chosen = np.zeros((count + 1, len(gaps) + 1), int)
    for k in range(1, count + 1):
        place = left + ends[k - 1] * (right - left)
        gain = gaps / height - 0.15 * np.abs(middles - place) / height
        for g in range(1, len(gaps) + 1):
            take, leave = best[k - 1, g - 1] + gain[g - 1], best[k, g - 1]
            best[k, g], chosen[k, g] = (take, 1) if take >= leave else (leave, 0)
    cuts: list[int] = []
    k, g = count, len(gaps)
    while k > 0 and g > 0:
        if chosen[k, g]:
            cuts.append(g)
            k -= 1
        g -= 1
    bounds = [0, *sorted(cuts), len(blobs)]
    return tuple(Word(token, blobs[a:b]) for token, a, b in zip(tokens, bounds, bounds[1:], strict=False))


def _find_run(words: tuple[Word, ...], text: str, quad: Float) -> range:
    """The words that are the run: by their letters, then by their place."""
    x0, x1 = float(quad[:, 0].min()), float(quad[:, 0].max())
    tokens = text.split()
    if not tokens:
        inside = [i for i, w in enumerate(words) if x0 < (w.box.x0 + w.box.x1) / 2 < x1]
        if inside:
            return range(inside[0], inside[-1] + 1)
        after = next((i for i, w in enumerate(words) if w.box.x0 > (x0 + x1) / 2), len(words))
        return range(after, after)
    span = min(len(tokens), len(words))
    starts = range(len(words) - span + 1)

    def likeness(start: int) -> tuple[int, float]:
        same = sum(words[start + i].text == tokens[i] for i in range(span))
        a, b = words[start].box.x0, words[start + span - 1].box.x1
        common = min(b, x1) - max(a, x0)
        return same, common / max(b - a, x1 - x0)

    ranked = max(starts, key=lambda s: likeness(s)[1] + 0.5 * likeness(s)[0] / span)
    return range(ranked, ranked + span)
