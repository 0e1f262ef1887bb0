"""Draws words: outlines of a typeface as coverage, with kerning, tracking, and strokes made bolder or lighter.

Lengths are in em where the name says so; the drawn array has the baseline at a known row and the pen at a known column.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from services.action.tools.retyping.frame import Box, Float
from shared.fonts import Typeface


@dataclass(frozen=True)
class Drawn:
    """Coverage `(h, w)` in [0, 1]; the pen starts at column `pen`, the baseline is the upper edge of row `baseline`.

    `ink` is the box of coverage above one half, relative to pen and baseline, in pixels.
    """

    coverage: Float
    pen: float
    baseline: float
    ink: Box


@lru_cache(maxsize=256)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    return ImageFont.truetype(path, size, layout_engine=engine)


def clusters(text: str) -> list[str]:
    """Characters with the marks that combine with them, composed where Unicode can."""
    parts: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if parts and unicodedata.combining(character):
            parts[-1] += character
        else:
            parts.append(character)
    return parts


def _as_set(text: str, face: Typeface) -> str:
    """Composed characters, and the apostrophe that signs have, where readers and keyboards give the straight one."""
    composed = unicodedata.normalize("NFC", text)
    return composed.replace("'", "\u2019") if face.covers("\u2019") else composed


def pens(text: str, face: Typeface, em_px: int, tracking_em: float = 0.0) -> list[float]:
    """Where each cluster's pen stands, kerning included, in pixels; one more entry for the end of the line."""
    font = _font(str(face.path), em_px)
    parts = clusters(_as_set(text, face))
    places: list[float] = []
    before = ""
    for i, part in enumerate(parts):
        places.append(float(font.getlength(before + part) - font.getlength(part)) + i * tracking_em * em_px)
        before += part
    places.append(float(font.getlength(before)) + max(0, len(parts) - 1) * tracking_em * em_px)
    return places


def draw(text: str, face: Typeface, em_px: int, tracking_em: float = 0.0, bolder_em: float = 0.0) -> Drawn:
    """The word's coverage at `em_px` pixels per em.

    Args:
        text: one line.
        face: the typeface; it must cover the text.
        em_px: size.
        tracking_em: added between letters.
        bolder_em: how far the outline moves outwards (inwards if negative).
    """
    text = _as_set(text, face)
    font = _font(str(face.path), em_px)
    places = pens(text, face, em_px, tracking_em)
    margin = round(0.35 * em_px)
    width, up, down = int(places[-1]) + 2 * margin + 1, round(1.25 * em_px), round(0.55 * em_px)
    canvas = Image.new("L", (max(width, 2 * margin + 1), up + down), 0)
    pencil = ImageDraw.Draw(canvas)
    for part, x in zip(clusters(text), places, strict=False):
        if abs(tracking_em) < 1e-9:
            pencil.text((margin, up), text, font=font, fill=255, anchor="ls")
            break
        pencil.text((margin + x, up), part, font=font, fill=255, anchor="ls")
    coverage = np.asarray(canvas, np.float32) / 255.0
    if abs(bolder_em * em_px) > 0.05:
        coverage = _moved(coverage, bolder_em * em_px)
    return Drawn(coverage=coverage, pen=float(margin), baseline=float(up), ink=_ink_box(coverage, margin, up))


def _moved(coverage: Float, outwards_px: float) -> Float:
    """The outline moved by a signed distance, anti-aliased."""
    solid = (coverage > 0.5).astype(np.uint8)
    outside = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    # Distances are to pixel centres of the other side; half a pixel brings both to the edge between them, and the
    # grey level of the edge pixel itself says where in the pixel the outline passes.
    signed = np.where(solid > 0, inside - 0.5, 0.5 - outside)
    edge = np.abs(signed) <= 0.5
    signed = np.where(edge, coverage - 0.5, signed)
    return np.asarray(np.clip(0.5 + signed + outwards_px, 0.0, 1.0), np.float32)


def _ink_box(coverage: Float, pen: float, baseline: float) -> Box:
    rows, columns = np.flatnonzero((coverage > 0.5).any(axis=1)), np.flatnonzero((coverage > 0.5).any(axis=0))
    if not rows.size:
        return Box(0.0, 0.0, 0.0, 0.0)
    return Box(columns[0] - pen, rows[0] - baseline, columns[-1] + 1 - pen, rows[-1] + 1 - baseline)
