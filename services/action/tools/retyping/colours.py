"""Tells ink from ground by colour alone: for signs whose ground changes too sharply for one smooth light.

Colours inside the line are clustered; a cluster whose parts stand like letters, clear of the outline's ends, is taken
as ink. Ground and ink then each get their own local light. Knows how many letters are read, not which.
"""

from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
import numpy.typing as npt

from services.action.light_and_detail import interpolate
from services.action.tools.retyping.frame import Float, Frame
from services.action.tools.retyping.ink import MIN_CONTRAST, Ink, connected
from shared.geometry import Mask, dilate

_CLUSTERS = (2, 3, 4)
_SAMPLES = 6000
_SEPARATE = 2.5
"""Contrast over the ground's own spread around the letters from which a cluster is believed to be ink."""
_RING = 0.12
"""How far from the letters, in heights of the line, their ground is looked at."""


@dataclass(frozen=True)
class _Candidate:
    score: float
    solid: Mask


def ink_by_colour(view: Float, valid: Mask, frame: Frame, letters: int, number: int = 0) -> Ink | None:
    """The likeliest separation of a `(H, W, 3)` view, or a later one; None where no colour stands like letters.

    Args:
        view: the frame's pixels, 0..255.
        valid: `(H, W)` bool, where the frame looks at the crop.
        frame: the frame.
        letters: how many characters are read in the line.
        number: 0 for the likeliest colour, 1 for the second.
    """
    smooth = np.asarray(cv2.GaussianBlur(view, (0, 0), max(0.6, 0.35 * frame.scale)), np.float32)
    candidates: list[_Candidate] = []
    for count in _CLUSTERS:
        nearest = _clustered(smooth, valid, frame, count)
        for colour in range(count):
            solid = (nearest == colour) & valid
            score = _like_letters(solid, frame, letters)
            if score > 0.0 and not any(_same(solid, other.solid, frame) for other in candidates):
                candidates.append(_Candidate(score, solid))
    likely = sorted(candidates, key=lambda c: -c.score)
    inks = (_ink_of(view, smooth, candidate.solid, valid, frame) for candidate in likely)
    return next(islice((ink for ink in inks if ink is not None), number, None), None)


def _rows_columns(frame: Frame, margin: float) -> tuple[slice, slice]:
    box, m = frame.line, margin * frame.line.height
    h, w = frame.size_hw
    rows = slice(max(0, round(box.y0 - m)), min(h, round(box.y1 + m)))
    return rows, slice(max(0, round(box.x0 - m)), min(w, round(box.x1 + m)))


def _clustered(smooth: Float, valid: Mask, frame: Frame, count: int) -> npt.NDArray[np.int32]:
    """`(H, W)` the number of the nearest of `count` colours; k-means begun at quantiles of lightness."""
    window = _rows_columns(frame, 0.0)
    pixels = smooth[window][valid[window]]
    if len(pixels) < 10 * count:
        return np.zeros(valid.shape, np.int32)
    pixels = np.ascontiguousarray(pixels[:: len(pixels) // _SAMPLES + 1])
    order = np.argsort(pixels.sum(axis=1), kind="stable")
    labels = np.empty((len(pixels), 1), np.int32)
    labels[order, 0] = np.arange(len(pixels)) * count // len(pixels)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, _, centres = cv2.kmeans(pixels, count, labels, stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    distances = np.stack([np.square(smooth - centre).sum(axis=2) for centre in centres])
    return np.asarray(distances.argmin(axis=0), np.int32)


def _like_letters(solid: Mask, frame: Frame, letters: int) -> float:
    """How well a cluster's parts stand like so many letters in the line; 0 for what cannot be ink."""
    body = frame.line.height
    _, boxes, centres = connected(solid)
    heights, widths, areas = boxes[1:, 3], boxes[1:, 2], boxes[1:, 4]
    x, y = centres[1:, 0], centres[1:, 1]
    inside = (x > frame.line.x0) & (x < frame.line.x1) & (y > frame.line.y0) & (y < frame.line.y1)
    widest = max(2.5 * body, 0.6 * frame.line.width)
    fit = inside & (heights > 0.35 * body) & (heights < 1.25 * body) & (widths < widest)
    window = _rows_columns(frame, 0.0)
    inked = float(solid[window].sum())
    if not fit.any() or inked < 1.0:
        return 0.0
    share = min(float(areas[fit].sum()) / inked, 1.0)
    spanned = float((boxes[1:, 0] + boxes[1:, 2])[fit].max() - boxes[1:, 0][fit].min()) / frame.line.width
    alike = float(np.exp(-abs(np.log(fit.sum() / max(letters, 1)))))
    # Letters stand on one baseline; pieces of a ground do not.
    feet = (boxes[1:, 1] + boxes[1:, 3])[fit] / body
    level = float(np.exp(-4.0 * np.median(np.abs(feet - np.median(feet)))))
    return share * min(spanned, 1.0) * alike * level if share > 0.3 and spanned > 0.5 else 0.0


def _same(a: Mask, b: Mask, frame: Frame) -> bool:
    window = _rows_columns(frame, 0.0)
    return float((a & b)[window].sum()) > 0.93 * float((a | b)[window].sum())


def _ink_of(view: Float, smooth: Float, solid: Mask, valid: Mask, frame: Frame) -> Ink | None:
    """Ground and ink by local means, and the matte between them; None where they hardly differ."""
    body = frame.line.height
    near = np.zeros_like(valid)
    near[_rows_columns(frame, 0.12)] = True
    letters = _standing(solid, frame)
    edge = max(1, round(0.03 * body))
    beside = near & valid & ~dilate(letters, edge) & dilate(letters, edge + max(2, round(_RING * body)))
    core = np.asarray(cv2.erode(letters.astype(np.uint8), np.ones((3, 3), np.uint8))) > 0
    core = core if core.sum() > 0.3 * letters.sum() else letters
    if core.sum() < 30 or beside.sum() < 60:
        return None
    ground = _ground(smooth, beside, body)
    colour = interpolate(smooth, core, 0.5 * body)
    steps = colour - ground
    step = np.median(steps[core], axis=0).astype(np.float32)
    contrast = float(np.linalg.norm(step))
    rest = np.linalg.norm((smooth - ground)[beside], axis=1)
    spread = float(np.median(rest)) if rest.size else contrast
    if contrast < MIN_CONTRAST or contrast < _SEPARATE * spread:
        return None
    power = np.maximum(np.square(steps).sum(axis=2), (0.3 * contrast) ** 2)
    matte = np.clip(((view - ground) * steps).sum(axis=2) / power, 0.0, 1.0).astype(np.float32)
    matte[~(dilate(letters, 2 * edge) & valid)] = 0.0
    unlike = valid & (np.linalg.norm(smooth - ground, axis=2) > max(0.35 * contrast, 3.0 * spread))
    return Ink(matte=matte, ground=ground, unlike=unlike, step=step, steps=steps, spread=spread, solid=letters)


def _ground(smooth: Float, beside: Mask, body: float) -> Float:
    """The light of what lies right beside the letters, without what only touches there: a border, another thing."""
    wide = interpolate(smooth, beside, 0.35 * body)
    error = np.linalg.norm(smooth - wide, axis=2)
    usual = beside & (error < 2.5 * max(float(np.median(error[beside])), 3.0))
    return interpolate(smooth, usual, 0.08 * body)


def _standing(solid: Mask, frame: Frame) -> Mask:
    """The cluster's parts that stand in the line; what reaches far beyond it is the same colour on something else."""
    body, line = frame.line.height, frame.line
    labels, boxes, centres = connected(solid)
    wide = max(3.0 * body, 0.6 * line.width)
    keep = [
        i
        for i in range(1, len(boxes))
        if boxes[i, 3] < 1.4 * body
        and boxes[i, 2] < wide
        and line.y0 - 0.1 * body < centres[i, 1] < line.y1 + 0.1 * body
        and boxes[i, 4] > 0.002 * body * body
    ]
    return np.isin(labels, keep)
