"""What one alignment run is: its model, schedule and seeds. Written beside the weights. Knows no torch."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from services.training.runs import TrainerRun

LOG_FILE = "training_log.jsonl"
LOOKING_LOG = "looking_log.jsonl"


class AlignmentOptions(TrainerRun):
    """What both stages have.

    Attributes:
        out: folder of the servable model.
        model: hub id or folder to begin with.
        revision: of a hub id.
        lora: train a low-rank adapter of rank 64, alpha 32 on the language model and merge it; else all weights.
        lora_rank, lora_alpha: of the adapter (paper 5.1 has 64 and 32).
        prompt: version of the request's words and sizes; serving must use the same.
        validation_regions: asked about in words at the end, for the card.
    """

    free: ClassVar[frozenset[str]] = TrainerRun.free | {"validation_regions"}

    model: str | None = None
    revision: str | None = None
    lora: bool = True
    lora_rank: int = Field(default=64, ge=1)
    lora_alpha: int = Field(default=32, ge=1)
    prompt: str = "v1"
    validation_regions: int = Field(default=400, ge=2)

    @property
    def begin_folder(self) -> Path:
        """Where an untrained `tiny` model lies."""
        return self.out / "begin"


class SftOptions(AlignmentOptions):
    """A run of `retoucher train reasoning-sft`.

    Attributes:
        tiny: build the `tiny` model from nothing and train all of it.
        size: of the tiny model, as in `reasoning.tiny.TINY_SIZES`.
        batch_size: samples per batch; each has about two regions, drawn on the fly about three.
        decision_weight: how often tokens of the decision count in the loss.
        contrast_weight: of the twins' contrast, beside the answers' loss.
        decisions: of every ten samples so many end after the decision; an answer is three times as long, and what
            follows from the category is soon learned.
        frozen_encoder: the picture encoder stays as it is, and a step costs half: for one that has learned to look.
        vision_layers, layers, inner: the model grows to so many (`training.growing.Growth`); None as it is.
        looking_steps: the picture encoder first learns so long what is seen where (`training.looking`); for the tiny
            model, as the others have seen the world.
        looking_minutes: it ends by then, as `minutes` says of what follows.
        looking_rate: its learning rate; None for the same.
        looking_reuse: its `reuse`; None for the same. A step of looking is the shorter one.
    """

    free: ClassVar[frozenset[str]] = AlignmentOptions.free | {"looking_minutes"}

    tiny: bool = False
    size: Literal["small", "large"] = "small"
    frozen_encoder: bool = False
    vision_layers: int | None = Field(default=None, ge=1)
    layers: int | None = Field(default=None, ge=1)
    inner: int | None = Field(default=None, ge=1)
    looking_steps: int = Field(default=0, ge=0)
    looking_minutes: float | None = Field(default=None, gt=0)
    looking_rate: float | None = Field(default=None, gt=0)
    looking_reuse: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=8, ge=1)
    decision_weight: float = Field(default=5.0, ge=1)
    contrast_weight: float = Field(default=0.5, ge=0)
    decisions: int = Field(default=0, ge=0, le=9)

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.tiny == (self.model is not None):
            raise ValueError("a run begins with a model or builds the tiny one: give one of the two")
        if self.tiny and self.lora:
            raise ValueError("an adapter needs a trained model: the tiny one is trained as a whole")
        if self.looking_steps and self.lora:
            raise ValueError("an adapter leaves the picture encoder as it is: only a whole model learns to look first")
        if self.grows and self.lora:
            raise ValueError("what is added has to learn: train all of --model")
        if (self.vision_layers or self.inner) and not self.encoder_learns:
            raise ValueError("what is added has to learn: train all of --model, its encoder not frozen")
        return self

    @property
    def grows(self) -> bool:
        """Whether anything is added to the model that it begins with."""
        return any(one is not None for one in (self.vision_layers, self.layers, self.inner))

    @property
    def encoder_learns(self) -> bool:
        """Whether the picture encoder's weights move at all."""
        return not self.lora and (bool(self.looking_steps) or not self.frozen_encoder)

    @property
    def looked_folder(self) -> Path:
        """Where the tiny model lies once its picture encoder has learned to look."""
        return self.out / "looked"

    @property
    def looking(self) -> TrainerRun:
        """The run that comes first, in a folder of its own."""
        shared = {name: getattr(self, name) for name in TrainerRun.model_fields}
        own = {
            "out": self.looked_folder, "steps": self.looking_steps, "minutes": self.looking_minutes, "accumulate": 1,
            "learning_rate": self.looking_rate or self.learning_rate, "reuse": self.looking_reuse or self.reuse,
        }  # fmt: skip
        return TrainerRun(**{**shared, **own})


class GrpoOptions(AlignmentOptions):
    """A run of `retoucher train reasoning-grpo`.

    Attributes:
        beta: weight of the KL divergence from the SFT policy (equation 3 has one; TRL's default is none).
        iterations: updates per batch of answers; at 1 the ratio is 1 and its clip never acts.
        epsilon: of the clip.
        generations: answers per region; an advantage is relative to their mean.
        regions: per batch.
        temperature: of the answers.
        max_tokens: of an answer.
    """

    learning_rate: float = Field(default=1e-5, gt=0)
    beta: float = Field(default=0.04, gt=0)
    iterations: int = Field(default=2, ge=1)
    epsilon: float = Field(default=0.2, gt=0)
    generations: int = Field(default=8, ge=2)
    regions: int = Field(default=4, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    max_tokens: int = Field(default=120, ge=16)

    @model_validator(mode="after")
    def _has_a_policy(self) -> Self:
        if self.model is None:
            raise ValueError("GRPO improves a model that was trained by SFT: give its folder")
        return self
