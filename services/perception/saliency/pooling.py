"""Statistics of an image that tell drawn scenes from photographs: of its pixels and of the encoder's features.

They depend on the image alone, not on the prompt, and are what the domain check measures distances between.
"""

import torch
from torch import Tensor
from torch.nn import functional

_BANDS = 5
_SMALL = 1e-6
_TEXTURE_SCALES = 4
_TEXTURE_SHARES = (0.05, 0.15, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 0.95)
_GRAIN = 1e-5
"""Added to a local variance: below it, a place is flat."""


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


def texture_statistics(pixels: Tensor) -> Tensor:
    """How texture is spread over normalised pixels `(B, 3, H, W)`: float32 `(B, 4 * 10)`.

    At four octaves of brightness, quantiles over the image of the logarithm of the deviation in 3x3 neighbourhoods,
    and the logarithm of the Laplacian's kurtosis. A drawing under grain is equally rough almost everywhere, and rough
    at its outlines; a photograph has every roughness between.
    """
    level = pixels.float().mean(dim=1, keepdim=True)
    parts: list[Tensor] = []
    for _ in range(_TEXTURE_SCALES):
        mean = functional.avg_pool2d(level, 3, stride=1)
        variance = (functional.avg_pool2d(level.square(), 3, stride=1) - mean.square()).clamp(min=0)
        rough = (0.5 * torch.log(variance + _GRAIN)).flatten(1).sort(dim=1).values
        last = rough.shape[1] - 1
        parts.append(rough[:, [round(share * last) for share in _TEXTURE_SHARES]])
        inner = level[..., 1:-1, 1:-1]
        around = level[..., :-2, 1:-1] + level[..., 2:, 1:-1] + level[..., 1:-1, :-2] + level[..., 1:-1, 2:]
        laplacian = (4 * inner - around).flatten(1)
        centred = laplacian - laplacian.mean(dim=1, keepdim=True)
        kurtosis = centred.pow(4).mean(dim=1) / (centred.square().mean(dim=1).square() + _SMALL**2)
        parts.append(torch.log(kurtosis + 1e-3)[:, None])
        level = functional.avg_pool2d(level, 2)
    return torch.cat(parts, dim=1)
