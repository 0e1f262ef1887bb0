"""The critic: it learns to tell blurs from true crops, and each side learns from its own loss alone."""

import torch
from torch import Tensor
from torch.nn import functional

from services.action.training.critic import Critic, critic_loss

MASK = torch.zeros(4, 1, 16, 16)
MASK[..., 4:12, 4:12] = 1


def crops(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """A source, a blur and a true crop."""
    torch.manual_seed(seed)
    source, true = (torch.rand(4, 3, 16, 16) * 2 - 1 for _ in range(2))
    return source, functional.avg_pool2d(true, 5, 1, 2), true


def test_it_learns_to_tell_a_blur_from_the_truth() -> None:
    torch.manual_seed(0)
    critic = Critic(8)
    optimiser = torch.optim.Adam(critic.parameters(), lr=3e-3)
    losses = []
    for step in range(150):
        source, blur, true = crops(step)
        _, learns = critic_loss(critic, source, blur, true, MASK)
        optimiser.zero_grad()
        learns.backward()
        optimiser.step()
        losses.append(learns.item())
    assert losses[0] > 1.6
    assert sum(losses[-9:]) / 9 < 0.5 * losses[0]
    source, blur, true = crops(1000)
    critic.eval()
    assert critic(source, true, MASK).mean().item() > critic(source, blur, MASK).mean().item() + 0.5


def test_each_side_learns_from_its_own_loss() -> None:
    critic = Critic(8)
    source, blur, true = crops(3)
    made = blur.clone().requires_grad_()
    asks, learns = critic_loss(critic, source, made, true, MASK)
    asks.backward(retain_graph=True)
    assert all(weights.grad is None for weights in critic.parameters())
    assert made.grad is not None and bool(made.grad[..., 4:12, 4:12].any())
    assert not bool(made.grad[..., :4, :].any())  # what is not laid in counts for nothing
    made.grad = None
    learns.backward()
    assert made.grad is None
    assert all(weights.grad is not None for weights in critic.parameters())


def test_a_repair_like_the_truth_cannot_be_told() -> None:
    critic = Critic(8).eval()
    source, _, true = crops(5)
    asks, learns = critic_loss(critic, source, true.clone(), true, MASK)
    assert learns.item() >= 2.0 - 1e-5
    assert torch.isfinite(asks)
