"""Training crops, varied where they are learned from: each time other backdrops and tones, now and then mirrored.

As `services.datasets.benchmark.variation` does it with pictures, in its ranges; its module says why. Here a crop is
drawn once and looks different whenever it is learned from, at a cost that a GPU does not notice.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from services.datasets.benchmark.variation import BACKDROP, LUMA, SHOWN, TINT, ToneRange

_SHAPES = 3


def varied(pictures: Tensor, shown: Tensor, noise: torch.Generator) -> Tensor:
    """Crops and their twins, both varied the same way.

    Args:
        pictures: `(B, 2, 3, S, S)` float32 in [0, 1], RGB: source and target.
        shown: `(B, 2, 1, S, S)` float32 in [0, 1]: how much of a pixel is no backdrop.
        noise: what it is drawn by.
    """
    count, side = len(pictures), pictures.shape[-1]
    behind = _toned(pictures, _colours(count, BACKDROP, noise), _uniform(count, *BACKDROP.gamma, noise))
    front = _toned(pictures, _colours(count, SHOWN, noise), _uniform(count, *SHOWN.gamma, noise))
    behind = behind * _field(count, side, noise)[:, None]
    return (front * shown + behind * (1 - shown)).clamp(0, 1)


def mirrored(crops: Tensor, may: Tensor, noise: torch.Generator) -> Tensor:
    """`(B, C, S, S)` with left and right changed in half of the crops that `(B,)` bool allows it for."""
    turned = may & (_uniform(len(crops), 0, 1, noise) < 0.5)
    return torch.where(turned[:, None, None, None], crops.flip(-1), crops)


def _uniform(count: int, low: float, high: float, noise: torch.Generator, *more: int) -> Tensor:
    return torch.rand((count, *more), generator=noise, device=noise.device) * (high - low) + low


def _colours(count: int, tones: ToneRange, noise: torch.Generator) -> Tensor:
    """`(B, 3, 3)`: turns hues around grey, scales saturation, tints a little."""
    turn = math.radians(tones.turn_degrees)
    angle = _uniform(count, -turn, turn, noise)[:, None, None]
    strength = _uniform(count, *tones.saturation, noise)[:, None, None]
    tint = _uniform(count, *TINT, noise, 3)[:, :, None]
    one = torch.eye(3, device=noise.device)  # all is made of it there: what came from the host would be waited for
    cross = (one.roll(1, 0) - one.roll(-1, 0)) * 3**-0.5
    turned = angle.cos() * one + angle.sin() * cross + (1 - angle.cos()) / 3
    grey = torch.cat([one.new_full((3, 1), weight) for weight in LUMA], dim=1)
    return tint * ((strength * one + (1 - strength) * grey) @ turned)


def _toned(pictures: Tensor, matrix: Tensor, gamma: Tensor) -> Tensor:
    turned = torch.einsum("bij,bpjyx->bpiyx", matrix, pictures).clamp(1e-4, 1)
    return turned ** gamma[:, None, None, None, None]


def _field(count: int, side: int, noise: torch.Generator) -> Tensor:
    """`(B, 3, S, S)`: smooth unevenness, and in half of the crops rectangles: factors, so that shadows show through."""
    knots = _uniform(count, 0.8, 1.2, noise, 3, 3, 3)
    field = functional.interpolate(knots, size=(side, side), mode="bicubic", align_corners=True)
    some = _uniform(count, 0, 1, noise)[:, None, None, None] < 0.5
    cells = (torch.arange(side, device=noise.device) + 0.5) / side
    for _ in range(_SHAPES):
        x, y, w, h = _uniform(count, 0, 1, noise, 4).unsqueeze(-1).unbind(1)
        across = ((cells - x).abs() < w / 2)[:, None, None, :]
        down = ((cells - y).abs() < h / 2)[:, None, :, None]
        factor = _uniform(count, 0.5, 1.5, noise, 3)[:, :, None, None]
        field = torch.where(some & across & down, field * factor, field)
    return field
