"""Furniture and luggage: chair, stool, lamp, box, suitcase, plant. Local unit: the height; base at the origin."""

from collections.abc import Callable

from services.datasets.benchmark.colour import darker, hexed, lighter, luma, mix
from services.datasets.benchmark.draw.pen import Pen, polygon, smooth
from services.datasets.benchmark.draw.vessels import handle, turned
from services.datasets.benchmark.frame import Frame, Point, circle, tube
from services.datasets.benchmark.graph import Thing


def _post(pen: Pen, frame: Frame, top: Point, bottom: Point, width: float, rgb: tuple[float, float, float]) -> None:
    half = width / 2
    post = polygon(frame.points([(top[0] - half, top[1]), (top[0] + half, top[1]), (bottom[0] + half * 0.8, bottom[1]),
                                 (bottom[0] - half * 0.8, bottom[1])]))  # fmt: skip
    pen.volume(post, rgb, half * frame.size, ink=0.7)


def chair(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A kitchen chair, a little from the side: four legs, seat, a back of slats or a panel."""
    rgb = thing.colour.rgb
    shade = darker(rgb, 0.35)
    _post(pen, frame, (0.2, -0.45), (0.24, -0.05), 0.055, shade)
    _post(pen, frame, (-0.12, -0.45), (-0.12, -0.07), 0.055, shade)
    if "extra leg" in thing.extras:
        with pen.part("extra leg"):
            _post(pen, frame, (0.02, -0.42), (0.05, 0.0), 0.06, rgb)
    _post(pen, frame, (-0.24, -1.0), (-0.2, -0.44), 0.05, darker(rgb, 0.1))
    _post(pen, frame, (0.14, -0.98), (0.16, -0.5), 0.05, darker(rgb, 0.1))
    rails = (-0.94, -0.78, -0.62) if thing.variant % 2 else (-0.92,)
    for y in rails:
        deep = 0.085 if thing.variant % 2 else 0.3
        slat = smooth(frame.points([(-0.25, y - 0.05), (-0.05, y - 0.065), (0.16, y - 0.04), (0.16, y - 0.04 + deep),
                                    (-0.05, y - 0.065 + deep), (-0.24, y - 0.05 + deep)]))  # fmt: skip
        pen.volume(slat, rgb, 0.04 * frame.size)
    seat = polygon(frame.points([(-0.25, -0.46), (0.2, -0.5), (0.31, -0.42), (-0.2, -0.375)]))
    pen.volume(seat, lighter(rgb, 0.12), 0.04 * frame.size)
    edge = polygon(frame.points([(-0.25, -0.46), (-0.2, -0.375), (0.31, -0.42), (0.31, -0.375), (-0.2, -0.325),
                                 (-0.25, -0.41)]))  # fmt: skip
    pen.volume(edge, darker(rgb, 0.2), 0.02 * frame.size)
    if "missing leg" not in thing.extras:
        with pen.part("front leg"):
            _post(pen, frame, (0.28, -0.39), (0.31, 0.0), 0.06, rgb)
    _post(pen, frame, (-0.19, -0.35), (-0.19, 0.03), 0.06, rgb)


def stool(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A bar stool on four legs."""
    rgb = thing.colour.rgb
    wood = mix(rgb, hexed("8a6a45"), 0.25)
    for top, bottom in (((-0.12, -0.85), (-0.2, -0.06)), ((0.12, -0.85), (0.2, -0.06))):
        _post(pen, frame, top, bottom, 0.06, darker(wood, 0.35))
    if "extra leg" in thing.extras:
        with pen.part("extra leg"):
            _post(pen, frame, (0.0, -0.85), (0.03, 0.03), 0.065, wood)
    ring = smooth(frame.points([(-0.22, -0.35), (0, -0.31), (0.22, -0.35)]), closed=False)
    pen.stroke(ring, darker(wood, 0.3), 0.04 * frame.size, body=True)
    _post(pen, frame, (-0.2, -0.86), (-0.29, 0.0), 0.065, wood)
    if "missing leg" not in thing.extras:
        with pen.part("front leg"):
            _post(pen, frame, (0.2, -0.86), (0.29, 0.0), 0.065, wood)
    side = smooth(frame.points([(-0.3, -0.93), (0.3, -0.93), (0.3, -0.87), (0, -0.8), (-0.3, -0.87)]))
    pen.volume(side, darker(rgb, 0.15), 0.05 * frame.size)
    pen.volume(smooth(frame.points(circle((0, -0.93), 0.31, 0.075))), lighter(rgb, 0.12), 0.05 * frame.size)


def lamp(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A lamp with a shade on a slim foot."""
    rgb = thing.colour.rgb
    metal = hexed("6d6a66")
    base = smooth(frame.points([(-0.2, -0.02), (-0.12, -0.06), (0.12, -0.06), (0.2, -0.02), (0, 0.03)]))
    pen.volume(base, metal, 0.04 * frame.size)
    _post(pen, frame, (0, -0.7), (0, -0.05), 0.045, metal)
    shade = smooth(frame.points([(-0.14, -1.0), (0, -0.985), (0.14, -1.0), (0.3, -0.62), (0, -0.58), (-0.3, -0.62)]))
    edges = polygon(frame.points([(-0.15, -1.0), (0.15, -1.0), (0.3, -0.62), (-0.3, -0.62)]))
    pen.volume(edges, rgb, 0.16 * frame.size)
    pen.soft(smooth(frame.points(circle((0, -0.74), 0.13, 0.12))), lighter(rgb, 0.85), 0.5, 0.06 * frame.size)
    pen.ink(shade, rgb, 0.0)
    hem = smooth(frame.points([(-0.3, -0.62), (0, -0.6), (0.3, -0.62)]), closed=False)
    pen.stroke(hem, darker(rgb, 0.4), 0.02 * frame.size, 0.8)


def box(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A parcel with tape, three sides seen."""
    rgb = thing.colour.rgb
    front = polygon(frame.points([(-0.5, -0.78), (0.3, -0.78), (0.3, 0.0), (-0.5, 0.0)]))
    top = polygon(frame.points([(-0.5, -0.78), (-0.28, -1.0), (0.5, -1.0), (0.3, -0.78)]))
    side = polygon(frame.points([(0.3, -0.78), (0.5, -1.0), (0.5, -0.2), (0.3, 0.0)]))
    lit = (pen.look.light[0] > 0) != frame.flip
    pen.volume(front, rgb, 0.2 * frame.size, strength=0.5)
    pen.volume(side, lighter(rgb, 0.12) if lit else darker(rgb, 0.38), 0.1 * frame.size, strength=0.4)
    pen.volume(top, lighter(rgb, 0.3), 0.1 * frame.size, strength=0.4)
    tape = lighter(rgb, 0.55) if luma(rgb) < 0.7 else darker(rgb, 0.3)
    strip = [(-0.16, -0.78), (0.06, -1.0), (0.14, -1.0), (-0.06, -0.78), (-0.06, -0.55), (-0.16, -0.55)]
    pen.soft(polygon(frame.points(strip)), tape, 0.75)


def suitcase(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A trolley case with ribs, wheels and a handle."""
    rgb = thing.colour.rgb
    metal = hexed("777b80")
    with pen.part("handle"):
        handle(pen, frame, [(-0.13, -0.75), (-0.13, -0.99), (0.13, -0.99), (0.13, -0.75)], 0.03, metal)
    if "second handle" in thing.extras:
        with pen.part("second handle"):
            handle(pen, frame, [(0.29, -0.62), (0.47, -0.6), (0.47, -0.3), (0.29, -0.28)], 0.055, darker(rgb, 0.3))
    for x in (-0.22, 0.22):
        pen.volume(smooth(frame.points(circle((x, -0.025), 0.045))), hexed("26282b"), 0.03 * frame.size)
    shell = smooth(frame.points(
        [(-0.27, -0.8), (-0.31, -0.76), (-0.31, -0.42), (-0.31, -0.09), (-0.27, -0.05), (0, -0.045), (0.27, -0.05),
         (0.31, -0.09), (0.31, -0.42), (0.31, -0.76), (0.27, -0.8), (0, -0.805)]))  # fmt: skip
    pen.volume(shell, rgb, 0.14 * frame.size)
    for x in (-0.18, -0.06, 0.06, 0.18):
        rib = polygon(frame.points([(x, -0.76), (x, -0.09)]), closed=False)
        pen.stroke(rib, darker(rgb, 0.45), 0.022 * frame.size, 0.7)
        lit = polygon(frame.points([(x - 0.018, -0.75), (x - 0.018, -0.1)]), closed=False)
        pen.stroke(lit, lighter(rgb, 0.6), 0.012 * frame.size, 0.45)
    if "second handle" not in thing.extras:
        grip = smooth(frame.points([(0.3, -0.5), (0.35, -0.47), (0.35, -0.38), (0.3, -0.35)]), closed=False)
        pen.stroke(grip, darker(rgb, 0.55), 0.035 * frame.size)


def plant(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A leafy plant in a pot of the thing's colour."""
    greens = (hexed("3f7d3a"), hexed("57994a"), hexed("2f6436"), hexed("6aa85a"))
    leaves = [
        (-62, 0.36),
        (58, 0.37),
        (-38, 0.46),
        (36, 0.48),
        (-14, 0.55),
        (16, 0.54),
        (1, 0.58),
        (-80, 0.26),
        (78, 0.27),
    ]
    for i, (angle, reach) in enumerate(leaves):
        leaf = Frame(frame.point(0, -0.4), frame.size, frame.angle + angle * (-1 if frame.flip else 1))
        w = 0.085
        shape = smooth(leaf.points([(0, 0), (-w, -reach * 0.45), (-w * 0.6, -reach * 0.8), (0, -reach),
                                    (w * 0.6, -reach * 0.8), (w, -reach * 0.45)]))  # fmt: skip
        green = greens[(i + thing.variant) % 4]
        pen.volume(shape, green, 0.05 * frame.size, ink=0.6)
        vein = polygon(leaf.points([(0, -0.05), (0, -reach * 0.9)]), closed=False)
        pen.stroke(vein, lighter(green, 0.4), 0.01 * frame.size, 0.6)
    body = smooth(frame.points(turned([(0.25, -0.36), (0.23, -0.2), (0.18, -0.02)])))
    pen.volume(body, thing.colour.rgb, 0.16 * frame.size)
    rim = polygon(frame.points([(-0.28, -0.42), (0.28, -0.42), (0.27, -0.33), (-0.27, -0.33)]))
    pen.volume(rim, lighter(thing.colour.rgb, 0.1), 0.05 * frame.size)


def umbrella(pen: Pen, frame: Frame, thing: Thing) -> None:
    """An open umbrella; its crook is at the origin, where a hand would be."""
    rgb = thing.colour.rgb
    shaft = smooth(frame.points([(0.07, -0.02), (0.05, 0.05), (0.0, 0.03), (0, -0.1), (0, -0.95)]), closed=False)
    pen.stroke(shaft, hexed("4a3a2c"), 0.022 * frame.size, body=True)
    edge = [(-0.55, -0.6), (-0.36, -0.63), (-0.18, -0.6), (0, -0.63), (0.18, -0.6), (0.36, -0.63), (0.55, -0.6)]
    dome = smooth(frame.points([*edge, (0.47, -0.8), (0.27, -0.94), (0, -1.0), (-0.27, -0.94), (-0.47, -0.8)]))
    pen.volume(dome, rgb, 0.16 * frame.size)
    for x in (-0.36, 0.0, 0.36):
        rib = smooth(frame.points([(x, -0.625), (x * 0.75, -0.82), (0, -0.99)]), closed=False)
        pen.stroke(rib, darker(rgb, 0.45), 0.01 * frame.size, 0.7)
    pen.stroke(polygon(frame.points(tube([(0, -1.0), (0, -1.03)], [0.01, 0.006]))), hexed("4a3a2c"), 0.01 * frame.size)


DRAWINGS: dict[str, Callable[[Pen, Frame, Thing], None]] = {
    "chair": chair, "stool": stool, "lamp": lamp, "box": box, "suitcase": suitcase, "plant": plant,
    "umbrella": umbrella,
}  # fmt: skip
WIDTHS = {"chair": 0.62, "stool": 0.65, "lamp": 0.6, "box": 1.0, "suitcase": 0.68, "plant": 0.85, "umbrella": 1.1}
