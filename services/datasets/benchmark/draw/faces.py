"""Faces: eyes with lids and lashes, a shaded nose, lips, brows, ears, on a head that turns a little.

Local unit: half the head's height; the origin is the middle of the head, the chin near y = 1.
"""

from services.datasets.benchmark.colour import BLACK, WHITE, Rgb01, darker, hexed, lighter, mix
from services.datasets.benchmark.draw import hair
from services.datasets.benchmark.draw.pen import Path, Pen, joined, polygon, smooth
from services.datasets.benchmark.frame import Frame, Point, circle
from services.datasets.benchmark.graph import Feature, Head

_DETAIL_PX = 14.0
"""Below this half height of a head, lashes and nostrils would be specks: a simpler face is drawn."""


def draw_head(pen: Pen, head: Head, frame: Frame) -> None:
    """The head without the hair that hangs behind it, which `hair.behind` draws below neck and clothes."""
    frame = Frame(frame.at, frame.size, frame.angle + head.tilt, stretch=(head.width, 1.0))
    with pen.part("head"):
        for side in (-1, 1):
            with pen.part(f"{'left' if side < 0 else 'right'} ear"):
                _ear(pen, head, frame, side)
        _skull(pen, head, frame)
        for feature in sorted(head.features, key=lambda f: f.kind != "nose"):
            with pen.part(feature.name):
                _FEATURES[feature.kind](pen, head, feature, _place(head, feature, frame))
        if head.beard:
            with pen.part("beard"):
                hair.beard(pen, head, frame)
        with pen.part("hair"):
            hair.above(pen, head, frame)
        if head.glasses:
            _glasses(pen, head, frame)


def outline(head: Head) -> list[Point]:
    """The head without hair and ears."""
    j = head.jaw
    return [
        (0.0, -1.0), (0.4, -0.94), (0.7, -0.68), (0.77, -0.3), (0.745, 0.1), (0.66 * j / 0.72, 0.52),
        (0.42 * j / 0.72, 0.83),
        (0.17, 0.985), (0.0, 1.0), (-0.17, 0.985), (-0.42 * j / 0.72, 0.83), (-0.66 * j / 0.72, 0.52), (-0.745, 0.1),
        (-0.77, -0.3), (-0.7, -0.68), (-0.4, -0.94),
    ]  # fmt: skip


def _place(head: Head, feature: Feature, frame: Frame) -> Frame:
    """A turned head carries its features to one side and narrows those that turn away."""
    x, y = feature.at
    shift = head.turn * 0.13 * (1.4 if feature.kind == "nose" else 1.0)
    narrow = 1.0 - 0.14 * max(0.0, head.turn * x) / 0.3
    at = frame.point(x * (1 - 0.06 * abs(head.turn)) + shift, y)
    return Frame(at, frame.size * feature.size, frame.angle + feature.angle, stretch=(narrow * head.width, 1.0))


def _skull(pen: Pen, head: Head, frame: Frame) -> None:
    skin = head.skin
    shape = smooth(frame.points(outline(head)))
    pen.volume(shape, skin, 0.42 * frame.size, strength=0.8)
    if pen.px(frame.size) < 6:
        return
    flush = mix(skin, (0.86, 0.3, 0.26), 0.5)
    with pen.clip(shape):
        for side in (-1, 1):
            cheek = smooth(frame.points(circle((side * 0.42 + head.turn * 0.1, 0.34), 0.2, 0.16)))
            pen.soft(cheek, flush, 0.22, 0.1 * frame.size)
            socket = smooth(frame.points(circle((side * 0.3 + head.turn * 0.13, -0.1), 0.25, 0.15)))
            pen.soft(socket, darker(skin, 0.5), 0.2, 0.08 * frame.size)
        brow = smooth(frame.points(circle((head.turn * 0.1, -0.5), 0.4, 0.16)))
        pen.soft(brow, lighter(skin, 0.6), 0.2, 0.12 * frame.size)
        chin = smooth(frame.points(circle((head.turn * 0.1, 0.86), 0.16, 0.09)))
        pen.soft(chin, lighter(skin, 0.5), 0.22, 0.06 * frame.size)
        if head.old > 0 and pen.px(frame.size) >= _DETAIL_PX:
            _wrinkles(pen, head, frame)


def _wrinkles(pen: Pen, head: Head, frame: Frame) -> None:
    line = darker(head.skin, 0.5)
    t = head.turn * 0.13
    for y in (-0.58, -0.48):
        fold = smooth(frame.points([(-0.3 + t, y), (t, y - 0.03), (0.3 + t, y)]), closed=False)
        pen.stroke(fold, line, 0.016 * frame.size, 0.4 * head.old, 0.006 * frame.size)
    for side in (-1, 1):
        fold = smooth(
            frame.points([(side * 0.2 + t, 0.36), (side * 0.3 + t, 0.5), (side * 0.31 + t, 0.64)]), closed=False
        )
        pen.stroke(fold, line, 0.02 * frame.size, 0.5 * head.old, 0.01 * frame.size)
        for dy in (-0.03, 0.03):
            foot = polygon(frame.points([(side * 0.5 + t, dy), (side * 0.6 + t, dy * 2)]), closed=False)
            pen.stroke(foot, line, 0.012 * frame.size, 0.5 * head.old)


def _ear(pen: Pen, head: Head, frame: Frame, side: int) -> None:
    x = side * (0.76 - 0.08 * side * head.turn)
    shape = smooth(frame.points([(x - side * 0.06, -0.14), (x + side * 0.1, -0.19), (x + side * 0.13, 0.02),
                                 (x + side * 0.04, 0.24), (x - side * 0.06, 0.24)]))  # fmt: skip
    pen.volume(shape, darker(head.skin, 0.05), 0.09 * frame.size)
    inner = smooth(
        frame.points([(x + side * 0.02, -0.09), (x + side * 0.08, -0.06), (x + side * 0.05, 0.12)]), closed=False
    )
    pen.stroke(inner, darker(mix(head.skin, (0.8, 0.3, 0.25), 0.3), 0.35), 0.035 * frame.size, 0.6, 0.012 * frame.size)


def _eye(pen: Pen, head: Head, feature: Feature, frame: Frame) -> None:
    """Almond of the white, iris with depth, lids, lashes and the brow above it."""
    s = frame.size
    px = pen.px(s)
    open_ = feature.openness
    top, low = -0.085 * open_, 0.06 * open_
    outer = 1.0 if feature.at[0] >= 0 else -1.0
    almond = smooth(frame.points([(-0.165, 0.008 - outer * 0.01), (-0.08, top * 0.85), (0.02, top), (0.11, top * 0.7),
                                  (0.165, 0.008 + outer * 0.01), (0.08, low), (-0.06, low)]))  # fmt: skip
    pen.flat(almond, hexed("f3efe9"))
    iris = smooth(frame.points(circle((head.turn * 0.03, -0.01), 0.085, 0.085, 10)))
    with pen.clip(almond):
        pen.flat(iris, head.iris)
        if px >= _DETAIL_PX:
            pen.stroke(iris, darker(head.iris, 0.6), 0.018 * s, 0.8)
            glow = smooth(frame.points(circle((head.turn * 0.03, 0.03), 0.055, 0.04, 8)))
            pen.soft(glow, lighter(head.iris, 0.5), 0.6, 0.015 * s)
        pen.flat(smooth(frame.points(circle((head.turn * 0.03, -0.01), 0.04, steps=8))), BLACK)
        lid_shadow = smooth(frame.points([(-0.2, -0.02), (0, top - 0.01), (0.2, -0.02)]), closed=False)
        pen.stroke(lid_shadow, (0.1, 0.06, 0.08), 0.05 * s, 0.35, 0.02 * s)
    if px >= 7:
        pen.soft(smooth(frame.points(circle((head.turn * 0.03 - 0.03, -0.04), 0.022, steps=6))), WHITE, 0.95)
    lash = mix(darker(head.hair.rgb, 0.5), (0.1, 0.07, 0.06), 0.7)
    upper = smooth(
        frame.points([(-0.17, 0.01), (-0.08, top * 0.9), (0.02, top * 1.05), (0.11, top * 0.75), (0.175, 0.01)]), False
    )
    pen.stroke(upper, lash, max(0.03 * s, 0.9 * s / max(px, 1.0)), 0.95)
    if px >= _DETAIL_PX:
        lower = smooth(frame.points([(-0.16, 0.015), (-0.06, low + 0.005), (0.08, low + 0.005), (0.165, 0.015)]), False)
        pen.stroke(lower, darker(head.skin, 0.5), 0.012 * s, 0.6)
        crease = smooth(frame.points([(-0.16, -0.05), (-0.05, top - 0.06), (0.09, top - 0.05), (0.18, -0.03)]), False)
        pen.stroke(crease, darker(head.skin, 0.55), 0.014 * s, 0.55)
    _brow(pen, head, frame, outer)


def _brow(pen: Pen, head: Head, frame: Frame, outer: float) -> None:
    rgb = darker(head.hair.rgb, 0.3) if sum(head.hair.rgb) < 2.0 else mix(head.hair.rgb, head.skin, 0.3)
    i, o = -outer, outer
    shape = smooth(frame.points([(0.17 * i, -0.215), (0.02 * o, -0.275), (0.2 * o, -0.215), (0.03 * o, -0.232),
                                 (0.16 * i, -0.17)]))  # fmt: skip
    pen.mark(shape)
    pen.soft(shape, rgb, 0.9, 0.006 * frame.size)


def _nose(pen: Pen, head: Head, feature: Feature, frame: Frame) -> None:
    """A bridge shaded on the dark side, a lit tip, wings and nostrils. The origin is the tip."""
    s, skin = frame.size, head.skin
    away = 1.0 if pen.look.light[0] < 0 else -1.0
    flush = mix(skin, (0.85, 0.35, 0.28), 0.35)
    base = smooth(frame.points([(0.05 * away, -0.42), (0.06 * away, -0.2), (0.14 * away, 0.02), (0.02 * away, 0.09),
                                (-0.02 * away, -0.1)]))  # fmt: skip
    pen.soft(base, darker(skin, 0.6), 0.5 * pen.look.contrast + 0.08, 0.035 * s)
    body = smooth(
        frame.points([(0, -0.14), (0.1, 0.0), (0.14, 0.06), (0.05, 0.1), (-0.05, 0.1), (-0.14, 0.06), (-0.1, 0.0)])
    )
    pen.mark(joined([base, body]))
    pen.soft(body, flush, 0.4, 0.02 * s)
    ridge = smooth(frame.points([(-0.02 * away, -0.38), (-0.025 * away, -0.15), (-0.01 * away, 0.0)]), closed=False)
    pen.stroke(ridge, lighter(skin, 0.7), 0.05 * s, 0.45, 0.02 * s)
    pen.soft(smooth(frame.points(circle((-0.02 * away, 0.0), 0.045, 0.04, 8))), lighter(skin, 0.8), 0.6, 0.02 * s)
    if pen.px(s) < 8:
        return
    for side in (-1, 1):
        wing = smooth(frame.points([(side * 0.105, -0.03), (side * 0.155, 0.04), (side * 0.11, 0.095)]), closed=False)
        pen.stroke(wing, darker(flush, 0.5), 0.018 * s, 0.65, 0.004 * s)
        nostril = smooth(frame.points(circle((side * 0.065, 0.085), 0.035, 0.018, 8, angle=-side * 15)))
        pen.soft(nostril, darker(flush, 0.8), 0.85, 0.006 * s)
    under = smooth(frame.points([(-0.1, 0.12), (0, 0.14), (0.1, 0.12)]), closed=False)
    pen.stroke(under, darker(skin, 0.6), 0.04 * s, 0.3, 0.02 * s)


def _teeth(pen: Pen, frame: Frame, line: list[Point], w: float, open_: float) -> None:
    """The inside of an open mouth, below the line of the upper lip."""
    hole: Path = smooth(frame.points([*line, (w * 0.6, open_ + 0.03), (0, open_ + 0.045), (-w * 0.6, open_ + 0.03)]))
    pen.flat(hole, hexed("4a1518"))
    with pen.clip(hole):
        teeth = smooth(
            frame.points(
                [
                    (-w * 0.8, -0.06),
                    (w * 0.8, -0.06),
                    (w * 0.6, open_ * 0.55),
                    (0, open_ * 0.65),
                    (-w * 0.6, open_ * 0.55),
                ]
            )
        )
        pen.flat(teeth, hexed("f4efe6"))


def _mouth(pen: Pen, head: Head, feature: Feature, frame: Frame) -> None:
    """Two lips, the line between them, teeth where the mouth is open. The origin is the middle of the line."""
    s, rise = frame.size, head.smile * 0.09
    w = 0.25 + head.smile * 0.05
    open_ = max(0.0, feature.openness - 1.0) * 0.14
    corner_y = -rise
    line: list[Point] = [
        (-w, corner_y),
        (-w * 0.45, 0.012 - rise * 0.25),
        (0, 0.0),
        (w * 0.45, 0.012 - rise * 0.25),
        (w, corner_y),
    ]
    upper = smooth(frame.points([*line, (w * 0.5, -0.055 - rise * 0.4), (w * 0.16, -0.085), (0, -0.066), (-w * 0.16,
        -0.085),
                                 (-w * 0.5, -0.055 - rise * 0.4)]))  # fmt: skip
    lower = smooth(frame.points([(-w, corner_y), (-w * 0.4, open_ + 0.008), (0, open_ + 0.012), (w * 0.4,
        open_ + 0.008), (w, corner_y),
                                 (w * 0.55, 0.075 + open_), (0, 0.105 + open_), (-w * 0.55,
                                     0.075 + open_)]))  # fmt: skip
    if open_ > 0:
        _teeth(pen, frame, line, w, open_)
    pen.flat(lower, lighter(head.lips, 0.1))
    pen.flat(upper, darker(head.lips, 0.15))
    shadow = smooth(
        frame.points([(-w * 0.45, 0.15 + open_), (0, 0.17 + open_), (w * 0.45, 0.15 + open_)]), closed=False
    )
    pen.stroke(shadow, darker(head.skin, 0.6), 0.05 * s, 0.3, 0.022 * s)
    shine = smooth(
        frame.points([(-w * 0.3, 0.045 + open_), (0, 0.055 + open_), (w * 0.3, 0.045 + open_)]), closed=False
    )
    pen.stroke(shine, lighter(head.lips, 0.75), 0.025 * s, 0.5, 0.012 * s)
    if open_ == 0:
        pen.stroke(smooth(frame.points(line), closed=False), darker(head.lips, 0.65), 0.02 * s, 0.9)
    for side in (-1, 1):
        dimple = smooth(frame.points(circle((side * (w + 0.015), corner_y), 0.03, 0.035, 8)))
        pen.soft(dimple, darker(head.skin, 0.55), 0.35, 0.015 * s)


def _glasses(pen: Pen, head: Head, frame: Frame) -> None:
    t = head.turn * 0.13
    rim: Rgb01 = hexed("2b2523")
    for side in (-1, 1):
        lens = smooth(frame.points(circle((side * 0.3 + t, 0.0), 0.225, 0.185)))
        pen.soft(lens, hexed("dfeaf2"), 0.16)
        pen.stroke(lens, rim, 0.035 * frame.size)
        arm = polygon(frame.points([(side * 0.52 + t, -0.05), (side * 0.76, -0.08)]), closed=False)
        pen.stroke(arm, rim, 0.03 * frame.size)
    bridge = smooth(frame.points([(-0.08 + t, -0.03), (t, -0.06), (0.08 + t, -0.03)]), closed=False)
    pen.stroke(bridge, rim, 0.032 * frame.size)


_FEATURES = {"eye": _eye, "nose": _nose, "mouth": _mouth}
