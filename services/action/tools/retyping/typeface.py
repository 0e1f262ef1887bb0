"""Chooses the typeface and its adjustments by drawing what is read and laying it over the ink that is there.

Analysis by synthesis: each typeface draws the words as read, is brought to the ink's own box, and the two mattes are
correlated; so width, weight, serifs and letter forms all count. Knows nothing of what will be set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from services.action.tools.retyping.frame import Box, Float
from services.action.tools.retyping.glyphs import Drawn, clusters, draw
from services.action.tools.retyping.line import Word
from shared.fonts import Typeface

DRAWN_EM_PX = 56
_WIDTHS = (0.8, 0.87, 0.94, 1.0, 1.07, 1.15, 1.25)
_TRACKING = (-0.09, 0.45)
_SHEARS = (-0.08, 0.08, 0.14, 0.2, 0.27)


@dataclass(frozen=True)
class Style:
    """A typeface with what makes it look like the ink.

    Attributes:
        face: the typeface.
        em_px: size, frame pixels per em, vertically.
        baseline_y: in frame pixels.
        widen: horizontal scale of the letters.
        tracking_em: added between letters, in em before widening.
        slant: dx per dy upwards.
        bolder_em: how far outlines are moved outwards.
        likeness: correlation with the ink in [-1, 1], less a charge for distortion; higher is better.
    """

    face: Typeface
    em_px: float
    baseline_y: float
    widen: float = 1.0
    tracking_em: float = 0.0
    slant: float = 0.0
    bolder_em: float = 0.0
    likeness: float = 0.0


@dataclass(frozen=True)
class Sample:
    """A word whose letters are believed: its text, its box in the frame, its matte cut out with `pad` px around."""

    text: str
    box: Box
    matte: Float
    pad: int


def sample(word: Word, matte: Float) -> Sample:
    """Cuts the word's matte out of the line's."""
    box = word.box
    pad = max(3, round(0.12 * box.height))
    padded = np.pad(matte, pad)
    y0, y1, x0, x1 = int(box.y0), int(box.y1), int(box.x0), int(box.x1)
    return Sample(word.text, box, padded[y0 : y1 + 2 * pad, x0 : x1 + 2 * pad], pad)


def rank(samples: Sequence[Sample], faces: Sequence[Typeface], blur_px: float) -> list[Style]:
    """Typefaces by likeness, best first, the first few adjusted finely.

    Args:
        samples: words that are believed, at least one.
        faces: those to choose from; each covers the samples' text.
        blur_px: standard deviation of the ink's edges in frame pixels.
    """
    longest = sorted(samples, key=lambda s: -len(s.text))[:3]
    coarse = sorted((_coarse(longest, face, blur_px) for face in faces), key=lambda s: -s.likeness)
    fine = [_refine(longest, style, blur_px) for style in coarse[:5]]
    return sorted(fine, key=lambda s: -s.likeness) + coarse[5:]


def _coarse(samples: Sequence[Sample], face: Typeface, blur_px: float) -> Style:
    """Best width for all samples together; tracking takes up what remains of each word's length."""
    best = Style(face, 1.0, 0.0, likeness=-2.0)
    for widen in _WIDTHS:
        fits = [_fitted(s, Style(face, 1.0, 0.0, widen=widen), blur_px) for s in samples]
        candidate = _joined(samples, fits)
        if candidate.likeness > best.likeness:
            best = candidate
    return best


def _joined(samples: Sequence[Sample], fits: Sequence[Style]) -> Style:
    weights = np.array([len(s.text) for s in samples], float)
    weights /= weights.sum()

    def mean(values: list[float]) -> float:
        return float(np.dot(weights, values))

    tracked = [(f.tracking_em, w) for f, s, w in zip(fits, samples, weights, strict=True) if len(s.text) > 1]
    total = sum(w for _, w in tracked)
    return replace(
        fits[0],
        em_px=mean([f.em_px for f in fits]),
        baseline_y=mean([f.baseline_y for f in fits]),
        tracking_em=sum(t * w for t, w in tracked) / total if total else 0.0,
        likeness=mean([f.likeness for f in fits]),
    )


def _fitted(word: Sample, style: Style, blur_px: float) -> Style:
    """The style with size, baseline and tracking such that the drawn ink fills the sample's box; likeness measured."""
    plain = draw(word.text, style.face, DRAWN_EM_PX, 0.0, style.bolder_em)
    if plain.ink.height <= 0 or plain.ink.width <= 0:
        return replace(style, likeness=-2.0)
    scale = word.box.height / plain.ink.height
    leaning = abs(style.slant) * word.box.height
    gaps = len(clusters(word.text)) - 1
    widen, tracking = style.widen, 0.0
    wanted = max(word.box.width - leaning, 0.2 * word.box.width)
    if gaps:
        tracking = (wanted / (scale * widen) - plain.ink.width) / (gaps * DRAWN_EM_PX)
        tracking = float(np.clip(tracking, *_TRACKING))
    drawn = draw(word.text, style.face, DRAWN_EM_PX, tracking, style.bolder_em) if gaps else plain
    stretch = wanted / max(drawn.ink.width, 1.0)
    likeness = _correlation(word, drawn, stretch, scale, style.slant, blur_px)
    odd = (
        abs(np.log(stretch / scale))
        + 0.35 * abs(np.log(stretch / scale / widen))
        + 0.4 * max(0.0, abs(tracking) - 0.05)
    )
    return replace(
        style,
        em_px=scale * DRAWN_EM_PX,
        baseline_y=word.box.y0 - drawn.ink.y0 * scale,
        tracking_em=tracking,
        likeness=likeness - 0.18 * odd,
    )


def _correlation(word: Sample, drawn: Drawn, sx: float, sy: float, slant: float, blur_px: float) -> float:
    h, w = word.matte.shape
    leaning = slant * (drawn.ink.y1 * sy)
    left = word.pad - drawn.ink.x0 * sx + (leaning if slant > 0 else leaning - slant * word.box.height)
    top = word.pad - drawn.ink.y0 * sy
    matrix = np.array(
        [
            [sx, -slant * sy, left - drawn.pen * sx + slant * sy * drawn.baseline],
            [0.0, sy, top - drawn.baseline * sy],
        ]
    )
    matrix[:, 2] += 0.5 * matrix[:, 0] + 0.5 * matrix[:, 1] - 0.5
    laid = cv2.warpAffine(drawn.coverage, matrix, (w, h), flags=cv2.INTER_LINEAR)
    laid = cv2.GaussianBlur(laid, (0, 0), float(np.hypot(blur_px, 0.7)))
    seen = cv2.GaussianBlur(word.matte, (0, 0), 0.7)
    a, b = laid - laid.mean(), seen - seen.mean()
    return float((a * b).sum() / np.sqrt(max(float((a * a).sum() * (b * b).sum()), 1e-9)))


def _refine(samples: Sequence[Sample], style: Style, blur_px: float) -> Style:
    """Coordinate descent over weight, slant and width."""

    def trial(candidate: Style) -> Style:
        fits = [_fitted(s, candidate, blur_px) for s in samples]
        joined = _joined(samples, fits)
        charge = 0.5 * abs(candidate.bolder_em) + 0.12 * abs(candidate.slant)
        return replace(joined, likeness=joined.likeness - charge)

    best = trial(style)
    for step in (0.018, 0.009):
        for sign in (1, -1):
            candidate = trial(replace(best, bolder_em=best.bolder_em + sign * step))
            while candidate.likeness > best.likeness and abs(candidate.bolder_em) < 0.055:
                best = candidate
                candidate = trial(replace(best, bolder_em=best.bolder_em + sign * step))
    for slant in _SHEARS:
        best = max(best, trial(replace(best, slant=slant)), key=lambda s: s.likeness)
    for factor in (0.965, 1.035):
        best = max(best, trial(replace(best, widen=best.widen * factor)), key=lambda s: s.likeness)
    return best


def edge_blur(matte: Float) -> float:
    """Standard deviation of the edges' blur, in pixels of the matte, were they Gaussian.

    A step of height 1 blurred by sigma has the slope 1 / (sigma sqrt(2 pi)) at its middle; the steeper part of the
    pixels near one half is taken, for corners and noise only make slopes shallower on average.
    """
    smooth = cv2.GaussianBlur(matte, (0, 0), 0.5)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    steep = np.hypot(gx, gy)[(smooth > 0.3) & (smooth < 0.7)]
    if steep.size < 12:
        return 1.0
    return float(1.0 / (max(float(np.percentile(steep, 70)), 1e-3) * np.sqrt(2 * np.pi)))
