"""A run that ends by the clock: its schedule is walked through in the time that there is."""

import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Clock(TrainerCallback):
    """Ends a run after so many seconds, and moves its schedule along with the share of them that is spent.

    A machine that is rented for an hour takes as many steps as it can: the learning rate has come down when it is over,
    whatever their number. Where the steps are done earlier, nothing changes.

    Args:
        seconds: from the first step on; a resumed run has them anew.
        now_s: a clock that never goes back.
    """

    def __init__(self, seconds: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now_s = now_s
        self._begin_s = 0.0
        self._begin_share = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The clock starts."""
        self._begin_s = self._now_s()
        self._begin_share = state.global_step / max(1, state.max_steps)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Moves the schedule, or ends the run."""
        spent = (self._now_s() - self._begin_s) / self._seconds
        share = self._begin_share + (1 - self._begin_share) * spent
        schedule: Any = kwargs["lr_scheduler"]
        # The schedule's own count may run ahead of the clock, never behind it; a step that follows adds one.
        schedule.last_epoch = max(schedule.last_epoch, min(state.max_steps - 1, int(share * state.max_steps)) - 1)
        if spent >= 1:
            control.should_training_stop = True
