"""A training loop that resumes bit for bit: AdamW, warm-up and cosine, a mean of the weights, one state file.

Batches and noise depend on the seed and the step alone, never on what was drawn before.
"""

import json
import math
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
class Stage:
    """A part of a run: what is trained, for how many steps, by which loss of (indices, noise)."""

    name: str
    modules: nn.ModuleList
    steps: int
    loss: Callable[["np.ndarray[tuple[int], np.dtype[np.int64]]", torch.Generator], Tensor]


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
    rate, decay = options.learning_rate, options.weight_decay
    optimiser = (
        muon(nn.Sequential(*stage.modules), lr=rate, weight_decay=decay)
        if options.optimizer == "muon"
        else torch.optim.AdamW(weights, lr=rate, weight_decay=decay)
    )
    rates = [group["lr"] for group in optimiser.param_groups]
    mean = [one.detach().clone() for one in weights]
    state = options.state_folder / f"{stage.name}.pt"
    begin = _restore(state, stage.modules, optimiser, mean)
    stage.modules.train()
    log = _Log(options, stage, report)
    for step, indices in _batches(options, stage, count, begin):
        for group, highest in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = highest * _schedule(step, stage.steps, options.warmup_share)
        noise = torch.Generator(options.device).manual_seed(options.seed * 2**32 + step)
        with torch.autocast(options.device, torch.bfloat16, enabled=options.bf16):
            loss = stage.loss(indices, noise)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights, options.clip)
        optimiser.step()
        memory = min(options.ema, (step + 1) / (step + 10))
        torch._foreach_lerp_(mean, [one.detach() for one in weights], 1 - memory)
        done = step + 1
        log.step(done, float(loss.detach()))
        if done % options.save_every == 0 or done == stage.steps:
            _save(state, stage.modules, optimiser, mean, done)
    with torch.no_grad():
        for one, kept in zip(weights, mean, strict=True):
            one.copy_(kept)
    stage.modules.eval()


def seconds_spent(log: Path) -> float:
    """Seconds of training in all parts of a run: in its log each part counts from 0."""
    if not log.is_file():
        return 0.0
    seconds = [float(json.loads(line)["seconds"]) for line in log.read_text(encoding="utf-8").splitlines()]
    return sum(now for now, after in zip(seconds, [*seconds[1:], 0.0], strict=True) if after < now)


class _Log:
    """Appends the mean loss since the last entry as a line of JSON, and says it."""

    def __init__(self, options: ToolTraining, stage: Stage, report: Callable[[str], None]) -> None:
        self._options, self._stage, self._report = options, stage, report
        self._losses: list[float] = []
        self._begin_s = time.monotonic()

    def step(self, done: int, loss: float) -> None:
        self._losses.append(loss)
        if done % self._options.log_every and done != self._stage.steps:
            return
        mean = sum(self._losses) / len(self._losses)
        seconds = round(time.monotonic() - self._begin_s, 1)
        self._losses.clear()
        entry = {"stage": self._stage.name, "step": done, "seconds": seconds, "loss": round(mean, 6)}
        with (self._options.out / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._report(f"{self._stage.name} {done}/{self._stage.steps} loss={mean:.4g} {seconds:.0f} s")


def _batches(
    options: ToolTraining, stage: Stage, count: int, begin: int
) -> Iterator[tuple[int, "np.ndarray[tuple[int], np.dtype[np.int64]]"]]:
    """The step and the indices of its crops: each epoch is a shuffle of its own."""
    size = min(options.batch_size, count)
    per_epoch = max(1, count // size)
    for step in range(begin, stage.steps):
        epoch, at = divmod(step, per_epoch)
        order = np.random.default_rng([options.seed, epoch]).permutation(count)
        yield step, np.sort(order[at * size : (at + 1) * size])


def _schedule(step: int, steps: int, warmup_share: float) -> float:
    warmup = max(1, int(steps * warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _save(path: Path, modules: nn.ModuleList, optimiser: torch.optim.Optimizer, mean: list[Tensor], done: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {"modules": modules.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean, "done": done}
    aside = path.with_suffix(".new")
    torch.save(kept, aside)
    aside.replace(path)


def _restore(path: Path, modules: nn.ModuleList, optimiser: torch.optim.Optimizer, mean: list[Tensor]) -> int:
    """Steps that were done before."""
    if not path.is_file():
        return 0
    kept: dict[str, Any] = torch.load(path, weights_only=True)
    modules.load_state_dict(kept["modules"])
    optimiser.load_state_dict(kept["optimiser"])
    for one, value in zip(mean, kept["mean"], strict=True):
        one.copy_(value)
    return int(kept["done"])
