"""Points and local frames: an item is described around its own origin and placed by a `Frame`. Pure arithmetic.

The scene is the unit square; x grows to the right, y downwards. Angles are degrees, clockwise as seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """Maps local points to the scene: mirrored at x = 0 where `flip`, scaled, turned, moved to `at`."""

    at: Point
    size: float = 1.0
    angle: float = 0.0
    flip: bool = False
    stretch: tuple[float, float] = (1.0, 1.0)

    def point(self, x: float, y: float) -> Point:
        """One local point in the scene."""
        x, y = x * self.size * self.stretch[0] * (-1 if self.flip else 1), y * self.size * self.stretch[1]
        turn = math.radians(self.angle)
        c, s = math.cos(turn), math.sin(turn)
        return self.at[0] + x * c - y * s, self.at[1] + x * s + y * c

    def points(self, local: Sequence[Point]) -> list[Point]:
        """Many of them."""
        turn = math.radians(self.angle)
        c, s = math.cos(turn), math.sin(turn)
        sx, sy = self.size * self.stretch[0] * (-1 if self.flip else 1), self.size * self.stretch[1]
        (ox, oy), a, b, d, e = self.at, sx * c, sy * s, sx * s, sy * c
        return [(ox + x * a - y * b, oy + x * d + y * e) for x, y in local]

    def child(self, at: Point, size: float = 1.0, angle: float = 0.0) -> "Frame":
        """A frame inside this one, with local origin and relative size and angle."""
        return Frame(
            self.point(*at), self.size * size, self.angle + (-angle if self.flip else angle), self.flip, self.stretch
        )


def polar(origin: Point, angle: float, length: float) -> Point:
    """The point at `length` from `origin`; angle 0 points up, 90 to the right."""
    turn = math.radians(angle)
    return origin[0] + math.sin(turn) * length, origin[1] - math.cos(turn) * length


def between(a: Point, b: Point, share: float) -> Point:
    """The point at `share` of the way from `a` to `b`."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def length(a: Point, b: Point) -> float:
    """Distance of two points."""
    return math.hypot(b[0] - a[0], b[1] - a[1])


def heading(a: Point, b: Point) -> float:
    """The angle, as `polar` takes it, under which `b` is seen from `a`."""
    return math.degrees(math.atan2(b[0] - a[0], -(b[1] - a[1])))


def circle(at: Point, rx: float, ry: float | None = None, steps: int = 12, angle: float = 0.0) -> list[Point]:
    """Points of an ellipse, for a smooth closed path."""
    ry = rx if ry is None else ry
    turn = math.radians(angle)
    c, s = math.cos(turn), math.sin(turn)
    around = [(rx * math.cos(math.tau * i / steps), ry * math.sin(math.tau * i / steps)) for i in range(steps)]
    return [(at[0] + x * c - y * s, at[1] + x * s + y * c) for x, y in around]


def tube(chain: Sequence[Point], radii: Sequence[float]) -> list[Point]:
    """The outline of a chain of joints with a radius at each: rounded at both ends."""
    left: list[Point] = []
    right: list[Point] = []
    last = len(chain) - 1
    for i, (x, y) in enumerate(chain):
        before, after = chain[max(0, i - 1)], chain[min(last, i + 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        norm = math.hypot(dx, dy) or 1.0
        nx, ny = -dy / norm * radii[i], dx / norm * radii[i]
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return left + _cap(chain[-2], chain[-1], radii[-1]) + right[::-1] + _cap(chain[1], chain[0], radii[0])


def _cap(inner: Point, end: Point, radius: float) -> list[Point]:
    dx, dy = end[0] - inner[0], end[1] - inner[1]
    norm = math.hypot(dx, dy) or 1.0
    dx, dy = dx / norm * radius, dy / norm * radius
    side = 0.68
    return [
        (end[0] + dx * 0.72 - dy * side, end[1] + dy * 0.72 + dx * side),
        (end[0] + dx, end[1] + dy),
        (end[0] + dx * 0.72 + dy * side, end[1] + dy * 0.72 - dx * side),
    ]
