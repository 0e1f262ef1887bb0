"""A picture encoder that grows: new layers change nothing at first, then learn; who cannot grow is told so."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes.small_alignment import SQUARES, sft_options
from fakes.small_reasoner import SIZES, write_small_reasoner
from transformers import AutoModelForImageTextToText, Qwen2Config, Qwen2ForCausalLM

from services.reasoning.training.models import deepen, load_model
from services.reasoning.training.sft import train_sft
from shared.errors import BadInput

LAYERS = SIZES.vision_layers + 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_reasoner(tmp_path_factory.mktemp("small") / "model")


def test_new_layers_change_nothing_and_are_reached_by_the_gradient(folder: Path) -> None:
    own, _ = load_model(folder)
    deeper, _ = load_model(folder)
    deepen(deeper, LAYERS)
    visual: Any = deeper.model.visual
    assert len(visual.blocks) == LAYERS == deeper.config.vision_config.depth
    torch.manual_seed(0)
    grid, patches = torch.tensor([[1, 4, 6]]), torch.randn(24, 3 * 2 * SIZES.patch_px**2)
    tokens = visual(patches, grid).pooler_output
    assert torch.equal(tokens, own.model.visual(patches, grid).pooler_output)
    tokens.tanh().sum().backward()
    for block in visual.blocks[SIZES.vision_layers :]:
        assert block.attn.proj.weight.grad.abs().sum() > 0 and block.mlp.down_proj.weight.grad.abs().sum() > 0


def test_a_run_grows_its_encoder_and_leaves_a_folder_of_that_depth(folder: Path, tmp_path: Path) -> None:
    run = sft_options(tmp_path / "run", tiny=False, model=str(folder), vision_layers=LAYERS, steps=2)
    train_sft(run, SQUARES, report=lambda line: None)
    kept = json.loads((run.out / "config.json").read_text())["vision_config"]
    assert (kept["depth"], kept["fullatt_block_indexes"]) == (LAYERS, list(range(LAYERS)))
    learnt: Any = AutoModelForImageTextToText.from_pretrained(run.out)
    assert all(block.mlp.down_proj.weight.abs().sum() > 0 for block in learnt.model.visual.blocks)


def test_who_cannot_grow_is_told_so(folder: Path) -> None:
    model, _ = load_model(folder)
    with pytest.raises(BadInput, match=f"has {SIZES.vision_layers} layers already"):
        deepen(model, SIZES.vision_layers - 1)
    named: Any = model
    named.model.visual.fullatt_block_indexes = [0]
    with pytest.raises(BadInput, match="windows"):
        deepen(model, LAYERS)
    small = Qwen2Config(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    with pytest.raises(BadInput, match="Qwen2ForCausalLM cannot be deepened"):
        deepen(Qwen2ForCausalLM(small), LAYERS)


@pytest.mark.parametrize("still", [{"lora": True}, {"lora": False, "frozen_encoder": True}])
def test_layers_that_would_not_learn_are_refused(still: dict[str, bool], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="layers that are added have to learn"):
        sft_options(tmp_path / "run", tiny=False, model="m", vision_layers=LAYERS, **still)
    looking = {"tiny": False, "model": "m", "lora": False, "frozen_encoder": True, "looking_steps": 2}
    assert sft_options(tmp_path / "run", vision_layers=LAYERS, **looking).encoder_learns
