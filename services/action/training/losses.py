"""What the autoencoder and the denoiser learn from a batch of crops. Latents as the tools' pipelines make them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from services.action.training.build import Parts
from services.action.training.examples import Crops

_LATE = 1.5
"""Timesteps are drawn as 1 - u^1.5 of the way: more of them where there is much noise, for few steps begin there."""


@dataclass(frozen=True)
class Batch:
    """`(B, 3, S, S)` in [-1, 1]: source and target; `(B, 1, S, S)` in {0, 1}: the mask; `(B, T)` tokens."""

    source: Tensor
    target: Tensor
    mask: Tensor
    tokens: Tensor


def batch_of(crops: Crops, indices: np.ndarray[tuple[int], np.dtype[np.int64]], tokens: Tensor, device: str) -> Batch:
    """The crops of these indices; `tokens` are those of all crops."""
    pixels = torch.from_numpy(crops.pixels[indices]).to(device).permute(0, 3, 1, 2).float()
    return Batch(
        source=pixels[:, :3] / 127.5 - 1,
        target=pixels[:, 3:6] / 127.5 - 1,
        mask=(pixels[:, 6:] > 127).float(),
        tokens=tokens[torch.from_numpy(indices)].to(device),
    )


def autoencoder_loss(parts: Parts, batch: Batch) -> Tensor:
    """Squared and absolute error of the targets through the autoencoder; sources are drawn by the same pens."""
    decoded = parts.vae.decode(parts.vae.encode(batch.target).latents).sample
    return functional.mse_loss(decoded, batch.target) + 0.1 * functional.l1_loss(decoded, batch.target)


def denoiser_loss(
    parts: Parts, batch: Batch, noise: torch.Generator, outside_weight: float, *, inpaint: bool
) -> Tensor:
    """Squared error of the velocity (Salimans and Ho 2022), by latent cell: 1 inside the mask, less outside.

    The condition is the source's latents, unscaled, for the editor; mask and masked source, scaled, for the inpainter:
    as their pipelines have it.
    """
    scale = parts.vae.config.scaling_factor
    with torch.no_grad():
        latents = parts.vae.encode(batch.target).latents * scale
        size = (latents.shape[-2], latents.shape[-1])
        coarse = functional.interpolate(batch.mask, size=size)
        if inpaint:
            masked = parts.vae.encode(batch.source * (batch.mask < 0.5)).latents * scale
            condition = torch.cat([coarse, masked], dim=1)
        else:
            condition = parts.vae.encode(batch.source).latents
    steps = parts.scheduler.config.num_train_timesteps
    drawn = torch.rand(len(latents), generator=noise, device=noise.device) ** _LATE
    times = (steps - 1 - (drawn * steps).long()).clamp(min=0).to(latents.device)
    epsilon = torch.randn(latents.shape, generator=noise, device=noise.device).to(latents.device)
    noisy = parts.scheduler.add_noise(latents, epsilon, times)
    velocity = parts.scheduler.get_velocity(latents, epsilon, times)
    words = parts.text_encoder(batch.tokens)[0]
    predicted = parts.unet(torch.cat([noisy, condition], dim=1), times, encoder_hidden_states=words).sample
    weight: Tensor = outside_weight + (1 - outside_weight) * functional.max_pool2d(coarse, 3, 1, 1)
    squared: Tensor = (predicted.float() - velocity).square().mean(dim=1, keepdim=True)
    return (squared * weight).sum() / weight.sum()


@torch.no_grad()
def latent_scale(parts: Parts, batch: Batch) -> float:
    """What makes latents' deviation 1: the scheduler's noise has that."""
    return 1.0 / max(1e-6, float(parts.vae.encode(batch.target).latents.float().std()))
