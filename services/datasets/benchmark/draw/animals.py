"""Animals: cat, dog, rabbit, duck, bird. Local unit: the height; paws at the origin, looking to the left."""

from collections.abc import Callable, Sequence

from services.datasets.benchmark.colour import BLACK, WHITE, Rgb01, darker, hexed, lighter, mix
from services.datasets.benchmark.draw.pen import Pen, polygon, smooth
from services.datasets.benchmark.frame import Frame, Point, circle, tube
from services.datasets.benchmark.graph import Thing


def _eye(pen: Pen, frame: Frame, at: Point, radius: float, iris: Rgb01, slit: bool = False) -> None:
    ball = smooth(frame.points(circle(at, radius, radius * 0.92, 10)))
    pen.flat(ball, iris)
    pen.flat(smooth(frame.points(circle(at, radius * (0.3 if slit else 0.62), radius * 0.75, 8))), BLACK)
    pen.soft(
        smooth(frame.points(circle((at[0] - radius * 0.25, at[1] - radius * 0.3), radius * 0.25, steps=6))), WHITE, 0.95
    )
    pen.stroke(ball, hexed("241a14"), radius * 0.22 * frame.size)


def _leg(pen: Pen, frame: Frame, chain: Sequence[Point], radii: Sequence[float], rgb: Rgb01) -> None:
    pen.volume(smooth(frame.points(tube(chain, radii))), rgb, radii[-1] * 1.1 * frame.size, ink=0.8)
    x, y = chain[-1]
    paw = smooth(
        frame.points(
            [(x - 0.09, y + 0.025), (x - 0.07, y - 0.03), (x + 0.01, y - 0.04), (x + 0.05, y), (x + 0.04, y + 0.03)]
        )
    )
    pen.volume(paw, lighter(rgb, 0.12), 0.03 * frame.size, ink=0.8)


def _tail(pen: Pen, frame: Frame, name: str, chain: Sequence[Point], radii: Sequence[float], rgb: Rgb01) -> None:
    with pen.part(name):
        pen.volume(smooth(frame.points(tube(chain, radii))), rgb, radii[0] * 1.1 * frame.size, ink=0.8)


def _whiskers(pen: Pen, frame: Frame, at: Point, reach: float) -> None:
    for side in (-1, 1):
        for rise in (-0.03, 0.0, 0.03):
            hair = polygon(
                frame.points([(at[0] + side * 0.04, at[1]), (at[0] + side * reach, at[1] + rise)]), closed=False
            )
            pen.stroke(hair, WHITE, 0.006 * frame.size, 0.7)


def cat(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A sitting cat that looks at the viewer."""
    rgb = thing.colour.rgb
    pale = lighter(rgb, 0.55)
    _tail(pen, frame, "tail", [(0.2, -0.08), (0.42, -0.06), (0.5, -0.2), (0.44, -0.36)], [0.06, 0.055, 0.05, 0.04], rgb)
    if "second tail" in thing.extras:
        _tail(pen, frame, "second tail", [(0.2, -0.14), (0.36, -0.24), (0.36, -0.42), (0.5, -0.56)],
              [0.06, 0.055, 0.05, 0.04], rgb)  # fmt: skip
    body = smooth(frame.points([(0, -0.68), (0.14, -0.6), (0.25, -0.35), (0.29, -0.12), (0.22, 0.0), (0, 0.01),
                                (-0.22, 0.0), (-0.26, -0.12), (-0.2, -0.35), (-0.12, -0.6)]))  # fmt: skip
    pen.volume(body, rgb, 0.16 * frame.size)
    pen.soft(smooth(frame.points(circle((0, -0.36), 0.1, 0.2))), pale, 0.75, 0.04 * frame.size)
    stripes = [(x, y) for y in (-0.5, -0.38, -0.26) for x in (0.17, -0.16)] if thing.variant % 2 else []
    for x, y in stripes:
        mark = smooth(frame.points([(x, y), (x * 1.25, y + 0.02), (x * 1.5, y + 0.06)]), closed=False)
        pen.stroke(mark, darker(rgb, 0.5), 0.025 * frame.size, 0.6, 0.006 * frame.size)
    if "extra leg" in thing.extras:
        with pen.part("extra leg"):
            _leg(pen, frame, [(0.17, -0.34), (0.2, -0.18), (0.21, -0.02)], [0.07, 0.055, 0.05], rgb)
    for x in (-0.08, 0.08):
        _leg(pen, frame, [(x, -0.4), (x, -0.2), (x, -0.02)], [0.075, 0.06, 0.052], rgb)
    _cat_head(pen, frame, thing, pale)


def _cat_head(pen: Pen, frame: Frame, thing: Thing, pale: Rgb01) -> None:
    rgb = thing.colour.rgb
    for side in (-1, 1):
        ear = smooth(frame.points([(side * 0.2, -0.86), (side * 0.2, -1.0), (side * 0.12, -0.98), (side * 0.04, -0.9)]))
        pen.volume(ear, rgb, 0.04 * frame.size)
        inner = polygon(frame.points([(side * 0.17, -0.88), (side * 0.175, -0.965), (side * 0.09, -0.91)]))
        pen.soft(inner, hexed("d99a94"), 0.8, 0.008 * frame.size)
    head = smooth(frame.points([(0, -0.93), (0.14, -0.91), (0.23, -0.78), (0.19, -0.65), (0, -0.6), (-0.19, -0.65),
                                (-0.23, -0.78), (-0.14, -0.91)]))  # fmt: skip
    pen.volume(head, rgb, 0.12 * frame.size)
    pen.soft(smooth(frame.points(circle((0, -0.67), 0.1, 0.06))), pale, 0.9, 0.02 * frame.size)
    for side in (-1, 1):
        _eye(
            pen,
            frame,
            (side * 0.09, -0.78),
            0.042,
            hexed("b7c944") if thing.variant % 3 else hexed("d9a441"),
            slit=True,
        )
    pen.flat(polygon(frame.points([(-0.025, -0.71), (0.025, -0.71), (0, -0.685)])), hexed("c9726d"))
    mouth = smooth(
        frame.points([(-0.06, -0.655), (-0.03, -0.645), (0, -0.68), (0.03, -0.645), (0.06, -0.655)]), closed=False
    )
    pen.stroke(mouth, darker(rgb, 0.7), 0.011 * frame.size, 0.9)
    _whiskers(pen, frame, (0, -0.675), 0.27)


def dog(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A standing dog from the side, with a collar."""
    rgb = thing.colour.rgb
    far = darker(rgb, 0.3)
    wag = [(0.5, -0.62), (0.62, -0.72), (0.68, -0.88)]
    _tail(pen, frame, "tail", wag, [0.05, 0.042, 0.03], rgb)
    if "second tail" in thing.extras:
        _tail(pen, frame, "second tail", [(0.5, -0.55), (0.66, -0.54), (0.8, -0.62)], [0.05, 0.042, 0.03], rgb)
    for x in (-0.2, 0.36):
        _leg(pen, frame, [(x, -0.42), (x + 0.02, -0.22), (x, -0.04)], [0.09, 0.06, 0.05], far)
    if "extra leg" in thing.extras:
        with pen.part("extra leg"):
            _leg(pen, frame, [(0.09, -0.38), (0.1, -0.2), (0.08, -0.02)], [0.085, 0.065, 0.055], rgb)
    body = smooth(frame.points([(-0.36, -0.68), (-0.1, -0.69), (0.2, -0.68), (0.46, -0.66), (0.54, -0.5), (0.46, -0.34),
                                (0.2, -0.3), (-0.05, -0.27), (-0.3, -0.3), (-0.42, -0.48)]))  # fmt: skip
    pen.volume(body, rgb, 0.17 * frame.size)
    if thing.variant % 2:
        pen.soft(smooth(frame.points(circle((0.14, -0.55), 0.15, 0.1))), darker(rgb, 0.5), 0.75, 0.02 * frame.size)
    for x in (-0.3, 0.44):
        bulge = 0.13 if x > 0 else 0.1
        _leg(pen, frame, [(x, -0.45), (x + 0.03, -0.22), (x, -0.02)], [bulge, 0.065, 0.055], rgb)
    neck = smooth(frame.points(tube([(-0.28, -0.52), (-0.38, -0.68), (-0.44, -0.8)], [0.17, 0.14, 0.13])))
    pen.volume(neck, rgb, 0.1 * frame.size, ink=0.5)
    collar = smooth(frame.points([(-0.5, -0.64), (-0.38, -0.63), (-0.27, -0.7)]), closed=False)
    pen.stroke(collar, hexed("b8323a"), 0.045 * frame.size)
    head = smooth(frame.points([(-0.36, -0.98), (-0.5, -0.99), (-0.58, -0.9), (-0.74, -0.84), (-0.77, -0.77), (-0.7,
        -0.72),
                                (-0.54, -0.7), (-0.38, -0.72), (-0.3, -0.85)]))  # fmt: skip
    pen.volume(head, rgb, 0.1 * frame.size)
    pen.soft(smooth(frame.points(circle((-0.68, -0.77), 0.07, 0.045))), lighter(rgb, 0.5), 0.7, 0.02 * frame.size)
    ear = smooth(frame.points([(-0.4, -0.97), (-0.32, -0.96), (-0.26, -0.82), (-0.3, -0.7), (-0.38, -0.76)]))
    pen.volume(ear, darker(rgb, 0.4), 0.06 * frame.size)
    pen.volume(smooth(frame.points(circle((-0.755, -0.815), 0.038, 0.03))), hexed("201a18"), 0.02 * frame.size)
    _eye(pen, frame, (-0.53, -0.88), 0.028, hexed("5a3a20"))
    lip = smooth(frame.points([(-0.75, -0.77), (-0.66, -0.745), (-0.57, -0.76)]), closed=False)
    pen.stroke(lip, darker(rgb, 0.75), 0.014 * frame.size, 0.9)


def rabbit(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A sitting rabbit from the side."""
    rgb = thing.colour.rgb
    pen.volume(smooth(frame.points(circle((0.36, -0.16), 0.08))), lighter(rgb, 0.75), 0.05 * frame.size)
    if "second tail" in thing.extras:
        with pen.part("second tail"):
            pen.volume(smooth(frame.points(circle((0.35, -0.34), 0.085))), lighter(rgb, 0.75), 0.05 * frame.size)
    for dx in (0.07, 0.0):
        ear = smooth(
            frame.points(
                [(-0.2 + dx, -0.66), (-0.22 + dx, -0.85), (-0.14 + dx, -1.0), (-0.08 + dx, -0.85), (-0.1 + dx, -0.64)]
            )
        )
        pen.volume(ear, rgb if not dx else darker(rgb, 0.2), 0.04 * frame.size)
        pen.soft(
            smooth(frame.points(circle((-0.15 + dx, -0.82), 0.025, 0.12))), hexed("d9a09a"), 0.7, 0.01 * frame.size
        )
    body = smooth(frame.points([(-0.1, -0.45), (0.12, -0.52), (0.32, -0.4), (0.38, -0.18), (0.28, 0.0), (0, 0.01),
                                (-0.2, -0.02), (-0.22, -0.25)]))  # fmt: skip
    pen.volume(body, rgb, 0.16 * frame.size)
    haunch = smooth(frame.points(circle((0.2, -0.17), 0.15, 0.16)))
    pen.volume(haunch, lighter(rgb, 0.06), 0.1 * frame.size, ink=0.5)
    if "extra leg" in thing.extras:
        with pen.part("extra leg"):
            _leg(pen, frame, [(-0.04, -0.26), (-0.03, -0.12), (-0.05, -0.02)], [0.06, 0.05, 0.045], rgb)
    _leg(pen, frame, [(-0.14, -0.28), (-0.15, -0.12), (-0.17, -0.02)], [0.06, 0.05, 0.045], rgb)
    head = smooth(
        frame.points([(-0.12, -0.7), (-0.28, -0.68), (-0.39, -0.52), (-0.34, -0.41), (-0.18, -0.37), (-0.05, -0.48)])
    )
    pen.volume(head, rgb, 0.1 * frame.size)
    pen.soft(smooth(frame.points(circle((-0.32, -0.46), 0.06, 0.05))), lighter(rgb, 0.6), 0.8, 0.02 * frame.size)
    _eye(pen, frame, (-0.23, -0.57), 0.035, hexed("4a2a20"))
    pen.flat(smooth(frame.points(circle((-0.38, -0.5), 0.022, 0.016, 8))), hexed("c9726d"))


def duck(pen: Pen, frame: Frame, thing: Thing) -> None:
    """A duck from the side."""
    rgb = thing.colour.rgb
    orange = hexed("e58a2a")
    for x in (-0.02, 0.14, *((0.3,) if "extra leg" in thing.extras else ())):
        with pen.part("extra leg" if x == 0.3 else "leg"):
            pen.stroke(
                polygon(frame.points([(x, -0.2), (x, -0.03)]), closed=False), orange, 0.045 * frame.size, body=True
            )
            pen.flat(polygon(frame.points([(x + 0.03, -0.05), (x - 0.15, 0.015), (x + 0.04, 0.02)])), orange)
    for k in range(2 if "second tail" in thing.extras else 1):
        with pen.part("second tail" if k else "tail"):
            tip = (0.62, -0.6 + 0.26 * k)
            pen.volume(
                smooth(frame.points([(0.36, -0.5 + 0.16 * k), tip, (0.4, -0.3 + 0.1 * k)])), rgb, 0.06 * frame.size
            )
    body = smooth(frame.points([(-0.3, -0.5), (-0.05, -0.53), (0.25, -0.55), (0.5, -0.48), (0.4, -0.25), (0.1, -0.14),
                                (-0.2, -0.18), (-0.36, -0.34)]))  # fmt: skip
    pen.volume(body, rgb, 0.16 * frame.size)
    wing = smooth(frame.points([(-0.08, -0.48), (0.2, -0.48), (0.42, -0.38), (0.16, -0.26), (-0.06, -0.32)]))
    pen.volume(wing, darker(rgb, 0.18), 0.07 * frame.size)
    pen.volume(
        smooth(frame.points(tube([(-0.22, -0.4), (-0.28, -0.6), (-0.29, -0.78)], [0.13, 0.1, 0.1]))),
        rgb,
        0.08 * frame.size,
    )
    bill = smooth(frame.points([(-0.42, -0.88), (-0.62, -0.82), (-0.62, -0.77), (-0.42, -0.77)]))
    pen.volume(bill, orange, 0.04 * frame.size)
    pen.volume(smooth(frame.points(circle((-0.32, -0.84), 0.16, 0.155))), mix(rgb, hexed("2f6b4a"),
        0.6 if thing.variant % 2 else 0.0),
               0.1 * frame.size)  # fmt: skip
    _eye(pen, frame, (-0.37, -0.88), 0.026, hexed("2a1a10"))


DRAWINGS: dict[str, Callable[[Pen, Frame, Thing], None]] = {"cat": cat, "dog": dog, "rabbit": rabbit, "duck": duck}
WIDTHS = {"cat": 0.75, "dog": 1.4, "rabbit": 0.8, "duck": 1.2}
