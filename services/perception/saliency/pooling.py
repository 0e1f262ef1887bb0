"""Statistics of an image that tell drawn scenes from photographs: of its pixels and of the encoder's features.

They depend on the image alone, not on the prompt, and are what the domain check measures distances between.
"""

import torch
from torch import Tensor
from torch.nn import functional

_BANDS = 5
_SMALL = 1e-6


def pooled_statistics(features: Tensor) -> Tensor:
    """Mean and standard deviation of each channel, `(B, C, h, w)` to float32 `(B, 2C)`."""
    values = features.float()
    return torch.cat([values.mean(dim=(2, 3)), values.std(dim=(2, 3))], dim=1)


def pixel_statistics(pixels: Tensor) -> Tensor:
    """Colour and detail of normalised pixels `(B, 3, H, W)`: float32 `(B, 6 + 3 * 5)`.

    Mean and deviation of each channel, and the logarithm of its energy in five octaves of a Laplacian pyramid (Burt
    and Adelson 1983): grain, texture and shading of photographs fill the bands otherwise than drawings do.
    """
    level = pixels.float()
    parts = [pooled_statistics(level)]
    for _ in range(_BANDS):
        coarse = functional.avg_pool2d(level, 2)
        raised = functional.interpolate(coarse, size=level.shape[-2:], mode="bilinear", align_corners=False)
        parts.append(torch.log((level - raised).square().mean(dim=(2, 3)) + _SMALL))
        level = coarse
    return torch.cat(parts, dim=1)
