"""A run that ends by the clock: its learning rate comes down by then, and never goes back up."""

import itertools
import math
from pathlib import Path

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments, get_cosine_schedule_with_warmup

from services.training.clock import Clock
from services.training.log_file import LogFile
from services.training.runs import TrainerRun
from services.training.trainer import watching


def rates(tmp_path: Path, seconds: float, step_s: float, steps: int = 1000, begun: int = 0) -> list[float]:
    """The learning rate of each step until the run ends, as the Trainer walks through it."""
    now = 0.0
    clock = Clock(seconds, lambda: now)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, steps // 20, steps)
    arguments = TrainingArguments(str(tmp_path), report_to=[], use_cpu=True)
    state, control = TrainerState(global_step=begun, max_steps=steps), TrainerControl()
    schedule.last_epoch = begun
    clock.on_train_begin(arguments, state, control)
    used = []
    while not control.should_training_stop and state.global_step < steps:
        used.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
        state.global_step += 1
        now += step_s
        clock.on_step_end(arguments, state, control, lr_scheduler=schedule)
    return used


def test_it_ends_by_the_clock_with_its_schedule_walked_through(tmp_path: Path) -> None:
    used = rates(tmp_path, seconds=60, step_s=0.5)
    assert len(used) == 120
    assert used[60] == pytest.approx(0.5 * (1 + math.cos(math.pi * (0.5 - 0.05) / 0.95)), abs=0.03)
    assert max(used) > 0.99 and used[-1] < 0.01
    falling = used[10:]
    assert all(after <= before for before, after in itertools.pairwise(falling))


def test_a_run_that_is_done_earlier_is_as_it_was(tmp_path: Path) -> None:
    assert rates(tmp_path, seconds=1e9, step_s=0.5, steps=40) == rates(tmp_path, seconds=1e12, step_s=0.1, steps=40)
    assert len(rates(tmp_path, seconds=1e9, step_s=0.5, steps=40)) == 40


def test_a_resumed_run_goes_on_from_its_share(tmp_path: Path) -> None:
    used = rates(tmp_path, seconds=60, step_s=0.5, begun=500)
    assert len(used) == 120 and used[2] < 0.6 and used[-1] < 0.01


def test_a_run_with_minutes_is_watched_by_a_clock(tmp_path: Path) -> None:
    plain, timed = TrainerRun(out=tmp_path), TrainerRun(out=tmp_path, minutes=1.0)
    kinds = [[type(one) for one in watching(run, tmp_path / "log", print)] for run in (plain, timed)]
    assert kinds == [[LogFile], [Clock, LogFile]]
