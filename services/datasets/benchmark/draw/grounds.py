"""Floors, ground and table tops put together at random from plain parts."""

import random

from services.datasets.benchmark.colour import Rgb01, darker, lighter
from services.datasets.benchmark.draw.pen import Pen, joined, polygon, smooth
from services.datasets.benchmark.draw.shapes import any_tone, band, bare, box, line
from services.datasets.benchmark.frame import Point, circle

_NEARNESS = 0.5, 1.9
"""How near lines of the ground lie to each other at the horizon and at the lower edge."""


def draw_ground(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """A floor, or ground in the open, from the horizon `h` down."""
    band(pen, h, 1.01, [darker(rgb, rng.uniform(0, 0.2)), lighter(rgb, rng.uniform(0, 0.2))])
    rng.choice((bare, _perspective, _chequered, _specks, _blades, _patches))(pen, h, rgb, rng)


def _fan(h: float, x: float) -> tuple[Point, Point]:
    """A line that runs away from the viewer: where it meets the horizon and where the lower edge."""
    return (0.5 + (x - 0.5) * _NEARNESS[0], h), (0.5 + (x - 0.5) * _NEARNESS[1], 1.01)


def _depths(h: float, count: int) -> list[float]:
    return [h + (1.01 - h) * (i / count) ** 1.8 for i in range(count + 1)]


def _perspective(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    step = rng.uniform(0.06, 0.25)
    lines = [line(*_fan(h, 0.5 + i * step)) for i in range(-int(1 / step), int(1 / step) + 1)]
    if rng.random() < 0.5:
        lines += [line((0, y), (1, y)) for y in _depths(h, rng.randint(3, 9))]
    shade = darker(rgb, 0.5) if rng.random() < 0.6 else lighter(rgb, 0.6)
    pen.stroke(joined(lines), shade, rng.uniform(0.002, 0.007), rng.uniform(0.3, 0.8))


def _chequered(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    step, depths = rng.uniform(0.1, 0.25), _depths(h, rng.randint(4, 8))
    fields = []
    for j, (near, far) in enumerate(zip(depths[1:], depths, strict=False)):
        at = [(y - h) / (1.01 - h) for y in (far, near)]
        for i in range(-int(1 / step) + j % 2, int(1 / step) + 1, 2):
            edges = [_fan(h, 0.5 + (i + k) * step) for k in (0, 1)]
            left, right = ([a[0] + (b[0] - a[0]) * t for t in at] for a, b in edges)
            fields.append(polygon([(left[0], far), (right[0], far), (right[1], near), (left[1], near)]))
    pen.soft(joined(fields), darker(rgb, 0.5) if rng.random() < 0.5 else lighter(rgb, 0.6), rng.uniform(0.2, 0.8))


def _specks(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    r, count = rng.uniform(0.002, 0.016), rng.randint(20, 90)
    specks = []
    for _ in range(count):
        depth = rng.random() ** 0.7
        at = rng.random(), h + (1 - h) * depth
        specks.append(smooth(circle(at, r * (0.5 + depth), r * (0.3 + depth) * 0.7, steps=rng.choice((5, 7)))))
    pen.soft(joined(specks), darker(rgb, 0.5) if rng.random() < 0.6 else lighter(rgb, 0.6), rng.uniform(0.3, 0.8))


def _blades(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    for shade in (darker(rgb, 0.4), lighter(rgb, 0.35)):
        lines = []
        for _ in range(rng.randint(15, 60)):
            x, y = rng.random(), h + (1 - h) * rng.random() ** 0.7
            s = 0.01 + 0.05 * (y - h)
            lines.append(line((x, y), (x + rng.uniform(-0.5, 0.5) * s, y - s)))
        pen.stroke(joined(lines), shade, rng.uniform(0.002, 0.005), 0.6)


def _patches(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """A rug, a path, puddles, spots of light."""
    for _ in range(rng.randint(1, 4)):
        at, r = (rng.random(), rng.uniform(h + 0.05, 1.0)), rng.uniform(0.05, 0.45)
        pen.soft(
            smooth(circle(at, r, r * rng.uniform(0.1, 0.3))),
            any_tone(rng, rgb),
            rng.uniform(0.2, 0.8),
            rng.choice((0, 0.01)),
        )


def _grain(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    for y in _depths(h, rng.randint(3, 10))[1:-1]:
        wave = [(x / 4, y + rng.uniform(-0.015, 0.015)) for x in range(-1, 6)]
        pen.stroke(smooth(wave, closed=False), darker(rgb, rng.uniform(0.2, 0.6)), rng.uniform(0.002, 0.007), 0.35)


def _cloth(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    step, other = rng.uniform(0.08, 0.2), any_tone(rng, lighter(rgb, 0.6))
    bands = []
    for i in range(-int(1 / step), int(1 / step) + 1):
        (a, top), (b, low) = _fan(h, 0.5 + i * step)
        (c, _), (d, _) = _fan(h, 0.5 + (i + 0.5) * step)
        bands.append(polygon([(a, top), (c, top), (d, low), (b, low)]))
    pen.soft(joined(bands), other, rng.uniform(0.3, 0.7))
    if rng.random() < 0.6:
        depths = _depths(h, 2 * rng.randint(3, 6))
        pen.soft(joined([box(0, a, 1, b) for a, b in zip(depths[::2], depths[1::2], strict=False)]), other, 0.4)


def draw_table_top(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """A table from the horizon `h` down: bare, of boards or under a cloth."""
    band(pen, h, 1.01, [lighter(rgb, rng.uniform(0, 0.25)), darker(rgb, rng.uniform(0, 0.2))])
    rng.choice((bare, _grain, _perspective, _cloth, _specks))(pen, h, rgb, rng)
    pen.stroke(line((0, h), (1, h)), darker(rgb, rng.uniform(0.2, 0.5)), rng.uniform(0.004, 0.02), 0.6)
