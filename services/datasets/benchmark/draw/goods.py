"""Small goods: ball, apple, pear, book, phone, gift, clock, balloon. Local unit: the height; base at the origin."""

from collections.abc import Callable

from services.datasets.benchmark.colour import WHITE, darker, hexed, lighter, luma
from services.datasets.benchmark.draw.pen import Pen, joined, polygon, smooth
from services.datasets.benchmark.draw.vessels import gloss
from services.datasets.benchmark.frame import Frame, circle, polar
from services.datasets.benchmark.graph import Thing


def ball(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A ball with panels or stripes, by variant."""
    rgb = thing.colour.rgb
    body = smooth(frame.points(circle((0, -0.5), 0.5, steps=16)))
    pen.flat(body, rgb)
    mark = lighter(rgb, 0.8) if luma(rgb) < 0.65 else darker(rgb, 0.5)
    with pen.clip(body):
        if thing.variant % 3 == 0:
            for x in (-0.62, 0.62):
                seam = smooth(frame.points(circle((x, -0.5), 0.45, 0.5)))
                pen.soft(seam, mark, 0.7)
        elif thing.variant % 3 == 1:
            band = smooth(
                frame.points([(-0.6, -0.68), (0, -0.56), (0.6, -0.68), (0.6, -0.45), (0, -0.33), (-0.6, -0.45)])
            )
            pen.soft(band, mark, 0.8)
        else:
            spots = [smooth(frame.points(circle(polar((0, -0.5), a, d), 0.13, steps=6)))
                     for a, d in ((0, 0.0), (20, 0.4), (92, 0.42), (164, 0.4), (236, 0.42), (308, 0.4))]  # fmt: skip
            pen.soft(joined(spots), mark, 0.85)
    lx, ly = pen.look.light
    with pen.clip(body):
        hole = frame.point(0, -0.5)
        far = (hole[0] - lx * 0.3 * frame.size, hole[1] - ly * 0.3 * frame.size)
        pen.soft(smooth(circle(far, 0.5 * frame.size)), darker(rgb, 0.7), 0.5 * pen.look.contrast, 0.18 * frame.size)
        near = (hole[0] + lx * 0.22 * frame.size, hole[1] + ly * 0.22 * frame.size)
        pen.soft(smooth(circle(near, 0.16 * frame.size)), WHITE, 0.55 * pen.look.contrast, 0.09 * frame.size)
    pen.ink(body, rgb)


def apple(pen: Pen, frame: Frame, thing: Thing) -> None:
    """An apple with stalk and leaf."""
    rgb = thing.colour.rgb
    body = smooth(frame.points(
        [(0, -0.78), (0.2, -0.86), (0.43, -0.76), (0.5, -0.5), (0.4, -0.18), (0.18, 0.0), (0, -0.05), (-0.18, 0.0),
         (-0.4, -0.18), (-0.5, -0.5), (-0.43, -0.76), (-0.2, -0.86)]))  # fmt: skip
    pen.volume(body, rgb, 0.34 * frame.size)
    dip = smooth(frame.points(circle((0, -0.77), 0.14, 0.05)))
    pen.soft(dip, darker(rgb, 0.6), 0.5, 0.03 * frame.size)
    pen.stroke(smooth(frame.points([(0, -0.76), (0.02, -0.88), (0.07, -0.98)]), closed=False), hexed("5b3d22"),
               0.05 * frame.size, body=True)  # fmt: skip
    leaf = smooth(frame.points([(0.05, -0.88), (0.15, -0.98), (0.32, -0.97), (0.22, -0.87)]))
    pen.volume(leaf, hexed("5c9a3f"), 0.05 * frame.size, ink=0.5)
    gloss(pen, frame, 0.27, -0.68, -0.45, 0.08, 0.6)


def pear(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A pear."""
    rgb = thing.colour.rgb
    body = smooth(frame.points(
        [(0.0, -0.92), (0.13, -0.86), (0.17, -0.64), (0.31, -0.42), (0.33, -0.2), (0.19, -0.01), (0, 0.0),
         (-0.19, -0.01), (-0.33, -0.2), (-0.31, -0.42), (-0.17, -0.64), (-0.13, -0.86)]))  # fmt: skip
    pen.volume(body, rgb, 0.22 * frame.size)
    pen.stroke(
        smooth(frame.points([(0, -0.9), (0.03, -1.0)]), closed=False), hexed("5b3d22"), 0.04 * frame.size, body=True
    )
    gloss(pen, frame, 0.18, -0.4, -0.18, 0.06)


def book(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A standing hardback, its pages at one side."""
    rgb = thing.colour.rgb
    pages = polygon(frame.points([(0.3, -0.97), (0.42, -0.93), (0.42, -0.03), (0.3, 0.0)]))
    pen.volume(pages, hexed("efe6d2"), 0.03 * frame.size)
    for k in (0.33, 0.36, 0.39):
        pen.stroke(
            polygon(frame.points([(k, -0.95), (k, -0.02)]), closed=False), hexed("b9ab8d"), 0.006 * frame.size, 0.7
        )
    cover = polygon(frame.points([(-0.36, -1.0), (0.32, -1.0), (0.32, 0.0), (-0.36, 0.0)]))
    pen.volume(cover, rgb, 0.12 * frame.size, strength=0.6)
    spine = polygon(frame.points([(-0.36, -1.0), (-0.27, -1.0), (-0.27, 0.0), (-0.36, 0.0)]))
    pen.soft(spine, darker(rgb, 0.5), 0.5)
    mark = lighter(rgb, 0.75) if luma(rgb) < 0.65 else darker(rgb, 0.55)
    if thing.variant % 2:
        frame_line = polygon(frame.points([(-0.2, -0.92), (0.26, -0.92), (0.26, -0.08), (-0.2, -0.08)]))
        pen.stroke(frame_line, mark, 0.015 * frame.size, 0.8)
    plate = [polygon(frame.points([(-0.14, y), (0.2, y), (0.2, y + 0.05), (-0.14, y + 0.05)])) for y in (-0.8, -0.71)]
    pen.soft(joined(plate), mark, 0.8)
    pen.soft(smooth(frame.points(circle((0.03, -0.35), 0.12, steps=6))), mark, 0.7)


def phone(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A telephone with a lit screen."""
    rgb = thing.colour.rgb
    shell = smooth(frame.points(
        [(-0.21, -1.0), (-0.24, -0.99), (-0.25, -0.96), (-0.25, -0.5), (-0.25, -0.04), (-0.24, -0.01), (-0.21, 0.0),
         (0.0, 0.0), (0.21, 0.0), (0.24, -0.01), (0.25, -0.04), (0.25, -0.5), (0.25, -0.96), (0.24, -0.99), (0.21,
             -1.0),
         (0.0, -1.0)]))  # fmt: skip
    pen.volume(shell, rgb, 0.06 * frame.size)
    screen = polygon(frame.points([(-0.2, -0.93), (0.2, -0.93), (0.2, -0.07), (-0.2, -0.07)]))
    pen.gradient(screen, frame.point(-0.2, -0.93), frame.point(0.2, -0.07), [hexed("9cc4e8"), hexed("38517d")])
    icons = [polygon(frame.points([(x, y), (x + 0.07, y), (x + 0.07, y + 0.07), (x, y + 0.07)]))
             for x in (-0.16, -0.035, 0.09) for y in (-0.8, -0.68, -0.56)]  # fmt: skip
    pen.soft(joined(icons), WHITE, 0.7)


def gift(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A present with a ribbon."""
    rgb = thing.colour.rgb
    ribbon = lighter(rgb, 0.7) if luma(rgb) < 0.65 else darker(rgb, 0.5)
    body = polygon(frame.points([(-0.42, -0.7), (0.42, -0.7), (0.42, 0.0), (-0.42, 0.0)]))
    pen.volume(body, rgb, 0.2 * frame.size)
    pen.soft(polygon(frame.points([(-0.07, -0.7), (0.07, -0.7), (0.07, 0.0), (-0.07, 0.0)])), ribbon, 0.9)
    lid = polygon(frame.points([(-0.46, -0.82), (0.46, -0.82), (0.46, -0.64), (-0.46, -0.64)]))
    pen.volume(lid, lighter(rgb, 0.1), 0.06 * frame.size)
    pen.soft(polygon(frame.points([(-0.07, -0.82), (0.07, -0.82), (0.07, -0.64), (-0.07, -0.64)])), ribbon, 0.9)
    for side in (-1, 1):
        bow = smooth(frame.points([(0, -0.83), (0.1 * side, -0.97), (0.26 * side, -0.98), (0.24 * side, -0.86)]))
        pen.volume(bow, ribbon, 0.05 * frame.size, ink=0.6)
    pen.volume(smooth(frame.points(circle((0, -0.86), 0.05))), ribbon, 0.03 * frame.size, ink=0.6)


def clock(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A round clock with twelve marks and two hands."""
    rgb = thing.colour.rgb
    centre = (0.0, -0.5)
    pen.volume(smooth(frame.points(circle(centre, 0.5, steps=16))), rgb, 0.09 * frame.size)
    pen.volume(smooth(frame.points(circle(centre, 0.4, steps=16))), hexed("f6f3ea"), 0.1 * frame.size, strength=0.5)
    for k in range(12):
        tick = polygon(frame.points([polar(centre, k * 30, 0.31), polar(centre, k * 30, 0.365)]), closed=False)
        pen.stroke(tick, hexed("333333"), (0.03 if k % 3 == 0 else 0.015) * frame.size)
    for angle, reach, width in ((thing.variant * 67 % 360, 0.2, 0.035), (thing.variant * 131 % 360, 0.3, 0.022)):
        needle = polygon(frame.points([centre, polar(centre, angle, reach)]), closed=False)
        pen.stroke(needle, hexed("222222"), width * frame.size)


def balloon(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A balloon on its string, whose end is at the origin."""
    rgb = thing.colour.rgb
    string = smooth(frame.points([(0, 0), (0.03, -0.2), (-0.03, -0.38), (0, -0.55)]), closed=False)
    pen.stroke(string, hexed("57524a"), 0.012 * frame.size, body=True)
    body = smooth(frame.points([(0, -0.54), (0.12, -0.62), (0.2, -0.78), (0.16, -0.94), (0, -1.0), (-0.16, -0.94),
                                (-0.2, -0.78), (-0.12, -0.62)]))  # fmt: skip
    pen.volume(body, rgb, 0.15 * frame.size)
    gloss(pen, frame, 0.1, -0.92, -0.8, 0.04, 0.75)
    pen.flat(polygon(frame.points([(0, -0.56), (0.03, -0.52), (-0.03, -0.52)])), darker(rgb, 0.2))


DRAWINGS: dict[str, Callable[[Pen, Frame, Thing], None]] = {
    "ball": ball, "apple": apple, "pear": pear, "book": book, "phone": phone, "gift": gift, "clock": clock,
    "balloon": balloon,
}  # fmt: skip
WIDTHS = {
    "ball": 1.0,
    "apple": 1.0,
    "pear": 0.7,
    "book": 0.78,
    "phone": 0.5,
    "gift": 0.92,
    "clock": 1.0,
    "balloon": 0.42,
}
