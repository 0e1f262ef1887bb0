"""A run that ends by the clock has walked through its schedule."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments

from services.training import clock
from services.training.clock import Clock


class Line(Dataset[dict[str, torch.Tensor]]):
    """Points of a line."""

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"x": torch.tensor([index / 1000])}


class Slope(nn.Module):
    """One weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": (x * self.weight - x).square().mean()}


class Rates(TrainerCallback):
    """Remembers the learning rate of each step, and lets the clock go on by a second each."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds = seconds
        self.rates: list[float] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.rates.append(kwargs["optimizer"].param_groups[0]["lr"])
        self.seconds[0] += 1


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(clock, "time", type("Time", (), {"monotonic": staticmethod(lambda: now[0])}))
    return now


def rates_of(folder: Path, steps: int, seconds: list[float], *watching: TrainerCallback) -> list[float]:
    arguments = TrainingArguments(
        output_dir=str(folder), max_steps=steps, learning_rate=1.0, warmup_steps=0, lr_scheduler_type="cosine",
        use_cpu=True, report_to=[], disable_tqdm=True, logging_strategy="no", save_strategy="no",
        per_device_train_batch_size=1, dataloader_pin_memory=False,
    )  # fmt: skip
    rates = Rates(seconds)
    Trainer(model=Slope(), args=arguments, train_dataset=Line(), callbacks=[*watching, rates]).train()
    return rates.rates


def test_the_schedule_is_walked_through_in_the_time_there_is(tmp_path: Path, seconds: list[float]) -> None:
    rates = rates_of(tmp_path, 1000, seconds, Clock(20))
    assert len(rates) == 20
    assert rates[0] == pytest.approx(1.0)
    assert rates == sorted(rates, reverse=True)
    assert rates[10] == pytest.approx(0.5, abs=0.1)
    assert rates[-1] < 0.03


def test_a_run_that_is_done_earlier_is_as_it_would_be_without(tmp_path: Path, seconds: list[float]) -> None:
    assert rates_of(tmp_path, 12, seconds, Clock(500)) == rates_of(tmp_path, 12, seconds)
