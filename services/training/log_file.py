"""The log of a training run: a file of JSON lines, and readable lines for whoever watches."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class LogFile(TrainerCallback):
    """Appends every log entry as a line of JSON, and hands on a readable line of it.

    Args:
        path: of the file.
        write: takes a line of text.
    """

    def __init__(self, path: Path, write: Callable[[str], None]) -> None:
        self._path = path
        self._write = write
        self._begin_s = time.monotonic()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Called by the Trainer on the main process and on others; only the main one writes."""
        if not logs or not state.is_world_process_zero:
            return
        entry = {"step": state.global_step, "seconds": round(time.monotonic() - self._begin_s, 1), **logs}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        shown = " ".join(f"{key}={value:.4g}" for key, value in logs.items() if isinstance(value, int | float))
        self._write(f"step {state.global_step}/{state.max_steps} {shown}")


def seconds_spent(log: Path) -> float:
    """Seconds of training in all parts of a run: in its log each part counts from 0."""
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    seconds = [float(entry["seconds"]) for entry in entries]
    return sum(now for now, after in zip(seconds, [*seconds[1:], 0.0], strict=True) if after < now)
