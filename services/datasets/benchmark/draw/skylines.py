"""What stands against a sky, in rows, put together at random from plain parts."""

import math
import random
from collections.abc import Callable

from services.datasets.benchmark.colour import Rgb01, darker, lighter, mix
from services.datasets.benchmark.draw.pen import Pen, joined, polygon, smooth
from services.datasets.benchmark.draw.shapes import any_tone, box, line
from services.datasets.benchmark.frame import circle


def draw_row(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """Hills, houses, trees, posts or arches along the horizon `h`."""
    rng.choice(_SKYLINES)(pen, h, rgb, rng)


def _hills(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    height, wave, phase = rng.uniform(0.04, 0.3), rng.uniform(0.3, 1.4), rng.uniform(0, 6)
    top = [
        (i / 12, h - height * (0.55 + 0.3 * math.sin(i * wave + phase) + 0.15 * math.sin(i * wave * 2.7)))
        for i in range(-1, 14)
    ]
    pen.flat(smooth([*top, (1.2, h + 0.02), (-0.2, h + 0.02)]), rgb)


def _roofs(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """A row of houses, huts, tents, towers or crates."""
    x, height, pitched = -0.05, rng.uniform(0.08, 0.4), rng.random()
    while x < 1:
        w, top = rng.uniform(0.06, 0.28), h - height * rng.uniform(0.4, 1.0)
        tone = mix(rgb, any_tone(rng), 0.25)
        if rng.random() < pitched:
            gable = top - w * rng.uniform(0.2, 0.7)
            pen.flat(
                polygon([(x - w * 0.06, top), (x + w / 2, gable), (x + w * 1.06, top)]),
                darker(tone, rng.uniform(0.1, 0.5)),
            )
        pen.gradient(box(x, top, x + w, h), (x, top), (x + w, top), [lighter(tone, 0.12), darker(tone, 0.12)])
        step, lit = rng.uniform(0.03, 0.08), any_tone(rng)
        panes = [
            box(x + w * (i + 0.3) / n, top + step * (j + 0.4), x + w * (i + 0.7) / n, top + step * (j + 0.9))
            for n in (max(1, int(w / step)),)
            for i in range(n)
            for j in range(min(8, int((h - top) / step) - 1))
        ]
        if panes and rng.random() < 0.8:
            pen.flat(joined(panes), lit, rng.uniform(0.5, 1.0))
        x += w + rng.choice((0.0, 0.0, rng.uniform(0, 0.2)))


def _wood(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """Round or pointed trees, or bushes where they have no trunk."""
    size, pointed, trunk = rng.uniform(0.08, 0.35), rng.random() < 0.4, rng.random() < 0.6
    for _ in range(rng.randint(3, 9)):
        x, s = rng.random(), size * rng.uniform(0.6, 1.0)
        low = h - s * 0.3 if trunk else h
        if trunk:
            pen.flat(box(x - s * 0.04, low - 0.02, x + s * 0.04, h + 0.01), darker(rgb, 0.6))
        tone = mix(rgb, any_tone(rng), 0.15)
        crown = polygon([(x - s * 0.3, low), (x, low - s * 0.8), (x + s * 0.3, low)])
        pen.volume(
            crown if pointed else smooth(circle((x, low - s * 0.25), s * 0.3, s * rng.uniform(0.25, 0.5), 9)),
            tone,
            0.02,
            ink=0,
        )


def _posts(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """A fence, a railing, masts with a wire between them."""
    count, tall, wide = rng.randint(3, 24), rng.uniform(0.05, 0.45), rng.uniform(0.003, 0.02)
    pen.flat(joined([box(i / count, h - tall, i / count + wide, h + 0.01) for i in range(count + 1)]), rgb)
    for share in rng.sample((0.2, 0.5, 0.8, 0.98), rng.randint(1, 3)):
        pen.stroke(line((0, h - tall * share), (1, h - tall * share)), rgb, wide * rng.uniform(0.3, 1.0))


def _arches(pen: Pen, h: float, rgb: Rgb01, rng: random.Random) -> None:
    """A bridge, an arcade, a wall with openings."""
    count, tall = rng.randint(2, 7), rng.uniform(0.1, 0.35)
    pen.flat(box(-0.01, h - tall, 1.01, h), rgb)
    w = 1 / count
    openings = [smooth(circle(((i + 0.5) * w, h), w * rng.uniform(0.25, 0.42), tall * 0.75)) for i in range(count)]
    with pen.clip(box(0, 0, 1, h)):
        pen.flat(joined(openings), darker(rgb, 0.5) if rng.random() < 0.5 else lighter(rgb, 0.5))


_SKYLINES: tuple[Callable[[Pen, float, Rgb01, random.Random], None], ...] = (
    _hills, _hills, _roofs, _roofs, _wood, _wood, _posts, _arches,
)  # fmt: skip
