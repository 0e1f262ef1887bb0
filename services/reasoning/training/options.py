"""What one alignment run is: its model, schedule and seeds. Written beside the weights. Knows no torch."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from shared.contracts.base import Contract
from shared.errors import BadInput, ErrorCode

OPTIONS_FILE = "run.json"
LOG_FILE = "training_log.jsonl"

_FREE = {"out", "device", "workers", "log_every", "save_every", "evaluate_every", "validation_regions"}
"""May differ in a run that is resumed."""


class AlignmentOptions(Contract):
    """What both stages have.

    Attributes:
        out: folder of the servable model.
        model: hub id or folder to begin with.
        revision: of a hub id.
        lora: train a low-rank adapter of rank 64, alpha 32 on the language model and merge it; else all weights.
        lora_rank, lora_alpha: of the adapter (paper 5.1 has 64 and 32).
        prompt: version of the request's words and sizes; serving must use the same.
        seed: of weights and order.
        steps: optimiser steps in all.
        accumulate: batches whose gradients are summed for a step.
        learning_rate, weight_decay, warmup_share, clip: of AdamW, of the warm-up before the cosine, of the gradient.
        bf16: mixed precision.
        device: `cpu` or `cuda`.
        workers: processes that draw or read samples.
        log_every, evaluate_every, save_every: in steps.
        validation_regions: asked about in words at the end, for the card.
    """

    out: Path
    model: str | None = None
    revision: str | None = None
    lora: bool = True
    lora_rank: int = Field(default=64, ge=1)
    lora_alpha: int = Field(default=32, ge=1)
    prompt: str = "v1"
    seed: int = Field(default=0, ge=0, lt=2**32)
    steps: int = Field(default=1000, ge=1)
    accumulate: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_share: float = Field(default=0.05, ge=0, lt=1)
    clip: float = Field(default=1.0, gt=0)
    bf16: bool = False
    device: Literal["cpu", "cuda"] = "cpu"
    workers: int = Field(default=0, ge=0)
    log_every: int = Field(default=25, ge=1)
    evaluate_every: int = Field(default=250, ge=1)
    save_every: int = Field(default=250, ge=1)
    validation_regions: int = Field(default=400, ge=2)

    @property
    def state_folder(self) -> Path:
        """Where the states lie from which a run resumes."""
        return self.out / "states"

    @property
    def begin_folder(self) -> Path:
        """Where an untrained `tiny` model lies."""
        return self.out / "begin"

    def save(self) -> None:
        """Writes `run.json` into the folder."""
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / OPTIONS_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def check_new(self) -> None:
        """Checks that no run lies in `out`.

        Raises:
            BadInput: BAD_OPTION.
        """
        if (self.out / OPTIONS_FILE).exists() or (self.out / "config.json").exists():
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"{self.out} holds a run already: continue it with --resume or choose another --out",
            )

    def check_resumes(self) -> None:
        """Checks that the run in `out` is this one.

        Raises:
            BadInput: BAD_OPTION, there is no run, or it was started with other options.
        """
        try:
            before = type(self).model_validate_json((self.out / OPTIONS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise BadInput(
                ErrorCode.BAD_OPTION, f"there is no run to resume in {self.out}: leave out --resume to start one"
            ) from error
        now, then = self.model_dump(exclude=_FREE), before.model_dump(exclude=_FREE)
        changed = sorted(name for name in now if now[name] != then[name])
        if changed:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"the run in {self.out} was started with other values of {', '.join(changed)}: "
                "resume with the same ones, or choose another --out",
            )


class SftOptions(AlignmentOptions):
    """A run of `retoucher train reasoning-sft`.

    Attributes:
        tiny: build the `tiny` model from nothing and train all of it.
        batch_size: samples per batch; each has about two regions.
        decision_weight: how often tokens of the decision count in the loss.
        decisions: of every ten samples so many end after the decision; an answer is three times as long, and what
            follows from the category is soon learned.
    """

    tiny: bool = False
    batch_size: int = Field(default=8, ge=1)
    decision_weight: float = Field(default=5.0, ge=1)
    decisions: int = Field(default=0, ge=0, le=9)

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.tiny == (self.model is not None):
            raise ValueError("a run begins with a model or builds the tiny one: give one of the two")
        if self.tiny and self.lora:
            raise ValueError("an adapter needs a trained model: the tiny one is trained as a whole")
        return self


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
