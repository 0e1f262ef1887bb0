"""Dispatch from a thing's kind to its drawing, with its contact shadow and its deformation."""

import math
from collections.abc import Callable
from dataclasses import replace

from services.datasets.benchmark.draw import animals, furniture, goods, vessels
from services.datasets.benchmark.draw.pen import Pen, Warp, polygon, smooth
from services.datasets.benchmark.frame import Frame, Point, circle
from services.datasets.benchmark.graph import Thing, WarpSpec

Drawing = Callable[[Pen, Frame, Thing], None]
"""Draws a thing of height 1 that stands on the frame's origin."""

DRAWINGS: dict[str, Drawing] = {**vessels.DRAWINGS, **furniture.DRAWINGS, **goods.DRAWINGS, **animals.DRAWINGS}

WIDTHS: dict[str, float] = {**vessels.WIDTHS, **furniture.WIDTHS, **goods.WIDTHS, **animals.WIDTHS}
"""Width over height of each kind."""

HALF_WIDTHS = {"cup": 0.41, "glass": 0.28, "bottle": 0.155, "phone": 0.25, "book": 0.36, "apple": 0.48, "ball": 0.5}
"""Half the width of the part that a hand closes around, over the height, for what can be held so."""


def thing_frame(thing: Thing) -> Frame:
    """Where the thing stands."""
    return Frame((thing.at[0], thing.at[1] - thing.lift), thing.size, thing.angle, thing.flip, thing.stretch)


def draw_thing(pen: Pen, thing: Thing, frame: Frame | None = None, shadow: bool = True) -> None:
    """Draws it where it stands, or in the hand's frame; its part is its id."""
    frame = frame or thing_frame(thing)
    with pen.part(thing.id):
        if shadow and thing.support in ("ground", "table"):
            contact_shadow(pen, thing.at, WIDTHS[thing.kind] * thing.size * 0.5, thing.lift, thing.halo)
        with pen.warping(warp_of(thing.warp, frame) if thing.warp else None):
            if "sunk" in thing.extras:
                x, y = frame.at
                above = polygon([(x - 2, y - 3), (x + 2, y - 3), (x + 2, y), (x - 2, y)])
                with pen.clip(above):
                    DRAWINGS[thing.kind](pen, replace(frame, at=(x, y + 0.42 * frame.size)), thing)
            else:
                DRAWINGS[thing.kind](pen, frame, thing)


def contact_shadow(pen: Pen, at: Point, half_width: float, lift: float, strength: float) -> None:
    """A dark core under the thing and a wider, paler one away from the light; lifted things cast a wider one."""
    if strength <= 0:
        return
    spread = 1.0 + lift * 1.5 / max(half_width, 0.02)
    soften = half_width * 0.16 * min(spread, 2.5)
    away = -pen.look.light[0] * half_width * 0.5
    wide = smooth(circle((at[0] + away, at[1] - half_width * 0.02), half_width * 1.25, half_width * 0.24))
    pen.soft(wide, (0.03, 0.03, 0.08), 0.3 * strength / min(spread, 2.0), soften * 1.6)
    core = smooth(circle(at, half_width * 1.02, half_width * 0.13))
    pen.soft(core, (0.02, 0.02, 0.05), 0.5 * strength / min(spread, 2.0), soften * 0.7)


def warp_of(spec: WarpSpec, frame: Frame) -> Warp:
    """The deformation in the scene's coordinates, around the frame's origin.

    Raises:
        KeyError: no such deformation.
    """
    height = frame.size
    ox, oy = frame.at

    def wave(p: Point) -> Point:
        u, v = (p[0] - ox) / height, (p[1] - oy) / height
        return (
            p[0] + height * spec.strength * math.sin(v * 9.0 + spec.phase),
            p[1] + height * spec.strength * 0.6 * math.sin(u * 11.0 + spec.phase),
        )

    def melt(p: Point) -> Point:
        u, v = (p[0] - ox) / height, (oy - p[1]) / height
        drop = spec.strength * (0.6 + 0.4 * math.sin(u * 14.0 + spec.phase)) * max(0.0, v) ** 1.5
        widen = 1.0 + spec.strength * 1.6 * max(0.0, 0.45 - v)
        return ox + (p[0] - ox) * widen, p[1] + height * drop

    def bend(p: Point) -> Point:
        v = max(0.0, (oy - p[1]) / height)
        return p[0] + height * spec.strength * 2.2 * v * v, p[1] + height * spec.strength * 0.7 * v * v

    def pinch(p: Point) -> Point:
        v = (oy - p[1]) / height
        keep = 1.0 - min(0.85, spec.strength * 3.2) * math.exp(-(((v - 0.5) / 0.16) ** 2))
        return ox + (p[0] - ox) * keep, p[1]

    return {"wave": wave, "melt": melt, "bend": bend, "pinch": pinch}[spec.kind]
