"""Hands: five jointed fingers with nails, knuckles and creases on a palm or on the back, open, folded or gripping.

Local unit: the hand's length; wrist at the origin, fingers upwards, thumb on the left.
"""

from collections.abc import Sequence

from services.datasets.benchmark.colour import Rgb01, darker, lighter, mix
from services.datasets.benchmark.draw.clothes import cloth
from services.datasets.benchmark.draw.pen import Path, Pen, polygon, smooth
from services.datasets.benchmark.draw.things import HALF_WIDTHS, draw_thing
from services.datasets.benchmark.frame import Frame, Point, between, circle, heading, polar, tube
from services.datasets.benchmark.graph import CloseHand, Finger, Hand

_PALM = [
    (-0.125, 0.1), (-0.135, -0.02), (-0.175, -0.13), (-0.205, -0.26), (-0.205, -0.38), (-0.195, -0.475),
    (-0.145, -0.535), (-0.045, -0.56), (0.05, -0.545), (0.135, -0.5), (0.19, -0.43), (0.205, -0.3), (0.175, -0.13),
    (0.135, -0.01), (0.125, 0.1), (0.0, 0.13),
]  # fmt: skip
_FIST = [
    (-0.12, 0.1), (-0.13, -0.03), (-0.2, -0.16), (-0.23, -0.3), (-0.2, -0.43), (-0.1, -0.48), (0.06, -0.47),
    (0.19, -0.41), (0.22, -0.28), (0.18, -0.12), (0.13, -0.01), (0.12, 0.1), (0.0, 0.12),
]  # fmt: skip
_BACK_OF_GRIP = [
    (0.2, 0.58), (0.09, 0.42), (0.1, 0.26), (0.1, 0.1), (0.09, -0.1), (0.12, -0.22), (0.2, -0.24), (0.3, -0.14),
    (0.37, 0.04), (0.4, 0.22), (0.42, 0.36), (0.4, 0.5),
]  # fmt: skip
_FINGER_PARTS: tuple[float, ...] = (0.44, 0.31, 0.25)
_THUMB_PARTS: tuple[float, ...] = (0.52, 0.48)
_DETAIL_PX = 26.0
"""Below this length of a hand, creases would be single pixels: left out."""


def draw_hand(pen: Pen, hand: Hand, frame: Frame) -> None:
    """Draws the hand with its wrist at the frame's origin; the frame's size is the length of the hand."""
    frame = Frame(frame.at, frame.size, frame.angle, hand.mirrored)
    if hand.shape == "grip":
        _grip(pen, hand, frame)
    else:
        _free(pen, hand, frame)


def chain_of(finger: Finger, view: str) -> list[Point]:
    """Joints from the knuckle to the tip, in the hand's unit, foreshortened by the curl."""
    shrink = 1.0 - finger.curl * (0.72 if view == "back" else 0.62)
    if finger.name.endswith("thumb"):
        parts, start = _THUMB_PARTS, 0.02
    else:
        parts, start = _FINGER_PARTS, 0.05
    angle = finger.angle
    points = [polar(finger.base, angle, -start)]
    at = finger.base
    for i, part in enumerate(parts):
        if i:
            angle += finger.bends[i - 1]
        at = polar(at, angle, finger.length * part * shrink)
        points.append(at)
    return points


def _radii(finger: Finger, count: int) -> list[float]:
    taper = (1.0, 1.0, 0.93, 0.8) if count == 4 else (1.05, 1.04, 0.84)
    return [finger.radius * t * (finger.swell if i else 1.0) for i, t in enumerate(taper)]


def _outline(finger: Finger, view: str, frame: Frame) -> tuple[Path, list[Point]]:
    """A finger with slight swellings at its joints."""
    chain = chain_of(finger, view)
    radii = _radii(finger, len(chain))
    dense: list[Point] = []
    widths: list[float] = []
    for i, joint in enumerate(chain):
        if i:
            dense.append(between(chain[i - 1], joint, 0.5))
            widths.append((radii[i - 1] + radii[i]) / 2 * (0.95 if i < len(chain) - 1 else 1.04))
        dense.append(joint)
        widths.append(radii[i])
    shortened = between(dense[-2], dense[-1], 0.55)
    return smooth(frame.points(tube([*dense[:-1], shortened], widths))), chain


def palm_tone(skin: Rgb01) -> Rgb01:
    """Palms are paler and rosier than the back of the hand."""
    return mix(lighter(skin, 0.1), (0.93, 0.62, 0.55), 0.16)


def _free(pen: Pen, hand: Hand, frame: Frame) -> None:
    skin = hand.skin if hand.view == "back" else palm_tone(hand.skin)
    folded = [f for f in hand.fingers if f.curl > 0.5 and not f.name.endswith("thumb")]
    straight = [f for f in hand.fingers if f not in folded and not f.name.endswith("thumb")]
    thumbs = [f for f in hand.fingers if f.name.endswith("thumb")]
    crossing = hand.shape in ("fist", "pointing", "victory")
    palm = smooth(frame.points(_FIST if len(folded) > 2 else _PALM))
    under = [(f, *_outline(f, hand.view, frame)) for f in straight]
    under += [(f, *_outline(f, hand.view, frame)) for f in thumbs if not (crossing and hand.view == "palm")]
    _silhouette(pen, under, palm, skin)
    for finger, path, chain in under:
        with pen.part(finger.name):
            _finger_body(pen, path, chain, finger, skin, frame)
    _palm_body(pen, hand, palm, skin, frame, bool(folded))
    for finger in folded:
        with pen.part(finger.name):
            _folded(pen, hand, finger, skin, frame)
    if crossing and hand.view == "palm":
        for finger in thumbs:
            with pen.part(finger.name):
                _crossing_thumb(pen, hand, finger, skin, frame)
    for finger, _, chain in under:
        with pen.part(finger.name):
            _finger_details(pen, hand, finger, chain, skin, frame)


def _silhouette(pen: Pen, fingers: Sequence[tuple[Finger, Path, list[Point]]], palm: Path, skin: Rgb01) -> None:
    """Ink around the whole hand first, fills after it, so that no line runs between a finger and the palm."""
    line = darker(skin, 0.6)
    width = max(pen.look.ink * 2, 0.0)
    if width:
        for path in [palm, *(p for _, p, _ in fingers)]:
            pen.stroke(path, line, width, 0.9)
    for finger, path, _ in fingers:
        with pen.part(finger.name):
            pen.flat(path, skin)
    with pen.part("palm"):
        pen.flat(palm, skin)


def _finger_body(pen: Pen, path: Path, chain: list[Point], finger: Finger, skin: Rgb01, frame: Frame) -> None:
    """The finger's own shading, and the fold of skin beside it."""
    pen.volume(path, skin, finger.radius * frame.size * 0.95, ink=0.35, strength=0.9)
    if pen.px(frame.size) < _DETAIL_PX:
        return
    tip = between(chain[-2], chain[-1], 0.75)
    glow = smooth(frame.points(circle(tip, finger.radius * 0.85)))
    pen.soft(glow, mix(skin, (0.9, 0.35, 0.3), 0.5), 0.28, finger.radius * frame.size * 0.5)


def _palm_body(pen: Pen, hand: Hand, palm: Path, skin: Rgb01, frame: Frame, folded: bool) -> None:
    with pen.part("palm"):
        size = frame.size
        knuckles = smooth(frame.points([(-0.19, -0.4), (-0.13, -0.53), (0.03, -0.55), (0.19, -0.44), (0.1, -0.3)]))
        with pen.clip(palm):
            for finger in hand.fingers:  # fades each finger's own shading into the back of the hand
                if not finger.name.endswith("thumb") and finger.curl <= 0.5:
                    base = smooth(frame.points(circle(polar(finger.base, finger.angle, -0.03), 0.06, 0.055)))
                    pen.soft(base, skin, 0.95, 0.016 * size)
                if finger.name.endswith("thumb"):
                    root = polar(finger.base, finger.angle, -0.01)
                    pen.soft(
                        smooth(frame.points(circle(root, 0.085, 0.1, angle=finger.angle))), skin, 0.95, 0.022 * size
                    )
        pen.soft(knuckles, lighter(skin, 0.5), 0.14, 0.05 * size)
        if pen.px(size) < _DETAIL_PX:
            return
        with pen.clip(palm):
            lx = pen.look.light[0]
            side = -1.0 if (lx < 0) != frame.flip else 1.0
            edge = smooth(frame.points([(-side * 0.23, -0.5), (-side * 0.2, -0.25), (-side * 0.12, 0.1)]), closed=False)
            pen.stroke(edge, darker(skin, 0.6), 0.1 * size, 0.4 * pen.look.contrast, 0.05 * size)
            lit = smooth(frame.points([(side * 0.16, -0.45), (side * 0.15, -0.25), (side * 0.09, 0.05)]), closed=False)
            pen.stroke(lit, lighter(skin, 0.7), 0.06 * size, 0.35 * pen.look.contrast, 0.04 * size)
        if hand.view == "palm":
            _palm_lines(pen, skin, frame)
        elif not folded:
            _tendons(pen, hand, skin, frame)


def _palm_lines(pen: Pen, skin: Rgb01, frame: Frame) -> None:
    line = darker(mix(skin, (0.75, 0.3, 0.25), 0.35), 0.45)
    lines = [
        [(-0.19, -0.4), (-0.1, -0.395), (-0.03, -0.32), (0.0, -0.2), (-0.02, -0.06)],
        [(-0.19, -0.41), (-0.06, -0.38), (0.07, -0.3), (0.15, -0.22)],
        [(0.195, -0.37), (0.11, -0.4), (0.0, -0.43), (-0.07, -0.5)],
    ]
    for points in lines:
        pen.stroke(smooth(frame.points(points), closed=False), line, 0.011 * frame.size, 0.5, 0.003 * frame.size)
    mound = smooth(frame.points(circle((-0.11, -0.2), 0.07, 0.12, angle=-14)))
    pen.soft(mound, lighter(skin, 0.6), 0.25, 0.035 * frame.size)
    pen.soft(smooth(frame.points(circle((0.11, -0.18), 0.05, 0.11))), lighter(skin, 0.6), 0.2, 0.03 * frame.size)
    pen.soft(smooth(frame.points(circle((0.01, -0.26), 0.07, 0.1))), darker(skin, 0.5), 0.16, 0.04 * frame.size)
    pen.stroke(smooth(frame.points([(-0.1, 0.0), (0, 0.015), (0.1, 0.0)]), closed=False), line, 0.008 * frame.size, 0.4)


def _tendons(pen: Pen, hand: Hand, skin: Rgb01, frame: Frame) -> None:
    for finger in hand.fingers:
        if finger.name.endswith("thumb"):
            continue
        knuckle = polar(finger.base, finger.angle, -0.03)
        root = (finger.base[0] * 0.45, -0.12)
        ridge = smooth(frame.points([knuckle, between(knuckle, root, 0.5), root]), closed=False)
        pen.stroke(ridge, lighter(skin, 0.6), 0.02 * frame.size, 0.2, 0.012 * frame.size)
        shifted = [(x + 0.03, y) for x, y in (knuckle, between(knuckle, root, 0.45), between(knuckle, root, 0.8))]
        pen.stroke(smooth(frame.points(shifted), closed=False), darker(skin, 0.6), 0.014 * frame.size, 0.2,
                   0.01 * frame.size)  # fmt: skip
        bump = smooth(frame.points(circle(knuckle, 0.034, 0.028)))
        pen.soft(bump, lighter(skin, 0.6), 0.3, 0.014 * frame.size)
        fold = [(knuckle[0] - 0.02, knuckle[1] + 0.022), (knuckle[0], knuckle[1] + 0.028),
                (knuckle[0] + 0.02, knuckle[1] + 0.02)]  # fmt: skip
        pen.stroke(smooth(frame.points(fold), closed=False), darker(skin, 0.6), 0.007 * frame.size, 0.35)


def _finger_details(pen: Pen, hand: Hand, finger: Finger, chain: list[Point], skin: Rgb01, frame: Frame) -> None:
    """Nail and wrinkles on the back, creases on the palm's side."""
    if pen.px(frame.size) < _DETAIL_PX or finger.curl > 0.5:
        return
    line = darker(mix(skin, (0.7, 0.3, 0.25), 0.3), 0.5)
    for i, joint in enumerate(chain[1:-1], start=1):
        along = heading(chain[i - 1], chain[i + 1])
        width = finger.radius * (finger.swell if i else 1) * 0.72
        for k, offset in enumerate((-0.012, 0.0, 0.012) if hand.view == "back" else (0.0,)):
            middle = polar(joint, along, offset * (1 + finger.swell) / 2)
            reach = width * (0.75 if k == 1 or hand.view == "palm" else 0.5)
            bow = polar(middle, along, 0.006 if k else -0.006)
            arc = [polar(middle, along - 90, reach), bow, polar(middle, along + 90, reach)]
            strong = 0.5 if k == 1 or hand.view == "palm" else 0.3
            pen.stroke(smooth(frame.points(arc), closed=False), line, 0.0065 * frame.size, strong)
    if hand.view == "back":
        _nail(pen, hand, finger, chain, skin, frame)


def _nail(pen: Pen, hand: Hand, finger: Finger, chain: list[Point], skin: Rgb01, frame: Frame) -> None:
    along = heading(chain[-2], chain[-1])
    centre = between(chain[-2], chain[-1], 0.66)
    _nail_at(pen, frame, centre, along, finger.radius * (0.55 + 0.45 * finger.swell), skin, hand.nails)


def _nail_at(
    pen: Pen, frame: Frame, centre: Point, along: float, radius: float, skin: Rgb01, varnish: Rgb01 | None
) -> None:
    """A nail with its rim, its pale edge and a glint."""
    w, h = radius * 0.58, radius * 0.82
    corners = [(-w * 0.8, h), (-w, h * 0.2), (-w * 0.92, -h * 0.7), (0, -h * 1.02), (w * 0.92, -h * 0.7), (w, h * 0.2),
               (w * 0.8, h), (0, h * 1.12)]  # fmt: skip
    turned = Frame(centre, 1.0, along)
    shape = smooth(frame.points([turned.point(x, y) for x, y in corners]))
    body = varnish or mix(lighter(skin, 0.38), (0.98, 0.68, 0.66), 0.4)
    pen.flat(shape, body)
    pen.stroke(shape, darker(mix(skin, (0.7, 0.3, 0.3), 0.3), 0.4), 0.006 * frame.size, 0.7)
    if varnish is None:
        edge = [(-w * 0.85, -h * 0.72), (0, -h * 0.9), (w * 0.85, -h * 0.72)]
        rim = smooth(frame.points([turned.point(x, y) for x, y in edge]), closed=False)
        pen.stroke(rim, (0.98, 0.95, 0.92), 0.009 * frame.size, 0.75)
    glint = [(-w * 0.4, -h * 0.4), (-w * 0.45, h * 0.4)]
    pen.stroke(polygon(frame.points([turned.point(x, y) for x, y in glint]), closed=False), (1, 1, 1),
               0.009 * frame.size, 0.5, 0.003 * frame.size)  # fmt: skip


def _folded(pen: Pen, hand: Hand, finger: Finger, skin: Rgb01, frame: Frame) -> None:
    """A finger bent into the palm: from behind a knuckle with its first joint, from the front the last joints."""
    r = finger.radius * 1.12 * (0.6 + 0.4 * finger.swell)
    x, y = finger.base[0], max(finger.base[1], -0.5) + 0.02
    if hand.view == "back":
        chain = [(x, y + 0.09), (x, y + 0.02), (x + finger.angle * 0.0006, y - 0.045)]
        body = smooth(frame.points(tube(chain, [r * 0.92, r, r * 1.02])))
        pen.volume(body, skin, r * frame.size * 0.9, ink=0.7)
        return
    chain = [(x, y - 0.02), (x - 0.004, y + 0.1), (x - 0.012, y + 0.21)]
    body = smooth(frame.points(tube(chain, [r * 1.05, r * 1.0, r * 0.86])))
    pen.soft(smooth(frame.points(circle((chain[1][0] + 0.02, chain[1][1] + 0.03), r * 1.2, 0.16))), darker(skin, 0.7),
             0.35, 0.02 * frame.size)  # fmt: skip
    pen.volume(body, skin, r * frame.size * 0.9, ink=0.7)
    if pen.px(frame.size) >= _DETAIL_PX:
        fold = [(x - r * 0.7, y + 0.035), (x, y + 0.045), (x + r * 0.7, y + 0.035)]
        pen.stroke(smooth(frame.points(fold), closed=False), darker(skin, 0.55), 0.007 * frame.size, 0.5)
        _nail_at(pen, frame, (chain[2][0], chain[2][1] + 0.01), 180, r * 0.8, skin, hand.nails)


def _crossing_thumb(pen: Pen, hand: Hand, finger: Finger, skin: Rgb01, frame: Frame) -> None:
    chain = [(-0.15, -0.15), (-0.13, -0.23), (0.0, -0.25), (0.12, -0.225)]
    r = finger.radius
    body = smooth(frame.points(tube(chain, [r * 1.2, r * 1.15, r * finger.swell, r * 0.8 * finger.swell])))
    pen.soft(smooth(frame.points(circle((0.0, -0.2), 0.14, 0.05))), darker(skin, 0.7), 0.4, 0.02 * frame.size)
    pen.volume(body, skin, r * frame.size * 0.95, ink=0.6)
    if pen.px(frame.size) >= _DETAIL_PX:
        _nail_at(pen, frame, (0.098, -0.236), 80, r * 0.75, skin, hand.nails)


def _grip(pen: Pen, hand: Hand, frame: Frame) -> None:
    """Around something upright: back of the hand, thumb behind, the thing, then the fingers in a row across it.

    The frame's origin is the wrist; the thing's axis stands left of and above it.
    """
    girth = _girth(hand, frame)
    inner = frame.child((-0.17 - girth, -0.42))
    skin = hand.skin
    back = smooth(inner.points([(x + girth - 0.13, y) for x, y in _BACK_OF_GRIP]))
    for finger in hand.fingers:
        if finger.name.endswith("thumb"):
            with pen.part(finger.name):
                chain = [(girth, -0.12), (-0.02, -0.17), (-girth + 0.0, -0.2), (-girth - 0.06, -0.25)]
                pen.volume(smooth(inner.points(tube(chain, _radii(finger, 4)))), skin, 0.05 * frame.size)
    with pen.part("palm"):
        pen.volume(back, skin, 0.09 * frame.size, ink=0.8)
    if hand.held is not None and not hand.pierced:
        _held(pen, hand, inner)
    rows = [f for f in hand.fingers if not f.name.endswith("thumb")]
    step = min(0.105, 0.36 / max(1, len(rows) - 1))
    top = -0.13
    for i, finger in reversed(list(enumerate(rows))):
        with pen.part(finger.name):
            _wrapped(pen, hand, finger, top + i * step, girth, inner)
    if hand.held is not None and hand.pierced:
        _held(pen, hand, inner)


def _girth(hand: Hand, frame: Frame) -> float:
    """Half the width of the held thing, in units of the hand."""
    if hand.held is None:
        return 0.13
    return HALF_WIDTHS[hand.held.kind] * hand.held.size / frame.size


def _held(pen: Pen, hand: Hand, inner: Frame) -> None:
    held = hand.held
    if held is None:
        return
    at = inner.point(*hand.slip)
    draw_thing(pen, held, Frame((at[0], at[1] + held.size * 0.5), held.size, held.angle, held.flip), shadow=False)


def _wrapped(pen: Pen, hand: Hand, finger: Finger, y: float, girth: float, inner: Frame) -> None:
    """One finger across the thing, its nail near the far edge."""
    skin = hand.skin
    scale = finger.length / 0.43
    tip = girth + 0.03 - 0.235 * scale
    bend = finger.bends[0] * 0.003
    chain = [(girth + 0.03, y + 0.012), (girth * 0.55, y - 0.006), (between((girth, y), (tip, y), 0.6)[0], y - bend),
             (tip, y + 0.012 - 2 * bend)]  # fmt: skip
    r = finger.radius
    radii = [r * 1.05, r * 1.02 * finger.swell, r * 0.95 * finger.swell, r * 0.84 * finger.swell]
    body = smooth(inner.points(tube(chain, radii)))
    under = smooth(inner.points([(x, yy + 0.028) for x, yy in tube(chain, radii)]))
    pen.soft(under, (0.05, 0.03, 0.05), 0.3, 0.014 * inner.size)
    pen.volume(body, skin, r * inner.size * 0.95, ink=0.7)
    if pen.px(inner.size) < _DETAIL_PX:
        return
    line = darker(skin, 0.55)
    for joint in (chain[1], chain[2]):
        for dx in (-0.008, 0.006):
            arc = [
                (joint[0] + dx, joint[1] - r * 0.55),
                (joint[0] + dx + 0.006, joint[1]),
                (joint[0] + dx, joint[1] + r * 0.5),
            ]
            pen.stroke(smooth(inner.points(arc), closed=False), line, 0.006 * inner.size, 0.35)
    along = heading(chain[2], chain[3])
    _nail_at(pen, inner, between(chain[2], chain[3], 0.92), along, r * 0.92 * finger.swell, skin, hand.nails)


def draw_close_hand(pen: Pen, item: CloseHand) -> None:
    """A hand with its forearm and cuff, coming in from beyond the frame."""
    with pen.part(item.id):
        frame = Frame(item.at, item.size, item.angle)
        dx = (0.02 if item.hand.shape == "grip" else 0.0) * (-1 if item.hand.mirrored else 1)
        skin = item.hand.skin
        with pen.part("forearm"):
            outline = [(-0.115, 0.0), (0.115, 0.0), (0.135, 0.3), (0.17, 0.7), (-0.17, 0.7), (-0.135, 0.3)]
            tone = palm_tone(skin) if item.hand.view == "palm" else skin
            pen.volume(smooth(frame.points([(x + dx, y) for x, y in outline])), tone, 0.1 * item.size)
        with pen.part("hand"):
            draw_hand(pen, item.hand, frame)
        if item.hand.shape != "grip":
            wrist = smooth(frame.points(circle((0, 0.09), 0.085, 0.06)))
            pen.soft(wrist, skin if item.hand.view == "back" else palm_tone(skin), 0.9, 0.03 * item.size)
        with pen.part("sleeve"):
            cuff = polygon(frame.points([(dx - 0.17, 0.24), (dx + 0.17, 0.24), (dx + 0.24, 1.6), (dx - 0.24, 1.6)]))
            cloth(pen, cuff, item.sleeve, 0.12 * item.size, 0.05 * item.size)
            band = smooth(
                frame.points(
                    [
                        (dx - 0.185, 0.23),
                        (dx, 0.205),
                        (dx + 0.185, 0.23),
                        (dx + 0.19, 0.33),
                        (dx, 0.35),
                        (dx - 0.19, 0.33),
                    ]
                )
            )
            pen.volume(band, darker(item.sleeve.colour.rgb, 0.12), 0.04 * item.size)
