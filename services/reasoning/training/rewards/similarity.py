"""Reward: the description means what people said (paper 4.3)."""

from collections.abc import Callable, Sequence
from typing import Any

from services.reasoning.scoring import Similarity, description_similarity
from services.reasoning.training.rewards import Completions, judged


def similarity_reward_by(similarity: Similarity) -> Callable[..., list[float]]:
    """The reward that compares by this similarity; TRL's log names it after the function."""

    def similarity_reward(completions: Completions, answer: Sequence[str], **columns: Any) -> list[float]:
        """`description_similarity` of each answer."""
        return description_similarity(judged(completions, answer), similarity)

    return similarity_reward
