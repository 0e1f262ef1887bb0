"""A perceptual loss: crops shall look alike to a network that knows pictures, not pixel by pixel.

A blur lies near the truth in squares and far from it in features (Johnson et al. 2016, "Perceptual losses for real-time
style transfer and super-resolution"). Features are compared as Zhang et al. 2018 do ("The unreasonable effectiveness of
deep features as a perceptual metric"): at each place as a direction, by squared distance, summed over levels.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from services.action.training.places import laid_in, mean_near

See = Callable[[Tensor], Sequence[Tensor]]
"""`(B, 3, S, S)` in [-1, 1] to features `(B, C, h, w)` by level; its own weights learn nothing here."""

_ENLARGED = 2
"""A crop shows its region smaller than a picture does, for which the network was trained."""
_LITTLE = 1e-6


def perceptual_loss(see: See, source: Tensor, made: Tensor, true: Tensor, mask: Tensor) -> Tensor:
    """How unlike the truth the crop looks, laid into the source by the mask as the action agent lays a patch.

    Args:
        see: the network's first layers.
        source: `(B, 3, S, S)` in [-1, 1].
        made: like it, with gradients.
        true: like it.
        mask: `(B, 1, S, S)` in {0, 1}: elsewhere nothing counts, but for what a feature sees beside its place.
    """
    repaired, truth = (_enlarged(laid_in(source, crop, mask)) for crop in (made, true))
    with torch.no_grad():
        wanted = [_directions(level) for level in see(truth)]
    losses = []
    for level, want in zip(see(repaired), wanted, strict=True):
        unlike = (_directions(level) - want).square().sum(dim=1, keepdim=True)
        losses.append(mean_near(unlike, mask))
    return torch.stack(losses).sum()


def _enlarged(crops: Tensor) -> Tensor:
    return functional.interpolate(crops, scale_factor=_ENLARGED, mode="bilinear", align_corners=False)


def _directions(features: Tensor) -> Tensor:
    features = features.float()
    length: Tensor = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features / (length + _LITTLE)
