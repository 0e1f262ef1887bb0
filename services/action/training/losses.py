"""What the autoencoder and the denoiser learn from a batch of crops. Latents as the tools' pipelines make them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from services.action.training.build import Parts
from services.action.training.examples import Crops
from services.action.training.judges import NO_JUDGES, Judges
from services.action.training.variation import mirrored, varied

_LATE = 1.5
"""Timesteps are drawn as 1 - u^1.5 of the way: more of them where there is much noise, for few steps begin there."""

_SMALL = 0.01
"""A squared error, of pixels in [-1, 1], up to which it counts as it is: 26 dB."""


@dataclass(frozen=True)
class Batch:
    """`(B, 3, S, S)` in [-1, 1]: source and target; `(B, 1, S, S)` in {0, 1}: the mask; `(B, T)` tokens."""

    source: Tensor
    target: Tensor
    mask: Tensor
    tokens: Tensor


@dataclass(frozen=True)
class Pool:
    """All crops on the device that learns from them: `(N, S, S, 9)` uint8, `(N,)` bool, `(N, T)` int64."""

    pixels: Tensor
    mirrors: Tensor
    tokens: Tensor


def pool_of(crops: Crops, tokens: Tensor, device: str) -> Pool:
    """The crops on a device: 1.5 GB for 40,000 of 64 px. On the CPU they stay in their file."""
    return Pool(
        torch.from_numpy(crops.pixels).to(device), torch.from_numpy(crops.mirrors).to(device), tokens.to(device)
    )


def batch_of(pool: Pool, indices: Tensor, noise: torch.Generator | None = None) -> Batch:
    """The crops of these indices; varied where there is something to vary them by."""
    crops = pool.pixels[indices].permute(0, 3, 1, 2).float() / 255
    if noise is not None:
        crops = mirrored(crops, pool.mirrors[indices], noise)
    pictures = torch.stack([crops[:, :3], crops[:, 3:6]], dim=1)
    if noise is not None:
        pictures = varied(pictures, crops[:, 7:9].unsqueeze(2), noise)
    return Batch(
        source=pictures[:, 0] * 2 - 1,
        target=pictures[:, 1] * 2 - 1,
        mask=(crops[:, 6:7] > 0.5).float(),
        tokens=pool.tokens[indices],
    )


@dataclass(frozen=True)
class Rung:
    """A step of the way down from pure noise: its time, and the signal's share of the variance before and after."""

    time: int
    before: float
    after: float

    def down(self, noisy: Tensor, velocity: Tensor) -> Tensor:
        """What the next step begins with (Song et al. 2021, "Denoising diffusion implicit models", equation 12)."""
        signal, rest = math.sqrt(self.before), math.sqrt(1 - self.before)
        truth, epsilon = signal * noisy - rest * velocity, signal * velocity + rest * noisy
        return math.sqrt(self.after) * truth + math.sqrt(1 - self.after) * epsilon


def ladder(scheduler: Any, steps: int) -> tuple[Rung, ...]:
    """The steps that the pipeline takes by DDIM, as numbers of this process: no step asks the device for its own."""
    scheduler.set_timesteps(steps)
    times = [int(time) for time in scheduler.timesteps]
    signal = [float(one) for one in scheduler.alphas_cumprod.double()]
    stride = scheduler.config.num_train_timesteps // steps
    after = [signal[time - stride] if time >= stride else float(scheduler.final_alpha_cumprod) for time in times]
    return tuple(Rung(time, signal[time], then) for time, then in zip(times, after, strict=True))


def autoencoder_loss(parts: Parts, batch: Batch) -> Tensor:
    """Squared and absolute error of the targets through the autoencoder; sources are drawn by the same pens."""
    with torch.autocast(batch.target.device.type, enabled=False):  # so small that half precision would only blur it
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
    parts: Parts,
    batch: Batch,
    noise: torch.Generator,
    outside_weight: float,
    *,
    inpaint: bool,
    way: Sequence[Rung],
    judges: Judges = NO_JUDGES,
) -> Tensor:
    """How far from the truth the denoiser ends on its own way there from pure noise; all steps learn together.

    A denoiser that has only seen noisy truths goes astray where few steps lead over its own mistakes; here it learns to
    mend them ("backward simulation", Yin et al. 2024, "Improved distribution matching distillation", but with gradients
    through the whole way, as in Clark et al. 2024, "Directly fine-tuning diffusion models on differentiable rewards").
    The measure is that of the gate, by crop: a squared error of pixels that counts by its logarithm where it is large,
    so that crops which cannot be guessed do not drown those which can. What the judges find is added.
    """
    asked = _asked(parts, batch, outside_weight, inpaint)
    noisy = _noise_like(asked.latents, noise)
    for rung in way:
        times = torch.full((len(noisy),), rung.time, device=noisy.device)
        noisy = rung.down(noisy, asked.velocity(parts, noisy, times))
    with torch.autocast(noisy.device.type, enabled=False):
        decoded = parts.vae.decode(noisy / parts.vae.config.scaling_factor).sample
    weight = outside_weight + (1 - outside_weight) * batch.mask
    squared = (decoded - batch.target).square().mean(dim=1, keepdim=True) * weight
    error = squared.sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))
    loss = (_SMALL * torch.log1p(error / _SMALL)).mean()
    if not judges:
        return loss

    def drawable() -> Tensor:
        crop: Tensor = parts.vae.decode(asked.latents / parts.vae.config.scaling_factor).sample
        return crop

    with torch.autocast(noisy.device.type, enabled=False):
        return loss + judges.loss(batch.source, decoded, batch.target, drawable, batch.mask)


def _asked(parts: Parts, batch: Batch, outside_weight: float, inpaint: bool) -> _Asked:
    scale = parts.vae.config.scaling_factor
    with torch.no_grad(), torch.autocast(batch.source.device.type, enabled=False):
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
