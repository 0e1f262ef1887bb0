"""Chooses the typeface and its adjustments by drawing the letters that are read and laying them over their ink.

Analysis by synthesis, letter by letter: each typeface's letter is brought to the ink's own box and the overlap is
measured; proportions between letters and the stroke's weight count too. Knows nothing of what will be set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from services.action.tools.retyping.frame import Float, Matrix
from services.action.tools.retyping.glyphs import clusters, draw, pens
from services.action.tools.retyping.letters import Letter
from shared.fonts import FontStyle, Typeface

DRAWN_EM_PX = 64
_COMPARED_PX = 40.0
_MAX_LETTERS = 14
_SLANTS = (-0.08, -0.04, 0.04, 0.08, 0.14, 0.2, 0.27)
_FINE = 4
_BOLDEST_EM = 0.05
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

    def scaled(self, scale: float, middle_y: float) -> "Style":
        """Letters so many times as large, about that row of the frame."""
        return replace(self, em_px=scale * self.em_px, baseline_y=middle_y + scale * (self.baseline_y - middle_y))


@dataclass(frozen=True)
class Glyph:
    """A drawn letter cut to its ink, and that ink's box in em: left, top, right, bottom of pen and baseline."""

    matte: Float
    box_em: tuple[float, float, float, float]


@lru_cache(maxsize=8192)
def glyph_of(text: str, face: Typeface, bolder_em: float, slant: float) -> Glyph:
    """The typeface's letter, made bolder and slanted, cut to its ink."""
    drawn = draw(text, face, DRAWN_EM_PX, 0.0, bolder_em)
    coverage, pen, baseline = drawn.coverage, drawn.pen, drawn.baseline
    if slant:
        matrix = np.array([[1.0, -slant, slant * baseline], [0.0, 1.0, 0.0]])
        coverage = np.asarray(cv2.warpAffine(coverage, matrix, coverage.shape[1::-1]), np.float32)
    solid = coverage > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        return Glyph(np.zeros((1, 1), np.float32), (0.0, 0.0, 0.0, 0.0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    em = float(DRAWN_EM_PX)
    box = ((x0 - pen) / em, (y0 - baseline) / em, (x1 - pen) / em, (y1 - baseline) / em)
    return Glyph(coverage[y0:y1, x0:x1], box)


def rank(letters: Sequence[Letter], faces: Sequence[Typeface], fine: bool = True) -> list[Style]:
    """Typefaces by likeness, best first, the first few adjusted finely.

    Args:
        letters: whose text is believed, at least one.
        faces: those to choose from; each covers the letters' text.
        fine: whether the letters' forms deserve fine adjustment; those of garbled words do not.
    """
    telling = _telling(letters)
    coarse = sorted((_fit(letters, telling, Style(face, 1.0, 0.0)) for face in faces), key=lambda s: -s.likeness)
    if not fine:
        return coarse
    if coarse[0].likeness < _PRINTED:
        coarse = sorted(map(_by_hand, coarse), key=lambda s: -s.likeness)
    adjusted = [_refine(letters, telling, style) for style in coarse[:_FINE]]
    return sorted(adjusted, key=lambda s: -s.likeness) + coarse[_FINE:]


def as_heavy(letters: Sequence[Letter], style: Style) -> Style:
    """The style as heavy as the ink: overlap alone forgives strokes that are a little too bold.

    The matte's mean is used, which blur does not change; letters are the heavier, the more of their boxes is inked.
    """
    telling = _telling(letters)
    best, least = style, np.inf
    for bolder in np.arange(style.bolder_em - 0.024, style.bolder_em + 0.025, 0.004):
        if abs(bolder) > _BOLDEST_EM:
            continue
        candidate = replace(style, bolder_em=round(float(bolder), 4))
        glyphs = {x.text: glyph_of(x.text, style.face, candidate.bolder_em, style.slant) for x in telling}
        off = abs(_blacker(telling, glyphs))
        if off < least - 1e-6:
            best, least = candidate, off
    if best.bolder_em == style.bolder_em:
        return style
    return replace(_fit(letters, telling, best), likeness=style.likeness)


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
    glyphs = {text: glyph_of(text, style.face, style.bolder_em, style.slant) for text in {x.text for x in letters}}
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


def _vertical(letters: Sequence[Letter], glyphs: dict[str, Glyph]) -> tuple[float, float, float]:
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


def _blacker(letters: Sequence[Letter], glyphs: dict[str, Glyph]) -> float:
    """Log ratio of the share of their boxes that ink covers, seen over drawn."""
    seen = np.array([float(x.matte.mean()) for x in letters])
    drawn = np.array([float(glyphs[x.text].matte.mean()) for x in letters])
    return float(np.log(max(seen.mean(), 1e-3) / max(drawn.mean(), 1e-3)))


@lru_cache(maxsize=16384)
def _advance(first: str, second: str, face: Typeface) -> float:
    """From the pen of the first letter to that of the second, kerning included, in em."""
    places = pens(first + second, face, DRAWN_EM_PX)
    return places[len(clusters(first))] / DRAWN_EM_PX


def _tracking(letters: Sequence[Letter], glyphs: dict[str, Glyph], style: Style, em_x: float) -> float:
    """Median of what must be added between neighbours of a word, in em."""
    added: list[float] = []
    for a, b in pairwise(letters):
        if a.word != b.word:
            continue
        advance = _advance(a.text, b.text, style.face)
        drawn = advance + glyphs[b.text].box_em[0] - glyphs[a.text].box_em[2]
        added.append((b.box.x0 - a.box.x1) / em_x - drawn)
    return float(np.clip(np.median(added), -0.12, 0.6)) if added else 0.0


def glyph_gap_em(first: str, second: str, style: Style, spaced: bool) -> float:
    """From the right edge of one letter's ink to the left edge of the next one's, in em before widening."""
    a, b = (glyph_of(text, style.face, style.bolder_em, style.slant).box_em for text in (first, second))
    advance = _advance(first + " " if spaced else first, second, style.face)
    return advance + b[0] - a[2] + style.tracking_em * (2 if spaced else 1)


def glyph_width_em(text: str, style: Style) -> float:
    """Width of a letter's ink, in em before widening."""
    box = glyph_of(text, style.face, style.bolder_em, style.slant).box_em
    return box[2] - box[0]


def off_height_em(letter: Letter, style: Style) -> float:
    """By how much a letter's top or foot misses where the style has it, in em."""
    box = glyph_of(letter.text, style.face, style.bolder_em, style.slant).box_em
    top, foot = ((y - style.baseline_y) / style.em_px for y in (letter.box.y0, letter.box.y1))
    return max(abs(top - box[1]), abs(foot - box[3]))


def resemblance(letter: Letter, style: Style) -> float:
    """Overlap in [0, 1] of a letter's ink with what the style draws for it, at any size; 0 for a mirrored letter."""
    drawn = glyph_of(letter.text, style.face, style.bolder_em, style.slant).matte
    straight = _overlap(letter.matte, drawn, style.em_px)
    mirrored = _overlap(np.ascontiguousarray(letter.matte[:, ::-1]), drawn, style.em_px)
    return 0.0 if mirrored > straight + 0.04 else straight


def _refine(letters: Sequence[Letter], telling: Sequence[Letter], style: Style) -> Style:
    """Coordinate descent over weight and slant."""
    best = style
    for slant in _SLANTS:
        best = max(best, _fit(letters, telling, replace(style, slant=slant)), key=lambda s: s.likeness)
    for step in (0.016, 0.008, 0.004):
        for sign in (1.0, -1.0):
            while abs(best.bolder_em + sign * step) <= _BOLDEST_EM:
                candidate = _fit(letters, telling, replace(best, bolder_em=round(best.bolder_em + sign * step, 4)))
                if candidate.likeness <= best.likeness:
                    break
                best = candidate
    return best
