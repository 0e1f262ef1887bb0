"""Crops varied where they are learned from: twins alike, what is shown nearly as it was, the backdrop not."""

import torch

from services.action.training.variation import mirrored, varied


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_twins_are_varied_alike_and_each_crop_by_itself() -> None:
    one = torch.rand(1, 1, 3, 16, 16, generator=generator(2))
    pictures = one.expand(4, 2, 3, 16, 16)
    made = varied(pictures, torch.zeros(4, 2, 1, 16, 16), generator())
    assert made.shape == pictures.shape
    assert made.min() >= 0 and made.max() <= 1
    assert torch.equal(made[:, 0], made[:, 1])
    assert len({crop.numpy().tobytes() for crop in made}) == 4
    assert torch.equal(made, varied(pictures, torch.zeros(4, 2, 1, 16, 16), generator()))


def test_what_is_shown_keeps_its_colours_near_enough() -> None:
    red = torch.tensor([0.8, 0.1, 0.1])[:, None, None].expand(64, 2, 3, 8, 8)
    front = varied(red, torch.ones(64, 2, 1, 8, 8), generator())
    behind = varied(red, torch.zeros(64, 2, 1, 8, 8), generator())
    assert (front - red).abs().max() < 0.35
    assert (front[:, :, 0] > front[:, :, 1:].amax(dim=2) + 0.2).all()
    assert (behind - red).abs().mean() > 2 * (front - red).abs().mean()


def test_half_of_what_may_is_mirrored() -> None:
    crops = torch.rand(200, 9, 4, 4, generator=generator())
    may = torch.arange(200) < 100
    made = mirrored(crops, may, generator())
    turned = (made == crops.flip(-1)).flatten(1).all(dim=1)
    assert torch.equal(made[~turned], crops[~turned])
    assert not turned[~may].any()
    assert 30 < int(turned.sum()) < 70
