"""The loss against its formula by hand: equation 2, what healthy images carry, which scores count."""

import math

import pytest
import torch
from scipy.stats import entropy

from services.perception.metrics import kld as kld_metric
from services.perception.training.losses import Targets, contrast_loss, kld_per_image, saliency_losses
from services.perception.training.options import LossSettings


def test_contrast_counts_what_the_blemish_adds_and_nothing_else() -> None:
    truth = torch.zeros(3, 4, 4)
    truth[0, 1, 2] = 1.0
    twin_of = torch.tensor([-1, 0, -1])
    level = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(1))
    maps, heads = level.repeat(3, 1, 1), torch.full((3,), 0.7)
    assert contrast_loss(maps, heads, truth, twin_of).item() == pytest.approx(2 * math.log(2))
    told = maps.clone()
    told[0, 1, 2] += 5.0
    told[0, 3, 3] -= 9.0  # elsewhere the twins may differ as they like
    better = contrast_loss(told, heads + torch.tensor([5.0, 0.0, -40.0]), truth, twin_of)
    assert better.item() == pytest.approx(2 * math.log1p(math.exp(-5)), rel=1e-4)
    assert contrast_loss(maps, heads, truth, torch.full((3,), -1)).item() == 0.0


def batch() -> tuple[torch.Tensor, Targets]:
    torch.manual_seed(0)
    logits = torch.randn(3, 8, 8)
    truth = torch.rand(3, 8, 8)
    truth[2] = 0
    scores = torch.tensor([[0.1, 0.2, float("nan"), 0.4], [1.0, 0.5, float("nan"), 0.0], [float("nan")] * 4])
    return logits, Targets(truth, torch.tensor([1.0, 1.0, 0.0]), scores)


def losses(settings: LossSettings, logits: torch.Tensor, targets: Targets) -> torch.Tensor:
    return saliency_losses(logits, torch.zeros(3), torch.zeros(3, 4), targets, settings).total


def test_equation_2_by_hand() -> None:
    logits, targets = batch()
    prediction = logits.sigmoid()
    expected = 0.0
    for at in range(3):
        expected += 0.3 * 10 * float((prediction[at] - targets.truth[at]).square().mean()) / 3
        if at < 2:
            expected += 0.7 * float(entropy(targets.truth[at].flatten(), prediction[at].flatten())) / 3
    settings = LossSettings(alpha=0.3, pixel_scale=0, any_weight=0, score_weight=0)
    assert float(losses(settings, logits, targets)) == pytest.approx(expected, rel=1e-5)


def test_kld_is_the_metric_and_takes_the_truth_first() -> None:
    logits, targets = batch()
    prediction = logits.sigmoid()
    for at, value in enumerate(kld_per_image(prediction, targets.truth)[:2]):
        metric = kld_metric(prediction[at].double().numpy(), targets.truth[at].double().numpy())
        assert float(value) == pytest.approx(metric, rel=1e-4)
    assert not torch.allclose(kld_per_image(prediction, targets.truth), kld_per_image(targets.truth + 1e-6, prediction))


def test_healthy_images_carry_mse_only() -> None:
    logits, targets = batch()
    healthy = Targets(targets.truth[2:], targets.distorted[2:], targets.scores[2:])
    logits = logits[2:].requires_grad_()
    result = saliency_losses(
        logits, torch.zeros(1), torch.zeros(1, 4), healthy, LossSettings(pixel_scale=0, any_weight=0)
    )
    assert float(result.kld) == 0
    assert float(result.scores) == 0
    assert float(result.total.detach()) == pytest.approx(0.5 * 10 * float(logits.detach().sigmoid().square().mean()))
    result.total.backward()
    assert logits.grad is not None
    assert bool((logits.grad > 0).all())  # everything is to become darker
    assert bool(torch.isfinite(logits.grad).all())


def test_without_kld_the_map_learns_from_mse_at_full_weight() -> None:
    logits, targets = batch()
    settings = LossSettings(kld=False, pixel_scale=0, any_weight=0, score_weight=0)
    expected = 10 * float((logits.sigmoid() - targets.truth).square().mean())
    assert float(losses(settings, logits, targets)) == pytest.approx(expected, rel=1e-5)


def test_unknown_scores_do_not_count() -> None:
    logits, targets = batch()
    scores = torch.logit(torch.tensor([[0.1, 0.2, 0.9, 0.4], [1 - 1e-7, 0.5, 0.1, 1e-7], [0.3, 0.4, 0.5, 0.6]]))
    scores.requires_grad_()
    result = saliency_losses(logits, torch.zeros(3), scores, targets, LossSettings())
    assert float(result.scores) == pytest.approx(0, abs=1e-9)
    result.total.backward()
    assert scores.grad is not None
    assert bool((scores.grad[2] == 0).all())
    assert bool((scores.grad[:, 2] == 0).all())


def test_any_distortion_is_a_cross_entropy() -> None:
    logits, targets = batch()
    right = saliency_losses(logits, torch.tensor([9.0, 9.0, -9.0]), torch.zeros(3, 4), targets, LossSettings())
    wrong = saliency_losses(logits, torch.tensor([-9.0, -9.0, 9.0]), torch.zeros(3, 4), targets, LossSettings())
    assert float(right.any_distortion) < 0.001
    assert float(wrong.any_distortion) == pytest.approx(9.0, abs=0.01)


def test_alpha_is_a_share() -> None:
    with pytest.raises(ValueError, match="alpha"):
        LossSettings(alpha=1.5)


def test_beside_equation_2_every_cell_is_told_apart() -> None:
    logits, targets = batch()
    alone = losses(LossSettings(pixel_scale=0), logits, targets)
    added = losses(LossSettings(pixel_scale=7), logits, targets) - alone
    expected = torch.nn.functional.binary_cross_entropy(logits.sigmoid(), targets.truth)
    assert float(added) == pytest.approx(7 * float(expected), rel=1e-4)
