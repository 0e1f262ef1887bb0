"""Muon for the matrices of layers, AdamW for the rest: which weights are which, and that a run can go on by it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from fakes.small_alignment import SQUARES, sft_options
from fakes.small_reasoner import SIZES, write_small_reasoner
from pytorch_optimizer.optimizer.utils import zero_power_via_newton_schulz_5
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from services.reasoning.training.sft import train_sft
from services.training.optimisers import layer_matrices, muon

# Its own libraries still call transformers by the older name.
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return AutoModelForImageTextToText.from_pretrained(write_small_reasoner(tmp_path_factory.mktemp("muon") / "model"))


def test_matrices_of_layers_are_muons_and_all_else_adamws(model: Any) -> None:
    groups = muon(model, lr=1e-3, weight_decay=0.1).param_groups
    names = {id(weight): name for name, weight in model.named_parameters()}
    muons = {names[id(weight)] for group in groups if group["use_muon"] for weight in group["params"]}
    others = {names[id(weight)] for group in groups if not group["use_muon"] for weight in group["params"]}
    assert muons and not muons & others and muons | others == set(names.values())
    assert all(".layers." in name or ".blocks." in name for name in muons)
    assert all(".layers." not in name and ".blocks." not in name for name in others if name.endswith("proj.weight"))
    assert any("embed_tokens" in name for name in others)
    undecayed = [group for group in groups if group["weight_decay"] == 0]
    assert all(weight.ndim == 1 for group in undecayed for weight in group["params"])


def test_a_frozen_weight_is_nobodys(model: Any) -> None:
    model.model.visual.requires_grad_(False)
    assert not any(weight is one for weight in model.model.visual.parameters() for one in layer_matrices(model))
    model.model.visual.requires_grad_(True)


def test_one_step_moves_a_matrix_as_far_in_every_direction() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.ModuleList([torch.nn.Linear(24, 32, bias=False)]))
    weight = layer_matrices(model)[0]
    before = weight.detach().clone()
    weight.grad = torch.zeros(32, 24)
    weight.grad[:24] = torch.diag(torch.logspace(0, -2, 24))
    muon(model, lr=1e-3, weight_decay=0.0).step()
    moved = torch.linalg.svdvals(weight.detach() - before)
    expected = 1e-3 * 0.2 * 32**0.5  # Liu et al. 2025, equation 4
    assert moved.max() / expected == pytest.approx(1.0, rel=0.3) and moved.min() / moved.max() > 0.5


def test_on_a_cpu_a_step_is_taken_in_float32() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.ModuleList([torch.nn.Linear(24, 32, bias=False)]))
    weight = layer_matrices(model)[0]
    before = weight.detach().clone()
    gradient = torch.randn(32, 24)
    weight.grad = gradient.clone()
    muon(model, lr=1.0, weight_decay=0.0).step()
    direction = zero_power_via_newton_schulz_5(gradient, dtype=torch.float64)
    assert torch.allclose((before - weight.detach()).double(), 0.2 * 32**0.5 * direction, atol=1e-5)


def test_a_stopped_run_goes_on_by_it(tmp_path: Path) -> None:
    def stop(line: str) -> None:
        if line.startswith("step 3/"):
            raise KeyboardInterrupt

    whole, halved = (sft_options(tmp_path / name, optimizer="muon") for name in ("whole", "halved"))
    result = train_sft(whole, SQUARES, report=lambda line: None, sizes=SIZES)
    with pytest.raises(KeyboardInterrupt):
        train_sft(halved, SQUARES, report=stop, sizes=SIZES)
    train_sft(halved, SQUARES, resume=True, report=lambda line: None, sizes=SIZES)
    one, other = (load_file(run.out / "model.safetensors") for run in (whole, halved))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert "Muon at 0.001" in (result.folder / "CARD.md").read_text()
