"""The one file that knows skia: paths, paints with volume and light, and flat drawing of region numbers.

A pen draws the same calls in two ways. In colour: fills, inner shadow and light that give volume, soft overlays,
optional ink. In numbers: each shape flat and without anti-aliasing in the number of the region that its part
belongs to, 0 for none; overlays are left out. So masks need no second description of the scene.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, NewType

import numpy as np
import numpy.typing as npt
import skia

from services.datasets.benchmark.colour import Rgb01, darker, lighter
from services.datasets.benchmark.frame import Point

Path = NewType("Path", object)
"""A skia path; only this file looks inside."""

Warp = Callable[[Point], Point]
_LIT_PX = 1.6
"""Bodies thinner than this show a shaded side, and no lit one."""


@dataclass(frozen=True)
class Look:
    """How this scene is lit and drawn: the unit direction towards the light, contrast in [0, 1], ink width."""

    light: Point = (-0.6, -0.8)
    contrast: float = 0.6
    ink: float = 0.0


def smooth(points: Sequence[Point], closed: bool = True) -> Path:
    """A Catmull-Rom curve through the points; its handles are held short, so that close points make a corner."""
    return _smooth(tuple(points), closed)


@lru_cache(maxsize=4096)  # a scene is drawn several times, in colour and in numbers; who changes a path copies it
def _smooth(points: tuple[Point, ...], closed: bool) -> Path:
    path = skia.Path()
    path.moveTo(*points[0])
    ends = [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    cubic, hypot = path.cubicTo, math.hypot
    for (ax, ay), (bx, by), (cx, cy), (dx, dy) in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        limit = 2.52 * hypot(cx - bx, cy - by)  # six times 0.42 of the chord
        ux, uy, vx, vy = cx - ax, cy - ay, dx - bx, dy - by
        u, v = hypot(ux, uy), hypot(vx, vy)
        p = (1.0 if u <= limit else limit / u) / 6
        q = (1.0 if v <= limit else limit / v) / 6
        cubic(bx + ux * p, by + uy * p, cx - vx * q, cy - vy * q, cx, cy)
    if closed:
        path.close()
    return Path(path)


def polygon(points: Sequence[Point], closed: bool = True) -> Path:
    """Straight lines through the points."""
    return Path(skia.Path.Polygon([skia.Point(*p) for p in points], closed))


def joined(paths: Sequence[Path]) -> Path:
    """One path of several contours."""
    whole: Any = skia.Path()
    for path in paths:
        whole.addPath(path)
    return Path(whole)


def bounds(path: Path) -> tuple[float, float, float, float]:
    """`(x0, y0, x1, y1)`, tight."""
    r = _raw(path).computeTightBounds()
    return r.left(), r.top(), r.right(), r.bottom()


def transformed(path: Path, matrix: tuple[float, float, float, float, float, float]) -> Path:
    """By `(a, b, c, d, e, f)`: x' = a x + b y + c, y' = d x + e y + f."""
    a, b, c, d, e, f = matrix
    target = skia.Path()
    _raw(path).transform(skia.Matrix.MakeAll(a, b, c, d, e, f, 0, 0, 1), target)
    return Path(target)


def clipped_path(path: Path, box: tuple[float, float, float, float]) -> Path:
    """The part of a path inside the box `(x0, y0, x1, y1)`."""
    return Path(skia.Op(_raw(path), skia.Path.Rect(skia.Rect(*box)), skia.kIntersect_PathOp))


@lru_cache(maxsize=64)
def _font(file: str) -> Any:
    font = skia.Font(skia.Typeface.MakeFromFile(file), 100.0)
    font.setHinting(skia.FontHinting.kNone)
    font.setSubpixel(True)
    return font


def glyph(font_file: FilePath, char: str) -> tuple[Path, float]:
    """A letter's outline with its baseline at y = 0, for an em of 1, and its advance."""
    font = _font(str(font_file))
    ids = font.textToGlyphs(char)
    path = font.getPath(ids[0]) or skia.Path()
    return transformed(Path(path), (0.01, 0, 0, 0, 0.01, 0)), float(font.getWidths(ids)[0]) / 100.0


def warped(path: Path, warp: Warp, spacing: float) -> Path:
    """The path sampled every `spacing` and moved point by point."""
    result: Any = skia.Path()
    measure = skia.PathMeasure(_raw(path), False)
    while True:
        total = measure.getLength()
        if total > 0:
            steps = max(3, int(total / spacing))
            points = [measure.getPosTan(total * i / steps)[0] for i in range(steps)]
            moved = [warp((p.x(), p.y())) for p in points]
            result.addPoly([skia.Point(*p) for p in moved], measure.isClosed())
        if not measure.nextContour():
            return Path(result)


def _raw(path: Path) -> Any:
    return path


def _color(rgb: Rgb01, alpha: float = 1.0) -> Any:
    clamp = [min(1.0, max(0.0, c)) for c in rgb]
    return skia.Color4f(clamp[0], clamp[1], clamp[2], alpha)


class Surface:
    """A square of `size_px`, addressed in the unit square."""

    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        self.pixels: npt.NDArray[np.uint8] = np.zeros((size_px, size_px, 4), np.uint8)
        self._surface = skia.Surface(self.pixels)

    def canvas(self) -> Any:
        """A fresh canvas state over the same pixels."""
        canvas = self._surface.getCanvas()
        canvas.resetMatrix()
        canvas.scale(self.size_px, self.size_px)
        return canvas

    def rgb(self) -> npt.NDArray[np.uint8]:
        """`(H, W, 3)` uint8, a copy."""
        return self.pixels[..., :3].copy()

    def load(self, rgb: npt.NDArray[np.uint8]) -> None:
        """Replaces the pixels."""
        self.pixels[..., :3] = rgb
        self.pixels[..., 3] = 255
        self._surface.notifyContentWillChange(skia.Surface.kRetain_ContentChangeMode)


class Pen:
    """Draws onto a surface; see the module's docstring for its two ways."""

    def __init__(self, surface: Surface, look: Look, numbers: Callable[[str], int] | None = None) -> None:
        self._canvas = surface.canvas()
        self._px = surface.size_px
        self._look = look
        self._numbers = numbers
        self._tags: list[str] = []
        self._number = 0
        self._warp: Warp | None = None

    @property
    def look(self) -> Look:
        """Light and ink."""
        return self._look

    def px(self, length: float) -> float:
        """A scene length in pixels, so that detail may be left out where it would be a speck.

        Detail never has an outline of its own, hence 0 where numbers are drawn.
        """
        return 0.0 if self._numbers is not None else length * self._px

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """All that is drawn inside belongs to the part `name` of the part around it."""
        self._tags.append(name)
        kept, self._number = self._number, self._resolve()
        try:
            yield
        finally:
            self._tags.pop()
            self._number = kept

    def _resolve(self) -> int:
        return self._numbers("/".join(self._tags)) if self._numbers else 0

    @contextmanager
    def warping(self, warp: Warp | None) -> Iterator[None]:
        """Moves every point drawn inside."""
        kept, self._warp = self._warp, warp
        try:
            yield
        finally:
            self._warp = kept

    @contextmanager
    def clip(self, path: Path) -> Iterator[None]:
        """Nothing inside leaves the path."""
        self._canvas.save()
        self._canvas.clipPath(self._placed(path), doAntiAlias=self._numbers is None)
        try:
            yield
        finally:
            self._canvas.restore()

    def _placed(self, path: Path) -> Any:
        return _raw(path if self._warp is None else warped(path, self._warp, 1.5 / self._px))

    def _paint(self, rgb: Rgb01, alpha: float = 1.0, blur: float = 0.0) -> Any:
        if self._numbers is not None:
            return skia.Paint(Color=skia.ColorSetRGB(self._number, 0, 0), AntiAlias=False)
        paint = skia.Paint(Color4f=_color(rgb, alpha), AntiAlias=True)
        if blur * self._px > 0.25:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        return paint

    def flat(self, path: Path, rgb: Rgb01, alpha: float = 1.0) -> None:
        """One colour."""
        self._canvas.drawPath(self._placed(path), self._paint(rgb, alpha))

    def soft(self, path: Path, rgb: Rgb01, alpha: float, blur: float = 0.0) -> None:
        """A translucent overlay that changes no outline."""
        if self._numbers is None:
            self._canvas.drawPath(self._placed(path), self._paint(rgb, alpha, blur))

    def stroke(
        self, path: Path, rgb: Rgb01, width: float, alpha: float = 1.0, blur: float = 0.0, body: bool = False
    ) -> None:
        """A line with round ends; `body` where the line is a thing of its own (a handle, a pole)."""
        if self._numbers is not None and not body:
            return
        paint = self._paint(rgb, alpha, blur)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        self._canvas.drawPath(self._placed(path), paint)

    def mark(self, path: Path) -> None:
        """Claims an area for the present part where its drawing consists of overlays alone; invisible in colour."""
        if self._numbers is not None:
            self._canvas.drawPath(self._placed(path), self._paint((0.0, 0.0, 0.0)))

    def ink(self, path: Path, rgb: Rgb01, weight: float = 1.0) -> None:
        """The outline in a dark tone of the colour, where the scene is drawn with ink."""
        if self._look.ink * weight > 0:
            self.stroke(path, darker(rgb, 0.72), self._look.ink * weight, 0.85)

    def volume(self, path: Path, rgb: Rgb01, depth: float, ink: float = 1.0, strength: float = 1.0) -> None:
        """A filled body, shaded from within: dark on the side away from the light, bright towards it.

        Args:
            path: the outline.
            rgb: the body's colour.
            depth: how far the shading reaches inwards, about half the body's thickness.
            ink: relative width of the outline.
            strength: relative strength of the shading.
        """
        if self._numbers is not None:
            self._canvas.drawPath(self._placed(path), self._paint(rgb))
            return
        placed = self._placed(path)
        self._canvas.drawPath(placed, self._paint(rgb))
        if depth * self._px >= 0.9:
            self._canvas.save()
            self._canvas.clipPath(placed, doAntiAlias=True)
            lx, ly = self._look.light
            force = self._look.contrast * strength
            self._rim(placed, lx * depth, ly * depth, darker(rgb, 0.62), 0.85 * force, depth)
            if depth * self._px >= _LIT_PX:
                self._rim(placed, -lx * depth * 0.6, -ly * depth * 0.6, lighter(rgb, 0.75), 0.55 * force, depth * 0.7)
            self._canvas.restore()
        if ink:
            self.ink(path, rgb, ink)

    def _rim(self, placed: Any, dx: float, dy: float, rgb: Rgb01, alpha: float, reach: float) -> None:
        """Everything outside the moved outline, blurred: the inner shadow of the outline."""
        ring = skia.Path(placed)
        ring.offset(dx, dy)
        box = placed.getBounds().makeOutset(reach * 2.5, reach * 2.5)
        ring.addRect(box)
        ring.setFillType(skia.PathFillType.kEvenOdd)
        self._canvas.drawPath(ring, self._paint(rgb, alpha, reach * 0.55))

    def gradient(self, path: Path, start: Point, end: Point, colours: Sequence[Rgb01], alpha: float = 1.0) -> None:
        """A linear gradient through evenly spaced colours."""
        shader = skia.GradientShader.MakeLinear(
            [skia.Point(*start), skia.Point(*end)], [_color(c, 1.0).toColor() for c in colours]
        )
        self._shaded(path, shader, alpha)

    def radial(self, path: Path, centre: Point, radius: float, colours: Sequence[Rgb01], alpha: float = 1.0) -> None:
        """A radial gradient from the centre outwards."""
        shader = skia.GradientShader.MakeRadial(
            skia.Point(*centre), radius, [_color(c, 1.0).toColor() for c in colours]
        )
        self._shaded(path, shader, alpha)

    def _shaded(self, path: Path, shader: Any, alpha: float) -> None:
        paint = self._paint((0.0, 0.0, 0.0))
        if self._numbers is None:
            paint.setShader(shader)
            paint.setAlphaf(alpha)
        self._canvas.drawPath(self._placed(path), paint)
