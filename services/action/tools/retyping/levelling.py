"""How the line really runs: its true outline, and whether it bends, from letters laid beside their typeface.

The typeface says where each letter's top and foot should be, so a line that leans, tapers or bends shows, although its
letters end at different heights.
"""

from collections.abc import Sequence

import numpy as np

from services.action.tools.retyping.frame import Matrix
from services.action.tools.retyping.letters import Letter
from services.action.tools.retyping.typeface import Style, glyph_of

_CURVE_LEAVES = 0.5
"""Of what the letters miss a straight line by, the share that a curve may leave for the line to be called curved."""


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
        glyph = glyph_of(letter.text, style.face, style.bolder_em, style.slant)
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
        box = glyph_of(letter.text, style.face, style.bolder_em, style.slant).box_em
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
    straight = np.abs(y[keep] - np.polyval(np.polyfit(u[keep], y[keep], 1), u[keep])).mean()
    curved = np.abs(y[keep] - np.polyval(curve, u[keep])).mean()
    # Letters that were told apart badly stand anywhere: only what a curve explains is one.
    return float(curve[0]) if curved < _CURVE_LEAVES * straight else 0.0
