"""Paints on the crop's own pixels: old ink out, new ink in, everything else left as it is.

Ink takes its colour, shading and grain from the old ink nearby, ground from the ground nearby; the edges get the blur
of the old edges. Knows masks and coverage, nothing of words.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from services.action.tools.base import EditRequest, ToolDeclined
from services.action.tools.retyping.erase import fill, interpolate
from services.action.tools.retyping.frame import Float, Frame
from services.action.tools.retyping.ink import Ink
from services.action.tools.retyping.line import Line
from services.action.tools.retyping.typeface import edge_blur
from shared.geometry import Mask, dilate, mask_box
from shared.images import Gray, Rgb

_BLURS = tuple(np.arange(0.0, 3.3, 0.15))


@dataclass(frozen=True)
class Native:
    """The frame's findings on the crop's pixels: matte, old ink of the run, all ink of the line, what is not ground."""

    matte: Float
    run: Mask
    line: Mask
    unlike: Mask
    blur_px: float


@dataclass(frozen=True)
class Composition:
    """What goes and what comes.

    Attributes:
        removed: `(H, W)` bool, in the frame: old ink to erase.
        drawn: `(h, w)` coverage of drawn letters on the crop's pixels, not yet blurred.
        moved: in the frame, ink `(H, W)` bool that is set again, and how far to the right, in frame pixels.
    """

    removed: Mask
    drawn: Float
    moved: tuple[tuple[Mask, float], ...] = ()


def paint(request: EditRequest, frame: Frame, ink: Ink, line: Line, composition: Composition) -> tuple[Rgb, Gray]:
    """The edited crop and how much of each pixel to use.

    Raises:
        ToolDeclined: old ink or new ink lies outside the mask.
    """
    crop = request.crop.astype(np.float32)
    native = _to_crop(crop, frame, ink, line, composition)
    wanted, gain = _soften(composition.drawn, native)
    for source, shift_x in composition.moved:
        wanted = np.maximum(wanted, _carried(native, frame, source, shift_x))
    erased = _old_ink(native, request.mask)
    if wanted[~request.mask].sum() > 0.02 * wanted.sum():
        raise ToolDeclined("the right words would reach beyond the area that may change")
    fresh = (wanted > 0.004) & request.mask
    box = mask_box(erased | fresh)
    if box is None:
        raise ToolDeclined("there is nothing to change here")
    body = frame.line.height / frame.scale
    window = _around(box, round(1.6 * body), request.mask.shape)
    part = crop[window]
    rng = np.random.default_rng(request.seed)
    known = ~(dilate(native.line | erased, 1) | native.unlike)
    ground = fill(part, erased[window], known[window], 1.6 * body, rng)
    inked = _ink_colour(part, native, window, fresh[window], body, rng)
    if gain > 1.0:
        inked = np.clip(ground + gain * (inked - ground), 0.0, 255.0)
    share = wanted[window][..., None]
    painted = crop.copy()
    painted[window] = ground * (1.0 - share) + inked * share
    inside = cv2.distanceTransform(erased.astype(np.uint8), cv2.DIST_L2, 3)
    alpha = np.where(fresh, 255.0, np.clip(inside / 2.0, 0.0, 1.0) * 255.0)
    alpha[~request.mask] = 0.0
    image = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    image[alpha < 0.5] = request.crop[alpha < 0.5]
    return image, np.rint(alpha).astype(np.uint8)


def _carried(native: Native, frame: Frame, source: Mask, shift_x: float) -> Float:
    """The matte of old ink where it is set again."""
    hw = (native.matte.shape[0], native.matte.shape[1])
    own = frame.back(source.astype(np.float32), hw) > 0.2
    near = dilate(own, 1 + round(native.blur_px)) & ~(native.line & ~own)
    return frame.moved(np.where(near, native.matte, 0.0).astype(np.float32), shift_x)


def _to_crop(crop: Float, frame: Frame, ink: Ink, line: Line, composition: Composition) -> Native:
    hw = (crop.shape[0], crop.shape[1])
    ground = frame.back(ink.ground, hw, outside=None)
    matte = np.clip((crop - ground) @ ink.step / float(ink.step @ ink.step), 0.0, 1.0).astype(np.float32)
    run = frame.back(composition.removed.astype(np.float32), hw) > 0.2
    whole = frame.back(line.mask_of(line.words).astype(np.float32), hw) > 0.2
    unlike = frame.back(ink.unlike.astype(np.float32), hw, outside=1.0) > 0.3
    near = np.where(dilate(whole, 2), matte, 0.0).astype(np.float32)
    return Native(matte=near, run=run, line=whole, unlike=unlike, blur_px=edge_blur(near))


def _soften(wanted: Float, native: Native) -> tuple[Float, float]:
    """The coverage blurred as the old edges are, and by how much thin strokes lost of their peak."""
    softened = wanted
    for sigma in _BLURS:
        softened = wanted if sigma == 0.0 else np.asarray(cv2.GaussianBlur(wanted, (0, 0), sigma), np.float32)
        if edge_blur(softened) >= native.blur_px:
            break
    strong = softened > 0.5
    if not strong.any() or not (native.matte > 0.5).any():
        return softened, 1.0
    peak_old = float(np.percentile(native.matte[native.matte > 0.5], 80))
    peak_new = float(np.percentile(softened[strong], 80))
    return softened, float(np.clip(peak_old / max(peak_new, 1e-3), 1.0, 1.5))


def _old_ink(native: Native, allowed: Mask) -> Mask:
    """The run's ink with the blur of its edges.

    Raises:
        ToolDeclined: it reaches into what may not change.
    """
    if not native.run.any():
        return np.zeros_like(allowed)
    radius = int(np.ceil(1.0 + 2.2 * native.blur_px))
    others = native.line & ~native.run
    erased = dilate(native.run, radius) & ~dilate(others, 1)
    outside = int((native.run & ~allowed).sum())
    if outside > 0.02 * native.run.sum():
        raise ToolDeclined("part of the old words lies outside the area that may change")
    return erased & allowed


def _ink_colour(
    part: Float, native: Native, window: tuple[slice, slice], fresh: Mask, body: float, rng: np.random.Generator
) -> Float:
    """What full ink looks like at each fresh pixel, after the core of the old strokes nearby."""
    matte, letters = native.matte[window], native.line[window]
    best = float(np.percentile(matte[letters], 90)) if letters.any() else 0.0
    core = letters & (matte >= 0.93 * best)
    inner = np.asarray(cv2.erode(core.astype(np.uint8), np.ones((3, 3), np.uint8))) > 0
    if inner.sum() > max(60, 0.25 * core.sum()):
        core = inner
    if not core.any():
        raise ToolDeclined("no letter nearby shows the colour of the ink")
    return fill(part, fresh, core & ~fresh, 1.6 * body, rng, 0.35 * body) if core[~fresh].sum() > 200 else interpolate(part, core, 0.35 * body)


def _around(box: tuple[int, int, int, int], margin: int, size_hw: tuple[int, int]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = box
    rows = slice(max(0, y0 - margin), min(size_hw[0], y1 + margin))
    return rows, slice(max(0, x0 - margin), min(size_hw[1], x1 + margin))
