"""Walls put together at random from plain parts: how they are papered, what hangs on them and stands before them."""

import itertools
import math
import random
from collections.abc import Callable

from services.datasets.benchmark.colour import Rgb01, darker, lighter
from services.datasets.benchmark.draw.pen import Path, Pen, joined, polygon, smooth
from services.datasets.benchmark.draw.shapes import any_tone, band, bare, box, line
from services.datasets.benchmark.frame import Point, circle
from services.datasets.benchmark.graph import Backdrop


def draw_wall(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A wall down to the horizon."""
    h, wall = backdrop.horizon, any_tone(rng, backdrop.colours[0])
    band(pen, 0, h, [lighter(wall, rng.uniform(0, 0.2)), darker(wall, rng.uniform(0, 0.2))])
    other = lighter(wall, rng.uniform(0.2, 0.6)) if rng.random() < 0.5 else darker(wall, rng.uniform(0.15, 0.5))
    rng.choice((bare, _stripes, _rows, _tiles, _spots, _panel))(pen, h, other, rng)
    for _ in range(rng.choice((0, 1, 2, 3, 4, 5))):
        size = rng.uniform(0.08, 0.3)
        at = rng.random(), rng.uniform(0.08, max(0.1, h - size * 0.7))
        rng.choice(_HANGINGS)(pen, at, size, any_tone(rng, backdrop.colours[2]), rng)
    for _ in range(rng.choice((0, 0, 1, 2))):
        glow = smooth(circle((rng.random(), rng.uniform(0, h)), rng.uniform(0.08, 0.3)))
        pen.soft(glow, lighter(any_tone(rng), 0.7), rng.uniform(0.1, 0.4), 0.06)


def _stripes(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    count, share = rng.randint(4, 26), rng.uniform(0.1, 0.6)
    step = 1.1 / count
    pen.soft(joined([box(i * step, 0, (i + share) * step, h) for i in range(count)]), rgb, rng.uniform(0.15, 0.8))


def _rows(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    count, share = rng.randint(3, 14), rng.uniform(0.05, 0.5)
    step = h / count
    pen.soft(joined([box(0, i * step, 1, (i + share) * step) for i in range(count)]), rgb, rng.uniform(0.15, 0.8))


def _tiles(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    step, shift, flat = rng.uniform(0.05, 0.22), rng.choice((0.0, 0.5)), rng.uniform(0.3, 1.0)
    lines: list[Path] = []
    for row in range(math.ceil(h / (step * flat))):
        y = row * step * flat
        lines.append(line((0, y), (1, y)))
        x = (shift if row % 2 else 0.0) * step
        while x < 1:
            lines.append(line((x, y), (x, min(h, y + step * flat))))
            x += step
    pen.stroke(joined(lines), rgb, rng.uniform(0.002, 0.008), rng.uniform(0.3, 0.9))


def _spots(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    step, r = rng.uniform(0.06, 0.16), rng.uniform(0.006, 0.03)
    corners = rng.choice((4, 6, 10))
    at = [
        ((i + (j % 2) * 0.5) * step, (j + 0.5) * step) for i in range(int(1 / step) + 2) for j in range(int(h / step))
    ]
    if at:
        pen.soft(joined([smooth(circle(one, r, steps=corners)) for one in at]), rgb, rng.uniform(0.2, 0.8))


def _panel(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    top = h * rng.uniform(0.35, 0.8)
    band(pen, top, h, [rgb, darker(rgb, 0.1)])
    pen.stroke(line((0, top), (1, top)), darker(rgb, 0.4), rng.uniform(0.003, 0.015), 0.7)
    count = rng.randint(0, 9)
    boxes = [box((i + 0.15) / count, top + 0.03, (i + 0.85) / count, h - 0.02) for i in range(count)]
    if boxes and h - top > 0.08:
        pen.stroke(joined(boxes), darker(rgb, 0.35), 0.004, 0.6)


def _framed(pen: Pen, at: Point, size: float, rgb: Rgb01, rng: random.Random) -> None:
    """A picture, a window, a mirror, a board: a frame of some outline with something in it."""
    (x, y), tall = at, size * rng.uniform(0.5, 1.5)
    round_ = rng.random() < 0.25
    outline = (
        smooth(circle(at, size / 2, tall / 2))
        if round_
        else box(x - size / 2, y - tall / 2, x + size / 2, y + tall / 2)
    )
    pen.gradient(outline, (x, y - tall / 2), (x, y + tall / 2), [lighter(rgb, rng.uniform(0, 0.8)), any_tone(rng, rgb)])
    with pen.clip(outline):
        for _ in range(rng.randint(0, 4)):
            spot = x + rng.uniform(-0.5, 0.5) * size, y + rng.uniform(-0.5, 0.6) * tall
            blob = circle(
                spot, size * rng.uniform(0.06, 0.4), tall * rng.uniform(0.06, 0.4), steps=rng.choice((3, 4, 5, 12))
            )
            pen.soft(polygon(blob) if rng.random() < 0.5 else smooth(blob), any_tone(rng, rgb), rng.uniform(0.3, 0.9))
    edge = any_tone(rng)
    pen.stroke(outline, edge, rng.uniform(0.004, 0.025))
    bars = [
        line((x + size * (i / n - 0.5), y - tall / 2), (x + size * (i / n - 0.5), y + tall / 2))
        for n in (rng.choice((1, 1, 2, 3, 4)),)
        for i in range(1, n)
    ]
    bars += [line((x - size / 2, y), (x + size / 2, y))] if rng.random() < 0.3 else []
    if bars and not round_:
        pen.stroke(joined(bars), edge, rng.uniform(0.003, 0.012))


def _shelf(pen: Pen, at: Point, size: float, rgb: Rgb01, rng: random.Random) -> None:
    x, wide = at[0] - size, size * 2
    for row in range(rng.randint(1, 3)):
        y, along = at[1] + row * size * 0.6, x
        pen.volume(box(x, y, x + wide, y + 0.014), darker(rgb, 0.3), 0.006)
        while along < x + wide - 0.02:
            w, tall = rng.uniform(0.012, 0.06), size * rng.uniform(0.1, 0.5)
            middle = along + w / 2, y - tall / 2
            shape = (
                box(along, y - tall, along + w, y) if rng.random() < 0.7 else smooth(circle(middle, w / 2, tall / 2))
            )
            pen.flat(shape, any_tone(rng, rgb))
            along += w + rng.uniform(0.0, 0.05)


def _curtain(pen: Pen, at: Point, size: float, rgb: Rgb01, rng: random.Random) -> None:
    x, low = at[0], at[1] + size * rng.uniform(0.5, 2.0)
    folds = rng.randint(3, 8)
    pen.flat(box(x - size / 2, 0, x + size / 2, low), rgb)
    for i in range(folds):
        left = x - size / 2 + size * i / folds
        pen.soft(box(left, 0, left + size / folds * 0.5, low), darker(rgb, 0.4), rng.uniform(0.3, 0.7), 0.004)


def _lamp(pen: Pen, at: Point, size: float, rgb: Rgb01, rng: random.Random) -> None:
    x, y = at[0], at[1] * 0.6
    pen.stroke(line((x, 0), (x, y)), darker(rgb, 0.6), 0.004)
    s = size * rng.uniform(0.2, 0.5)
    pen.flat(
        polygon([(x - s * rng.uniform(0.1, 0.9), y - s * 0.6), (x + s * 0.5, y - s * 0.6), (x + s, y), (x - s, y)]), rgb
    )
    pen.soft(smooth(circle((x, y + s * 0.2), s * 1.4)), lighter(rgb, 0.8), 0.35, s * 0.4)


def _festoon(pen: Pen, at: Point, size: float, rgb: Rgb01, rng: random.Random) -> None:
    drop, count = size * 0.4, rng.randint(5, 12)
    points = [(i / count, at[1] * 0.5 + drop * 4 * (i / count) * (1 - i / count)) for i in range(count + 1)]
    pen.stroke(smooth(points, closed=False), darker(rgb, 0.5), 0.003)
    for (x, y), (x2, _) in itertools.pairwise(points):
        flag = polygon([(x, y), (x2, y), ((x + x2) / 2, y + size * 0.25)])
        pen.flat(flag, rng.choice((rgb, lighter(rgb, 0.6), darker(rgb, 0.4))))


def _pipe(pen: Pen, at: Point, size: float, rgb: Rgb01, rng: random.Random) -> None:
    x, y = at
    turn = rng.choice((0.0, 1.0))
    pen.stroke(line((x, 0), (x, y), (turn, y)), darker(rgb, 0.3), rng.uniform(0.006, 0.03))


_HANGINGS: tuple[Callable[[Pen, Point, float, Rgb01, random.Random], None], ...] = (
    _framed, _framed, _framed, _shelf, _curtain, _lamp, _festoon, _pipe,
)  # fmt: skip


def draw_furniture(pen: Pen, h: float, rng: random.Random) -> None:
    """A door, a cupboard, a pillar, a low wall: boxes that stand on the floor and have lines or knobs."""
    x, w = rng.random(), rng.uniform(0.08, 0.34)
    tall, low, rgb = rng.uniform(0.08, 0.6), h + rng.uniform(-0.01, 0.04), any_tone(rng)
    top = max(0.0, low - tall)
    pen.volume(box(x - w / 2, top, x + w / 2, low), rgb, 0.03, strength=rng.uniform(0.3, 1.0))
    columns, rows = rng.randint(1, 3), rng.randint(0, 4)
    fields = [
        box(
            x + w * ((i + 0.12) / columns - 0.5),
            top + (low - top) * (j + 0.12) / rows,
            x + w * ((i + 0.88) / columns - 0.5),
            top + (low - top) * (j + 0.88) / rows,
        )
        for j in range(rows)
        for i in range(columns)
    ]
    if fields:
        pen.stroke(joined(fields), darker(rgb, 0.5), 0.004, 0.7)
        knobs = [smooth(circle((x + w * ((i + 0.5) / columns - 0.5), (top + low) / 2), 0.007)) for i in range(columns)]
        pen.flat(joined(knobs), lighter(rgb, 0.6))
