"""A crop as the action agent would leave it, and what is measured of it where the agent may change it."""

from torch import Tensor
from torch.nn import functional


def laid_in(source: Tensor, crop: Tensor, mask: Tensor) -> Tensor:
    """`(B, 3, S, S)`: the source with the crop inside the mask, `(B, 1, S, S)` in {0, 1}, as the agent lays a patch."""
    return source + (crop - source) * mask


def mean_near(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of `(B, 1, h, w)` over the cells that a mask of any size reaches into; 0 where it is empty."""
    near = functional.adaptive_max_pool2d(mask, (values.shape[-2], values.shape[-1]))
    return (values * near).sum() / near.sum().clamp(min=1)
