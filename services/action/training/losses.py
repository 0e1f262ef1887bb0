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


@dataclass(frozen=True)
class _Asked:
    """What the denoiser is to make (`latents`), by what it is told, and where the loss looks."""

    latents: Tensor
    condition: Tensor
    words: Tensor
    weight: Tensor

    def velocity(self, parts: Parts, noisy: Tensor, times: Tensor) -> Tensor:
        """What the denoiser answers."""
        given = torch.cat([noisy, self.condition], dim=1)
        answer: Tensor = parts.unet(given, times, encoder_hidden_states=self.words).sample
        return answer.float()

    def mean(self, squared: Tensor) -> Tensor:
        """Of the squared error by cell, `(B, C, h, w)`."""
        return (squared.mean(dim=1, keepdim=True) * self.weight).sum() / self.weight.sum()


def denoiser_loss(
    parts: Parts, batch: Batch, noise: torch.Generator, outside_weight: float, *, inpaint: bool
) -> Tensor:
    """Squared error of the velocity (Salimans and Ho 2022), by latent cell: 1 inside the mask, less outside.

    The condition is the source's latents, unscaled, for the editor; mask and masked source, scaled, for the inpainter:
    as their pipelines have it.
    """
    asked = _asked(parts, batch, outside_weight, inpaint)
    steps = parts.scheduler.config.num_train_timesteps
    drawn = torch.rand(len(asked.latents), generator=noise, device=noise.device) ** _LATE
    times = (steps - 1 - (drawn * steps).long()).clamp(min=0).to(asked.latents.device)
    epsilon = _noise_like(asked.latents, noise)
    noisy = parts.scheduler.add_noise(asked.latents, epsilon, times)
    velocity = parts.scheduler.get_velocity(asked.latents, epsilon, times)
    return asked.mean((asked.velocity(parts, noisy, times) - velocity).square())


def own_way_loss(
    parts: Parts, batch: Batch, noise: torch.Generator, outside_weight: float, *, inpaint: bool, inference_steps: int
) -> Tensor:
    """Squared error of what the denoiser would end with, at a step of its own way there from pure noise.

    A denoiser that has only seen noisy truths goes astray where few steps lead over its own mistakes; here it learns to
    mend them ("backward simulation", Yin et al. 2024, "Improved distribution matching distillation").
    """
    asked = _asked(parts, batch, outside_weight, inpaint)
    scheduler = parts.scheduler
    scheduler.set_timesteps(inference_steps, device=asked.latents.device)
    stop = int(torch.randint(inference_steps, (), generator=noise, device=noise.device))
    noisy = _noise_like(asked.latents, noise)
    with torch.no_grad():
        for time in scheduler.timesteps[:stop]:
            noisy = scheduler.step(asked.velocity(parts, noisy, time), time, noisy).prev_sample
    time = scheduler.timesteps[stop]
    end = scheduler.step(asked.velocity(parts, noisy, time), time, noisy).pred_original_sample
    return asked.mean((end - asked.latents).square())


def _asked(parts: Parts, batch: Batch, outside_weight: float, inpaint: bool) -> _Asked:
    scale = parts.vae.config.scaling_factor
    with torch.no_grad():
        latents = parts.vae.encode(batch.target).latents * scale
        coarse = functional.interpolate(batch.mask, size=(latents.shape[-2], latents.shape[-1]))
        if inpaint:
            masked = parts.vae.encode(batch.source * (batch.mask < 0.5)).latents * scale
            condition = torch.cat([coarse, masked], dim=1)
        else:
            condition = parts.vae.encode(batch.source).latents
    weight = outside_weight + (1 - outside_weight) * functional.max_pool2d(coarse, 3, 1, 1)
    return _Asked(latents.float(), condition, parts.text_encoder(batch.tokens)[0], weight)


def _noise_like(latents: Tensor, noise: torch.Generator) -> Tensor:
    return torch.randn(latents.shape, generator=noise, device=noise.device).to(latents.device)


@torch.no_grad()
def latent_scale(parts: Parts, batch: Batch) -> float:
    """What makes latents' deviation 1: the scheduler's noise has that."""
    return 1.0 / max(1e-6, float(parts.vae.encode(batch.target).latents.float().std()))
