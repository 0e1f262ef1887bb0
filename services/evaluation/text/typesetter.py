"""Sets a sign into a photograph: perspective, the photograph's own light, a shadow, its sharpness, its grain, JPEG.

Everything is a function of the seed; the spoilt sign and its right twin differ in letters alone (and, where the whole
was compressed, in what JPEG makes of the blocks around them). It knows nothing of the product or of how it is judged.
"""

import io
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from services.evaluation.text.lens import colour_cast, grain_sigma, is_grey, sharpness_sigma_px, without_colour
from services.evaluation.text.lettering import Box, Lettering, Manuscript, set_lines
from services.evaluation.text.surfaces import DRAW, PAINTS, Floats, Materials, Plate, Surface, wide_blur
from shared.contracts.base import QuadXY
from shared.images import Rgb

SUPERSAMPLING = 2
"""The sign is drawn and warped at this multiple and averaged down, so that its edges are as a lens would give them."""


@dataclass(frozen=True)
class Setting:
    """Where and how a sign stands.

    Attributes:
        quad_px: the sign's corners in the photograph, in reading order.
        surface: what it is.
        seed: of its wear, colours, shadow and grain.
        posts: whether it stands on two posts that leave the picture below.
        jpeg_quality: of the finished picture; None leaves it uncompressed.
        lying: a sign that lies or hangs flat casts a tight shadow, a standing one a longer one.
    """

    quad_px: QuadXY
    surface: Surface
    seed: int
    posts: bool = False
    jpeg_quality: int | None = None
    lying: bool = False


@dataclass(frozen=True)
class SetPicture:
    """A picture with words, and where they stand: per drawn line the ink of each word and of the whole line."""

    image: Rgb
    words: tuple[tuple[QuadXY, ...], ...]
    lines: tuple[QuadXY, ...]


def typeset(photograph: Rgb, script: Manuscript, setting: Setting, materials: Materials) -> SetPicture:
    """The photograph with the sign in it, and the truth about its words."""
    plate_hw = _plate_size(setting.quad_px)
    plate = DRAW[setting.surface](plate_hw, _stream(setting, 1), materials)
    if setting.surface is Surface.PAINTED:
        plate = _with_paint(plate, photograph, setting)
    lettering = set_lines(script, plate_hw, plate.room)
    to_photo = _homography(plate_hw, setting.quad_px)
    image = _lay_in(photograph, plate, lettering, to_photo, setting)
    if setting.jpeg_quality is not None:
        image = _jpeg(image, setting.jpeg_quality)
    words = tuple(tuple(_project(box, to_photo) for box in line) for line in lettering.words)
    return SetPicture(image, words, tuple(_project(box, to_photo) for box in lettering.lines))


def _stream(setting: Setting, purpose: int) -> np.random.Generator:
    return np.random.default_rng([setting.seed, purpose])


def _plate_size(quad: QuadXY) -> tuple[int, int]:
    points = np.asarray(quad)
    sides = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    width, height = (sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2
    return max(24, round(height * SUPERSAMPLING)), max(24, round(width * SUPERSAMPLING))


def _homography(plate_hw: tuple[int, int], quad: QuadXY) -> npt.NDArray[np.float64]:
    h, w = plate_hw
    corners = np.asarray([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, np.asarray(quad, np.float32)), np.float64)


def _project(box: Box, to_photo: npt.NDArray[np.float64]) -> QuadXY:
    x0, y0, x1, y1 = box
    corners = np.asarray([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], np.float32)
    points = cv2.perspectiveTransform(corners, to_photo)[0]
    return cast(QuadXY, tuple((float(x), float(y)) for x, y in points))


def _warp(layer: Floats, to_photo: npt.NDArray[np.float64], size_hw: tuple[int, int]) -> Floats:
    """The layer in the photograph's frame, averaged down from the supersampled warp."""
    up = np.diag([SUPERSAMPLING, SUPERSAMPLING, 1.0]) @ to_photo
    # pixel centres lie at half: the warp works on indices, the homography on corners
    half = np.asarray([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centred = np.linalg.inv(half) @ up @ half
    size = (size_hw[1] * SUPERSAMPLING, size_hw[0] * SUPERSAMPLING)
    warped = cv2.warpPerspective(layer, centred, size, flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(warped, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_AREA), np.float32)


def _lay_in(
    photograph: Rgb, plate: Plate, lettering: Lettering, to_photo: npt.NDArray[np.float64], setting: Setting
) -> Rgb:
    result = _with_posts(photograph, setting) if setting.posts else photograph.copy()
    window = _around(setting, photograph.shape[:2], 0.4)
    base = result[window].astype(np.float32)
    size = (base.shape[0], base.shape[1])
    to_window = np.asarray([[1, 0, -window[1].start], [0, 1, -window[0].start], [0, 0, 1]]) @ to_photo
    if plate.thickness > 0:
        base = _with_shadow(base, _warp(plate.alpha, to_window, size), plate, setting)
    warped = _warp(_premultiplied(plate, lettering), to_window, size)
    warped = np.asarray(cv2.GaussianBlur(warped, (0, 0), sharpness_sigma_px(photograph)), np.float32)
    alpha = np.clip(warped[..., 3:], 0, 1)
    lit = warped[..., :3] * _light(photograph, setting)[window][..., None] * colour_cast(photograph)
    if is_grey(photograph):
        lit = without_colour(lit)
    lit += _grain(size, grain_sigma(photograph), setting)[..., None] * alpha
    mixed = base * (1 - alpha) + lit
    result[window] = np.clip(np.where(alpha > 1e-4, mixed, base) + 0.5, 0, 255).astype(np.uint8)
    return result


def _premultiplied(plate: Plate, lettering: Lettering) -> Floats:
    """`(h, w, 4)` float32: the lettered plate's colour times its alpha, and the alpha."""
    ink = lettering.coverage * plate.ink_alpha
    alpha = np.maximum(plate.alpha, ink)
    share = ink[..., None]
    rgb = np.where(plate.alpha[..., None] > 0, plate.rgb * (1 - share) + plate.ink_rgb * share, plate.ink_rgb)
    return np.dstack([rgb * alpha[..., None], alpha]).astype(np.float32)


def _around(setting: Setting, size_hw: tuple[int, int], grow: float) -> tuple[slice, slice]:
    points = np.asarray(setting.quad_px)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.maximum((high - low) * grow, 24 * grow)
    x0, y0 = np.maximum(low - margin, 0).astype(int)
    x1, y1 = (high + margin).astype(int)
    return slice(int(y0), min(int(y1), size_hw[0])), slice(int(x0), min(int(x1), size_hw[1]))


def _light(photograph: Rgb, setting: Setting) -> Floats:
    """`(H, W)` factor: the scene's exposure at the place, and its slow change across the sign."""
    gray = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY).astype(np.float32)
    window = _around(setting, gray.shape, 0.3)
    level = float(np.percentile(gray[window], 80))
    if setting.surface is Surface.PAINTED:
        fine = cv2.GaussianBlur(gray, (0, 0), 0.8)
        texture = (fine + 40) / (wide_blur(gray, max(gray.shape) * 0.03) + 40)
        return np.asarray(np.clip(0.7 + 0.3 * level / 160, 0.7, 1.0) * np.clip(texture, 0.45, 1.15) ** 0.7, np.float32)
    slow = wide_blur(gray, max(gray.shape) * 0.10)
    gradient = (slow / max(float(slow[window].mean()), 1.0)) ** 0.6
    exposure = np.clip(0.45 + 0.6 * level / 210, 0.5, 1.04)
    return np.asarray(exposure * np.clip(gradient, 0.65, 1.3), np.float32)


def _grain(size_hw: tuple[int, int], sigma: float, setting: Setting) -> Floats:
    noise = _stream(setting, 2).normal(size=size_hw).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 0.55)
    return np.asarray(soft / max(float(soft.std()), 1e-6) * sigma, np.float32)


def _with_shadow(base: Floats, outline: Floats, plate: Plate, setting: Setting) -> Floats:
    """Darkens what lies behind the sign: a contact shadow, and a soft one thrown to the lower side."""
    points = np.asarray(setting.quad_px)
    height = float(np.linalg.norm(points[3] - points[0]))
    throw = plate.thickness * height * (0.7 if setting.lying else 1.6)
    side = 1.0 if _stream(setting, 3).random() < 0.5 else -1.0
    shift = np.asarray([[1, 0, side * throw * 0.6], [0, 1, throw]], np.float32)
    size = (base.shape[1], base.shape[0])
    moved = np.asarray(cv2.warpAffine(outline, shift, size), np.float32)
    thrown = wide_blur(moved, max(1.0, throw * 0.8))
    contact = wide_blur(outline, max(0.8, height * 0.012))
    shade = np.clip(0.55 * thrown + 0.25 * contact, 0, 0.7)
    return np.asarray(base * (1 - shade[..., None]), np.float32)


def _with_posts(photograph: Rgb, setting: Setting) -> Rgb:
    """Two posts from behind the sign down and out of the picture."""
    points = np.asarray(setting.quad_px)
    width = max(3.0, float(np.linalg.norm(points[3] - points[0])) * 0.06)
    base = photograph.astype(np.float32)
    h, w = base.shape[:2]
    xx = np.arange(w, dtype=np.float32)[None, :]
    yy = np.arange(h, dtype=np.float32)[:, None]
    level = float(base[_around(setting, (h, w), 0.2)].mean())
    for share in (0.16, 0.84):
        top = points[0] * (1 - share) + points[1] * share
        across = np.clip(width / 2 - np.abs(xx - top[0]) + 0.5, 0, 1) * np.clip(yy - top[1], 0, 1)
        round_light = 0.75 + 0.35 * np.cos((xx - top[0] + width * 0.25) / width * np.pi)
        colour = np.asarray((1.0, 0.97, 0.93), np.float32) * np.clip(level, 40, 150) * 0.8
        base = base * (1 - across[..., None]) + (colour * round_light[..., None]) * across[..., None]
    return np.asarray(base + 0.5, np.uint8)


def _with_paint(plate: Plate, photograph: Rgb, setting: Setting) -> Plate:
    """Picks a paint that stands out from what it is painted on, and lets the wall's relief wear it."""
    window = photograph[_around(setting, photograph.shape[:2], 0.0)].reshape(-1, 3).astype(np.float32)
    ground = window.mean(axis=0)
    weights = np.asarray([0.299, 0.587, 0.114], np.float32)
    contrast = [abs(float((np.asarray(paint, np.float32) - ground) @ weights)) for paint in PAINTS]
    good = [paint for paint, value in zip(PAINTS, contrast, strict=True) if value >= min(90.0, max(contrast))]
    paint = good[int(_stream(setting, 4).integers(len(good)))]
    ink = np.broadcast_to(np.asarray(paint, np.float32), plate.rgb.shape).copy()
    holds = np.asarray(plate.ink_alpha * 0.92, np.float32)
    return Plate(plate.rgb, plate.alpha, ink, holds, plate.room, 0.0)


def _jpeg(image: Rgb, quality: int) -> Rgb:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB")).copy()
