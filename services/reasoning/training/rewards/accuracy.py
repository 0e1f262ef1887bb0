"""Reward: the category is right (paper 4.3)."""

from collections.abc import Sequence
from typing import Any

from services.reasoning.scoring import category_accuracy
from services.reasoning.training.rewards import Completions, judged


def accuracy_reward(completions: Completions, answer: Sequence[str], **columns: Any) -> list[float]:
    """`category_accuracy` of each answer."""
    return category_accuracy(judged(completions, answer))
