"""The folder of an untrained `tiny` reasoner is one that transformers takes for a Qwen2.5-VL."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes.small_reasoner import SIZES, write_small_reasoner
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForImageTextToText, AutoTokenizer, PreTrainedTokenizerBase, ProcessorMixin
from transformers import Qwen2_5_VLForConditionalGeneration as Qwen
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl

from services.reasoning.backends.base import Picture, Question
from services.reasoning.chat import messages, pictures
from services.reasoning.processors import load_processor, save_processor
from services.reasoning.tiny import TinySizes, build_tiny
from shared.images import encode_png


@pytest.fixture(scope="module")
def tokenizer(small_reasoner: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(small_reasoner)


@given(text=st.text())
def test_every_text_has_tokens_that_give_it_back(text: str, tokenizer: PreTrainedTokenizerBase) -> None:
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids, skip_special_tokens=False) == unicodedata.normalize("NFC", text)


def test_words_of_its_prompt_and_answers_are_pieces(tokenizer: PreTrainedTokenizerBase) -> None:
    assert len(tokenizer.encode('{"distorted": true, "category": "object_redundancy", "description": "')) < 24


def question() -> Question:
    grey = np.full((90, 60, 3), 90, np.uint8)
    picture = Picture(encode_png(grey), "image/png")
    return Question("Judge.", picture, "Prompt: x", picture, "Place: 1 2 3 4")


def test_a_question_becomes_qwens_turns_with_a_token_for_each_four_patches(small_reasoner: Path) -> None:
    processor = load_processor(small_reasoner)
    text = processor.apply_chat_template(messages(question()), tokenize=False, add_generation_prompt=True)
    assert text == (
        "<|im_start|>system\nJudge.<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Prompt: x"
        "<|vision_start|><|image_pad|><|vision_end|>Place: 1 2 3 4<|im_end|>\n<|im_start|>assistant\n"
    )
    batch = processor(images=pictures(question()), text=[text], return_tensors="pt")
    assert batch["image_grid_thw"].tolist() == [[1, 6, 4], [1, 6, 4]]
    assert int((batch["input_ids"] == processor.image_token_id).sum()) == 2 * 6


def test_the_network_is_qwens_class_and_writes_after_the_question(small_reasoner: Path) -> None:
    model = AutoModelForImageTextToText.from_pretrained(small_reasoner)
    assert isinstance(model, Qwen) and not model.training
    processor = load_processor(small_reasoner)
    text = processor.apply_chat_template(messages(question()), tokenize=False, add_generation_prompt=True)
    batch = processor(images=pictures(question()), text=[text], return_tensors="pt")
    with torch.inference_mode():
        written = model.generate(**batch, max_new_tokens=3, min_new_tokens=3)
    assert written.shape == (1, batch["input_ids"].shape[1] + 3)


def test_the_seed_makes_the_weights_and_the_callers_random_state_is_left(small_reasoner: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    again = write_small_reasoner(tmp_path / "again")
    assert torch.equal(torch.random.get_rng_state(), before)
    weights = "model.safetensors"
    assert (again / weights).read_bytes() == (small_reasoner / weights).read_bytes()
    build_tiny(tmp_path / "other", ["a few words"], SIZES, seed=1)
    assert (tmp_path / "other" / weights).read_bytes() != (small_reasoner / weights).read_bytes()


def test_the_shipped_size_is_a_few_million_parameters(tmp_path: Path) -> None:
    build_tiny(tmp_path, ["a few words"], TinySizes())
    model = Qwen.from_pretrained(tmp_path)
    assert 2e6 < sum(weight.numel() for weight in model.parameters()) < 5e6


def test_a_processor_saved_again_says_all_that_a_server_asks_for(small_reasoner: Path, tmp_path: Path) -> None:
    processor = load_processor(small_reasoner)
    assert isinstance(processor, ProcessorMixin)
    save_processor(processor, tmp_path)
    for name in ("processor_config.json", "tokenizer.json", "chat_template.jinja", "video_preprocessor_config.json"):
        assert (tmp_path / name).read_bytes() == (small_reasoner / name).read_bytes(), name
    video = json.loads((tmp_path / "video_preprocessor_config.json").read_text())
    assert video["video_processor_type"] == "Qwen2VLVideoProcessor" and video["patch_size"] == 14


def test_the_first_layers_begin_by_looking_at_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights: list[torch.Tensor] = []
    real = modeling_qwen2_5_vl.eager_attention_forward

    def noted(*arguments: Any, **named: Any) -> Any:
        found = real(*arguments, **named)
        weights.append(found[1][0])
        return found

    monkeypatch.setattr(modeling_qwen2_5_vl, "eager_attention_forward", noted)
    build_tiny(tmp_path, ["a few words"], TinySizes())
    visual: Any = AutoModelForImageTextToText.from_pretrained(tmp_path, attn_implementation="eager").model.visual
    side = 8
    with torch.no_grad():
        visual(torch.zeros(side * side, 3 * 2 * 7 * 7), torch.tensor([[1, side, side]]))
    # Patches stand in fours, the four that make a token together.
    places = [(2 * down + y, 2 * right + x) for down, right, y, x in np.ndindex(side // 2, side // 2, 2, 2)]
    at = places.index((3, 4))
    looks = [[places[int(one)] for one in layer[:, at].argmax(dim=-1)] for layer in weights[:3]]
    assert looks[0] == [(3, 3), (3, 5), (2, 4), (4, 4)]
    assert looks[1] == [(4, 5), (4, 3), (2, 5), (2, 3)]
    assert looks[2] == [(3, 2), (3, 6), (1, 4), (5, 4)]
