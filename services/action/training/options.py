"""What one training run of a `tiny` tool is: its data, shape, schedule and seeds. Written beside the weights.

Knows no torch.
"""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from services.training.runs import TrainingRun


class ToolTraining(TrainingRun):
    """A run of `retoucher train editor` or `retoucher train inpainting`.

    Attributes:
        tool: which of them: the architecture and what it learns.
        out: the checkpoint's folder.
        init_from: a checkpoint's folder whose weights and tokenizer to begin with; its shape is kept.
        seed: of weights, order and noise.
        side_px: of the square that the tool sees.
        latent_factor: pixels a side that one latent stands for.
        latent_channels: of it.
        vae_channels, unet_channels: widths, the latter by level.
        vae_steps, steps: of the autoencoder, which comes first, and of the denoiser; 0 leaves one as it is.
        minutes: the denoiser ends by then with its schedule walked through, after `steps` at the latest.
        batch_size, learning_rate, weight_decay, warmup_share, clip: of the optimiser and its cosine.
        crops_per_blemish: jittered ones of each blemish (of each image for inpainting).
        vague_share: of the editor's crops whose instruction only says to repair the place, as a loop without a reasoner
            says it.
        workers: processes that draw and cut crops; 0 does it in this one. The crops are the same.
        draw_minutes: crops are those of the samples that were drawn by then.
        varied: crops are seen on other backdrops and in other tones each time (`training.variation`).
        outside_weight: of the loss where nothing may change; 1 inside the mask.
        own_way_share: of the denoiser's steps that learn from its own way instead of from noisy truths: those teach it
            to trust what it begins a step with, and on its own way that is a guess.
        own_way_from: share of the schedule before which there is none: a way from nowhere teaches little.
        critic_weight: of a critic of the ends of its own way (`training.critic`), beside the squared error, which is
            near 0.01; 0 does without.
        perceptual: folder of a saliency checkpoint whose first layers compare the ends of its own way with the truth
            (`training.perceptual`); None does without.
        perceptual_weight: of that, beside the squared error.
        ema: decay of the mean of weights that is kept, per step, once the run is older than ten times its memory.
        inference_steps: of the gate, and what the tool is to run with.
        bf16, device: of the computation.
        log_every, save_every: in steps.
        validation_count: crops of the gate.
    """

    result_file: ClassVar[str] = "model_index.json"
    free: ClassVar[frozenset[str]] = TrainingRun.free | {
        "log_every", "save_every", "validation_count", "minutes", "workers", "draw_minutes",
    }  # fmt: skip

    tool: Literal["instruct-pix2pix", "sd-inpainting"]
    init_from: Path | None = None
    seed: int = Field(default=0, ge=0, lt=2**32)
    side_px: int = Field(default=64, ge=16, multiple_of=16)
    latent_factor: Literal[2, 4, 8] = 2
    latent_channels: int = Field(default=12, ge=1)
    vae_channels: int = Field(default=16, ge=8)
    unet_channels: tuple[int, ...] = (32, 64, 128)
    vae_steps: int = Field(default=1500, ge=0)
    steps: int = Field(default=6000, ge=0)
    minutes: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_share: float = Field(default=0.05, ge=0, lt=1)
    clip: float = Field(default=1.0, gt=0)
    crops_per_blemish: int = Field(default=3, ge=1)
    vague_share: float = Field(default=0.2, ge=0, le=1)
    workers: int = Field(default=0, ge=0)
    draw_minutes: float | None = Field(default=None, gt=0)
    varied: bool = False
    outside_weight: float = Field(default=0.1, ge=0, le=1)
    own_way_share: float = Field(default=0.0, ge=0, le=1)
    own_way_from: float = Field(default=0.0, ge=0, lt=1)
    critic_weight: float = Field(default=0.0, ge=0)
    perceptual: Path | None = None
    perceptual_weight: float = Field(default=0.006, ge=0)
    ema: float = Field(default=0.995, ge=0, lt=1)
    inference_steps: int = Field(default=4, ge=1)
    bf16: bool = False
    device: Literal["cpu", "cuda"] = "cpu"
    log_every: int = Field(default=50, ge=1)
    save_every: int = Field(default=250, ge=1)
    validation_count: int = Field(default=128, ge=2)
