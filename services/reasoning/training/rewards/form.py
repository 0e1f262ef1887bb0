"""Reward: the answer is JSON by the contract."""

from collections.abc import Sequence
from typing import Any

from services.reasoning.scoring import well_formed
from services.reasoning.training.rewards import Completions, judged


def form_reward(completions: Completions, answer: Sequence[str], **columns: Any) -> list[float]:
    """`well_formed` of each answer."""
    return well_formed(judged(completions, answer))
