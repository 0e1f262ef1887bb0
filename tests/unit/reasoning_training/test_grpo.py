"""GRPO from an SFT policy: its rewards are the measures of evaluation, its run leaves a servable folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes.vision_server import says
from trl.trainer.grpo_trainer import GRPOTrainer

from services.reasoning.parse import parse_answer
from services.reasoning.processors import load_processor
from services.reasoning.scoring import category_accuracy, description_similarity, judge, well_formed
from services.reasoning.training.data import AlignmentData
from services.reasoning.training.finish import Result
from services.reasoning.training.grpo import picture_places, train_grpo
from services.reasoning.training.models import load_model
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


def test_pictures_stand_where_the_prompts_have_them(
    trained: Result, data: AlignmentData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompts of different lengths are filled up: tokens and what tells pictures among them on the same side."""
    real = GRPOTrainer._get_per_token_logps_and_entropies
    filled: list[bool] = []

    def noted(self: GRPOTrainer, model: Any, ids: Any, mask: Any, *given: Any, **named: Any) -> Any:
        filled.append(bool((mask == 0).any()))
        assert ((ids == self._image_pad_token_id) == named["mm_token_type_ids"].bool()).all()
        return real(self, model, ids, mask, *given, **named)

    monkeypatch.setattr(GRPOTrainer, "_get_per_token_logps_and_entropies", noted)
    options = GrpoOptions(
        out=tmp_path / "grpo", model=str(trained.folder), lora=False, prompt="tiny", steps=2, regions=4, generations=2,
        max_tokens=16, log_every=1, save_every=2, validation_regions=6,
    )  # fmt: skip
    train_grpo(options, data, lengths, report=lambda line: None)
    assert any(filled)
    assert load_processor(options.out).tokenizer.padding_side == load_processor(trained.folder).tokenizer.padding_side


def test_an_answer_never_holds_a_token_of_a_picture(trained: Result) -> None:
    model, processor = load_model(trained.folder)
    named: Any = processor
    pieces = named.tokenizer.convert_ids_to_tokens(picture_places(model))
    assert set(pieces) == {"<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"}


def test_grpo_needs_a_policy() -> None:
    with pytest.raises(ValueError, match="trained by SFT"):
        GrpoOptions.model_validate({"out": "o"})
