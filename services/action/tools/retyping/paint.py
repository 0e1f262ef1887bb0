"""Paints on the crop's own pixels: old ink out, new ink in, everything else left as it is.

Ink takes its colour, shading and grain from the old ink nearby, ground from the ground nearby; the edges get the blur
of the old edges. Knows masks and coverage, nothing of words.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from services.action.light_and_detail import fill, interpolate
from services.action.surface import fit_surface
from services.action.tools.base import EditRequest, ToolDeclined
from services.action.tools.retyping.frame import Float, Frame, Matrix
from services.action.tools.retyping.ink import Ink, edge_blur
from services.action.tools.retyping.line import Line
from services.action.tools.retyping.native import Native, around_box, native_of
from shared.geometry import Mask, dilate, mask_box
from shared.images import Gray, Rgb

_BUSY = 0.08
"""Share of the surroundings that is not plain ground from which such places may serve to fill (brick, a crowded wall);
below it they are something else than the ground: a border, another thing."""
_FITS = 0.03
"""Misfit of the ground between letters up to which no other ground is looked for."""
_LOST = 0.35
"""Drift of its mean from which it is not the ground that was there."""
_SMOOTH_PX = 1.0
_LEAST_GRAIN = 0.05
"""Share of the contrast that passes for grain."""
_FAR = 0.2
"""Share of the contrast by which a pixel of ground may leave what was there."""
_BESIDE = 0.25
"""Reach of what is right beside letters, over that of what is around them."""
_GRAIN = 3.0
"""Medians of the distance from the commonest colour up to which a pixel between letters is ground."""
_FOREIGN = 0.25
"""Share of the contrast by which what is not the letters' ground leaves it: the rim of their sign, the wall behind."""
_ENOUGH = 0.05
"""Over what is filled, what must be like the ground between the letters to be all that it is filled from."""
_LEVEL_PX = 0.25
"""Off whole pixels by so little across the line, a letter is moved by whole pixels."""
_BLURS = tuple(np.arange(0.0, 3.3, 0.15))


@dataclass(frozen=True)
class Composition:
    """What goes and what comes.

    Attributes:
        removed: `(H, W)` bool, in the frame: old ink to erase.
        drawn: `(h, w)` coverage of drawn letters on the crop's pixels, not yet blurred.
        moved: in the frame, ink `(H, W)` bool that is set again, and where: `(3, 3)` affine, frame points to such.
    """

    removed: Mask
    drawn: Float
    moved: tuple[tuple[Mask, Matrix], ...] = ()


def paint(request: EditRequest, frame: Frame, ink: Ink, line: Line, composition: Composition) -> tuple[Rgb, Gray]:
    """The edited crop and how much of each pixel to use.

    Raises:
        ToolDeclined: old ink or new ink lies outside the mask, or the ground under it is seen nowhere.
    """
    crop = request.crop.astype(np.float32)
    native = native_of(crop, frame, ink, line, composition.removed)
    wanted, gain = _soften(composition.drawn, native)
    for source, step in composition.moved:
        wanted = np.asarray(np.maximum(wanted, _carried(native, frame, source, step)), np.float32)
    if wanted[~request.mask].sum() > 0.02 * wanted.sum():
        raise ToolDeclined("the right words would reach beyond the area that may change")
    shade, added = _new_shade(native, wanted)
    fresh = ((wanted > 0.004) | (added > 0.02)) & request.mask
    body = frame.line.height / frame.scale
    rng = np.random.default_rng(request.seed)
    reach = 1.6 * body
    bare, erased = _cleared(crop, native, request.mask, reach, rng)
    box = mask_box(erased | fresh)
    if box is None:
        raise ToolDeclined("there is nothing to change here")
    window = around_box(box, round(reach), request.mask.shape)
    ground = bare[window]
    if native.underlay is not None:
        extra = np.where(erased, shade, added)[window]
        ground = np.asarray(ground + extra[..., None] * native.underlay.step, np.float32)
    inked = _ink_colour(crop[window], native, frame, window, fresh[window], rng)
    if gain > 1.0:
        inked = np.asarray(np.clip(ground + gain * (inked - ground), 0.0, 255.0), np.float32)
    share = wanted[window][..., None]
    crop[window] = ground * (1.0 - share) + inked * share
    return _finished(crop, request, erased, fresh)


@dataclass(frozen=True)
class _Clearing:
    """One way to take the old ink away.

    Attributes:
        erased: `(h, w)` bool, what is filled.
        known: `(h, w)` bool, from where.
        plain: the ground there has grain alone.
        grain: `(3,)` its median deviations, if they were measured.
    """

    erased: Mask
    known: Mask
    plain: bool
    grain: Float | None = None


def _cleared(
    crop: Float, native: Native, allowed: Mask, reach_px: float, rng: np.random.Generator
) -> tuple[Float, Mask]:
    """The crop without the old ink, and what was filled: the first way that fits the ground, or that which fits best.

    From around the words, with all that they may have stained; where that would bring their sign's rim or the wall in,
    from what around them is like the ground between the letters; where nothing is, from between the letters.

    Raises:
        ToolDeclined: none is what the letters stand on, or old ink reaches into what may not change.
    """
    best: tuple[Float, Mask] | None = None
    least = np.inf
    for clearing in _clearings(crop, native, allowed, reach_px):
        box = mask_box(clearing.erased)
        if box is None:
            return crop, clearing.erased
        window = around_box(box, round(reach_px), allowed.shape)
        holes, known = clearing.erased[window], clearing.known[window]
        if not known.any():
            continue
        filled = crop.copy()
        filled[window] = fill(crop[window], holes, known, reach_px, rng, plain=clearing.plain, grain=clearing.grain)
        drift, far = _misfit(crop, filled, native, clearing.erased)
        if drift < _LOST and drift + far < least:
            best, least = (filled, clearing.erased), drift + far
        if drift + far <= _FITS:
            break
    if best is None:
        raise ToolDeclined("the ground under the letters is seen nowhere well enough to paint it again")
    return best


def _clearings(crop: Float, native: Native, allowed: Mask, reach_px: float) -> Iterator[_Clearing]:
    """The ways in order; each is worked out only where those before do not fit."""
    around = _around(native, allowed, reach_px)
    yield around
    if not native.mixed:
        yield from _alike(crop, native, allowed, around.known)
    yield _between(crop, native, allowed, reach_px)


def _around(native: Native, allowed: Mask, reach_px: float) -> _Clearing:
    """All that letters may have stained, from ground that they cannot have."""
    erased = _stained_ink(native, native.stained, allowed)
    inked = dilate(native.line | native.like_ink, _halo_px(native)) | native.stained | dilate(erased, 1)
    known = ~inked & _unshaded(native)
    near = dilate(erased, max(3, round(0.05 * reach_px))) & known
    plain = native.mixed or not near.any() or float(native.unlike[near].mean()) < _BUSY
    return _Clearing(erased, known & ~dilate(native.unlike, 1) if plain else known, plain)


def _alike(crop: Float, native: Native, allowed: Mask, around: Mask) -> Iterator[_Clearing]:
    """The same, less what leaves the ground between the letters; nothing where there is too little of that."""
    shown = _shown(crop, native, _halo_px(native))
    if shown is None:
        return
    own = shown.off <= max(shown.limit, _FOREIGN * native.contrast)
    erased = _stained_ink(native, native.stained & own, allowed)
    known = around & own
    for one in (known & (shown.off <= shown.limit), known):
        if one.sum() > _ENOUGH * erased.sum():
            yield _Clearing(erased, one, plain=True, grain=shown.grain)
            return


def _halo_px(native: Native) -> int:
    """As far as the edges of letters may reach."""
    return int(np.ceil(1.0 + 2.2 * native.blur_px))


def _stained_ink(native: Native, stained: Mask, allowed: Mask) -> Mask:
    """The run's ink and what it left around it."""
    own = dilate(stained & _nearer(native.run, native.others), 1) & ~dilate(native.others, 1) & allowed
    return _old_ink(native, allowed, _halo_px(native)) | own


def _between(crop: Float, native: Native, allowed: Mask, reach_px: float) -> _Clearing:
    """The letters alone, from what shows between them and right beside, in the colour that it has between them."""
    edge = int(np.ceil(1.5 * native.blur_px))
    near = dilate(native.run, round(_BESIDE * reach_px))
    known = near & ~dilate(native.line | native.like_ink, edge) & _unshaded(native)
    erased = _old_ink(native, allowed, edge)
    shown = _shown(crop, native, edge)
    if shown is None:
        return _Clearing(erased, known, plain=True)
    return _Clearing(erased, known & (shown.off <= shown.limit), plain=True, grain=shown.grain)


@dataclass(frozen=True)
class _Shown:
    """The ground as it shows between the letters.

    Attributes:
        off: `(h, w)` RGB distance from it, continued over the crop.
        limit: how far its own pixels leave it.
        grain: `(3,)` its median deviations.
    """

    off: Float
    limit: float
    grain: Float


def _shown(crop: Float, native: Native, edge_px: int) -> _Shown | None:
    """None where nothing shows between them."""
    bare = _bare(native, dilate(native.run, 2 * edge_px))
    if not bare.any():
        return None
    residual = fit_surface(crop, bare, order=1).residual
    off = np.linalg.norm(residual, axis=2).astype(np.float32)
    limit = max(_GRAIN * float(np.median(off[bare])), _LEAST_GRAIN * native.contrast)
    return _Shown(off, limit, np.median(np.abs(residual[bare]), axis=0).astype(np.float32))


def _bare(native: Native, where: Mask) -> Mask:
    """Ground that shows there, without ink, shadow or stain."""
    return where & ~native.stained & (native.matte < 0.15) & _unshaded(native)


def _unshaded(native: Native) -> Mask:
    """Where no shadow or outline of the letters lies."""
    return np.asarray(native.shade < 0.04)


def _misfit(before: Float, filled: Float, native: Native, erased: Mask) -> tuple[float, float]:
    """How ill ground that was filled with ground fits: distance of mean colours over the contrast, and the share that
    is far off, as where a rim was smeared over it.
    """
    bare = _bare(native, erased)
    if not bare.any():
        return 0.0, 0.0
    step = np.where(bare[..., None], filled - before, 0.0).astype(np.float32) / native.contrast
    # Grain differs at each pixel however well it is made: what is far off is so over some of them.
    weight = cv2.GaussianBlur(bare.astype(np.float32), (0, 0), _SMOOTH_PX)
    smooth = cv2.GaussianBlur(step, (0, 0), _SMOOTH_PX)[bare] / weight[bare][:, None]
    far = float((np.linalg.norm(smooth, axis=1) > _FAR).mean())
    return float(np.linalg.norm(step[bare].mean(axis=0))), far


def _finished(painted: Float, request: EditRequest, erased: Mask, fresh: Mask) -> tuple[Rgb, Gray]:
    """Whole pixels, and an alpha that is feathered inside what was erased and 0 wherever nothing changed."""
    inside = cv2.distanceTransform(erased.astype(np.uint8), cv2.DIST_L2, 3)
    alpha = np.where(fresh, 255.0, np.clip(inside / 2.0, 0.0, 1.0) * 255.0)
    alpha[~request.mask] = 0.0
    image = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    image[alpha < 0.5] = request.crop[alpha < 0.5]
    return image, np.rint(alpha).astype(np.uint8)


def _new_shade(native: Native, wanted: Float) -> tuple[Float, Float]:
    """Shadow or outline of what will stand there: in all, and what comes on top of what is there already."""
    nothing = np.zeros_like(wanted)
    if native.underlay is None:
        return nothing, nothing
    stays = np.where(native.line & ~native.run, native.matte, 0.0).astype(np.float32)
    shade = native.underlay.cast(np.maximum(wanted, stays))
    own = native.underlay.cast(wanted)
    return shade, np.where(own > 0.02, np.clip(shade - native.shade, 0.0, 1.0), 0.0).astype(np.float32)


def _carried(native: Native, frame: Frame, source: Mask, step: Matrix) -> Float:
    """The matte of old ink where it is set again."""
    hw = (native.matte.shape[0], native.matte.shape[1])
    own = frame.back(source.astype(np.float32), hw) > 0.2
    near = dilate(own, 1 + round(native.blur_px)) & ~(native.line & ~own)
    matte = np.where(near, native.matte, 0.0).astype(np.float32)
    best = np.maximum(_local_best(matte, frame), 0.9 * cv2.dilate(matte, np.ones((5, 5), np.uint8)))
    whole: Float = np.clip(matte / np.maximum(best, 0.3), 0.0, 1.0).astype(np.float32)
    rows, columns = np.nonzero(own)
    if not rows.size:
        return whole
    place = frame.to_frame([[float(columns.mean()), float(rows.mean())]])
    dx, dy = (frame.to_crop(place @ step[:2, :2].T + step[:2, 2]) - frame.to_crop(place))[0]
    if step[0, 0] == 1.0 and abs(dy - round(dy)) < _LEVEL_PX:
        # Whole pixels keep the letter's edges as they are: resampled ones would be softer and heavier.
        move = np.array([[1.0, 0.0, round(dx)], [0.0, 1.0, round(dy)]])
        return np.asarray(cv2.warpAffine(whole, move, hw[::-1], flags=cv2.INTER_NEAREST), np.float32)
    return frame.moved(whole, step)


def _local_best(matte: Float, frame: Frame) -> Float:
    """The matte of full ink around each pixel: less than 1 where the light on the letters is dimmer."""
    side = 2 * round(0.25 * frame.line.height / frame.scale) + 1
    return np.asarray(cv2.dilate(cv2.GaussianBlur(matte, (0, 0), 0.8), np.ones((side, side), np.uint8)), np.float32)


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


def _old_ink(native: Native, allowed: Mask, edge_px: int) -> Mask:
    """The run's ink with so much of its edges, and its shadow or outline.

    Raises:
        ToolDeclined: it reaches into what may not change.
    """
    if not native.run.any():
        return np.zeros_like(allowed)
    erased = dilate(native.run, edge_px)
    if native.underlay is not None:
        shaded = native.underlay.cast(native.run.astype(np.float32)) > 0.03
        erased |= dilate(shaded, 1)
    outside = int((native.run & ~allowed).sum())
    if outside > 0.02 * native.run.sum():
        raise ToolDeclined("part of the old words lies outside the area that may change")
    return erased & ~dilate(native.others, 1) & allowed


def _ink_colour(
    part: Float,
    native: Native,
    frame: Frame,
    window: tuple[slice, slice],
    fresh: Mask,
    rng: np.random.Generator,
) -> Float:
    """What full ink looks like at each fresh pixel, after the core of the old strokes nearby."""
    matte, letters = native.matte[window], native.line[window]
    best = _local_best(matte, frame)
    core = letters & (matte >= 0.9 * best) & (matte > 0.4)
    inner = np.asarray(cv2.erode(core.astype(np.uint8), np.ones((3, 3), np.uint8))) > 0
    if not core.any():
        raise ToolDeclined("no letter nearby shows the colour of the ink")
    body = frame.line.height / frame.scale
    if inner.sum() < max(60, 0.25 * core.sum()):
        # Strokes so thin that each pixel is half an edge: they tell the colour, not the texture.
        return interpolate(part, core, 0.35 * body)
    return fill(part, fresh, inner, 1.6 * body, rng, light_px=0.35 * body, tries=40)


def _nearer(one: Mask, other: Mask) -> Mask:
    """Pixels that lie nearer to one mask than to the other."""
    if not other.any():
        return np.ones_like(one)
    to_one, to_other = (cv2.distanceTransform((~m).astype(np.uint8), cv2.DIST_L2, 3) for m in (one, other))
    return np.asarray(to_one < to_other)
