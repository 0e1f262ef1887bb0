"""Paints on the crop's own pixels: old ink out, new ink in, everything else left as it is.

Ink takes its colour, shading and grain from the old ink nearby, ground from the ground nearby; the edges get the blur
of the old edges. Knows masks and coverage, nothing of words.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from services.action.surface import fit_surface
from services.action.tools.base import EditRequest, ToolDeclined
from services.action.tools.retyping.erase import fill, interpolate
from services.action.tools.retyping.frame import Float, Frame
from services.action.tools.retyping.ink import Ink, connected, edge_blur
from services.action.tools.retyping.line import Line
from services.action.tools.retyping.underlay import Underlay, find_underlay
from shared.geometry import Mask, dilate, mask_box
from shared.images import Gray, Rgb

_BUSY = 0.08
"""Share of the surroundings that is not plain ground from which such places may serve to fill (brick, a crowded wall);
below it they are something else than the ground: a border, another thing."""
_STAIN = 0.015
_STAIN_REACH = 0.4
"""Share of the contrast from which a stain is seen, and how far from letters it is looked for, in body heights."""
_PLAIN_SHARE = 0.7
"""Share of the surroundings that one smooth surface must explain for the ground to be plain."""
_PLAIN_LEVELS = 30.0
"""RGB distance from the smooth ground up to which a pixel beyond the letters belongs to it."""
_LEVEL_PX = 0.25
"""Off whole pixels by so little across the line, a letter is moved by whole pixels."""
_BLURS = tuple(np.arange(0.0, 3.3, 0.15))


@dataclass(frozen=True)
class Native:
    """The frame's findings on the crop's pixels.

    Attributes:
        matte: `(h, w)` of the line's letters.
        run, line: `(h, w)` bool, ink to remove, and all ink of the line.
        like_ink: `(h, w)` bool, what has the ink's colour and thickness, other lines' letters say.
        unlike: `(h, w)` bool, what is not plain ground.
        stained: `(h, w)` bool, what letters leave around them beside what is modelled: soft shadows, rims, thin ends.
        mixed: the ground has sharp changes of its own, so that only what is like it right here may serve to fill.
        blur_px: of the letters' edges.
        underlay: the shadow or outline, if any, and `shade`, `(h, w)`, how much of it lies there.
    """

    matte: Float
    run: Mask
    line: Mask
    like_ink: Mask
    unlike: Mask
    stained: Mask
    mixed: bool
    blur_px: float
    underlay: Underlay | None
    shade: Float


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
        wanted = np.asarray(np.maximum(wanted, _carried(native, frame, source, shift_x)), np.float32)
    erased = _old_ink(native, request.mask)
    if wanted[~request.mask].sum() > 0.02 * wanted.sum():
        raise ToolDeclined("the right words would reach beyond the area that may change")
    shade, added = _new_shade(native, wanted)
    fresh = ((wanted > 0.004) | (added > 0.02)) & request.mask
    box = mask_box(erased | fresh)
    if box is None:
        raise ToolDeclined("there is nothing to change here")
    body = frame.line.height / frame.scale
    window = _around(box, round(1.6 * body), request.mask.shape)
    rng = np.random.default_rng(request.seed)
    ground = _ground(crop, native, erased, window, 1.6 * body, rng)
    if native.underlay is not None:
        extra = np.where(erased, shade, added)[window]
        ground = np.asarray(ground + extra[..., None] * native.underlay.step, np.float32)
    inked = _ink_colour(crop[window], native, frame, window, fresh[window], rng)
    if gain > 1.0:
        inked = np.asarray(np.clip(ground + gain * (inked - ground), 0.0, 255.0), np.float32)
    share = wanted[window][..., None]
    crop[window] = ground * (1.0 - share) + inked * share
    return _finished(crop, request, erased, fresh)


def _ground(
    crop: Float,
    native: Native,
    erased: Mask,
    window: tuple[slice, slice],
    reach_px: float,
    rng: np.random.Generator,
) -> Float:
    """The window without the old ink."""
    halo = int(np.ceil(1.0 + 2.2 * native.blur_px))
    known = ~dilate(native.line | native.like_ink, halo) & ~native.stained & ~dilate(erased, 1) & (native.shade < 0.04)
    near = dilate(erased, max(3, round(0.05 * reach_px))) & known
    plain = native.mixed or not near.any() or float(native.unlike[near].mean()) < _BUSY
    if plain:
        known &= ~dilate(native.unlike, 1)
    return fill(crop[window], erased[window], known[window], reach_px, rng, plain=plain)


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


def _carried(native: Native, frame: Frame, source: Mask, shift_x: float) -> Float:
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
    dx, dy = (frame.to_crop(place + np.array([shift_x, 0.0])) - frame.to_crop(place))[0]
    if abs(dy - round(dy)) < _LEVEL_PX:
        # Whole pixels keep the letter's edges as they are: resampled ones would be softer and heavier.
        move = np.array([[1.0, 0.0, round(dx)], [0.0, 1.0, round(dy)]])
        return np.asarray(cv2.warpAffine(whole, move, hw[::-1], flags=cv2.INTER_NEAREST), np.float32)
    return frame.moved(whole, shift_x)


def _local_best(matte: Float, frame: Frame) -> Float:
    """The matte of full ink around each pixel: less than 1 where the light on the letters is dimmer."""
    side = 2 * round(0.25 * frame.line.height / frame.scale) + 1
    return np.asarray(cv2.dilate(cv2.GaussianBlur(matte, (0, 0), 0.8), np.ones((side, side), np.uint8)), np.float32)


def _to_crop(crop: Float, frame: Frame, ink: Ink, line: Line, composition: Composition) -> Native:
    hw = (crop.shape[0], crop.shape[1])
    ground = frame.back(ink.ground, hw, outside=None)
    steps = frame.back(ink.steps, hw, outside=None)
    power = np.maximum(np.square(steps).sum(axis=2), 0.1 * float(ink.step @ ink.step))
    matte = np.clip(((crop - ground) * steps).sum(axis=2) / power, 0.0, 1.0).astype(np.float32)
    run = frame.back(composition.removed.astype(np.float32), hw) > 0.2
    whole = frame.back(line.mask_of(line.words).astype(np.float32), hw) > 0.2
    if line.opened:
        # Corners and hairlines that opening took away belong to the letters all the same.
        plain = frame.back((ink.matte > 0.5).astype(np.float32), hw) > 0.2
        near = max(2, round(0.12 * frame.line.height / frame.scale))
        run, whole = run | (dilate(run, near) & plain), whole | (dilate(whole, near) & plain)
    unlike = frame.back(ink.unlike.astype(np.float32), hw, outside=1.0) > 0.3
    like_ink = frame.back(line.solid.astype(np.float32), hw, outside=0.0) > 0.3
    blur_px = edge_blur(np.where(dilate(whole, 2), matte, 0.0).astype(np.float32))
    body = frame.line.height / frame.scale
    window = _around(mask_box(whole) or (0, 0, hw[1], hw[0]), round(0.4 * body), hw)
    solid = whole & (matte > 0.5) & _of_ink_hue(crop - ground, ink.step)
    mixed = ink.solid is not None
    underlay = None
    if not mixed:
        usable = frame.valid_back(hw)[window]
        far = _ground_beyond(crop[window], ground[window], solid[window], usable, body)
        underlay = find_underlay(crop[window], far, solid[window], usable, body, ink.spread, blur_px)
        if underlay is not None:
            ground[window] = far
    shade = np.zeros(hw, np.float32)
    if underlay is not None:
        shade = underlay.cast(solid.astype(np.float32))
        toward = steps - shade[..., None] * underlay.step
        from_under = crop - ground - shade[..., None] * underlay.step
        matte = np.clip((from_under * toward).sum(axis=2) / np.square(toward).sum(axis=2).clip(1.0), 0.0, 1.0)
        matte = np.where(dilate(solid, 1 + round(blur_px)), matte, 0.0)
    things = (like_ink | unlike) & ~dilate(whole, round(0.3 * body))
    stained = _stains(crop, whole, things, ink, body)
    letters = np.where(dilate(whole, 2), matte, 0.0).astype(np.float32)
    return Native(letters, run, whole, like_ink, unlike, stained, mixed, edge_blur(letters), underlay, shade)


def _ground_beyond(part: Float, ground: Float, solid: Mask, usable: Mask, body_px: float) -> Float:
    """The ground as it is beyond a shadow's reach: right beside the letters it is darker by the very shadow."""
    reach = max(3, round(0.2 * body_px))
    plain = np.linalg.norm(part - ground, axis=2) < _PLAIN_LEVELS
    beyond = usable & plain & dilate(solid, 3 * reach) & ~dilate(solid, round(1.3 * reach))
    return interpolate(part, beyond, 0.25 * body_px) if beyond.sum() > 0.2 * solid.sum() else ground


def _stains(crop: Float, letters: Mask, others: Mask, ink: Ink, body_px: float) -> Mask:
    """What leaves the ground around the letters and hangs together with them; nothing where the ground is busy.

    The ground is a smooth surface through the majority of what lies around: a local mean would hold the very stains.
    """
    if ink.solid is not None:
        return np.zeros_like(letters)
    contrast = float(np.linalg.norm(ink.step))
    around = dilate(letters, max(2, round(_STAIN_REACH * body_px))) & ~dilate(others, 2)
    wide = dilate(letters, round(2 * _STAIN_REACH * body_px)) & ~dilate(letters, 3) & ~dilate(others, 2)
    if not wide.any():
        return np.zeros_like(letters)
    smooth = np.asarray(cv2.GaussianBlur(crop, (0, 0), 1.2), np.float32)
    surface = fit_surface(smooth, wide, order=2)
    miss = np.abs(surface.residual).mean(axis=2)
    least = max(_STAIN * contrast, 3.5 * surface.sigma)
    off = around & (miss > least)
    if surface.inlier_share < _PLAIN_SHARE or least > 0.2 * contrast:
        return np.zeros_like(letters)
    labels, _, _ = connected(off | letters)
    return np.asarray(np.isin(labels, np.unique(labels[letters])) & off & ~letters)


def _nearer(one: Mask, other: Mask) -> Mask:
    """Pixels that lie nearer to one mask than to the other."""
    if not other.any():
        return np.ones_like(one)
    to_one, to_other = (cv2.distanceTransform((~m).astype(np.uint8), cv2.DIST_L2, 3) for m in (one, other))
    return np.asarray(to_one < to_other)


def _of_ink_hue(difference: Float, step: Float) -> Mask:
    """Pixels that leave the ground in the ink's direction, within 17 degrees; a shadow on it mostly does not."""
    along = difference @ step / float(np.linalg.norm(step))
    across = np.sqrt(np.maximum(np.square(difference).sum(axis=2) - np.square(along), 0.0))
    return np.asarray(across < 0.3 * along)


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
    if native.underlay is not None:
        shaded = native.underlay.cast(native.run.astype(np.float32)) > 0.03
        erased |= dilate(shaded, 1) & ~dilate(others, 1)
    erased |= dilate(native.stained & _nearer(native.run, others), 1) & ~dilate(others, 1)
    outside = int((native.run & ~allowed).sum())
    if outside > 0.02 * native.run.sum():
        raise ToolDeclined("part of the old words lies outside the area that may change")
    return erased & allowed


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


def _around(box: tuple[int, int, int, int], margin: int, size_hw: tuple[int, int]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = box
    rows = slice(max(0, y0 - margin), min(size_hw[0], y1 + margin))
    return rows, slice(max(0, x0 - margin), min(size_hw[1], x1 + margin))
