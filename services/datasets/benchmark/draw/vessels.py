"""Vessels: cup, glass, bottle, vase, teapot, bucket. Local unit: the height; base at the origin."""

from collections.abc import Callable, Sequence

from services.datasets.benchmark.colour import WHITE, Rgb01, darker, hexed, lighter, luma, mix
from services.datasets.benchmark.draw.pen import Path, Pen, joined, polygon, smooth
from services.datasets.benchmark.frame import Frame, Point, circle, tube
from services.datasets.benchmark.graph import Thing


def turned(profile: Sequence[Point], base: float = 0.04) -> list[Point]:
    """The outline of a body of revolution from `(half width, y)` pairs, top first: sharp at the rim, bowed base."""
    right = [(w, y) for w, y in profile]
    bottom_w, bottom_y = profile[-1]
    bow = [(bottom_w * 0.6, bottom_y + base * 0.8), (0.0, bottom_y + base), (-bottom_w * 0.6, bottom_y + base * 0.8)]
    corner = right[0]
    return [corner, *right, *bow, *((-w, y) for w, y in reversed(right)), (-corner[0], corner[1])]


def gloss(pen: Pen, frame: Frame, x: float, top: float, bottom: float, width: float, alpha: float = 0.5) -> None:
    """The long reflection of a window on the lit side."""
    side = -1.0 if (pen.look.light[0] < 0) != frame.flip else 1.0
    line = smooth(frame.points([(side * x, top), (side * x * 1.04, (top + bottom) / 2), (side * x, bottom)]), False)
    pen.stroke(line, WHITE, width * frame.size, alpha, width * frame.size * 0.35)


def handle(pen: Pen, frame: Frame, points: Sequence[Point], width: float, rgb: Rgb01) -> None:
    """A bent rod with its own light."""
    path = smooth(frame.points(points), closed=False)
    if pen.look.ink:
        pen.stroke(path, darker(rgb, 0.72), width * frame.size + pen.look.ink * 2, body=True)
    pen.stroke(path, darker(rgb, 0.12), width * frame.size, body=True)
    shifted = smooth([(x + pen.look.light[0] * width * frame.size * 0.2,
        y + pen.look.light[1] * width * frame.size * 0.2)
                      for x, y in frame.points(points)], closed=False)  # fmt: skip
    pen.stroke(shifted, lighter(rgb, 0.6), width * frame.size * 0.3, 0.7, width * frame.size * 0.1)


def _mouth(pen: Pen, frame: Frame, y: float, half: float, rgb: Rgb01, filling: Rgb01 | None) -> None:
    """The open top of a vessel seen a little from above."""
    rim = smooth(frame.points(circle((0, y), half, half * 0.24)))
    pen.flat(rim, lighter(rgb, 0.25))
    inner = smooth(frame.points(circle((0, y + 0.005), half * 0.88, half * 0.18)))
    pen.flat(inner, filling or darker(rgb, 0.45))
    pen.soft(smooth(frame.points(circle((half * 0.15, y + half * 0.05), half * 0.6, half * 0.1))), (0, 0, 0), 0.25,
             0.03 * frame.size)  # fmt: skip
    pen.ink(rim, rgb, 0.7)


def _band(pen: Pen, frame: Frame, body: Path, thing: Thing, y: float, height: float, half: float) -> None:
    """A painted band, by variant."""
    if thing.variant % 3 == 0:
        return
    rgb = thing.colour.rgb
    other = lighter(rgb, 0.65) if luma(rgb) < 0.6 else darker(rgb, 0.45)
    with pen.clip(body):
        if thing.variant % 3 == 1:
            ring = [(-half, y), (0, y + half * 0.2), (half, y), (half, y + height), (0, y + height + half * 0.2),
                    (-half, y + height)]  # fmt: skip
            pen.soft(smooth(frame.points(ring)), other, 0.75)
        else:
            dots = [smooth(frame.points(circle((half * k, y + height / 2 + half * 0.1), height * 0.42)))
                    for k in (-0.75, -0.25, 0.25, 0.75)]  # fmt: skip
            pen.soft(joined(dots), other, 0.8)


def cup(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A mug with a handle, or with two."""
    rgb = thing.colour.rgb
    for side in (1, -1) if "second handle" in thing.extras else (1,):
        with pen.part("second handle" if side < 0 else "handle"):
            loop = [(0.36 * side, -0.78), (0.6 * side, -0.76), (0.66 * side, -0.5), (0.55 * side, -0.26),
                    (0.33 * side, -0.22)]  # fmt: skip
            handle(pen, frame, loop, 0.1, rgb)
    body = smooth(frame.points(turned([(0.42, -1.0), (0.42, -0.85), (0.41, -0.5), (0.38, -0.15), (0.33, -0.02)])))
    pen.volume(body, rgb, 0.3 * frame.size)
    _band(pen, frame, body, thing, -0.62, 0.2, 0.44)
    gloss(pen, frame, 0.26, -0.82, -0.2, 0.06)
    _mouth(pen, frame, -0.97, 0.42, rgb, hexed("4a2c1a") if thing.variant % 2 else None)


def glass(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A tumbler with a coloured drink."""
    body = smooth(frame.points(turned([(0.31, -1.0), (0.3, -0.7), (0.27, -0.3), (0.24, -0.02)])))
    pen.volume(body, mix(thing.colour.rgb, (0.9, 0.95, 0.98), 0.15), 0.2 * frame.size, strength=0.7)
    empty = smooth(frame.points([(-0.31, -1.0), (0.31, -1.0), (0.3, -0.78), (0, -0.73), (-0.3, -0.78)]))
    pen.soft(empty, (0.93, 0.97, 1.0), 0.75)
    gloss(pen, frame, 0.2, -0.85, -0.12, 0.05, 0.65)
    rim = smooth(frame.points(circle((0, -0.99), 0.31, 0.07)))
    pen.soft(rim, (1, 1, 1), 0.5)
    pen.stroke(rim, (0.75, 0.8, 0.85), 0.02 * frame.size, 0.8)


def bottle(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A bottle with neck, cap and label."""
    rgb = thing.colour.rgb
    profile = [(0.055, -0.97), (0.055, -0.78), (0.07, -0.7), (0.14, -0.6), (0.155, -0.5), (0.155, -0.1), (0.15, -0.02)]
    body = smooth(frame.points(turned(profile, 0.02)))
    pen.volume(body, rgb, 0.12 * frame.size)
    label = smooth(
        frame.points([(-0.155, -0.44), (0, -0.42), (0.155, -0.44), (0.155, -0.2), (0, -0.18), (-0.155, -0.2)])
    )
    with pen.clip(body):
        pen.soft(polygon(frame.points([(-0.2, -0.43), (0.2, -0.43), (0.2, -0.19), (-0.2, -0.19)])),
                 lighter(rgb, 0.75), 0.85)  # fmt: skip
        bars = [
            polygon(frame.points([(-0.1, y), (0.1, y), (0.1, y + 0.025), (-0.1, y + 0.025)])) for y in (-0.37, -0.31)
        ]
        pen.soft(joined(bars), darker(rgb, 0.4), 0.6)
    pen.ink(label, rgb, 0.0)
    gloss(pen, frame, 0.095, -0.58, -0.08, 0.03, 0.6)
    cap = polygon(frame.points([(-0.065, -1.0), (0.065, -1.0), (0.065, -0.9), (-0.065, -0.9)]))
    pen.volume(cap, darker(rgb, 0.45), 0.05 * frame.size)


def vase(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A vase with flowers."""
    rgb = thing.colour.rgb
    petals = (hexed("e8657a"), hexed("f2b84b"), hexed("f5f0e6"), hexed("b987d1"))
    for i, (x, y) in enumerate(((-0.2, -0.86), (-0.02, -0.95), (0.19, -0.85))):
        stem = smooth(frame.points([(x * 0.2, -0.5), (x * 0.6, -0.68), (x, y)]), closed=False)
        pen.stroke(stem, hexed("4f8a3c"), 0.025 * frame.size, body=True)
        petal = petals[(thing.variant + i) % 4]
        for k in range(5):
            at = Frame((x, y), 1, k * 72).point(0, -0.055)
            pen.volume(smooth(frame.points(circle(at, 0.05, steps=8))), petal, 0.03 * frame.size, ink=0.4)
        pen.flat(smooth(frame.points(circle((x, y), 0.032, steps=8))), hexed("e8b23a"))
    body = smooth(
        frame.points(turned([(0.13, -0.6), (0.1, -0.52), (0.16, -0.4), (0.2, -0.26), (0.16, -0.1), (0.11, -0.02)]))
    )
    pen.volume(body, rgb, 0.14 * frame.size)
    _band(pen, frame, body, thing, -0.33, 0.12, 0.22)
    gloss(pen, frame, 0.11, -0.4, -0.12, 0.035)


def teapot(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A round pot with spout, lid and handle."""
    rgb = thing.colour.rgb
    for side in (1, -1) if "second handle" in thing.extras else (1,):
        with pen.part("second handle" if side < 0 else "handle"):
            handle(pen, frame, [(0.42 * side, -0.66), (0.74 * side, -0.68), (0.78 * side, -0.4),
                                (0.5 * side, -0.2)], 0.09, rgb)  # fmt: skip
    if "second handle" not in thing.extras:
        spout = smooth(frame.points(tube([(-0.4, -0.28), (-0.62, -0.4), (-0.74, -0.66)], [0.13, 0.08, 0.055])))
        pen.volume(spout, rgb, 0.07 * frame.size)
    body = smooth(frame.points(turned([(0.2, -0.78), (0.4, -0.66), (0.53, -0.42), (0.46, -0.16), (0.28, -0.03)])))
    pen.volume(body, rgb, 0.3 * frame.size)
    _band(pen, frame, body, thing, -0.5, 0.14, 0.55)
    lid = smooth(frame.points([(-0.24, -0.77), (-0.16, -0.87), (0, -0.9), (0.16, -0.87), (0.24, -0.77), (0, -0.73)]))
    pen.volume(lid, lighter(rgb, 0.12), 0.06 * frame.size)
    pen.volume(smooth(frame.points(circle((0, -0.95), 0.06))), rgb, 0.04 * frame.size)
    gloss(pen, frame, 0.32, -0.6, -0.3, 0.06)


def bucket(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A pail with its bail hanging up, and a second one if told so."""
    rgb = thing.colour.rgb
    metal = hexed("9aa0a6")
    with pen.part("handle"):
        handle(pen, frame, [(-0.42, -0.72), (-0.3, -0.98), (0, -1.05), (0.3, -0.98), (0.42, -0.72)], 0.04, metal)
    if "second handle" in thing.extras:
        with pen.part("second handle"):
            handle(pen, frame, [(0.36, -0.6), (0.66, -0.62), (0.7, -0.35), (0.3, -0.2)], 0.09, rgb)
    body = smooth(frame.points(turned([(0.45, -0.75), (0.42, -0.5), (0.37, -0.2), (0.33, -0.02)], 0.06)))
    pen.volume(body, rgb, 0.26 * frame.size)
    _mouth(pen, frame, -0.74, 0.45, rgb, None)
    for y in (-0.55, -0.14):
        half = 0.33 + (-y) * 0.13
        hoop = smooth(frame.points([(-half, y), (0, y + 0.09), (half, y)]), closed=False)
        pen.stroke(hoop, darker(rgb, 0.35), 0.03 * frame.size, 0.8)
    gloss(pen, frame, 0.26, -0.6, -0.15, 0.05)


DRAWINGS: dict[str, Callable[[Pen, Frame, Thing], None]] = {
    "cup": cup, "glass": glass, "bottle": bottle, "vase": vase, "teapot": teapot, "bucket": bucket,
}  # fmt: skip
WIDTHS = {"cup": 0.95, "glass": 0.62, "bottle": 0.32, "vase": 0.5, "teapot": 1.3, "bucket": 0.9}
