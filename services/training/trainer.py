"""What every run by transformers' Trainer hands to it, and the state that it resumes from."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from torch.utils.data import Dataset
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import logging as transformers_logging

from services.training.clock import Clock
from services.training.log_file import LogFile
from services.training.reuse import Reused
from services.training.runs import TrainerRun

Item = TypeVar("Item")

_HELD = 500
"""Drawn samples that a process keeps to hand out again: soon all of them have been equally often."""


def common_arguments(run: TrainerRun) -> dict[str, Any]:
    """Of `TrainingArguments`: schedule, optimiser, states and log. A progress bar is drawn on a terminal alone."""
    on_terminal = sys.stderr.isatty()
    if not on_terminal:
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return {
        "output_dir": str(run.state_folder),
        "max_steps": run.steps,
        "gradient_accumulation_steps": run.accumulate,
        "learning_rate": run.learning_rate,
        "weight_decay": run.weight_decay,
        "warmup_steps": int(run.steps * run.warmup_share),
        "lr_scheduler_type": "cosine",
        "max_grad_norm": run.clip,
        "optim": "adamw_torch",
        "bf16": run.bf16,
        "use_cpu": run.device == "cpu",
        "seed": run.seed,
        "data_seed": run.seed,
        "dataloader_pin_memory": run.device == "cuda",
        "logging_steps": run.log_every,
        "save_strategy": "steps",
        "save_steps": run.save_every,
        "save_total_limit": 2,
        "report_to": [],
        "disable_tqdm": not on_terminal,
    }


def batch_arguments(run: TrainerRun, batch_size: int) -> dict[str, Any]:
    """Of `TrainingArguments`, where a run reads batches of a data set of its own and validates now and then."""
    return {
        "per_device_train_batch_size": batch_size,
        "per_device_eval_batch_size": batch_size,
        "dataloader_num_workers": run.workers,
        "dataloader_persistent_workers": run.workers > 0,
        "eval_strategy": "steps",
        "eval_steps": run.evaluate_every,
        "remove_unused_columns": False,
    }


def watching(run: TrainerRun, log: Path, report: Callable[[str], None]) -> list[TrainerCallback]:
    """The log of a run, and its clock where it has one."""
    clock = [] if run.minutes is None else [Clock(60 * run.minutes)]
    return [*clock, LogFile(log, report)]


def drawn_once(run: TrainerRun, samples: Dataset[Item]) -> Dataset[Item]:
    """The samples, each of them handed out as often as the run says."""
    return samples if run.reuse == 1 else Reused(samples, run.reuse, _HELD)


def begin(run: TrainerRun, resume: bool) -> str | None:
    """The state to resume from, if any; a new run's options are written.

    Raises:
        BadInput: BAD_OPTION, as `check_new` and `check_resumes`.
    """
    if resume:
        run.check_resumes()
        return last_state(run)
    run.check_new()
    run.save()
    return None


def last_state(run: TrainerRun) -> str | None:
    """The state that a run resumes from; None before the first."""
    if not run.state_folder.is_dir():
        return None
    last: str | None = get_last_checkpoint(str(run.state_folder))  # type: ignore[no-untyped-call]
    return last
