"""Draws what words stand on, seen straight on: painted board, street sign, paper card, wood, chalkboard, cloth, wall.

Each surface is a function of size and random stream alone, so that a spoilt sign and its right twin share it exactly.
Colours are `(h, w, 3)` float32 RGB in [0, 255]; light, shadow, blur and grain are the typesetter's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from services.evaluation.text.lettering import Box, Coverage, Face
from shared.images import Rgb

Floats = npt.NDArray[np.float32]
Colour = tuple[int, int, int]


class Surface(StrEnum):
    """What words stand on."""

    BOARD = "board"
    STREET = "street"
    CARD = "card"
    WOOD = "wood"
    CHALK = "chalk"
    AWNING = "awning"
    PAINTED = "painted"


@dataclass(frozen=True)
class Plate:
    """A blank sign.

    Attributes:
        rgb, alpha: the sign; alpha 0 shows the photograph.
        ink_rgb, ink_alpha: what letters are made of, and how much of it holds at each pixel (chalk, worn paint).
        room: where letters may stand.
        thickness: how far it stands off what is behind it, as a share of its height; 0 for paint on a wall.
    """

    rgb: Floats
    alpha: Coverage
    ink_rgb: Floats
    ink_alpha: Coverage
    room: Box
    thickness: float


@dataclass(frozen=True)
class Materials:
    """Photographs of real materials that surfaces are cut from."""

    wood: Rgb


FACES: dict[Surface, tuple[Face, ...]] = {
    Surface.BOARD: (Face.SANS, Face.HUMANIST, Face.SERIF_BOLD, Face.SLAB, Face.CONDENSED),
    Surface.STREET: (Face.SANS, Face.CONDENSED, Face.HUMANIST),
    Surface.CARD: (Face.SERIF, Face.SERIF_BOLD, Face.SANS, Face.SLAB, Face.HAND),
    Surface.WOOD: (Face.SLAB, Face.STENCIL, Face.SERIF_BOLD, Face.HUMANIST),
    Surface.CHALK: (Face.HAND, Face.SERIF_BOLD, Face.CONDENSED),
    Surface.AWNING: (Face.SERIF_BOLD, Face.SLAB, Face.HUMANIST),
    Surface.PAINTED: (Face.STENCIL, Face.SANS, Face.CONDENSED, Face.SLAB, Face.SERIF_BOLD),
}

BOARD_PAIRS: tuple[tuple[Colour, Colour], ...] = (
    ((236, 230, 214), (42, 38, 36)),
    ((28, 62, 52), (238, 226, 190)),
    ((150, 34, 30), (246, 238, 222)),
    ((32, 48, 84), (240, 234, 214)),
    ((214, 170, 60), (36, 30, 24)),
    ((60, 60, 62), (234, 232, 226)),
    ((120, 160, 164), (24, 40, 52)),
)
STREET_PAIRS: tuple[tuple[Colour, Colour], ...] = (
    ((12, 92, 62), (244, 246, 244)),
    ((20, 66, 140), (246, 246, 246)),
    ((244, 244, 242), (24, 24, 26)),
    ((250, 202, 20), (20, 20, 20)),
    ((178, 24, 36), (250, 250, 250)),
)
CARD_PAIRS: tuple[tuple[Colour, Colour], ...] = (
    ((247, 243, 232), (40, 36, 36)),
    ((250, 250, 248), (24, 28, 60)),
    ((240, 226, 198), (90, 36, 28)),
    ((226, 214, 190), (30, 56, 48)),
)
CLOTH_PAIRS: tuple[tuple[Colour, Colour], ...] = (
    ((26, 78, 60), (244, 238, 220)),
    ((140, 28, 34), (248, 240, 226)),
    ((30, 44, 80), (244, 240, 228)),
    ((232, 222, 196), (96, 30, 30)),
)
PAINTS: tuple[Colour, ...] = ((244, 242, 234), (240, 196, 40), (30, 28, 30), (170, 30, 30), (30, 60, 120))


def smooth_noise(size_hw: tuple[int, int], wavelength_px: float, rng: np.random.Generator) -> Floats:
    """`(h, w)` float32 noise of unit deviation whose features are `wavelength_px` wide."""
    h, w = size_hw
    grid = (max(3, int(h / wavelength_px) + 3), max(3, int(w / wavelength_px) + 3))
    coarse = rng.normal(size=grid).astype(np.float32)
    grown = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown / max(float(grown.std()), 1e-3), np.float32)


def wide_blur(layer: Floats, sigma_px: float, sigma_y_px: float | None = None) -> Floats:
    """Gaussian blur of `(h, w)`, done on a smaller copy where sigma is wide: no eye sees the difference."""
    down = float(sigma_px if sigma_y_px is None else sigma_y_px)
    kx, ky = max(1, int(sigma_px / 4)), max(1, int(down / 4))
    h, w = layer.shape
    small = cv2.resize(layer, (max(2, w // kx), max(2, h // ky)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigmaX=sigma_px / kx, sigmaY=down / ky)
    return np.asarray(cv2.resize(soft, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def _flat(size_hw: tuple[int, int], colour: Colour) -> Floats:
    return np.broadcast_to(np.asarray(colour, np.float32), (*size_hw, 3)).copy()


def _pick(pairs: tuple[tuple[Colour, Colour], ...], rng: np.random.Generator) -> tuple[Colour, Colour]:
    return pairs[int(rng.integers(len(pairs)))]


def _rounded(size_hw: tuple[int, int], inset: float, radius: float) -> Coverage:
    """Coverage of a rectangle with round corners, `inset` from the border, anti-aliased."""
    h, w = size_hw
    yy, xx = np.mgrid[:h, :w].astype(np.float32) + 0.5
    dx = np.abs(xx - w / 2) - (w / 2 - inset - radius)
    dy = np.abs(yy - h / 2) - (h / 2 - inset - radius)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - radius
    return np.asarray(np.clip(0.5 - outside, 0, 1), np.float32)


def _lay(rgb: Floats, coverage: Coverage, colour: Colour | Floats, strength: float = 1.0) -> Floats:
    weight = (coverage * strength)[..., None]
    return np.asarray(rgb * (1 - weight) + np.asarray(colour, np.float32) * weight, np.float32)


def _room(size_hw: tuple[int, int], side: float, end: float) -> Box:
    h, w = size_hw
    return (w * end, h * side, w * (1 - end), h * (1 - side))


def _worn(size_hw: tuple[int, int], rng: np.random.Generator, wear: float) -> Coverage:
    """How well paint holds: 1 nearly everywhere, speckled where it has flaked; `wear` in [0, 1]."""
    grain = smooth_noise(size_hw, 3.0, rng) * 0.6 + smooth_noise(size_hw, 14.0, rng) * 0.5
    return np.asarray(np.clip(1.0 - wear * np.clip(grain - 0.9, 0, 1), 0, 1), np.float32)


def _bevel(rgb: Floats, size_hw: tuple[int, int], width: float, radius: float) -> Floats:
    """Light on the upper and shade on the lower edge of a thick plate."""
    rim = 1.0 - _rounded(size_hw, width, radius)
    height = np.linspace(1, -1, size_hw[0], dtype=np.float32)[:, None]
    return np.asarray(rgb * (1 + 0.16 * (rim * np.sign(height)))[..., None], np.float32)


def _screws(rgb: Floats, size_hw: tuple[int, int], rng: np.random.Generator) -> Floats:
    h, w = size_hw
    radius = max(2.0, h * 0.022)
    yy, xx = np.mgrid[:h, :w].astype(np.float32)
    inset = h * 0.085
    for x, y in ((inset, inset), (w - inset, inset), (inset, h - inset), (w - inset, h - inset)):
        shade = np.clip(radius * 1.5 - np.hypot(xx - x, yy - y - radius * 0.4), 0, 1).astype(np.float32)
        rgb = _lay(rgb, shade, (30, 28, 26), 0.4)
        head = np.clip(radius - np.hypot(xx - x, yy - y), 0, 1).astype(np.float32)
        gleam = (150 + 60 * (y - yy) / radius)[..., None] * np.asarray((1.0, 0.99, 0.96), np.float32)
        rgb = _lay(rgb, head, np.asarray(gleam, np.float32))
    return rgb


def board(size_hw: tuple[int, int], rng: np.random.Generator, materials: Materials) -> Plate:
    """A flat board painted in one colour, sometimes with a line around, brush marks and screws."""
    ground, ink = _pick(BOARD_PAIRS, rng)
    h = size_hw[0]
    brush = wide_blur(smooth_noise(size_hw, 2.0, rng), h * 0.12, 0.6)
    rgb = _flat(size_hw, ground) * (1 + 0.35 * brush * 0.05 + 0.02 * smooth_noise(size_hw, h * 0.5, rng))[..., None]
    if rng.random() < 0.6:
        line = _rounded(size_hw, h * 0.06, h * 0.03) - _rounded(size_hw, h * 0.08, h * 0.02)
        rgb = _lay(rgb, np.clip(line, 0, 1), ink, 0.9)
    elif rng.random() < 0.6:
        rgb = _screws(rgb, size_hw, rng)
    rgb = _bevel(rgb, size_hw, h * 0.02, h * 0.01)
    return Plate(rgb, _rounded(size_hw, 0.5, h * 0.02), _flat(size_hw, ink), _worn(size_hw, rng, 0.35),
                 _room(size_hw, 0.19, 0.08), 0.05)  # fmt: skip


def street(size_hw: tuple[int, int], rng: np.random.Generator, materials: Materials) -> Plate:
    """A sheet-metal sign: round corners, a border line, bolts, a soft reflection."""
    ground, ink = _pick(STREET_PAIRS, rng)
    h, w = size_hw
    sheen = np.linspace(0, 1, w, dtype=np.float32)[None, :] + 0.4 * np.linspace(0, 1, h, dtype=np.float32)[:, None]
    glow = np.exp(-(((sheen - rng.uniform(0.2, 1.1)) / 0.22) ** 2))
    rgb = _flat(size_hw, ground) * (1 + 0.015 * smooth_noise(size_hw, h * 0.3, rng))[..., None] + 16 * glow[..., None]
    line = _rounded(size_hw, h * 0.045, h * 0.10) - _rounded(size_hw, h * 0.085, h * 0.07)
    rgb = _lay(rgb, np.clip(line, 0, 1), ink)
    ink_rgb = _flat(size_hw, ink) + 8 * glow[..., None]
    return Plate(rgb, _rounded(size_hw, 0.5, h * 0.12), ink_rgb, _worn(size_hw, rng, 0.1),
                 _room(size_hw, 0.2, 0.08), 0.02)  # fmt: skip


def card(size_hw: tuple[int, int], rng: np.random.Generator, materials: Materials) -> Plate:
    """Paper: fibres, a faint bend, sometimes a printed frame."""
    ground, ink = _pick(CARD_PAIRS, rng)
    h, w = size_hw
    bend = np.cos(np.linspace(-1.1, 1.1, w, dtype=np.float32) + rng.uniform(-0.4, 0.4))[None, :]
    fibre = 0.006 * smooth_noise(size_hw, 2.0, rng) + 0.008 * smooth_noise(size_hw, 9.0, rng)
    rgb = _flat(size_hw, ground) * (0.93 + 0.07 * bend + fibre)[..., None]
    if rng.random() < 0.45:
        line = _rounded(size_hw, h * 0.055, 1.0) - _rounded(size_hw, h * 0.068, 1.0)
        rgb = _lay(rgb, np.clip(line, 0, 1), ink, 0.8)
    ink_alpha = np.asarray(np.clip(0.94 + 0.03 * smooth_noise(size_hw, 2.5, rng), 0, 1), np.float32)
    return Plate(rgb, _rounded(size_hw, 0.5, 1.5), _flat(size_hw, ink), ink_alpha, _room(size_hw, 0.16, 0.09), 0.015)


def wood(size_hw: tuple[int, int], rng: np.random.Generator, materials: Materials) -> Plate:
    """A plank cut from a photograph of wood, with letters painted or burnt on."""
    h, w = size_hw
    texture = cv2.resize(materials.wood, (w, h), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    if rng.random() < 0.5:
        texture = texture[::-1, ::-1]
    tone = np.asarray([(1.0, 1.0, 1.0), (0.62, 0.6, 0.62), (1.05, 1.12, 1.2)][int(rng.integers(3))], np.float32)
    level = float(texture.mean())
    rgb = np.clip((texture - level) * 0.85 + level * rng.uniform(0.75, 1.15), 0, 255) * tone
    light = float(rgb.mean()) < 125
    ink: Colour = (244, 236, 216) if light else (34, 22, 16)
    relief = cv2.GaussianBlur(texture.mean(axis=2), (0, 0), 1.0) - cv2.GaussianBlur(texture.mean(axis=2), (0, 0), 8.0)
    holds = np.asarray(np.clip(0.95 + relief / 90.0, 0.45, 1.0), np.float32) * _worn(size_hw, rng, 0.4)
    rgb = _bevel(np.asarray(rgb, np.float32), size_hw, h * 0.025, h * 0.02)
    return Plate(rgb, _rounded(size_hw, 0.5, h * 0.03), _flat(size_hw, ink), np.asarray(holds, np.float32),
                 _room(size_hw, 0.17, 0.07), 0.06)  # fmt: skip


def chalk(size_hw: tuple[int, int], rng: np.random.Generator, materials: Materials) -> Plate:
    """A chalkboard in a wooden frame: smudges, and chalk that skips over the grain."""
    h, w = size_hw
    ground: Colour = (44, 48, 47) if rng.random() < 0.6 else (40, 62, 52)
    dust = wide_blur(smooth_noise(size_hw, h * 0.08, rng), h * 0.2, h * 0.03)
    rgb = _flat(size_hw, ground) + (7 * dust + 1.5 * smooth_noise(size_hw, 2.0, rng))[..., None]
    plank = cv2.resize(materials.wood, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) * 0.8
    rgb = _lay(rgb, 1.0 - _rounded(size_hw, h * 0.055, 1.0), plank)
    shade = np.clip(_rounded(size_hw, h * 0.055, 1.0) - _rounded(size_hw, h * 0.075, h * 0.01), 0, 1)
    rgb = _lay(rgb, wide_blur(np.asarray(shade, np.float32), h * 0.008), (10, 10, 10), 0.5)
    tooth = smooth_noise(size_hw, 2.2, rng) * 0.75 + smooth_noise(size_hw, 6.0, rng) * 0.4
    holds = np.clip(0.86 - 0.30 * np.clip(tooth - 0.3, 0, 3), 0.15, 1.0)
    return Plate(rgb, _rounded(size_hw, 0.5, 2.0), _flat(size_hw, (236, 234, 226)), np.asarray(holds, np.float32),
                 _room(size_hw, 0.18, 0.1), 0.05)  # fmt: skip


def awning(size_hw: tuple[int, int], rng: np.random.Generator, materials: Materials) -> Plate:
    """Shop cloth: folds, weave, a scalloped lower edge."""
    ground, ink = _pick(CLOTH_PAIRS, rng)
    h, w = size_hw
    xx = np.linspace(0, 1, w, dtype=np.float32)[None, :]
    folds = np.sin(2 * np.pi * (xx * rng.uniform(4, 7) + rng.uniform())) * 0.5 + 0.5 * np.sin(2 * np.pi * xx * 11.3)
    fall = np.linspace(1.06, 0.9, h, dtype=np.float32)[:, None]
    weave = 0.012 * smooth_noise(size_hw, 2.0, rng)
    shade = fall * (1 + 0.03 * folds) + weave
    scallops = max(5, int(w / h * 2.5))
    yy, cols = np.mgrid[:h, :w].astype(np.float32)
    edge = h * (0.9 + 0.09 * np.abs(np.sin(np.pi * cols / w * scallops)))
    alpha = np.clip(edge - yy, 0, 1).astype(np.float32) * _rounded(size_hw, 0.5, 1.0)
    rgb = _flat(size_hw, ground)
    band = np.clip(1 - np.abs(yy - (edge - h * 0.03)) / (h * 0.012), 0, 1).astype(np.float32)
    rgb = _lay(rgb, band, ink, 0.85) * shade[..., None]
    box = (w * 0.07, h * 0.12, w * 0.93, h * 0.82)
    return Plate(rgb, alpha, _flat(size_hw, ink) * shade[..., None], np.full(size_hw, 0.97, np.float32), box, 0.04)


def painted(size_hw: tuple[int, int], rng: np.random.Generator, materials: Materials) -> Plate:
    """Letters painted straight on what the photograph shows; the typesetter picks the paint that stands out."""
    blank = np.zeros((*size_hw, 3), np.float32)
    return Plate(blank, np.zeros(size_hw, np.float32), blank.copy(), _worn(size_hw, rng, 0.5),
                 _room(size_hw, 0.08, 0.04), 0.0)  # fmt: skip


DRAW: dict[Surface, Callable[[tuple[int, int], np.random.Generator, Materials], Plate]] = {
    Surface.BOARD: board,
    Surface.STREET: street,
    Surface.CARD: card,
    Surface.WOOD: wood,
    Surface.CHALK: chalk,
    Surface.AWNING: awning,
    Surface.PAINTED: painted,
}
