"""What backdrops are built from: boxes, lines, shaded bands, and colours drawn at random."""

import colorsys
import random
from collections.abc import Sequence

from services.datasets.benchmark.colour import Rgb01, mix
from services.datasets.benchmark.draw.pen import Path, Pen, polygon
from services.datasets.benchmark.frame import Point


def box(x0: float, y0: float, x1: float, y1: float) -> Path:
    """An upright rectangle."""
    return polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def line(*points: Point) -> Path:
    """An open line through the points."""
    return polygon(points, closed=False)


def band(pen: Pen, y0: float, y1: float, colours: Sequence[Rgb01]) -> None:
    """A band over the whole width, shaded from top to bottom."""
    pen.gradient(box(-0.01, y0, 1.01, y1), (0, y0), (0, y1), colours)


def any_tone(rng: random.Random, near: Rgb01 | None = None) -> Rgb01:
    """Any colour but a glaring one; with `near`, one that may resemble it."""
    free = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.03, 0.6), rng.uniform(0.2, 0.97))
    return free if near is None else mix(near, free, rng.uniform(0.2, 1.0))


def bare(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """A wall or ground with nothing on it: one of the ways in which it may be covered."""
