"""Colours as sRGB triples in [0, 1], with the few mixtures that shading needs. Knows nothing of the rasteriser."""

import math
from dataclasses import dataclass

Rgb01 = tuple[float, float, float]

WHITE: Rgb01 = (1.0, 1.0, 1.0)
BLACK: Rgb01 = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Named:
    """A colour with the word that a prompt uses for it."""

    name: str
    rgb: Rgb01


def mix(a: Rgb01, b: Rgb01, share: float) -> Rgb01:
    """`a` with `share` in [0, 1] of `b`."""
    return (
        a[0] + (b[0] - a[0]) * share,
        a[1] + (b[1] - a[1]) * share,
        a[2] + (b[2] - a[2]) * share,
    )


def darker(rgb: Rgb01, share: float) -> Rgb01:
    """Towards a cool shadow: blue falls less than red, as under a sky."""
    return rgb[0] * (1 - share), rgb[1] * (1 - share * 0.97), rgb[2] * (1 - share * 0.88)


def lighter(rgb: Rgb01, share: float) -> Rgb01:
    """Towards a warm light."""
    return mix(rgb, (1.0, 0.98, 0.93), share)


def hexed(code: str) -> Rgb01:
    """From `rrggbb`."""
    return int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255


def luma(rgb: Rgb01) -> float:
    """Rec. 709 weights on the encoded values: good enough to compare lightness."""
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def distance(a: Rgb01, b: Rgb01) -> float:
    """Euclidean in [0, 1.74]."""
    return math.dist(a, b)
