"""What one training run of the saliency network is: its data, shape, schedule and seeds. Written beside the weights.

Knows no torch.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, model_validator

from services.training.runs import TrainerRun
from shared.contracts.base import Contract


@dataclass(frozen=True)
class LossSettings:
    """Weights of the loss's terms (`services.perception.training.losses`).

    Attributes:
        alpha: of equation 2; 0.5 weighs pixel accuracy and distribution alike.
        mse_scale: the MSE's scale: it is near 0.007 on these sparse maps, beside a KLD of 1 to 3.
        pixel_scale: of the cross-entropy of every cell of the map, beside equation 2. Where a sigmoid is near 0 the
            MSE's gradient is, too: from scratch it alone never taught the map that a clean twin is clean.
        kld: False is the ablation of Table 5: the map learns from the MSE alone, at full weight.
        any_weight: of the cross-entropy of "any distortion".
        contrast_weight: of the contrast between a blemished image and its clean twin.
        label_weight: of the cross-entropy of what is seen at each cell, where the data knows it.
        score_weight: of the squared error of the four scores.
    """

    alpha: float = 0.5
    mse_scale: float = 10.0
    pixel_scale: float = 20.0
    kld: bool = True
    any_weight: float = 0.5
    contrast_weight: float = 1.0
    label_weight: float = 1.0
    score_weight: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha lies in [0, 1], not at {self.alpha}")


class PretrainedEncoders(Contract):
    """Hub ids or folders of a ViT and a T5; the GPU profiles start from them."""

    vision: str
    text: str
    vision_revision: str | None = None
    text_revision: str | None = None


class TrainingOptions(TrainerRun):
    """A run of `retoucher train perception`.

    Attributes:
        out: the checkpoint's folder.
        encoders: pretrained ones; None builds the `tiny` shape from scratch.
        init_from: a checkpoint's folder whose weights and tokenizer to begin with; its shape is kept.
        seed: of weights, order and dropout.
        steps: optimiser steps in all.
        batch_size: samples per step and device.
        twins: each blemished sample is followed by its clean twin under the same prompt, where the data has one: the
            two differ in the blemish alone, so that nothing else can serve as a cue.
        accumulate: steps of `batch_size` whose gradients are summed.
        learning_rate: 1e-3 from scratch; the paper has 2e-5 from pretrained encoders (5.1).
        weight_decay, warmup_share, clip: of the optimiser, of the warm-up before the cosine, of the gradient's norm.
        alpha: of equation 2.
        pixel_scale: of the cross-entropy beside it; 0 leaves equation 2 alone.
        any_weight: of the cross-entropy of "any distortion".
        attention_refinement, kld: False for the ablations of Table 5.
        bf16: mixed precision.
        device: `cpu` or `cuda`.
        workers: processes that render or read samples.
        image_size_px: side of the network's square; None is 256 from scratch, else that of what the run begins with. A
            checkpoint of another size is carried over: to begin small is several times cheaper.
        width: of its tokens, a multiple of 40; 160 is the shipped one.
        fusion_blocks: of self-attention over image and prompt; None is 2 from scratch, else as many as what the run
            begins with has. A checkpoint can be given more, which at first change nothing.
        vocab_size: pieces of its tokenizer.
        log_every, evaluate_every, save_every: in steps.
        validation_count: images per validation.
        calibration_count: validation images for thresholds.
        domain_count: training images that the domain check is fitted on.
    """

    encoders: PretrainedEncoders | None = None
    init_from: Path | None = None
    steps: int = Field(default=6000, ge=1)
    batch_size: int = Field(default=16, ge=1)
    twins: bool = True
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    alpha: float = Field(default=0.5, ge=0, le=1)
    pixel_scale: float = Field(default=20.0, ge=0)
    any_weight: float = Field(default=0.5, ge=0)
    attention_refinement: bool = True
    kld: bool = True
    image_size_px: int | None = Field(default=None, ge=32, multiple_of=32)
    width: int = Field(default=160, ge=40, multiple_of=40)
    fusion_blocks: int | None = Field(default=None, ge=1, le=12)
    vocab_size: int = Field(default=4000, ge=600)
    log_every: int = Field(default=50, ge=1)
    evaluate_every: int = Field(default=500, ge=1)
    save_every: int = Field(default=500, ge=1)
    validation_count: int = Field(default=256, ge=2)
    calibration_count: int = Field(default=1024, ge=8)
    domain_count: int = Field(default=3000, ge=8)

    @model_validator(mode="after")
    def _one_beginning(self) -> "TrainingOptions":
        if self.encoders is not None and self.init_from is not None:
            raise ValueError("a run begins from pretrained encoders or from a checkpoint, not from both")
        return self

    @property
    def loss(self) -> LossSettings:
        """The loss's weights."""
        return LossSettings(alpha=self.alpha, kld=self.kld, pixel_scale=self.pixel_scale, any_weight=self.any_weight)
