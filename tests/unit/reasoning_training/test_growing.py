"""A model that grows: what is added changes nothing at first, then learns; who cannot grow is told so."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes.small_alignment import SQUARES, sft_options
from fakes.small_reasoner import SIZES, write_small_reasoner
from transformers import AutoModelForImageTextToText, Qwen2Config, Qwen2ForCausalLM

from services.reasoning.training.growing import Growth, grow
from services.reasoning.training.models import load_model
from services.reasoning.training.sft import train_sft
from shared.errors import BadInput

VISION_LAYERS, LAYERS, INNER = SIZES.vision_layers + 2, SIZES.layers + 1, max(SIZES.inner, SIZES.vision_inner) + 32
GROWN = Growth(VISION_LAYERS, LAYERS, INNER)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_reasoner(tmp_path_factory.mktemp("small") / "model")


def test_what_is_added_to_the_encoder_changes_nothing_and_is_reached_by_the_gradient(folder: Path) -> None:
    own, _ = load_model(folder)
    larger, _ = load_model(folder)
    grow(larger, GROWN)
    visual: Any = larger.model.visual
    assert len(visual.blocks) == VISION_LAYERS == larger.config.vision_config.depth
    torch.manual_seed(0)
    grid, patches = torch.tensor([[1, 4, 6]]), torch.randn(24, 3 * 2 * SIZES.patch_px**2)
    tokens = visual(patches, grid).pooler_output
    torch.testing.assert_close(tokens, own.model.visual(patches, grid).pooler_output)
    tokens.tanh().sum().backward()
    for block in visual.blocks:
        assert block.attn.proj.weight.grad.abs().sum() > 0
        assert block.mlp.down_proj.weight.grad[:, -32:].abs().sum() > 0


def test_what_is_added_to_the_language_model_changes_nothing_and_is_reached_by_the_gradient(folder: Path) -> None:
    own, _ = load_model(folder)
    larger, _ = load_model(folder)
    grow(larger, GROWN)
    config = larger.config.text_config
    assert (config.num_hidden_layers, len(config.layer_types), config.intermediate_size) == (LAYERS, LAYERS, INNER)
    words = torch.arange(20)[None]
    logits = larger(input_ids=words).logits
    torch.testing.assert_close(logits, own(input_ids=words).logits)
    logits.tanh().sum().backward()
    named: Any = larger
    for layer in named.model.language_model.layers:
        assert layer.self_attn.o_proj.weight.grad.abs().sum() > 0
        assert layer.mlp.down_proj.weight.grad[:, -32:].abs().sum() > 0


def test_a_run_grows_its_model_and_leaves_a_folder_of_that_size(folder: Path, tmp_path: Path) -> None:
    sizes = {"vision_layers": VISION_LAYERS, "layers": LAYERS, "inner": INNER}
    run = sft_options(tmp_path / "run", tiny=False, model=str(folder), steps=2, **sizes)
    train_sft(run, SQUARES, report=lambda line: None)
    kept = json.loads((run.out / "config.json").read_text())
    vision, text = kept["vision_config"], kept["text_config"]
    assert (vision["depth"], vision["fullatt_block_indexes"]) == (VISION_LAYERS, list(range(VISION_LAYERS)))
    assert (text["num_hidden_layers"], text["intermediate_size"], vision["intermediate_size"]) == (LAYERS, INNER, INNER)
    learnt: Any = AutoModelForImageTextToText.from_pretrained(run.out)
    for layer in (*learnt.model.visual.blocks, *learnt.model.language_model.layers):
        assert layer.mlp.down_proj.weight[:, -32:].abs().sum() > 0
    answer = learnt.generate(input_ids=torch.arange(9)[None], max_new_tokens=4, do_sample=False)
    assert answer.shape[1] > 9  # every layer has a place of its own in the cache


def test_who_cannot_grow_is_told_so(folder: Path) -> None:
    model, _ = load_model(folder)
    with pytest.raises(BadInput, match=f"the picture encoder has {SIZES.vision_layers} layers already"):
        grow(model, Growth(vision_layers=SIZES.vision_layers - 1))
    with pytest.raises(BadInput, match=f"the language model has {SIZES.layers} layers already"):
        grow(model, Growth(layers=SIZES.layers - 1))
    with pytest.raises(BadInput, match="inner cells already"):
        grow(model, Growth(inner=1))
    named: Any = model
    named.model.visual.fullatt_block_indexes = [0]
    with pytest.raises(BadInput, match="windows"):
        grow(model, GROWN)
    small = Qwen2Config(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    with pytest.raises(BadInput, match="Qwen2ForCausalLM cannot grow"):
        grow(Qwen2ForCausalLM(small), GROWN)


@pytest.mark.parametrize("grown", ["vision_layers", "inner"])
@pytest.mark.parametrize("still", [{"lora": True}, {"lora": False, "frozen_encoder": True}])
def test_what_would_not_learn_is_refused(grown: str, still: dict[str, bool], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="what is added has to learn"):
        sft_options(tmp_path / "run", tiny=False, model="m", **{grown: INNER}, **still)
    looking = {"tiny": False, "model": "m", "lora": False, "frozen_encoder": True, "looking_steps": 2}
    assert sft_options(tmp_path / "run", **{grown: INNER}, **looking).encoder_learns


def test_a_language_model_may_grow_behind_an_encoder_that_stays(tmp_path: Path) -> None:
    frozen = {"tiny": False, "model": "m", "frozen_encoder": True, "layers": LAYERS}
    assert sft_options(tmp_path / "run", **frozen, lora=False).grows
    with pytest.raises(ValueError, match="what is added has to learn"):
        sft_options(tmp_path / "run", **frozen, lora=True)
