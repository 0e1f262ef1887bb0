"""Hair and beards, behind and above the face. Local unit: half the head's height, as in `faces`."""

import math

from services.datasets.benchmark.colour import Rgb01, darker, lighter
from services.datasets.benchmark.draw.pen import Path, Pen, joined, smooth
from services.datasets.benchmark.frame import Frame, Point, circle
from services.datasets.benchmark.graph import Head

STYLES = ("short", "parted", "long", "bob", "bun", "curly", "bald", "ponytail", "wavy", "cap")


def _strands(pen: Pen, shape: Path, lines: list[list[Point]], rgb: Rgb01, frame: Frame) -> None:
    """Dark and light strokes along the growth, inside the hair."""
    if pen.px(frame.size) < 10:
        return
    with pen.clip(shape):
        for i, line in enumerate(lines):
            path = smooth(frame.points(line), closed=False)
            tone = lighter(rgb, 0.45) if i % 2 else darker(rgb, 0.5)
            pen.stroke(path, tone, 0.035 * frame.size, 0.3, 0.012 * frame.size)


def behind(pen: Pen, head: Head, frame: Frame) -> None:
    """What hangs behind neck and ears."""
    rgb = darker(head.hair.rgb, 0.2)
    if head.hairstyle in ("long", "wavy"):
        wave = 0.07 if head.hairstyle == "wavy" else 0.0
        left = [(-0.86 - wave * math.sin(k * 2.1), -0.5 + k * 0.37) for k in range(6)]
        right = [(-x, y) for x, y in reversed(left)]
        shape = smooth(
            frame.points([(0, -1.1), (-0.6, -0.95), *left, (-0.5, 1.42), (0, 1.3), (0.5, 1.42), *right, (0.6, -0.95)])
        )
        pen.volume(shape, rgb, 0.25 * frame.size)
        lines = [[(x, 0.1), (x * 1.04, 0.7), (x * 0.98, 1.35)] for x in (-0.8, -0.72, -0.62, 0.62, 0.72, 0.8)]
        _strands(pen, shape, lines, rgb, frame)
    elif head.hairstyle == "bob":
        shape = smooth(frame.points([(0, -1.08), (-0.66, -0.9), (-0.95, -0.3), (-0.98, 0.3), (-0.86, 0.72), (-0.5,
            0.76), (0, 0.6),
                                     (0.5, 0.76), (0.86, 0.72), (0.98, 0.3), (0.95, -0.3), (0.66, -0.9)]))  # fmt: skip
        pen.volume(shape, rgb, 0.22 * frame.size)
    elif head.hairstyle == "bun":
        pen.volume(smooth(frame.points(circle((0.05, -1.16), 0.32, 0.3))), rgb, 0.2 * frame.size)
    elif head.hairstyle == "ponytail":
        tail = smooth(
            frame.points([(0.5, -0.8), (0.98, -0.65), (1.12, 0.0), (1.0, 0.7), (0.86, 1.1), (0.82, 0.4), (0.72, -0.2)])
        )
        pen.volume(tail, rgb, 0.16 * frame.size)
    elif head.hairstyle == "curly":
        curls = [circle((math.sin(a) * 0.82, -0.22 - math.cos(a) * 0.8), 0.3) for a in _angles(-2.1, 2.1, 10)]
        pen.volume(joined([smooth(frame.points(c)) for c in curls]), rgb, 0.1 * frame.size)


def _angles(start: float, end: float, count: int) -> list[float]:
    return [start + (end - start) * i / (count - 1) for i in range(count)]


_CAPS: dict[str, list[Point]] = {
    "short": [(-0.8, -0.1), (-0.86, -0.5), (-0.62, -0.95), (-0.1, -1.13), (0.5, -1.02), (0.82, -0.62), (0.8, -0.1),
        (0.7, -0.28),
              (0.6, -0.55), (0.2, -0.66), (-0.25, -0.62), (-0.6, -0.56), (-0.7, -0.28)],
    "parted": [(-0.8, 0.0), (-0.88, -0.45), (-0.66, -0.98), (-0.1, -1.18), (0.5, -1.08), (0.86, -0.62), (0.8, 0.0),
        (0.71, -0.2),
               (0.62, -0.46), (0.1, -0.62), (-0.34, -0.86), (-0.56, -0.6), (-0.7, -0.25)],
    "long": [(-0.84, 0.35), (-0.92, -0.3), (-0.68, -0.95), (0.0, -1.15), (0.68, -0.95), (0.92, -0.3), (0.84, 0.35),
        (0.72, -0.1),
             (0.5, -0.5), (0.05, -0.84), (-0.4, -0.55), (-0.7, -0.1)],
    "bob": [(-0.9, 0.4), (-0.95, -0.3), (-0.66, -0.95), (0.0, -1.12), (0.66, -0.95), (0.95, -0.3), (0.9, 0.4), (0.74,
        0.0),
            (0.66, -0.42), (0.25, -0.5), (-0.25, -0.5), (-0.66, -0.42), (-0.74, 0.0)],
    "bun": [(-0.78, -0.12), (-0.82, -0.5), (-0.58, -0.94), (0.0, -1.08), (0.58, -0.94), (0.82, -0.5), (0.78, -0.12),
        (0.68, -0.35),
            (0.35, -0.66), (0.0, -0.74), (-0.35, -0.66), (-0.68, -0.35)],
}  # fmt: skip
_CAPS["ponytail"] = _CAPS["bun"]
_CAPS["wavy"] = _CAPS["long"]


def above(pen: Pen, head: Head, frame: Frame) -> None:
    """What frames the forehead."""
    rgb = head.hair.rgb
    if head.hairstyle == "bald":
        if head.old > 0.3:
            for side in (-1, 1):
                tuft = smooth(
                    frame.points([(side * 0.74, -0.4), (side * 0.88, -0.25), (side * 0.86, 0.05), (side * 0.74, 0.05)])
                )
                pen.soft(tuft, rgb, 0.9, 0.03 * frame.size)
        return
    if head.hairstyle == "curly":
        curls = [circle((math.sin(a) * 0.62, -0.42 - math.cos(a) * 0.5), 0.25) for a in _angles(-1.75, 1.75, 9)]
        for curl in curls:
            pen.volume(smooth(frame.points(curl)), rgb, 0.13 * frame.size, ink=0.6)
        return
    if head.hairstyle == "cap":
        _cap(pen, head, frame)
        return
    shape = smooth(frame.points(_CAPS[head.hairstyle]))
    pen.volume(shape, rgb, 0.16 * frame.size)
    root = -0.34 if head.hairstyle == "parted" else 0.0
    lines = [[(root, -1.0), ((root + x) * 0.62, -0.86 + abs(x) * 0.12), (x, -0.42 + abs(x) * 0.35)] for x in
             (-0.8, -0.68, -0.5, -0.3, 0.25, 0.45, 0.62, 0.78)]  # fmt: skip
    _strands(pen, shape, lines, rgb, frame)
    sheen = smooth(frame.points([(-0.5, -0.82), (-0.1, -0.97), (0.35, -0.9)]), closed=False)
    with pen.clip(shape):
        pen.stroke(sheen, lighter(rgb, 0.6), 0.1 * frame.size, 0.28 * pen.look.contrast + 0.08, 0.06 * frame.size)


def _cap(pen: Pen, head: Head, frame: Frame) -> None:
    """A knitted cap over short hair."""
    for side in (-1, 1):
        pen.flat(
            smooth(frame.points([(side * 0.68, -0.5), (side * 0.82, -0.45), (side * 0.8, 0.05), (side * 0.73, 0.0)])),
            head.hair.rgb,
        )
    rgb = head.iris if sum(head.iris) > 0.9 else (0.62, 0.25, 0.28)
    dome = smooth(
        frame.points(
            [
                (-0.85, -0.5),
                (-0.76, -0.95),
                (-0.4, -1.22),
                (0.0, -1.28),
                (0.4, -1.22),
                (0.76, -0.95),
                (0.85, -0.5),
                (0, -0.42),
            ]
        )
    )
    pen.volume(dome, rgb, 0.25 * frame.size)
    _band(pen, rgb, frame)


def _band(pen: Pen, rgb: Rgb01, frame: Frame) -> None:
    """The ribbed rim of a cap, and its bobble."""
    band = smooth(
        frame.points(
            [
                (-0.86, -0.68),
                (0, -0.62),
                (0.86, -0.68),
                (0.87, -0.42),
                (0.4, -0.36),
                (0, -0.35),
                (-0.4, -0.36),
                (-0.87, -0.42),
            ]
        )
    )
    pen.volume(band, lighter(rgb, 0.2), 0.09 * frame.size)
    if pen.px(frame.size) >= 10:
        for k in range(-7, 8):
            rib = smooth(frame.points([(k * 0.115, -0.62), (k * 0.116, -0.4)]), closed=False)
            pen.stroke(rib, darker(rgb, 0.4), 0.02 * frame.size, 0.4)
    pen.volume(smooth(frame.points(circle((0, -1.32), 0.15))), lighter(rgb, 0.4), 0.1 * frame.size)


def beard(pen: Pen, head: Head, frame: Frame) -> None:
    """A full beard, a moustache or stubble, leaving the mouth free."""
    rgb, j, t = head.hair.rgb, head.jaw / 0.72, head.turn * 0.13
    if head.beard in ("full", "stubble"):
        outer: list[Point] = [
            (-0.74, 0.1),
            (-0.68 * j, 0.52),
            (-0.43 * j, 0.86),
            (0.0, 1.06),
            (0.43 * j, 0.86),
            (0.68 * j, 0.52),
            (0.74, 0.1),
        ]
        inner: list[Point] = [(0.56, 0.36), (0.36 + t, 0.43), (0.34 + t, 0.66), (0.14 + t, 0.76), (t, 0.77),
            (-0.14 + t, 0.76),
                              (-0.34 + t, 0.66), (-0.36 + t, 0.43), (-0.56, 0.36)]  # fmt: skip
        shape = smooth(frame.points(outer + inner))
        if head.beard == "stubble":
            pen.soft(shape, darker(rgb, 0.2), 0.28, 0.04 * frame.size)
            return
        pen.volume(shape, rgb, 0.1 * frame.size, ink=0.4)
    lip = smooth(frame.points([(-0.34 + t, 0.5), (-0.15 + t, 0.43), (t, 0.46), (0.15 + t, 0.43), (0.34 + t, 0.5),
        (0.15 + t, 0.525),
                               (t, 0.515), (-0.15 + t, 0.525)]))  # fmt: skip
    pen.volume(lip, rgb, 0.04 * frame.size, ink=0.4)
