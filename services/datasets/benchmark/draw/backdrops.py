"""Backdrops: what lies behind the items. Every one is built from a seed of its own, so both twins share it.

Each drawing gets the pen, the backdrop and a random generator; colours are `(wall or sky, ground, accent)`.
"""

import random
from collections.abc import Callable

from services.datasets.benchmark.colour import Rgb01, darker, hexed, lighter, mix
from services.datasets.benchmark.draw import invented, outdoors
from services.datasets.benchmark.draw.pen import Pen, polygon, smooth
from services.datasets.benchmark.draw.shapes import band, box
from services.datasets.benchmark.frame import Frame, circle
from services.datasets.benchmark.graph import Backdrop

Drawing = Callable[[Pen, Backdrop, random.Random], None]


def draw_backdrop(pen: Pen, backdrop: Backdrop) -> None:
    """Fills the whole square."""
    DRAWINGS[backdrop.kind](pen, backdrop, random.Random(backdrop.seed))


def _glow(pen: Pen, at: tuple[float, float], radius: float, rgb: Rgb01, alpha: float) -> None:
    pen.soft(smooth(circle(at, radius * 0.6)), rgb, alpha, radius * 0.4)


def studio(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A seamless paper roll with a pool of light."""
    wall, ground, _ = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [lighter(wall, 0.12), darker(wall, 0.1)])
    band(pen, h, 1.01, [mix(wall, ground, 0.35), lighter(mix(wall, ground, 0.35), 0.15)])
    _glow(pen, (rng.uniform(0.25, 0.75), rng.uniform(0.2, 0.5)), 0.5, lighter(wall, 0.6), 0.45)
    pen.stroke(polygon([(-0.1, h), (1.1, h)], closed=False), darker(wall, 0.25), 0.06, 0.25, 0.03)


def room(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A living room: papered wall, window or picture, skirting, boards."""
    wall, floor, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [lighter(wall, 0.08), darker(wall, 0.06)])
    if rng.random() < 0.5:
        for i in range(14):
            x = i / 13
            pen.soft(box(x - 0.012, 0, x + 0.012, h), lighter(wall, 0.4), 0.22)
    _boards(pen, h, floor, rng)
    pen.volume(box(-0.02, h - 0.035, 1.02, h), lighter(wall, 0.6), 0.012, strength=0.5)
    if rng.random() < 0.6:
        _window(pen, rng.choice((0.18, 0.8)), h * 0.42, 0.22, min(0.3, h * 0.6), rng)
    else:
        _picture(pen, rng.choice((0.16, 0.82)), h * 0.36, 0.17, 0.14, accent)
    if rng.random() < 0.5:
        x = rng.choice((0.12, 0.86))
        pen.volume(box(x - 0.13, h - 0.16, x + 0.13, h + 0.03), darker(floor, 0.25), 0.03)
        for dx in (-0.06, 0.06):
            pen.stroke(box(x + dx - 0.05, h - 0.13, x + dx + 0.05, h), darker(floor, 0.55), 0.004, 0.7)


def _boards(pen: Pen, h: float, floor: Rgb01, rng: random.Random) -> None:
    band(pen, h, 1.01, [darker(floor, 0.12), lighter(floor, 0.08)])
    for i in range(-7, 18):
        x = i / 10
        plank = polygon(
            [
                (0.5 + (x - 0.5) * 0.55, h),
                (0.5 + (x - 0.4) * 0.55, h),
                (0.5 + (x - 0.4) * 1.9, 1.01),
                (0.5 + (x - 0.5) * 1.9, 1.01),
            ]
        )
        tone = rng.uniform(-0.1, 0.1)
        pen.soft(plank, lighter(floor, 0.5) if tone > 0 else darker(floor, 0.5), abs(tone) * 2.2)
        pen.stroke(
            polygon([(0.5 + (x - 0.5) * 0.55, h), (0.5 + (x - 0.5) * 1.9, 1.01)], closed=False),
            darker(floor, 0.5),
            0.003,
            0.5,
        )


def _window(pen: Pen, x: float, y: float, w: float, h: float, rng: random.Random) -> None:
    sky = rng.choice((hexed("bcdcf0"), hexed("f5d9b0"), hexed("d7e4ea")))
    frame = box(x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    pen.gradient(frame, (x, y - h / 2), (x, y + h / 2), [darker(sky, 0.1), lighter(sky, 0.5)])
    with pen.clip(frame):
        for k in range(3):
            pen.soft(
                smooth(circle((x - w * 0.4 + k * w * 0.4, y + h * 0.5), w * 0.3, h * 0.22)), hexed("7da36f"), 0.6, 0.01
            )
    pen.stroke(frame, hexed("f2eee6"), 0.016)
    for line in ([(x, y - h / 2), (x, y + h / 2)], [(x - w / 2, y), (x + w / 2, y)]):
        pen.stroke(polygon(line, closed=False), hexed("f2eee6"), 0.01)
    _glow(pen, (x, y), w, (1, 1, 0.95), 0.18)


def _picture(pen: Pen, x: float, y: float, w: float, h: float, accent: Rgb01) -> None:
    pen.volume(box(x - w / 2, y - h / 2, x + w / 2, y + h / 2), hexed("6b4a30"), 0.01)
    inner = box(x - w * 0.41, y - h * 0.38, x + w * 0.41, y + h * 0.38)
    pen.gradient(inner, (x, y - h / 2), (x, y + h / 2), [lighter(accent, 0.7), lighter(accent, 0.3)])
    with pen.clip(inner):
        pen.soft(smooth(circle((x - w * 0.1, y + h * 0.4), w * 0.35, h * 0.4)), darker(accent, 0.3), 0.8)
        pen.soft(smooth(circle((x + w * 0.22, y - h * 0.12), w * 0.08)), lighter(accent, 0.9), 0.9)


def kitchen(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """Tiles, a shelf, a worktop: the table is the ground."""
    wall, top, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [lighter(wall, 0.2), wall])
    step = 0.09
    for i in range(int(1 / step) + 2):
        pen.stroke(polygon([(i * step, h * 0.45), (i * step, h)], closed=False), lighter(wall, 0.6), 0.005, 0.8)
    y = h
    while y > h * 0.44:
        pen.stroke(polygon([(0, y), (1, y)], closed=False), lighter(wall, 0.6), 0.005, 0.8)
        y -= step * 0.7
    shelf = h * 0.36
    pen.volume(box(0.08, shelf, 0.92, shelf + 0.025), hexed("a37c54"), 0.01)
    x = 0.14
    while x < 0.86:
        w, tall = rng.uniform(0.035, 0.06), rng.uniform(0.05, min(0.14, shelf * 0.8))
        tone = mix(rng.choice((accent, wall, top)), (0.9, 0.88, 0.84), rng.uniform(0.1, 0.6))
        pen.volume(box(x, shelf - tall, x + w, shelf), tone, 0.015, ink=0)
        x += w + rng.uniform(0.015, 0.08)
    _table(pen, h, top)


def _table(pen: Pen, h: float, top: Rgb01) -> None:
    band(pen, h, 1.01, [lighter(top, 0.18), darker(top, 0.05)])
    pen.stroke(polygon([(0, h), (1, h)], closed=False), darker(top, 0.4), 0.01, 0.6)
    for k in range(7):
        y = h + (1 - h) * (k / 7) ** 1.4
        grain = smooth([(-0.1, y), (0.3, y + 0.012), (0.7, y - 0.01), (1.1, y + 0.006)], closed=False)
        pen.stroke(grain, darker(top, 0.5), 0.004, 0.25, 0.002)


def cafe(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """Bricks, warm hanging lights, a dark panel."""
    wall, top, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [darker(wall, 0.25), darker(wall, 0.05)])
    y, row = 0.0, 0
    while y < h:
        offset = 0.05 if row % 2 else 0.0
        for i in range(-1, 11):
            tone = rng.uniform(-0.2, 0.2)
            brick = box(i * 0.1 + offset + 0.004, y + 0.004, i * 0.1 + offset + 0.096, min(h, y + 0.042))
            pen.soft(brick, lighter(wall, 0.5) if tone > 0 else darker(wall, 0.6), abs(tone))
        y, row = y + 0.046, row + 1
    pen.soft(box(0, h * 0.72, 1, h), darker(accent, 0.5), 0.75)
    for x in (0.2, 0.5, 0.8):
        pen.stroke(polygon([(x, 0), (x, 0.09)], closed=False), hexed("2a2522"), 0.005)
        pen.flat(smooth([(x - 0.045, 0.13), (x, 0.08), (x + 0.045, 0.13)]), hexed("2f2a28"))
        _glow(pen, (x, 0.15), 0.13, hexed("ffd890"), 0.5)
    _table(pen, h, top)


def library(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """Shelves full of spines over a dark floor."""
    wall, floor, accent = backdrop.colours
    h = backdrop.horizon
    wood = hexed("6a472c")
    band(pen, 0, h, [darker(wood, 0.3), darker(wood, 0.2)])
    shelf = 0.0
    while shelf < h - 0.05:
        base = min(h, shelf + 0.145)
        x = 0.0
        while x < 1.0:
            w = rng.uniform(0.014, 0.034)
            tone = mix(
                rng.choice((wall, accent, floor, hexed("7c2f2f"), hexed("2f4a5c"))),
                (0.35, 0.28, 0.2),
                rng.uniform(0.0, 0.5),
            )
            pen.flat(box(x, base - rng.uniform(0.085, 0.125), x + w - 0.002, base), tone)
            x += w
        pen.volume(box(-0.01, base, 1.01, base + 0.016), wood, 0.006)
        shelf = base + 0.016
    _boards(pen, h, floor, rng)


def gallery(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A white-walled gallery with pictures and a polished floor."""
    wall, floor, accent = backdrop.colours
    h = backdrop.horizon
    pale = lighter(wall, 0.75)
    band(pen, 0, h, [pale, darker(pale, 0.12)])
    for x, scale in ((0.15, 0.2), (0.5, 0.26), (0.85, 0.18)):
        _picture(pen, x, h * 0.4, scale, scale * rng.uniform(0.7, 1.2), mix(accent, wall, rng.random()))
        _glow(pen, (x, h * 0.2), 0.14, (1, 0.97, 0.88), 0.35)
    band(pen, h, 1.01, [darker(floor, 0.25), lighter(floor, 0.1)])
    pen.volume(box(-0.02, h - 0.02, 1.02, h), darker(pale, 0.3), 0.008)


def classroom(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A board with chalk scribbles, a globe's shelf, linoleum."""
    wall, floor, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [lighter(wall, 0.35), lighter(wall, 0.1)])
    board = box(0.1, h * 0.16, 0.9, h * 0.72)
    pen.volume(board, mix(hexed("2f5a48"), accent, 0.12), 0.03, strength=0.5)
    pen.stroke(board, hexed("9a7448"), 0.018)
    for _ in range(9):
        x, y = rng.uniform(0.14, 0.7), rng.uniform(h * 0.22, h * 0.66)
        wave = smooth([(x + 0.025 * k, y + rng.uniform(-0.008, 0.008)) for k in range(6)], closed=False)
        pen.stroke(wave, (0.9, 0.92, 0.88), 0.005, 0.45)
    _boards(pen, h, floor, rng)


def tabletop(pen: Pen, backdrop: Backdrop, rng: random.Random) -> None:
    """A wide window with plants behind a wooden table."""
    wall, top, accent = backdrop.colours
    h = backdrop.horizon
    band(pen, 0, h, [lighter(wall, 0.3), lighter(wall, 0.05)])
    for x in (0.2, 0.5, 0.8):
        _window(pen, x, h * 0.42, 0.27, h * 0.7, rng)
    for x in (0.06, 0.36, 0.66, 0.95):
        for k in range(5):
            leaf = Frame((x, h), 0.2, (k - 2) * 26 + rng.uniform(-8, 8))
            shape = smooth(leaf.points([(0, 0), (-0.16, -0.5), (0, -1.0), (0.16, -0.5)]))
            pen.volume(shape, mix(accent, hexed("4f8a4a"), 0.6), 0.02, ink=0)
    _table(pen, h, top)


TRAIN: dict[str, Drawing] = {
    "studio": studio, "room": room, "kitchen": kitchen, "cafe": cafe, "library": library, **outdoors.TRAIN,
    **invented.TRAIN,
}  # fmt: skip
HELDOUT: dict[str, Drawing] = {"gallery": gallery, "classroom": classroom, "tabletop": tabletop, **outdoors.HELDOUT}
DRAWINGS: dict[str, Drawing] = {**TRAIN, **HELDOUT}
