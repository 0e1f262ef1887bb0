"""The perceptual loss: blurs look unlike the truth, what is not laid in counts for nothing, the eyes learn nothing."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from services.action.training.critic import Critic
from services.action.training.judges import Judges
from services.action.training.perceptual import See, perceptual_loss
from services.commands.train_tools import seeing
from services.perception.build import CHECKPOINTS
from services.perception.saliency.configuration import DistortionSaliencyConfig, text_table, vision_table
from services.perception.saliency.modelling import DistortionSaliencyModel
from services.perception.saliency.tokens import build_tokenizer
from shared.errors import BadInput

MASK = torch.zeros(4, 1, 32, 32)
MASK[..., 8:24, 8:24] = 1


@pytest.fixture(scope="module")
def see() -> See:
    torch.manual_seed(0)
    first = nn.Conv2d(3, 16, 3, stride=2, padding=1).requires_grad_(False)
    second = nn.Conv2d(16, 24, 3, stride=2, padding=1).requires_grad_(False)

    def look(pixels: Tensor) -> tuple[Tensor, Tensor]:
        fine = functional.silu(first(pixels))
        return fine, functional.silu(second(fine))

    return look


def crops() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.rand(4, 3, 32, 32) * 2 - 1, torch.rand(4, 3, 32, 32) * 2 - 1


def test_the_truth_costs_nothing_and_a_blur_more_than_what_is_nearly_true(see: See) -> None:
    source, true = crops()
    blur = functional.avg_pool2d(true, 7, 1, 3)
    error = (blur - true).square().mean().sqrt()
    torch.manual_seed(2)
    shifted = true + error * torch.sign(torch.randn(4, 3, 1, 1))  # as far from the truth by squares
    assert perceptual_loss(see, source, true, true, MASK).item() == pytest.approx(0, abs=1e-6)
    costs = [perceptual_loss(see, source, made, true, MASK).item() for made in (shifted, blur)]
    assert 0 < costs[0] < costs[1]


def test_what_is_not_laid_in_counts_for_nothing(see: See) -> None:
    source, true = crops()
    made = torch.zeros(4, 3, 32, 32, requires_grad=True)
    loss = perceptual_loss(see, source, made, true, MASK)
    loss.backward()
    assert made.grad is not None
    assert bool(made.grad[..., 8:24, 8:24].any())
    assert not bool((made.grad * (1 - MASK)).any())
    other = torch.where(MASK > 0, torch.zeros(()), torch.ones(()))
    assert perceptual_loss(see, source, other.expand(4, 3, 32, 32), true, MASK).item() == pytest.approx(loss.item())


def test_judges_are_summed_by_their_weights(see: See) -> None:
    source, true = crops()
    made = torch.zeros(4, 3, 32, 32)
    critic = Critic(8).eval()
    assert not Judges() and Judges(see=see) and Judges(critic)

    def found(judges: Judges) -> float:
        return judges.loss(source, made, true, lambda: true, MASK).item()

    both = found(Judges(critic, 0.5, see, 2.0))
    assert both == pytest.approx(found(Judges(critic, 0.5)) + found(Judges(see=see, perceptual_weight=2.0)), rel=1e-5)
    assert found(Judges(see=see, perceptual_weight=2.0)) == pytest.approx(
        2 * perceptual_loss(see, source, made, true, MASK).item(), rel=1e-5
    )


def test_the_shipped_saliency_network_can_be_seen_by() -> None:
    look = seeing(CHECKPOINTS / "saliency-tiny", "cpu")
    crop = torch.zeros(1, 3, 64, 64, requires_grad=True)
    levels = look(crop)
    assert [tuple(level.shape[-2:]) for level in levels] == [(16, 16), (8, 8), (4, 4)]
    torch.stack([level.square().sum() for level in levels]).sum().backward()
    assert crop.grad is not None and bool(crop.grad.any())
    assert not any(level.is_leaf for level in levels)


def test_a_network_without_convolutions_is_refused(tmp_path: Path) -> None:
    config = DistortionSaliencyConfig(
        encoder="vit",
        image_size_px=64,
        vision=vision_table(width=32, blocks=3, heads=2, image_size_px=64, patch_px=16),
        text=text_table(600, width=32, layers=1, heads=2),
        fusion_width=32,
        fusion_heads=2,
        pyramid_width=16,
    )
    DistortionSaliencyModel(config).save_pretrained(tmp_path)
    build_tokenizer(["an open hand on a table"] * 4, 600).save_pretrained(tmp_path)
    with pytest.raises(BadInput, match="hybrid"):
        seeing(tmp_path, "cpu")
