"""Chooses the typeface and its adjustments by drawing the letters that are read and laying them over their ink.

Analysis by synthesis, letter by letter: each typeface's letter is brought to the ink's own box and the overlap is
measured; proportions between letters and the stroke's weight count too. Knows nothing of what will be set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from services.action.tools.retyping.frame import Float, Matrix
from services.action.tools.retyping.glyphs import clusters, draw, pens
from services.action.tools.retyping.letters import Letter
from shared.fonts import FontStyle, Typeface

DRAWN_EM_PX = 64
_COMPARED_PX = 40.0
_MAX_LETTERS = 14
_SLANTS = (-0.08, -0.04, 0.04, 0.08, 0.12, 0.16, 0.21, 0.27)
_FINE = 5
_PRINTED = 0.5
"""Likeness before fine adjustment below which letters look made by hand."""
_HAND_BONUS = 0.15


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
        likeness: overlap with the ink in [0, 1], less charges for distortion; higher is better.
        hand: what likeness was raised by because the letters look made by hand.
    """

    face: Typeface
    em_px: float
    baseline_y: float
    widen: float = 1.0
    tracking_em: float = 0.0
    slant: float = 0.0
    bolder_em: float = 0.0
    likeness: float = 0.0
    hand: float = 0.0


@dataclass(frozen=True)
class _Glyph:
    """A drawn letter cut to its ink, and that ink's box in em: left, top, right, bottom of pen and baseline."""

    matte: Float
    box_em: tuple[float, float, float, float]


@lru_cache(maxsize=8192)
def _glyph(text: str, face: Typeface, bolder_em: float, slant: float) -> _Glyph:
    drawn = draw(text, face, DRAWN_EM_PX, 0.0, bolder_em)
    coverage, pen, baseline = drawn.coverage, drawn.pen, drawn.baseline
    if slant:
        matrix = np.array([[1.0, -slant, slant * baseline], [0.0, 1.0, 0.0]])
        coverage = np.asarray(cv2.warpAffine(coverage, matrix, coverage.shape[1::-1]), np.float32)
    solid = coverage > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        return _Glyph(np.zeros((1, 1), np.float32), (0.0, 0.0, 0.0, 0.0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    em = float(DRAWN_EM_PX)
    box = ((x0 - pen) / em, (y0 - baseline) / em, (x1 - pen) / em, (y1 - baseline) / em)
    return _Glyph(coverage[y0:y1, x0:x1], box)


def rank(letters: Sequence[Letter], faces: Sequence[Typeface]) -> list[Style]:
    """Typefaces by likeness, best first, the first few adjusted finely.

    Args:
        letters: whose text is believed, at least one.
        faces: those to choose from; each covers the letters' text.
    """
    telling = _telling(letters)
    coarse = sorted((_fit(letters, telling, Style(face, 1.0, 0.0)) for face in faces), key=lambda s: -s.likeness)
    if coarse[0].likeness < _PRINTED:
        coarse = sorted(map(_by_hand, coarse), key=lambda s: -s.likeness)
    fine = [_refine(letters, telling, style) for style in coarse[:_FINE]]
    return sorted(fine, key=lambda s: -s.likeness) + coarse[_FINE:]


def _by_hand(style: Style) -> Style:
    """Letters like no printed ones were made by hand; two hands differ more than two printers do."""
    by_hand = style.face.style in (FontStyle.HAND, FontStyle.CHALK)
    return replace(style, hand=_HAND_BONUS, likeness=style.likeness + _HAND_BONUS) if by_hand else style


def _telling(letters: Sequence[Letter]) -> list[Letter]:
    """The letters that tell most: different ones before repeated ones, wide ones before narrow ones."""
    seen: set[str] = set()
    first: list[Letter] = []
    again: list[Letter] = []
    for letter in letters:
        (again if letter.text in seen else first).append(letter)
        seen.add(letter.text)
    return (first + again)[:_MAX_LETTERS]


def _fit(letters: Sequence[Letter], telling: Sequence[Letter], style: Style) -> Style:
    """Size, baseline, width and tracking that bring the style to the letters' boxes; likeness measured."""
    glyphs = {text: _glyph(text, style.face, style.bolder_em, style.slant) for text in {x.text for x in letters}}
    em, baseline, misfit = _vertical(letters, glyphs)
    widths = np.array([glyphs[x.text].box_em[2] - glyphs[x.text].box_em[0] for x in letters])
    ratios = np.log(np.array([x.box.width for x in letters]) / np.maximum(widths * em, 1e-3))
    weights = widths / widths.sum()
    widen = float(np.exp(_weighted_median(ratios, weights)))
    uneven = float(np.abs(ratios - np.log(widen)) @ weights)
    overlap = float(np.mean([_overlap(x.matte, glyphs[x.text].matte, em) for x in telling]))
    heavier = abs(_blacker(telling, glyphs))
    charges = 0.5 * misfit + 0.35 * uneven + 0.25 * abs(np.log(widen)) + 0.12 * heavier
    charges += 0.8 * abs(style.bolder_em) + 0.15 * abs(style.slant)
    tracking = _tracking(letters, glyphs, style, em * widen)
    charges += 0.1 * max(0.0, abs(tracking) - 0.03)
    return replace(
        style,
        em_px=em,
        baseline_y=baseline,
        widen=float(np.clip(widen, 0.7, 1.4)),
        tracking_em=tracking,
        likeness=overlap - float(charges) + style.hand,
    )


def _vertical(letters: Sequence[Letter], glyphs: dict[str, _Glyph]) -> tuple[float, float, float]:
    """Size and baseline by least squares over tops and feet; the misfit is the mean miss in em."""
    drawn = np.array([v for x in letters for v in (glyphs[x.text].box_em[1], glyphs[x.text].box_em[3])])
    seen = np.array([v for x in letters for v in (x.box.y0, x.box.y1)])
    weights = np.ones(len(drawn))
    em, baseline = 1.0, 0.0
    for _ in range(3):
        terms = np.stack([drawn, np.ones_like(drawn)], axis=1) * weights[:, None]
        (em, baseline), *_ = np.linalg.lstsq(terms, seen * weights, rcond=None)
        error = np.abs(seen - em * drawn - baseline)
        weights = 1.0 / np.maximum(error, 0.012 * abs(em) + 0.5) ** 0.5
    em = max(float(em), 1.0)
    return em, float(baseline), float(error.mean() / em)


def _weighted_median(values: Matrix, weights: Matrix) -> float:
    order = np.argsort(values)
    reached = np.searchsorted(np.cumsum(weights[order]), 0.5 * weights.sum())
    return float(values[order[min(int(reached), len(values) - 1)]])


def _overlap(seen: Float, drawn: Float, em: float) -> float:
    """Soft intersection over union of two mattes brought to the same box."""
    scale = _COMPARED_PX / em
    size = (max(4, round(seen.shape[1] * scale)), max(4, round(seen.shape[0] * scale)))
    a = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
    b = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    return float(np.minimum(a, b).sum() / max(float(np.maximum(a, b).sum()), 1e-6))


def _blacker(letters: Sequence[Letter], glyphs: dict[str, _Glyph]) -> float:
    """Log ratio of the share of their boxes that ink covers, seen over drawn."""
    seen = np.array([float(x.matte.mean()) for x in letters])
    drawn = np.array([float(glyphs[x.text].matte.mean()) for x in letters])
    return float(np.log(max(seen.mean(), 1e-3) / max(drawn.mean(), 1e-3)))


@lru_cache(maxsize=16384)
def _advance(first: str, second: str, face: Typeface) -> float:
    """From the pen of the first letter to that of the second, kerning included, in em."""
    places = pens(first + second, face, DRAWN_EM_PX)
    return places[len(clusters(first))] / DRAWN_EM_PX


def _tracking(letters: Sequence[Letter], glyphs: dict[str, _Glyph], style: Style, em_x: float) -> float:
    """Median of what must be added between neighbours of a word, in em."""
    added: list[float] = []
    for a, b in zip(letters, letters[1:], strict=False):
        if a.word != b.word:
            continue
        advance = _advance(a.text, b.text, style.face)
        drawn = advance + glyphs[b.text].box_em[0] - glyphs[a.text].box_em[2]
        added.append((b.box.x0 - a.box.x1) / em_x - drawn)
    return float(np.clip(np.median(added), -0.12, 0.6)) if added else 0.0


def glyph_gap_em(first: str, second: str, style: Style, spaced: bool) -> float:
    """From the right edge of one letter's ink to the left edge of the next one's, in em before widening."""
    a, b = (_glyph(text, style.face, style.bolder_em, style.slant).box_em for text in (first, second))
    advance = _advance(first + " " if spaced else first, second, style.face)
    return advance + b[0] - a[2] + style.tracking_em * (2 if spaced else 1)


def glyph_width_em(text: str, style: Style) -> float:
    """Width of a letter's ink, in em before widening."""
    box = _glyph(text, style.face, style.bolder_em, style.slant).box_em
    return box[2] - box[0]


def resemblance(letter: Letter, style: Style) -> float:
    """Overlap in [0, 1] of a letter's ink with what the style draws for it, at any size."""
    return _overlap(letter.matte, _glyph(letter.text, style.face, style.bolder_em, style.slant).matte, style.em_px)


def _refine(letters: Sequence[Letter], telling: Sequence[Letter], style: Style) -> Style:
    """Coordinate descent over weight and slant."""
    best = style
    for slant in _SLANTS:
        best = max(best, _fit(letters, telling, replace(style, slant=slant)), key=lambda s: s.likeness)
    for step in (0.016, 0.008, 0.004):
        for sign in (1.0, -1.0):
            while abs(best.bolder_em + sign * step) <= 0.05:
                candidate = _fit(letters, telling, replace(best, bolder_em=round(best.bolder_em + sign * step, 4)))
                if candidate.likeness <= best.likeness:
                    break
                best = candidate
    return best


def true_quad(letters: Sequence[Letter], style: Style, x0: float, x1: float) -> Matrix | None:
    """Corners `(4, 2)`, in the frame, of a strip that follows the letters' own baseline and size; None where unsure.

    Feet and heads are fitted by `y = b0 + b1 x + e (s0 + s1 x)`, e being where the typeface has them; so a frame that
    leans or tapers shows, although letters have tops and feet at different heights.
    """
    if len(letters) < 3 or style.likeness < 0.55:
        return None
    middle, half = (x0 + x1) / 2, max((x1 - x0) / 2, 1.0)
    rows: list[list[float]] = []
    seen: list[float] = []
    for letter in letters:
        glyph = _glyph(letter.text, style.face, style.bolder_em, style.slant)
        u = ((letter.box.x0 + letter.box.x1) / 2 - middle) / half
        for drawn, y in ((glyph.box_em[1], letter.box.y0), (glyph.box_em[3], letter.box.y1)):
            rows.append([1.0, u, drawn, drawn * u])
            seen.append(y)
    terms, target = np.array(rows), np.array(seen)
    ridge = np.diag([0.0, 0.05, 0.0, 0.15])
    weights = np.ones(len(target))
    solution = np.zeros(4)
    for _ in range(4):
        weighted = terms * weights[:, None]
        solution = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ target)
        error = np.abs(target - terms @ solution)
        weights = 1.0 / np.maximum(error, 0.8)
    b0, b1, s0, s1 = solution
    if s0 < 4.0 or abs(s1) > 0.3 * s0 or abs(b1) > 0.3 * half:
        return None
    top, foot = -0.75, 0.08
    corners = [(x0, -1.0, top), (x1, 1.0, top), (x1, 1.0, foot), (x0, -1.0, foot)]
    return np.array([[x, b0 + b1 * u + e * (s0 + s1 * u)] for x, u, e in corners])


def bend(letters: Sequence[Letter], style: Style) -> float:
    """How far the middle of the line leaves the straight between its ends, in em; a curve's sagitta.

    Each letter's height of standing is taken from top and foot together, less where the typeface has them.
    """
    if len(letters) < 4:
        return 0.0
    x = np.array([(letter.box.x0 + letter.box.x1) / 2 for letter in letters])
    u = (x - x.mean()) / max(float(np.ptp(x)) / 2, 1.0)
    standing: list[float] = []
    for letter in letters:
        box = _glyph(letter.text, style.face, style.bolder_em, style.slant).box_em
        standing.append((letter.box.y0 + letter.box.y1) / 2 / style.em_px - (box[1] + box[3]) / 2)
    y = np.array(standing)
    keep = np.ones(len(u), np.bool_)
    curve = np.zeros(3)
    for _ in range(2):
        curve = np.polyfit(u[keep], y[keep], 2)
        error = np.abs(y - np.polyval(curve, u))
        keep = error <= max(0.04, 3.0 * float(np.median(error)))
        if keep.sum() < 4:
            return 0.0
    return float(curve[0])


def edge_blur(matte: Float) -> float:
    """Standard deviation of the edges' blur, in pixels of the matte, were they Gaussian.

    A step of height 1 blurred by sigma has the slope 1 / (sigma sqrt(2 pi)) at its middle; the steep ones of the
    pixels near one half are taken, for corners, shadows and noise only make slopes shallower.
    """
    smooth = cv2.GaussianBlur(matte, (0, 0), 0.5)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    steep = np.hypot(gx, gy)[(smooth > 0.3) & (smooth < 0.7)]
    if steep.size < 12:
        return 1.0
    return float(1.0 / (max(float(np.percentile(steep, 80)), 1e-3) * np.sqrt(2 * np.pi)))
