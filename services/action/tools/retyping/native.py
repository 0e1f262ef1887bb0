"""The frame's findings on the crop's own pixels: which of them are letters, their shadow, what they left on the ground.

Knows masks and colours; paints nothing.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from services.action.light_and_detail import interpolate
from services.action.surface import fit_surface
from services.action.tools.retyping.frame import Float, Frame
from services.action.tools.retyping.ink import Ink, connected, edge_blur
from services.action.tools.retyping.line import Line
from services.action.tools.retyping.underlay import Underlay, find_underlay
from shared.geometry import Mask, dilate, mask_box

_STAIN = 0.015
_STAIN_REACH = 0.4
"""Share of the contrast from which a stain is seen, and how far from letters it is looked for, in body heights."""
_PLAIN_SHARE = 0.7
"""Share of the surroundings that one smooth surface must explain for the ground to be plain."""
_PLAIN_LEVELS = 30.0
"""RGB distance from the smooth ground up to which a pixel beyond the letters belongs to it."""


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
        contrast: RGB distance from the ground to the ink.
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
    contrast: float

    @property
    def others(self) -> Mask:
        """Ink of the line that stays."""
        return self.line & ~self.run


def native_of(crop: Float, frame: Frame, ink: Ink, line: Line, removed: Mask) -> Native:
    """The frame's findings on the crop's pixels.

    Args:
        crop: `(h, w, 3)` in 0..255.
        frame: the frame.
        ink: of the frame.
        line: as measured.
        removed: `(H, W)` bool, in the frame: old ink to erase.
    """
    hw = (crop.shape[0], crop.shape[1])
    ground = frame.back(ink.ground, hw, outside=None)
    steps = frame.back(ink.steps, hw, outside=None)
    power = np.maximum(np.square(steps).sum(axis=2), 0.1 * float(ink.step @ ink.step))
    matte = np.clip(((crop - ground) * steps).sum(axis=2) / power, 0.0, 1.0).astype(np.float32)
    run, whole = _ink_masks(frame, ink, line, removed, hw)
    unlike = frame.back(ink.unlike.astype(np.float32), hw, outside=1.0) > 0.3
    like_ink = frame.back(line.solid.astype(np.float32), hw, outside=0.0) > 0.3
    blur_px = edge_blur(np.where(dilate(whole, 2), matte, 0.0).astype(np.float32))
    body = frame.line.height / frame.scale
    solid = whole & (matte > 0.5) & _of_ink_hue(crop - ground, ink.step)
    mixed = ink.solid is not None
    shade = np.zeros(hw, np.float32)
    underlay = None
    if not mixed:
        underlay, ground = _underlay(crop, ground, solid, frame, ink.spread, blur_px)
    if underlay is not None:
        shade = underlay.cast(solid.astype(np.float32))
        toward = steps - shade[..., None] * underlay.step
        from_under = crop - ground - shade[..., None] * underlay.step
        matte = np.clip((from_under * toward).sum(axis=2) / np.square(toward).sum(axis=2).clip(1.0), 0.0, 1.0)
        matte = np.where(dilate(solid, 1 + round(blur_px)), matte, 0.0)
    things = (like_ink & ~dilate(whole, 2)) | (unlike & ~dilate(whole, round(0.3 * body)))
    stained = _stains(crop, whole, things, ink, body)
    letters = np.where(dilate(whole, 2), matte, 0.0).astype(np.float32)
    blur_px = edge_blur(letters)
    return Native(letters, run, whole, like_ink, unlike, stained, mixed, blur_px, underlay, shade, ink.contrast)


def _ink_masks(frame: Frame, ink: Ink, line: Line, removed: Mask, hw: tuple[int, int]) -> tuple[Mask, Mask]:
    """`(h, w)` bool on the crop: the ink to remove, and all ink of the line."""
    run = frame.back(removed.astype(np.float32), hw) > 0.2
    whole = frame.back(line.mask_of(line.words).astype(np.float32), hw) > 0.2
    if line.opened:
        # Corners and hairlines that opening took away belong to the letters all the same.
        plain = frame.back((ink.matte > 0.5).astype(np.float32), hw) > 0.2
        near = max(2, round(0.12 * frame.line.height / frame.scale))
        run, whole = run | (dilate(run, near) & plain), whole | (dilate(whole, near) & plain)
    return run, whole


def _underlay(
    crop: Float, ground: Float, solid: Mask, frame: Frame, spread: float, blur_px: float
) -> tuple[Underlay | None, Float]:
    """The shadow or outline, if any, and the ground, which is taken from beyond a shadow's reach where there is one."""
    hw = (crop.shape[0], crop.shape[1])
    body = frame.line.height / frame.scale
    window = around_box(mask_box(solid) or (0, 0, hw[1], hw[0]), round(0.4 * body), hw)
    usable = frame.valid_back(hw)[window]
    far = _ground_beyond(crop[window], ground[window], solid[window], usable, body)
    underlay = find_underlay(crop[window], far, solid[window], usable, body, spread, blur_px)
    if underlay is not None:
        ground = ground.copy()
        ground[window] = far
    return underlay, ground


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
    around = dilate(letters, max(2, round(_STAIN_REACH * body_px))) & ~dilate(others, 2)
    wide = dilate(letters, round(2 * _STAIN_REACH * body_px)) & ~dilate(letters, 3) & ~dilate(others, 2)
    if not wide.any():
        return np.zeros_like(letters)
    smooth = np.asarray(cv2.GaussianBlur(crop, (0, 0), 1.2), np.float32)
    surface = fit_surface(smooth, wide, order=2)
    miss = np.abs(surface.residual).mean(axis=2)
    least = max(_STAIN * ink.contrast, 3.5 * surface.sigma)
    off = around & (miss > least)
    if surface.inlier_share < _PLAIN_SHARE or least > 0.2 * ink.contrast:
        return np.zeros_like(letters)
    labels, _, _ = connected(off | letters)
    return np.asarray(np.isin(labels, np.unique(labels[letters])) & off & ~letters)


def _of_ink_hue(difference: Float, step: Float) -> Mask:
    """Pixels that leave the ground in the ink's direction, within 17 degrees; a shadow on it mostly does not."""
    along = difference @ step / float(np.linalg.norm(step))
    across = np.sqrt(np.maximum(np.square(difference).sum(axis=2) - np.square(along), 0.0))
    return np.asarray(across < 0.3 * along)


def around_box(box: tuple[int, int, int, int], margin: int, size_hw: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a box with a margin, inside the image."""
    x0, y0, x1, y1 = box
    rows = slice(max(0, y0 - margin), min(size_hw[0], y1 + margin))
    return rows, slice(max(0, x0 - margin), min(size_hw[1], x1 + margin))
