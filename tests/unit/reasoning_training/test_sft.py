"""Supervised fine-tuning: what examples hold, a servable folder, resuming, adapters."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes.marked import MarkedSource
from fakes.small_alignment import sft_options
from fakes.small_reasoner import SIZES
from transformers import AutoModelForImageTextToText

from services.datasets.proposals.propose import Proposing
from services.reasoning.card import load_calibration
from services.reasoning.parse import parse_answer
from services.reasoning.processors import load_processor
from services.reasoning.prompts import load_prompt
from services.reasoning.training.collate import Collator
from services.reasoning.training.data import AlignmentData
from services.reasoning.training.examples import Examples, SampleRows, decision_of
from services.reasoning.training.finish import Result
from services.reasoning.training.options import SftOptions
from services.reasoning.training.sft import train_sft
from services.reasoning.training.sft_trainer import verdict_contrast
from services.reasoning.truth import question_of
from shared.errors import BadInput, MissingResource

# Its own libraries still call transformers by the older name.
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")
PROMPT = load_prompt("tiny")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = AutoModelForImageTextToText.from_pretrained(folder).state_dict()
    return loaded


def test_an_example_is_the_request_of_serving_and_the_true_answer(trained: Result, data: AlignmentData) -> None:
    processor = load_processor(trained.folder)
    for proposal in data.training[1]:
        (example,) = Examples(data.training, PROMPT, processor).of([proposal])
        question = question_of(proposal, PROMPT)
        places = [example.prompt.index(part) for part in (question.system, question.prompt, question.region)]
        assert places == sorted(places) and example.prompt.endswith("assistant\n")
        assert example.completion.endswith("}<|im_end|>")
        answer = parse_answer(example.completion.removesuffix("<|im_end|>"))
        assert answer.distorted == (proposal.truth is not None)
        assert answer.category == (proposal.truth.category if proposal.truth else None)
        assert [max(picture.size) for picture in example.pictures] == [PROMPT.whole_px, PROMPT.crop_px]


def test_a_batch_counts_the_answer_and_marks_the_decision(trained: Result, data: AlignmentData) -> None:
    processor: Any = load_processor(trained.folder)
    rows = SampleRows(Examples(data.training, PROMPT, processor), 4, decisions=5)
    taken = [rows[index] for index in range(4)]
    batch = Collator(processor)(taken)
    assert decision_of(taken[0]["completion"][0] + '"') == taken[0]["decision"][0]
    completions = [text for row in taken for text in row["completion"]]
    decisions = [text for row in taken for text in row["decision"]]
    assert any(text in decisions for text in completions) and any(text.endswith("<|im_end|>") for text in completions)
    for ids, labels, marked, completion, decision in zip(
        batch["input_ids"], batch["labels"], batch["decision"], completions, decisions, strict=True
    ):
        assert processor.tokenizer.decode(ids[labels != -100]) == completion
        assert processor.tokenizer.decode(ids[marked]) == decision
    verdicts = batch["input_ids"].gather(1, batch["verdict"][:, None]).squeeze(1)
    said = [processor.tokenizer.decode([one]).strip() for one in verdicts.tolist()]
    assert said == [text.partition('"distorted": ')[2].partition(",")[0] for text in decisions]


def test_a_twin_is_told_from_the_flaw_before_it(trained: Result) -> None:
    source = Proposing(MarkedSource(16))
    rows = SampleRows(Examples(source, PROMPT, load_processor(trained.folder)), 16)
    taken = [rows[index] for index in range(16)]
    batch = Collator(load_processor(trained.folder))(taken)
    twins = torch.nonzero(batch["twin_of"] >= 0).squeeze(1)
    assert len(twins)
    decisions = [text for row in taken for text in row["decision"]]
    for twin in twins.tolist():
        assert '"distorted": false' in decisions[twin]
        assert '"distorted": true' in decisions[int(batch["twin_of"][twin])]


def test_the_contrast_of_twins_falls_as_their_verdicts_part() -> None:
    twin_of = torch.tensor([-1, 0, -1])

    def contrast(flaw: float, twin: float) -> tuple[float, float]:
        loss, ordered = verdict_contrast(torch.tensor([flaw, twin, 0.5]).log(), twin_of)
        return float(loss), float(ordered)

    assert contrast(0.5, 0.5) == (pytest.approx(math.log(2)), 0.0)
    # A model that calls both distorted with one certainty tells them apart as little as one that calls neither.
    assert contrast(0.9, 0.1)[0] == pytest.approx(math.log(2), abs=1e-5)
    assert contrast(0.9, 0.9)[0] < contrast(0.6, 0.6)[0] < math.log(2) < contrast(0.4, 0.4)[0]
    assert contrast(0.6, 0.6)[1] == 1.0
    alone = verdict_contrast(torch.zeros(3), torch.full((3,), -1))
    assert float(alone[0]) == 0 and math.isnan(float(alone[1]))
    assert math.isfinite(contrast(1.0, 1.0)[0])


def test_an_answer_without_a_category_has_no_decision() -> None:
    with pytest.raises(ValueError, match="names no category"):
        decision_of('{"distorted": true}')


def test_it_leaves_a_folder_that_serves(trained: Result, data: AlignmentData) -> None:
    folder = trained.folder
    loaded = weights(folder)
    assert {value.dtype for value in loaded.values()} == {torch.float16}
    begun = weights(folder / "begin")
    assert loaded.keys() == begun.keys()
    assert any(not torch.equal(loaded[name].float(), begun[name].float()) for name in loaded)
    assert load_calibration(folder) == trained.calibration
    assert trained.calibration.regions == 6 and trained.calibration.split == "validation"
    assert not trained.calibration.may_veto
    card = (folder / "CARD.md").read_text()
    assert "coloured squares" in card and "may not veto" in card and "random weights" in card
    log = [json.loads(line) for line in (folder / "training_log.jsonl").read_text().splitlines()]
    assert any("decision_accuracy" in entry for entry in log) and any("eval_loss" in entry for entry in log)
    assert (folder / "preprocessor_config.json").is_file() or (folder / "processor_config.json").is_file()


def test_a_stopped_run_ends_as_if_it_had_not_been(trained: Result, data: AlignmentData, tmp_path: Path) -> None:
    out = tmp_path / "run"

    def stop(line: str) -> None:
        if line.startswith("step 3/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_sft(sft_options(out), data, report=stop, sizes=SIZES)
    with pytest.raises(BadInput, match="--resume"):
        train_sft(sft_options(out), data, report=print, sizes=SIZES)
    with pytest.raises(BadInput, match="learning_rate"):
        train_sft(sft_options(out, learning_rate=1e-2), data, resume=True, report=print, sizes=SIZES)
    train_sft(sft_options(out), data, resume=True, report=lambda line: None, sizes=SIZES)
    straight, resumed = weights(trained.folder), weights(out)
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_an_adapter_is_merged_and_leaves_the_picture_encoder_alone(
    trained: Result, data: AlignmentData, tmp_path: Path
) -> None:
    out = tmp_path / "adapted"
    run = sft_options(
        out, tiny=False, model=str(trained.folder), lora=True, steps=2, evaluate_every=2, learning_rate=1e-2
    )
    train_sft(run, data, report=lambda line: None)
    before, after = weights(trained.folder), weights(out)
    changed = {name for name in before if not torch.equal(before[name].float(), after[name].float())}
    assert changed and all("language_model" in name and "proj" in name for name in changed)
    assert not list(out.glob("adapter*"))
    assert "LoRA of rank 64, alpha 32, merged" in (out / "CARD.md").read_text()


def test_a_run_ends_by_the_clock_and_leaves_its_folder(data: AlignmentData, tmp_path: Path) -> None:
    lines: list[str] = []
    run = sft_options(
        tmp_path / "run", steps=100_000, minutes=0.02, reuse=3, evaluate_every=100_000, save_every=100_000
    )
    result = train_sft(run, data, report=lines.append, sizes=SIZES)
    assert (result.folder / "model.safetensors").is_file()
    steps = [line for line in lines if line.startswith("step ")]
    assert 0 < len(steps) < 1000
    assert "at most 100000 steps or 0.02 minutes" in (result.folder / "CARD.md").read_text()


def test_looking_has_a_clock_a_rate_and_a_reuse_of_its_own() -> None:
    run = SftOptions(out=Path("o"), tiny=True, lora=False, looking_steps=5, minutes=2, reuse=4, learning_rate=1e-3)
    assert (run.looking.minutes, run.looking.learning_rate, run.looking.reuse) == (None, 1e-3, 4)
    other = run.model_copy(update={"looking_minutes": 3.0, "looking_rate": 2e-3, "looking_reuse": 2})
    assert (other.looking.minutes, other.looking.learning_rate, other.looking.steps) == (3.0, 2e-3, 5)
    assert (other.looking.reuse, other.reuse) == (2, 4)


def test_a_run_begins_with_one_model() -> None:
    for wrong in ({"tiny": True, "model": "m", "lora": False}, {}, {"tiny": True}):
        with pytest.raises(ValueError, match="tiny"):
            SftOptions.model_validate({"out": "o", **wrong})


def test_a_missing_model_is_told(data: AlignmentData, tmp_path: Path) -> None:
    run = sft_options(tmp_path / "run", tiny=False, model=str(tmp_path / "absent"))
    with pytest.raises(MissingResource, match="absent"):
        train_sft(run, data, report=print)
