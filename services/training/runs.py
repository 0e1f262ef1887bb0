"""A training run's folder: its options lie there as `run.json`, its states in `states`. Knows no torch."""

import math
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, ValidationError

from shared.contracts.base import Contract
from shared.errors import BadInput, ErrorCode

OPTIONS_FILE = "run.json"


class TrainingRun(Contract):
    """What a run is: whoever resumes it must ask for the same.

    Attributes:
        result_file: the file that tells a finished checkpoint in `out`.
        free: names of options that may differ when a run is resumed.
        out: the checkpoint's folder.
        optimizer: as in `training.optimisers`.
    """

    result_file: ClassVar[str] = "config.json"
    free: ClassVar[frozenset[str]] = frozenset({"out", "device"})

    out: Path
    optimizer: Literal["adamw", "muon"] = "adamw"

    @property
    def optimizer_name(self) -> str:
        """As a card writes it."""
        return {"adamw": "AdamW", "muon": "Muon"}[self.optimizer]

    @property
    def state_folder(self) -> Path:
        """Where the states lie from which a run resumes."""
        return self.out / "states"

    def save(self) -> None:
        """Writes `run.json` into the checkpoint's folder."""
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / OPTIONS_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def check_new(self) -> None:
        """Checks that no run lies in `out`.

        Raises:
            BadInput: BAD_OPTION.
        """
        if (self.out / OPTIONS_FILE).exists() or (self.out / self.result_file).exists():
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"{self.out} holds a run already: continue it with --resume or choose another --out",
            )

    def kept(self) -> Self:
        """The run in `out`.

        Raises:
            BadInput: BAD_OPTION, there is none.
        """
        try:
            return type(self).model_validate_json((self.out / OPTIONS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise BadInput(
                ErrorCode.BAD_OPTION, f"there is no run to resume in {self.out}: leave out --resume to start one"
            ) from error

    def check_resumes(self) -> None:
        """Checks that the run in `out` is this one: another schedule or shape would make the rest meaningless.

        Raises:
            BadInput: BAD_OPTION, there is no run, or it was started with other options.
        """
        before = self.kept()
        now, then = self.model_dump(exclude=set(self.free)), before.model_dump(exclude=set(self.free))
        changed = sorted(name for name in now if now[name] != then[name])
        if changed:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"the run in {self.out} was started with other values of {', '.join(changed)}: "
                "resume with the same ones, or choose another --out",
            )


class TrainerRun(TrainingRun):
    """A run by transformers' Trainer: linear warm-up, then a cosine.

    Attributes:
        seed: of weights and order.
        steps: optimiser steps in all.
        accumulate: batches whose gradients are summed for a step.
        learning_rate, weight_decay: of the optimiser.
        warmup_share, clip: of the warm-up before the cosine, of the gradient.
        bf16: mixed precision.
        device: `cpu` or `cuda`.
        workers: processes that draw or read samples.
        reuse: how often a sample that is drawn on the fly is learned from: more where the GPU waits for the drawing.
        minutes: the run ends by then with its schedule walked through, however many steps were taken.
        log_every, evaluate_every, save_every: in steps.
    """

    free: ClassVar[frozenset[str]] = TrainingRun.free | {
        "workers", "minutes", "log_every", "save_every", "evaluate_every",
    }  # fmt: skip

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
    reuse: int = Field(default=1, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    log_every: int = Field(default=25, ge=1)
    evaluate_every: int = Field(default=250, ge=1)
    save_every: int = Field(default=250, ge=1)

    def samples_drawn(self, batch_size: int) -> int:
        """How many samples batches of that size take, each counted once however often it is learned from."""
        return math.ceil(self.steps * batch_size * self.accumulate / self.reuse)
