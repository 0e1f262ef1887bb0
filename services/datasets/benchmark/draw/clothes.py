"""Clothes: torso garments, sleeves, trouser legs, skirts, shoes, with folds and patterns. Lengths in body heights."""

from collections.abc import Sequence

from services.datasets.benchmark.colour import Rgb01, darker, hexed, lighter
from services.datasets.benchmark.draw.pen import Path, Pen, bounds, joined, polygon, smooth
from services.datasets.benchmark.frame import Point, between, circle, heading, polar, tube
from services.datasets.benchmark.graph import Garment, Leg, Person


def pattern(pen: Pen, path: Path, garment: Garment, unit: float) -> None:
    """Stripes, dots, checks or hatching inside the path; `unit` is their spacing."""
    if garment.pattern == "plain" or pen.px(unit) < 1.6:
        return
    x0, y0, x1, y1 = bounds(path)
    rows = int((y1 - y0) / unit) + 1
    columns = int((x1 - x0) / unit) + 1
    with pen.clip(path):
        if garment.pattern in ("striped", "checked"):
            bars = [polygon([(x0, y0 + i * unit), (x1, y0 + i * unit), (x1, y0 + (i + 0.45) * unit), (x0,
                y0 + (i + 0.45) * unit)])
                    for i in range(rows)]  # fmt: skip
            pen.soft(joined(bars), garment.second, 0.75 if garment.pattern == "striped" else 0.4)
        if garment.pattern == "checked":
            posts = [polygon([(x0 + i * unit, y0), (x0 + (i + 0.45) * unit, y0), (x0 + (i + 0.45) * unit, y1),
                (x0 + i * unit, y1)])
                     for i in range(columns)]  # fmt: skip
            pen.soft(joined(posts), garment.second, 0.4)
        if garment.pattern in ("pinstriped", "hatched"):
            lean = (y1 - y0) * 0.6 if garment.pattern == "hatched" else 0.0
            first = -int(lean / unit) - 1
            lines = [
                polygon([(x0 + i * unit, y1), (x0 + i * unit + lean, y0)], closed=False)
                for i in range(first, columns + 1)
            ]
            pen.stroke(joined(lines), garment.second, unit * 0.22, 0.8)
        if garment.pattern == "dotted":
            dots = [smooth(circle((x0 + (i + 0.5 * (j % 2)) * unit, y0 + j * unit), unit * 0.22, steps=6))
                    for i in range(columns + 1) for j in range(rows + 1)]  # fmt: skip
            pen.soft(joined(dots), garment.second, 0.8)


def cloth(pen: Pen, path: Path, garment: Garment, depth: float, unit: float, ink: float = 1.0) -> None:
    """A piece of the garment: fill, pattern, then its volume's shading over both."""
    if garment.pattern == "plain":
        pen.volume(path, garment.colour.rgb, depth, ink)
        return
    pen.flat(path, garment.colour.rgb)
    pattern(pen, path, garment, unit)
    with pen.clip(path):
        lx, ly = pen.look.light
        x0, y0, x1, y1 = bounds(path)
        shade = polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        pen.soft(
            _edge_of(path, lx * depth, ly * depth),
            darker(garment.colour.rgb, 0.7),
            0.5 * pen.look.contrast,
            depth * 0.5,
        )
        pen.soft(shade, garment.colour.rgb, 0.08)
    pen.ink(path, garment.colour.rgb, ink)


def _edge_of(path: Path, dx: float, dy: float) -> Path:
    """A crescent on the side away from the light."""
    x0, y0, x1, y1 = bounds(path)
    w, h = x1 - x0, y1 - y0
    if dx < 0:
        return polygon(
            [(x1 - w * 0.12, y0), (x1 + w * 0.2, y0), (x1 + w * 0.2, y1 + h * 0.1), (x1 - w * 0.12, y1 + h * 0.1)]
        )
    return polygon(
        [(x0 - w * 0.2, y0), (x0 + w * 0.12, y0), (x0 + w * 0.12, y1 + h * 0.1), (x0 - w * 0.2, y1 + h * 0.1)]
    )


def sleeve(
    pen: Pen, garment: Garment, chain: Sequence[Point], radii: Sequence[float], height: float, cuff: bool
) -> None:
    """A tube of cloth along a limb."""
    path = smooth(tube(chain, radii))
    cloth(pen, path, garment, radii[0] * 1.0, 0.02 * height, ink=0.8)
    if cuff and pen.px(height) > 90:
        along = heading(chain[-2], chain[-1])
        middle = polar(chain[-1], along, radii[-1] * 0.35)
        edge = [
            polar(middle, along - 90, radii[-1] * 0.9),
            polar(middle, along, radii[-1] * 0.3),
            polar(middle, along + 90, radii[-1] * 0.9),
        ]
        pen.stroke(smooth(edge, closed=False), darker(garment.colour.rgb, 0.5), 0.005 * height, 0.6)
    if pen.px(height) > 120:
        with pen.clip(path):
            for share in (0.35, 0.7):
                at = between(chain[0], chain[-1], share)
                across = heading(chain[0], chain[-1]) + 75
                fold = [polar(at, across, radii[0] * 0.9), polar(at, across + 180, radii[0] * 0.2)]
                pen.stroke(
                    smooth(fold, closed=False), darker(garment.colour.rgb, 0.6), 0.006 * height, 0.3, 0.004 * height
                )


def torso(pen: Pen, person: Person, chest: Point, hips: Point) -> None:
    """The trousers' waist or the skirt, then the upper garment with collar, folds and fastening."""
    h, b = person.size, person.build
    bottom, top = person.bottom, person.top
    hx, hy = hips
    if bottom.is_skirt:
        reach = 0.12 + 0.2 * bottom.cut
        flare = 0.085 + 0.045 * bottom.cut
        hem = [
            (hx + flare * h * b, hy + reach * h),
            (hx, hy + (reach + 0.012) * h),
            (hx - flare * h * b, hy + reach * h),
        ]
        skirt = smooth([(hx - 0.075 * h * b, hy - 0.06 * h), (hx, hy - 0.065 * h), (hx + 0.075 * h * b, hy - 0.06 * h),
                        (hx + 0.1 * h * b, hy + 0.04 * h), *hem, (hx - 0.1 * h * b, hy + 0.04 * h)])  # fmt: skip
        cloth(pen, skirt, bottom, 0.06 * h, 0.022 * h)
        for k in (-0.5, 0.0, 0.5):
            fold = smooth([(hx + k * 0.08 * h, hy), (hx + k * 0.17 * h, hy + reach * h * 0.95)], closed=False)
            pen.stroke(fold, darker(bottom.colour.rgb, 0.55), 0.008 * h, 0.35, 0.006 * h)
    else:
        seat = smooth([(hx - 0.085 * h * b, hy - 0.06 * h), (hx + 0.085 * h * b, hy - 0.06 * h), (hx + 0.094 * h * b,
            hy + 0.02 * h),
                       (hx + 0.06 * h * b, hy + 0.06 * h), (hx, hy + 0.045 * h), (hx - 0.06 * h * b, hy + 0.06 * h),
                       (hx - 0.094 * h * b, hy + 0.02 * h)])  # fmt: skip
        cloth(pen, seat, bottom, 0.03 * h, 0.02 * h, ink=0.5)
    _upper(pen, person, chest, hips, top)


def _upper(pen: Pen, person: Person, chest: Point, hips: Point, top: Garment) -> None:
    h, b = person.size, person.build
    cx, cy = chest
    hx, hy = hips
    waist = between(chest, hips, 0.62)
    slim = 0.078 if person.noun in ("woman", "girl") else 0.088
    hem_y = hy + (0.02 if top.kind not in ("jacket", "coat", "hoodie") else 0.05) * h
    side = [(0.04, -0.014), (0.085, 0.001), (0.115, 0.026), (0.108, 0.06), (0.1, 0.12)]
    right = [(cx + x * h * (b if x > 0.05 else 1), cy + y * h) for x, y in side]
    left = [(2 * cx - x, y) for x, y in reversed(right)]
    low = [(waist[0] + slim * h * b, waist[1]), (hx + 0.098 * h * b, hem_y), (hx, hem_y + 0.006 * h),
        (hx - 0.098 * h * b, hem_y),
           (waist[0] - slim * h * b, waist[1])]  # fmt: skip
    neckline = (cx, cy + (0.02 if top.kind in ("shirt", "jacket", "coat") else 0.012) * h)
    body = smooth([neckline, *right, *low, *left])
    cloth(pen, body, top, 0.065 * h, 0.026 * h)
    with pen.clip(body):
        for sx in (-1, 1):
            fold = smooth(
                [
                    (cx + sx * 0.1 * h, cy + 0.1 * h),
                    (cx + sx * 0.06 * h, cy + 0.16 * h),
                    (cx + sx * 0.075 * h, cy + 0.26 * h),
                ],
                False,
            )
            pen.stroke(fold, darker(top.colour.rgb, 0.6), 0.01 * h, 0.3, 0.008 * h)
        shine = smooth(
            [(cx + pen.look.light[0] * 0.06 * h, cy + 0.05 * h), (cx + pen.look.light[0] * 0.05 * h, cy + 0.14 * h)],
            closed=False,
        )
        pen.stroke(shine, lighter(top.colour.rgb, 0.6), 0.05 * h, 0.2, 0.03 * h)
    _fastening(pen, person, chest, (hx, hem_y), top)


def _hood(pen: Pen, chest: Point, hem: Point, rgb: Rgb01, h: float) -> None:
    """The hood on the shoulders, its cords and the pocket."""
    cx, cy = chest
    dark = darker(rgb, 0.45)
    hood = smooth([(cx - 0.06 * h, cy - 0.015 * h), (cx - 0.045 * h, cy + 0.03 * h), (cx, cy + 0.045 * h),
        (cx + 0.045 * h, cy + 0.03 * h),
                   (cx + 0.06 * h, cy - 0.015 * h), (cx, cy + 0.02 * h)])  # fmt: skip
    pen.volume(hood, darker(rgb, 0.12), 0.02 * h)
    for s in (-1, 1):
        cord = smooth([(cx + s * 0.02 * h, cy + 0.035 * h), (cx + s * 0.022 * h, cy + 0.1 * h)], closed=False)
        pen.stroke(cord, lighter(rgb, 0.7), 0.005 * h, 0.9)
    pocket = polygon([(cx - 0.05 * h, hem[1] - 0.02 * h), (cx - 0.035 * h, hem[1] - 0.08 * h), (cx + 0.035 * h,
        hem[1] - 0.08 * h),
                      (cx + 0.05 * h, hem[1] - 0.02 * h)])  # fmt: skip
    pen.stroke(pocket, dark, 0.004 * h, 0.6)


def _fastening(pen: Pen, person: Person, chest: Point, hem: Point, top: Garment) -> None:
    h = person.size
    cx, cy = chest
    rgb = top.colour.rgb
    dark = darker(rgb, 0.45)
    if top.kind in ("jacket", "coat"):
        inner = polygon([(cx - 0.035 * h, cy - 0.005 * h), (cx + 0.035 * h, cy - 0.005 * h), (cx, cy + 0.14 * h)])
        pen.flat(inner, hexed("f1ede4"))
        for s in (-1, 1):
            lapel = polygon(
                [(cx + s * 0.04 * h, cy - 0.012 * h), (cx + s * 0.07 * h, cy + 0.06 * h), (cx, cy + 0.15 * h)]
            )
            pen.volume(lapel, lighter(rgb, 0.08), 0.012 * h, ink=0.7)
        pen.stroke(polygon([(cx, cy + 0.15 * h), (hem[0], hem[1])], closed=False), dark, 0.005 * h, 0.8)
    elif top.kind == "shirt":
        for s in (-1, 1):
            collar = polygon(
                [
                    (cx + s * 0.04 * h, cy - 0.022 * h),
                    (cx + s * 0.052 * h, cy + 0.02 * h),
                    (cx + s * 0.006 * h, cy + 0.025 * h),
                ]
            )
            pen.volume(collar, lighter(rgb, 0.2), 0.008 * h, ink=0.7)
        pen.stroke(polygon([(cx, cy + 0.025 * h), hem], closed=False), dark, 0.003 * h, 0.6)
    elif top.kind == "hoodie":
        _hood(pen, chest, hem, rgb, h)
    else:
        ring = smooth(
            [(cx - 0.045 * h, cy - 0.012 * h), (cx, cy + 0.022 * h), (cx + 0.045 * h, cy - 0.012 * h)], closed=False
        )
        pen.stroke(ring, dark, 0.008 * h, 0.7)
    if top.kind in ("shirt", "coat") and pen.px(h) > 110:
        for k in range(5):
            y = cy + (0.06 + 0.055 * k) * h + (0.09 * h if top.kind == "coat" else 0)
            if y < hem[1]:
                pen.soft(smooth(circle((cx + 0.004 * h, y), 0.005 * h, steps=6)), darker(rgb, 0.6), 0.9)


def shoe(pen: Pen, person: Person, leg: Leg, ankle: Point) -> None:
    """Seen from the front, or from the side where the foot points there."""
    h = person.size
    x, y = ankle
    rgb = person.shoes
    if leg.foot == 0:
        out = leg.side * 0.006 * h
        shape = smooth([(x - 0.022 * h, y - 0.01 * h), (x + 0.022 * h, y - 0.01 * h), (x + 0.03 * h + out,
            y + 0.022 * h),
                        (x + out, y + 0.034 * h), (x - 0.03 * h + out, y + 0.022 * h)])  # fmt: skip
    else:
        f = leg.foot
        shape = smooth([(x - f * 0.026 * h, y - 0.012 * h), (x + f * 0.022 * h, y - 0.012 * h), (x + f * 0.07 * h,
            y + 0.008 * h),
                        (x + f * 0.085 * h, y + 0.026 * h), (x - f * 0.03 * h, y + 0.028 * h)])  # fmt: skip
    pen.volume(shape, rgb, 0.018 * h)
    x0, _, x1, y1 = bounds(shape)
    pen.stroke(
        polygon([(x0 + 0.004 * h, y1 - 0.002 * h), (x1 - 0.004 * h, y1 - 0.002 * h)], closed=False),
        lighter(rgb, 0.7),
        0.006 * h,
        0.8,
    )
