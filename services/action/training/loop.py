"""A training loop that resumes bit for bit: AdamW or Muon, warm-up and cosine, a mean of the weights, one state file.

Batches, noise and choices depend on the seed and the step alone, never on what was drawn before. By the clock, where a
stage has one, the schedule depends on it, too. Nothing waits for the device between two entries of the log.
"""

import json
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from services.action.training.options import ToolTraining
from services.training.optimisers import muon

LOG_FILE = "training_log.jsonl"


@dataclass(frozen=True)
class Moment:
    """What a loss is asked for.

    Attributes:
        indices: `(B,)` int64 of the crops, on the run's device.
        noise: generator on the run's device.
        chance: for choices; on the host, so that no choice waits for the device.
        share: of the stage's schedule that lies behind, in [0, 1).
    """

    indices: Tensor
    noise: torch.Generator
    chance: random.Random
    share: float


@dataclass(frozen=True)
class Stage:
    """A part of a run: what is trained, for how many steps, by which loss; by then it ends, where it has a clock."""

    name: str
    modules: nn.ModuleList
    steps: int
    loss: Callable[[Moment], Tensor]
    minutes: float | None = None


def train_stage(options: ToolTraining, stage: Stage, count: int, report: Callable[[str], None]) -> None:
    """Trains `stage.modules` to the end of the stage, from its last state if there is one.

    They end with the mean of their weights over the last steps.

    Args:
        options: the run.
        stage: see there.
        count: of crops.
        report: takes lines of progress.
    """
    weights = [one for one in stage.modules.parameters() if one.requires_grad]
    optimiser = _optimiser(options, stage.modules, weights)
    rates = [group["lr"] for group in optimiser.param_groups]
    mean = [one.detach().clone() for one in weights]
    state = options.state_folder / f"{stage.name}.pt"
    begin, share = _restore(state, stage.modules, optimiser, mean, options.device)
    if begin >= stage.steps or share >= 1:
        _take(mean, weights, stage.modules)
        return
    stage.modules.train()
    log = _Log(options, stage, report)
    position = _positions(stage, begin, share)
    noise = torch.Generator(options.device)
    for step, indices in _batches(options, stage, count, begin):
        at = position(step)
        for group, highest in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = highest * _schedule(at, stage.steps, options.warmup_share)
        noise.manual_seed(options.seed * 2**32 + step)
        moment = Moment(indices, noise, random.Random(f"{options.seed}/{step}"), at / stage.steps)
        with torch.autocast(options.device, torch.bfloat16, enabled=options.bf16):
            loss = stage.loss(moment)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights, options.clip)
        optimiser.step()
        memory = min(options.ema, (step + 1) / (step + 10))
        torch._foreach_lerp_(mean, [one.detach() for one in weights], 1 - memory)
        done, share = step + 1, (position(step + 1)) / stage.steps
        ended = done == stage.steps or share >= 1
        log.step(done, loss.detach(), ended=ended)
        if done % options.save_every == 0 or ended:
            _save(state, stage.modules, optimiser, mean, (done, share))
        if ended:
            break
    _take(mean, weights, stage.modules)


def seconds_spent(log: Path) -> float:
    """Seconds of training in all parts of a run: in its log each part counts from 0."""
    seconds = [float(entry["seconds"]) for entry in _entries(log)]
    return sum(now for now, after in zip(seconds, [*seconds[1:], 0.0], strict=True) if after < now)


def steps_taken(log: Path, stage: str) -> int:
    """Of a stage: fewer than its run asked for where the clock ended it."""
    return max((int(entry["step"]) for entry in _entries(log) if entry["stage"] == stage), default=0)


def _entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []


class _Log:
    """Appends the mean loss since the last entry as a line of JSON, and says it."""

    def __init__(self, options: ToolTraining, stage: Stage, report: Callable[[str], None]) -> None:
        self._options, self._stage, self._report = options, stage, report
        self._losses: list[Tensor] = []
        self._begin_s = time.monotonic()

    def step(self, done: int, loss: Tensor, *, ended: bool) -> None:
        self._losses.append(loss)
        if done % self._options.log_every and not ended:
            return
        mean = float(torch.stack(self._losses).double().mean())
        seconds = round(time.monotonic() - self._begin_s, 1)
        self._losses.clear()
        entry = {"stage": self._stage.name, "step": done, "seconds": seconds, "loss": round(mean, 6)}
        with (self._options.out / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._report(f"{self._stage.name} {done}/{self._stage.steps} loss={mean:.4g} {seconds:.0f} s")


def _optimiser(options: ToolTraining, modules: nn.ModuleList, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    rate, decay = options.learning_rate, options.weight_decay
    if options.optimizer == "muon":
        return muon(nn.Sequential(*modules), lr=rate, weight_decay=decay)
    return torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=options.device == "cuda")


def _positions(stage: Stage, begin: int, share: float) -> Callable[[int], float]:
    """Where in the schedule a step stands, in steps: as many as were taken, or further where the clock says so."""
    if stage.minutes is None:
        return float
    seconds, begin_s = 60 * stage.minutes, time.monotonic()

    def position(step: int) -> float:
        spent = (time.monotonic() - begin_s) / seconds
        return max(float(step), min(1.0, share + (1 - share) * spent) * stage.steps)

    return position


def _batches(options: ToolTraining, stage: Stage, count: int, begin: int) -> Iterator[tuple[int, Tensor]]:
    """The step and the indices of its crops: each epoch is a shuffle of its own, sent to the device at once."""
    size = min(options.batch_size, count)
    per_epoch = max(1, count // size)
    epoch, batches = -1, torch.empty(0)
    for step in range(begin, stage.steps):
        if step // per_epoch != epoch:
            epoch = step // per_epoch
            order = np.random.default_rng([options.seed, epoch]).permutation(count)[: per_epoch * size]
            batches = torch.from_numpy(np.sort(order.reshape(per_epoch, size), axis=1)).to(options.device)
        yield step, batches[step % per_epoch]


def _schedule(position: float, steps: int, warmup_share: float) -> float:
    warmup = max(1, int(steps * warmup_share))
    if position < warmup:
        return min(1.0, (position + 1) / warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (position - warmup) / max(1, steps - warmup)))


def _take(mean: list[Tensor], weights: list[nn.Parameter], modules: nn.ModuleList) -> None:
    with torch.no_grad():
        for one, kept in zip(weights, mean, strict=True):
            one.copy_(kept)
    modules.eval()


def _save(
    path: Path, modules: nn.ModuleList, optimiser: torch.optim.Optimizer, mean: list[Tensor], done: tuple[int, float]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {"modules": modules.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean, "done": done}
    aside = path.with_suffix(".new")
    torch.save(kept, aside)
    aside.replace(path)


def _restore(
    path: Path, modules: nn.ModuleList, optimiser: torch.optim.Optimizer, mean: list[Tensor], device: str
) -> tuple[int, float]:
    """Steps that were done before, and how much of the schedule that was."""
    if not path.is_file():
        return 0, 0.0
    kept: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    modules.load_state_dict(kept["modules"])
    optimiser.load_state_dict(kept["optimiser"])
    for one, value in zip(mean, kept["mean"], strict=True):
        one.copy_(value)
    done, share = kept["done"]
    return int(done), float(share)
