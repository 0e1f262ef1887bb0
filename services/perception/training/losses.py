"""The loss of the saliency network: equation 2 of the paper on the map, and the heads' losses.

Knows tensors alone. L_map = alpha * s * MSE + (1 - alpha) * KLD(ground truth || prediction), the KLD on sum-normalised
maps. s is stated, not hidden: the MSE of sparse maps is near 0.007 beside a KLD of 1 to 3, so that without a scale
alpha would mean nothing. A healthy image has no distribution to compare with and carries the MSE only.
Deviates from the paper: beside L_map stand the cross-entropy of the map's cells (see `LossSettings.pixel_scale`), the
contrast of twins and the cross-entropy of what is seen where, the latter two where the data has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from services.perception.training.options import LossSettings
from services.training.twins import twin_contrast, twin_pairs

_EPSILON = 1e-8
_BACKDROP_WEIGHT = 0.2
"""Of a label map's value 0, which most cells have."""


@dataclass(frozen=True)
class Targets:
    """The ground truth of a batch.

    Attributes:
        truth: `(B, h, w)` float32 in [0, 1], the truth maps at the prediction's size; all zero on healthy images.
        distorted: `(B,)` float32, 1 where anything is distorted.
        scores: `(B, 4)` float32 in [0, 1]; NaN where a score is unknown.
    """

    truth: Tensor
    distorted: Tensor
    scores: Tensor


@dataclass(frozen=True)
class Losses:
    """The total, which is differentiable, and its parts before weighting, detached, for the log."""

    total: Tensor
    pixels: Tensor
    mse: Tensor
    kld: Tensor
    any_distortion: Tensor
    scores: Tensor


def saliency_losses(
    map_logits: Tensor, any_logit: Tensor, score_logits: Tensor, targets: Targets, settings: LossSettings
) -> Losses:
    """The loss of a batch, a mean over its images, in float32.

    Args:
        map_logits: `(B, h, w)`.
        any_logit: `(B,)`.
        score_logits: `(B, 4)`.
        targets: the ground truth.
        settings: the weights.
    """
    prediction = map_logits.float().sigmoid()
    pixels = functional.binary_cross_entropy_with_logits(map_logits.float(), targets.truth)
    mse = (prediction - targets.truth).square().mean(dim=(1, 2))
    divergence = kld_per_image(prediction, targets.truth)
    per_image = (
        settings.alpha * settings.mse_scale * mse + (1 - settings.alpha) * divergence
        if settings.kld
        else settings.mse_scale * mse
    )
    any_loss = functional.binary_cross_entropy_with_logits(any_logit.float(), targets.distorted)
    score_loss = known_squared_error(score_logits.float().sigmoid(), targets.scores)
    blemished = (targets.truth.sum(dim=(1, 2)) > 0).float()
    return Losses(
        total=per_image.mean()
        + settings.pixel_scale * pixels
        + settings.any_weight * any_loss
        + settings.score_weight * score_loss,
        pixels=pixels.detach(),
        mse=mse.mean().detach(),
        kld=(divergence.sum() / blemished.sum().clamp(min=1)).detach(),
        any_distortion=any_loss.detach(),
        scores=score_loss.detach(),
    )


def contrast_loss(map_logits: Tensor, any_logit: Tensor, truth: Tensor, twin_of: Tensor) -> Tensor:
    """How far a blemished image stands above its clean twin: where the blemish is, and in the whole-image logit.

    `twin_contrast` of both, on the map weighted by the truth as a density. Where things often go wrong is the same in
    both twins and cancels out: what is left to learn from is the blemish. 0 without pairs; 2 ln 2 where twins are not
    told apart.

    Args:
        map_logits: `(B, h, w)`.
        any_logit: `(B,)`.
        truth: `(B, h, w)`, not negative.
        twin_of: `(B,)` int64, for a clean twin the index of its blemished image in the batch, -1 for all others.
    """
    clean, blemished = twin_pairs(twin_of)
    if not len(clean):
        return map_logits.new_zeros(())
    density = truth[blemished] / truth[blemished].sum(dim=(1, 2), keepdim=True).clamp(min=_EPSILON)
    at_blemish = (density * functional.softplus(map_logits[clean] - map_logits[blemished])).sum(dim=(1, 2))
    return at_blemish.mean() + twin_contrast(any_logit, twin_of)


def label_loss(logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    """Mean over the label maps of the cross-entropy of their cells; the backdrop counts less.

    Args:
        logits: per map `(B, count, h, w)` float32.
        labels: `(B, K, h, w)` int64.
    """
    losses = []
    for number, one in enumerate(logits):
        weights = one.new_ones(one.shape[1])
        weights[0] = _BACKDROP_WEIGHT
        losses.append(functional.cross_entropy(one, labels[:, number], weight=weights))
    return torch.stack(losses).mean()


def kld_per_image(prediction: Tensor, truth: Tensor) -> Tensor:
    """KLD(truth || prediction) of each image's maps as densities, `(B,)`; 0 where the truth is empty.

    Args:
        prediction: `(B, h, w)` in [0, 1].
        truth: `(B, h, w)`, not negative.
    """
    p = prediction / prediction.sum(dim=(1, 2), keepdim=True).clamp(min=_EPSILON)
    mass = truth.sum(dim=(1, 2), keepdim=True)
    q = truth / mass.clamp(min=_EPSILON)
    # xlogy is 0 at q = 0; without it an image of zeros would give NaN gradients.
    return (torch.xlogy(q, q) - q * torch.log(p + _EPSILON)).sum(dim=(1, 2))


def known_squared_error(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error over the entries that are not NaN in the truth; 0 where none is known."""
    known = ~torch.isnan(truth)
    error = torch.where(known, prediction - torch.nan_to_num(truth), torch.zeros_like(prediction))
    return error.square().sum() / known.sum().clamp(min=1)
