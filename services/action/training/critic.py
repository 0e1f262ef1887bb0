"""A critic of repairs: it learns to tell an editor's crops from true ones, and the editor to leave it nothing to tell.

A squared error asks for the mean of all repairs that could be right, and their mean is a blur; verification refuses it,
and rightly. The critic sees patches, as in Isola et al. 2017, "Image-to-image translation with conditional adversarial
networks"; its layers are spectrally normalised (Miyato et al. 2018), its loss is the hinge of Lim and Ye 2017; that few
steps can be taught so, Sauer et al. 2023 show ("Adversarial diffusion distillation").
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from services.action.training.places import laid_in, mean_near

_SLOPE = 0.2


class Critic(nn.Module):
    """Patches of a crop as it was, as it is said to be repaired, and where: how true each looks."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        shapes = ((7, width, 4, 2), (width, 2 * width, 4, 2), (2 * width, 4 * width, 3, 1))
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, side, stride, padding=1)) for before, after, side, stride in shapes
        )
        self.last = spectral_norm(nn.Conv2d(4 * width, 1, 3, padding=1))

    def forward(self, source: Tensor, repaired: Tensor, mask: Tensor) -> Tensor:
        """`(B, 1, S/4, S/4)`, higher where it looks true.

        Args:
            source: `(B, 3, S, S)` in [-1, 1].
            repaired: like it.
            mask: `(B, 1, S, S)` in {0, 1}.
        """
        seen = torch.cat([source, repaired, mask], dim=1)
        for layer in self.layers:
            seen = functional.leaky_relu(layer(seen), _SLOPE)
        answer: Tensor = self.last(seen)
        return answer


def critic_loss(critic: Critic, source: Tensor, made: Tensor, true: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """What the editor and what the critic has to lose: `(editor's, critic's)`.

    Both crops are laid into the source by the mask, as the action agent lays a patch, so that a seam tells, too. The
    first has gradients for what made `made` alone, the second for the critic alone: one step may learn from their sum.

    Args:
        critic: of the crops.
        source: `(B, 3, S, S)` in [-1, 1].
        made: the editor's, like it, with gradients.
        true: what it should be, as far as the editor's autoencoder can draw it: the critic is not to tell it by that.
        mask: `(B, 1, S, S)` in {0, 1}.
    """
    repaired, truth = laid_in(source, made, mask), laid_in(source, true.detach(), mask)
    of_true, of_made = critic(source, truth, mask), critic(source, repaired.detach(), mask)
    still = {name: value.detach() for name, value in (*critic.named_parameters(), *critic.named_buffers())}
    asked: Tensor = functional_call(critic, still, (source, repaired, mask))
    learns = mean_near(functional.relu(1 - of_true), mask) + mean_near(functional.relu(1 + of_made), mask)
    return -mean_near(asked, mask), learns
