"""GRPO from an SFT policy: its rewards are the measures of evaluation, its run leaves a servable folder."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes.vision_server import says

from services.reasoning.parse import parse_answer
from services.reasoning.scoring import category_accuracy, description_similarity, judge, well_formed
from services.reasoning.training.data import AlignmentData
from services.reasoning.training.finish import Result
from services.reasoning.training.grpo import train_grpo
from services.reasoning.training.options import GrpoOptions
from services.reasoning.training.rewards.accuracy import accuracy_reward
from services.reasoning.training.rewards.form import form_reward
from services.reasoning.training.rewards.similarity import similarity_reward_by

# Its own libraries still call transformers by the older name.
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")


def lengths(said: Sequence[str], true: Sequence[str]) -> list[float]:
    """A stand-in for meaning: how alike the sentences' lengths are."""
    return [min(len(a), len(b)) / max(len(a), len(b), 1) for a, b in zip(said, true, strict=True)]


def test_rewards_are_the_measures_of_evaluation() -> None:
    texts = [says(), says(category="face"), "{", says(distorted=False, category="none")]
    truths = [says(), says(), says(), says(description="longer than it was")]
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    judged = judge(texts, [parse_answer(text) for text in truths])
    assert accuracy_reward(completions, truths, prompts=[]) == category_accuracy(judged)
    assert form_reward(completions, truths) == well_formed(judged)
    assert similarity_reward_by(lengths)(completions, truths) == description_similarity(judged, lengths)


def test_it_improves_an_sft_policy_into_a_servable_folder(trained: Result, data: AlignmentData, tmp_path: Path) -> None:
    out = tmp_path / "grpo"
    options = GrpoOptions(
        out=out, model=str(trained.folder), lora=False, prompt="tiny", steps=2, regions=2, generations=2,
        max_tokens=16, log_every=1, save_every=2, validation_regions=6,
    )  # fmt: skip
    result = train_grpo(options, data, lengths, report=lambda line: None)
    assert result.calibration.regions == 6
    assert "after SFT and GRPO" in (out / "CARD.md").read_text()
    log = [json.loads(line) for line in (out / "training_log.jsonl").read_text().splitlines()]
    steps = [entry for entry in log if "kl" in entry]
    assert len(steps) == 2 and steps[0]["kl"] == pytest.approx(0, abs=1e-4)  # the reference is where it began
    assert {"rewards/accuracy_reward/mean", "rewards/similarity_reward/mean", "rewards/form_reward/mean"} <= set(
        steps[0]
    )
    assert (out / "model.safetensors").is_file()


def test_grpo_needs_a_policy() -> None:
    with pytest.raises(ValueError, match="trained by SFT"):
        GrpoOptions.model_validate({"out": "o"})
