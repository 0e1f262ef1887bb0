"""Backdrops in the open air: park, street, beach; held out: mountain lake, snowy village, desert, city at night."""

import math
import random
from collections.abc import Callable

from services.datasets.benchmark.colour import WHITE, Rgb01, darker, hexed, lighter, mix
from services.datasets.benchmark.draw.pen import Path, Pen, joined, polygon, smooth
from services.datasets.benchmark.draw.shapes import band
from services.datasets.benchmark.frame import circle
from services.datasets.benchmark.graph import Backdrop


def _clouds(pen: Pen, h: float, rng: random.Random, rgb: Rgb01 = WHITE) -> None:
    for _ in range(rng.randint(2, 4)):
        x, y, s = rng.uniform(0, 1), rng.uniform(0.04, h * 0.5), rng.uniform(0.05, 0.11)
        puffs = [smooth(circle((x + dx * s, y + dy * s), s * r, s * r * 0.62)) for dx, dy, r in
                 ((-1.1, 0.15, 0.6), (-0.4, -0.15, 0.8), (0.4, -0.05, 0.75), (1.1, 0.18, 0.5))]  # fmt: skip
        pen.soft(joined(puffs), rgb, 0.75, s * 0.18)


def _ridge(pen: Pen, base: float, height: float, rgb: Rgb01, rng: random.Random, rough: float = 1.0) -> None:
    phase = rng.uniform(0, 6)
    top = [
        (i / 16, base - height * (0.5 + 0.35 * math.sin(i * 0.55 + phase) + 0.15 * rough * math.sin(i * 1.7 + phase)))
        for i in range(-1, 18)
    ]
    pen.flat(smooth([*top, (1.2, base + 0.02), (-0.2, base + 0.02)]), rgb)


def _tree(pen: Pen, x: float, base: float, size: float, leaf: Rgb01, rng: random.Random) -> None:
    trunk = polygon(
        [
            (x - size * 0.05, base),
            (x - size * 0.03, base - size * 0.5),
            (x + size * 0.03, base - size * 0.5),
            (x + size * 0.05, base),
        ]
    )
    pen.soft(smooth(circle((x, base), size * 0.3, size * 0.04)), (0, 0.02, 0), 0.3, size * 0.03)
    pen.volume(trunk, hexed("6b4a30"), size * 0.04, ink=0.5)
    for k in range(7):
        at = (x + rng.uniform(-0.24, 0.24) * size, base - size * rng.uniform(0.5, 0.95))
        tone = mix(
            leaf, lighter(leaf, 0.4) if at[1] < base - size * 0.75 else darker(leaf, 0.35), rng.uniform(0.1, 0.5)
        )
        pen.volume(
            smooth(circle(at, size * rng.uniform(0.15, 0.22), steps=9)), tone, size * 0.1, ink=0.4 if k > 3 else 0
        )


def _tufts(pen: Pen, h: float, rgb: Rgb01, rng: random.Random, count: int = 60) -> None:
    dark: list[Path] = []
    light: list[Path] = []
    for i in range(count):
        y = h + (1 - h) * rng.random() ** 0.7
        x, s = rng.random(), 0.008 + 0.03 * (y - h)
        blade = polygon([(x - s * 0.5, y), (x - s * 0.7, y - s), (x, y), (x + s * 0.1, y - s * 1.3), (x + s * 0.4, y)])
        (dark if i % 2 else light).append(blade)
    pen.soft(joined(dark), darker(rgb, 0.45), 0.55)
    pen.soft(joined(light), lighter(rgb, 0.4), 0.45)


def park(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """Sky, hills, trees, a meadow with a path."""
    sky, grass, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [darker(sky, 0.05), lighter(sky, 0.6)])
    _clouds(pen, h, rng)
    _ridge(pen, h, 0.12, mix(lighter(grass, 0.3), sky, 0.5), rng)
    _ridge(pen, h, 0.06, mix(grass, sky, 0.25), rng)
    band(pen, h, 1.01, [lighter(grass, 0.18), darker(grass, 0.1)])
    path = smooth([(0.45, h), (0.5, h), (0.72, 0.8), (0.95, 1.05), (0.45, 1.05), (0.5, 0.8)])
    if rng.random() < 0.5:
        pen.soft(path, mix(hexed("d8c39a"), grass, 0.2), 0.85)
    leaf = mix(grass, hexed("3d7a3a"), 0.5) if rng.random() < 0.7 else mix(accent, hexed("c8742e"), 0.6)
    for x in rng.sample((0.05, 0.2, 0.35, 0.62, 0.8, 0.95), 3):
        _tree(pen, x, h + rng.uniform(0.0, 0.035), rng.uniform(0.22, 0.38), leaf, rng)
    _tufts(pen, h, grass, rng)


def street(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """House fronts with windows and shop awnings, a pavement and the road."""
    sky, stone, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [sky, lighter(sky, 0.5)])
    x = -0.06
    while x < 1.0:
        w, top = rng.uniform(0.18, 0.3), rng.uniform(0.02, h * 0.35)
        tone = mix(
            rng.choice((stone, accent, hexed("c79a7a"), hexed("b9b2a5"))), (0.75, 0.7, 0.66), rng.uniform(0.2, 0.5)
        )
        pen.volume(polygon([(x, top), (x + w, top), (x + w, h), (x, h)]), tone, 0.03, strength=0.5)
        _windows(pen, x, top, w, h, tone, rng)
        x += w
    band(pen, h, h + 0.1, [lighter(stone, 0.3), stone])
    for k in range(12):
        seam = polygon([(0.5 + (k - 6) * 0.1, h), (0.5 + (k - 6) * 0.14, h + 0.1)], closed=False)
        pen.stroke(seam, darker(stone, 0.35), 0.003, 0.6)
    band(
        pen,
        h + 0.1,
        1.01,
        [mix(darker(stone, 0.45), (0.3, 0.3, 0.32), 0.6), mix(darker(stone, 0.3), (0.38, 0.38, 0.4), 0.6)],
    )
    pen.stroke(polygon([(0, h + 0.1), (1, h + 0.1)], closed=False), lighter(stone, 0.5), 0.012)


def _windows(pen: Pen, x: float, top: float, w: float, h: float, wall: Rgb01, rng: random.Random) -> None:
    panes, columns = [], 3 if w > 0.23 else 2
    y = top + 0.04
    while y < h - 0.2:
        for c in range(columns):
            wx = x + w * (c + 0.5) / columns
            panes.append(polygon([(wx - 0.02, y), (wx + 0.02, y), (wx + 0.02, y + 0.055), (wx - 0.02, y + 0.055)]))
        y += 0.095
    if panes:
        pen.flat(joined(panes), rng.choice((hexed("4a5a6a"), hexed("5d7486"), hexed("38424e"))))
        pen.stroke(joined(panes), lighter(wall, 0.5), 0.005)
    shop = polygon([(x + 0.02, h - 0.12), (x + w - 0.02, h - 0.12), (x + w - 0.02, h - 0.01), (x + 0.02, h - 0.01)])
    pen.gradient(shop, (x, h - 0.12), (x, h), [hexed("50606c"), hexed("c9b48a")])
    awning = rng.choice((hexed("b24a44"), hexed("3d6b5c"), hexed("3f5a80"), hexed("c99b3e")))
    stripes = 7
    for k in range(stripes):
        x0, x1 = x + w * k / stripes, x + w * (k + 1) / stripes
        pen.flat(
            polygon([(x0, h - 0.155), (x1, h - 0.155), (x1, h - 0.11), (x0, h - 0.11)]),
            awning if k % 2 else lighter(awning, 0.75),
        )


def beach(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """Sea and sand under a bright sky."""
    sky, sand, accent = backdrop.colours
    h = backdrop.horizon
    shore = h + 0.1
    sea = mix(hexed("2f86a6"), accent, 0.2)
    band(pen, 0, h, [sky, lighter(sky, 0.7)])
    _clouds(pen, h, rng)
    band(pen, h, shore + 0.02, [darker(sea, 0.2), lighter(sea, 0.35)])
    for _ in range(16):
        x, y = rng.random(), rng.uniform(h + 0.01, shore)
        pen.stroke(polygon([(x, y), (x + rng.uniform(0.02, 0.08), y)], closed=False), WHITE, 0.003, 0.55)
    band(pen, shore, 1.01, [lighter(sand, 0.25), darker(sand, 0.04)])
    foam = smooth(
        [(-0.1, shore + 0.005), (0.2, shore + 0.015), (0.5, shore), (0.8, shore + 0.014), (1.1, shore + 0.004)],
        closed=False,
    )
    pen.stroke(foam, WHITE, 0.012, 0.85, 0.003)
    specks = [smooth(circle((rng.random(), shore + (1 - shore) * rng.random()), 0.003, steps=5)) for _ in range(40)]
    pen.soft(joined(specks), darker(sand, 0.5), 0.5)


def mountains(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """Peaks with snow behind a lake and a stony shore."""
    sky, shore, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [darker(sky, 0.1), lighter(sky, 0.65)])
    for x, s in ((0.15, 0.5), (0.55, 0.62), (0.92, 0.46)):
        peak = (x + rng.uniform(-0.06, 0.06), h - s * 0.75)
        rock = mix(hexed("68707e"), accent, 0.15)
        pen.gradient(
            polygon([peak, (peak[0] + s * 0.6, h), (peak[0] - s * 0.6, h)]),
            peak,
            (peak[0], h),
            [lighter(rock, 0.2), mix(rock, sky, 0.4)],
        )
        pen.soft(polygon([peak, (peak[0] + s * 0.6, h), (peak[0] + s * 0.05, h)]), darker(rock, 0.5), 0.35)
        pen.flat(polygon([peak, (peak[0] + s * 0.14, peak[1] + s * 0.2), (peak[0] + s * 0.04, peak[1] + s * 0.15),
                          (peak[0] - s * 0.03, peak[1] + s * 0.22), (peak[0] - s * 0.13, peak[1] + s * 0.18)]), (0.96,
                          0.97, 1))  # fmt: skip
    band(pen, h, h + 0.1, [lighter(sky, 0.3), mix(sky, hexed("3f6a7a"), 0.6)])
    band(pen, h + 0.1, 1.01, [lighter(shore, 0.12), darker(shore, 0.12)])
    stones = [
        smooth(circle((rng.random(), h + 0.12 + (0.86 - h) * rng.random()), rng.uniform(0.006, 0.018), 0.007, 7))
        for _ in range(36)
    ]
    pen.soft(joined(stones), darker(shore, 0.4), 0.55)


def village(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """Snowed-in cottages and firs, flakes in the air."""
    sky, snow, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [sky, lighter(sky, 0.4)])
    _ridge(pen, h, 0.16, lighter(sky, 0.55), rng)
    for x in (0.14, 0.5, 0.84):
        w, top = rng.uniform(0.16, 0.22), h - rng.uniform(0.13, 0.18)
        pen.volume(
            polygon([(x - w / 2, top), (x + w / 2, top), (x + w / 2, h + 0.01), (x - w / 2, h + 0.01)]),
            mix(accent, hexed("7a5238"), 0.5),
            0.03,
        )
        pen.volume(
            polygon([(x - w * 0.62, top + 0.01), (x, top - w * 0.45), (x + w * 0.62, top + 0.01)]),
            (0.94, 0.96, 1.0),
            0.02,
        )
        for dx in (-0.045, 0.045):
            pen.flat(
                polygon(
                    [
                        (x + dx - 0.018, top + 0.05),
                        (x + dx + 0.018, top + 0.05),
                        (x + dx + 0.018, top + 0.09),
                        (x + dx - 0.018, top + 0.09),
                    ]
                ),
                hexed("ffd98a"),
            )
    white = mix(snow, WHITE, 0.7)
    band(pen, h, 1.01, [darker(white, 0.08), white])
    for x in rng.sample((0.02, 0.32, 0.68, 0.98), 2):
        for k in range(4):
            y, r = h + 0.01 - k * 0.07, 0.085 - k * 0.017
            pen.volume(polygon([(x - r, y), (x, y - 0.11), (x + r, y)]), hexed("2f5a4a"), 0.02)
            pen.soft(polygon([(x - r * 0.6, y - 0.045), (x, y - 0.11), (x + r * 0.3, y - 0.06)]), WHITE, 0.7)
    flakes = [smooth(circle((rng.random(), rng.random() * h), rng.uniform(0.002, 0.005), steps=5)) for _ in range(50)]
    pen.soft(joined(flakes), WHITE, 0.8)


def desert(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """Dunes, mesas and cacti."""
    sky, sand, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [sky, mix(lighter(sky, 0.6), hexed("ffd9a8"), 0.5)])
    for x in (0.2, 0.75):
        w, t = rng.uniform(0.12, 0.2), rng.uniform(0.12, 0.2)
        pen.volume(
            polygon([(x - w * 0.8, h), (x - w * 0.55, h - t), (x + w * 0.55, h - t), (x + w * 0.8, h)]),
            mix(accent, hexed("b4683c"), 0.7),
            0.05,
        )
    _ridge(pen, h + 0.02, 0.05, lighter(sand, 0.1), rng, 0.3)
    band(pen, h, 1.01, [lighter(sand, 0.12), darker(sand, 0.08)])
    for k in range(6):
        y = h + 0.03 + (1 - h) * (k / 6) ** 1.3
        dune = smooth([(-0.1, y), (0.25, y - 0.02), (0.6, y + 0.015), (1.1, y - 0.01)], closed=False)
        pen.stroke(dune, darker(sand, 0.35), 0.008, 0.3, 0.006)
    for x in rng.sample((0.05, 0.4, 0.6, 0.95), 2):
        base = h + 0.03
        trunk = polygon([(x, base), (x, base - 0.15)], closed=False)
        arm = smooth([(x, base - 0.06), (x + 0.035, base - 0.065), (x + 0.038, base - 0.11)], closed=False)
        pen.stroke(trunk, hexed("4f7a4a"), 0.024)
        pen.stroke(arm, hexed("4f7a4a"), 0.015)


def night(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A skyline with lit windows over a wet square."""
    sky, ground, accent = backdrop.colours
    h = backdrop.horizon
    deep = mix(darker(sky, 0.6), hexed("28304f"), 0.6)
    band(pen, 0, h, [deep, mix(deep, accent, 0.35)])
    x = -0.03
    lit = []
    while x < 1.0:
        w, top = rng.uniform(0.08, 0.16), rng.uniform(0.06, h * 0.7)
        pen.flat(
            polygon([(x, top), (x + w, top), (x + w, h), (x, h)]), mix(hexed("222a40"), ground, rng.uniform(0.05, 0.25))
        )
        y = top + 0.02
        while y < h - 0.03:
            for k in range(int((w - 0.02) / 0.026)):
                wx = x + 0.02 + 0.026 * k
                if rng.random() < 0.45:
                    lit.append(polygon([(wx, y), (wx + 0.012, y), (wx + 0.012, y + 0.016), (wx, y + 0.016)]))
            y += 0.034
        x += w
    pen.flat(joined(lit), hexed("ffdf95"))
    band(pen, h, 1.01, [mix(ground, hexed("3a4058"), 0.7), mix(ground, hexed("565c72"), 0.6)])
    for _ in range(6):
        gx = rng.random()
        pen.soft(smooth(circle((gx, h + 0.1), 0.02, 0.1)), lighter(accent, 0.5), 0.2, 0.03)


Drawing = Callable[[Pen, Backdrop, random.Random], None]
TRAIN: dict[str, Drawing] = {"park": park, "street": street, "beach": beach}
HELDOUT: dict[str, Drawing] = {"mountains": mountains, "village": village, "desert": desert, "night": night}
