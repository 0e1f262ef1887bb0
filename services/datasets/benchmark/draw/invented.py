"""Backdrops of training that are never the same twice: a wall, a table or a view of plain parts.

A network that sees eight backdrops again and again knows those by heart, and takes what it finds on a ninth for flaws.
None of the parts is drawn for the test split.
"""

import random
from collections.abc import Callable

from services.datasets.benchmark.colour import darker, lighter, mix
from services.datasets.benchmark.draw.grounds import draw_ground, draw_table_top
from services.datasets.benchmark.draw.pen import Pen, smooth
from services.datasets.benchmark.draw.shapes import any_tone, band, box
from services.datasets.benchmark.draw.skylines import draw_row
from services.datasets.benchmark.draw.walls import draw_furniture, draw_wall
from services.datasets.benchmark.frame import circle
from services.datasets.benchmark.graph import Backdrop


def interior(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A wall with what hangs on it and stands before it, and a floor."""
    draw_wall(pen, backdrop, rng)
    h, floor = backdrop.horizon, any_tone(rng, backdrop.colours[1])
    draw_ground(pen, h, floor, rng)
    if rng.random() < 0.6:
        tall = rng.uniform(0.01, 0.05)
        pen.volume(box(-0.02, h - tall, 1.02, h), any_tone(rng, lighter(floor, 0.4)), 0.012, strength=0.5)
    for _ in range(rng.choice((0, 0, 1, 2))):
        draw_furniture(pen, h, rng)


def counter(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """The same wall behind a table, whose top is bare, of boards or under a cloth."""
    draw_wall(pen, backdrop, rng)
    h, top = backdrop.horizon, any_tone(rng, backdrop.colours[1])
    draw_table_top(pen, h, top, rng)


def view(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A sky, what stands against it in one to four rows, and the ground before them."""
    h, sky = backdrop.horizon, any_tone(rng, backdrop.colours[0])
    band(pen, 0, h, [darker(sky, rng.uniform(0, 0.3)), mix(lighter(sky, rng.uniform(0.1, 0.7)), any_tone(rng), 0.25)])
    if rng.random() < 0.3:
        disc = smooth(circle((rng.random(), rng.uniform(0.05, h * 0.6)), rng.uniform(0.03, 0.08)))
        pen.soft(disc, lighter(any_tone(rng), 0.7), rng.uniform(0.3, 0.9), rng.choice((0.004, 0.03)))
    for _ in range(rng.choice((0, 1, 2, 4))):
        at, r = (rng.random(), rng.uniform(0.02, h * 0.6)), rng.uniform(0.04, 0.16)
        pen.soft(smooth(circle(at, r, r * rng.uniform(0.15, 0.4))), lighter(sky, 0.8), rng.uniform(0.2, 0.7), r * 0.12)
    rows = rng.randint(1, 4)
    for row in range(rows):
        haze = 0.6 * (1 - (row + 1) / rows)
        draw_row(pen, h, mix(any_tone(rng), lighter(sky, 0.3), haze), rng)
    draw_ground(pen, h, any_tone(rng, backdrop.colours[1]), rng)


TRAIN: dict[str, Callable[[Pen, Backdrop, random.Random], None]] = {
    "interior": interior, "counter": counter, "view": view,
}  # fmt: skip
