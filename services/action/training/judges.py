"""What judges the ends of an editor's own way beside the squared error, which a blur contents."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from services.action.training.critic import Critic, critic_loss
from services.action.training.perceptual import See, perceptual_loss


@dataclass(frozen=True)
class Judges:
    """Those that a run has, and their weights beside a squared error that is near 0.01.

    Attributes:
        critic: learns beside the editor (`training.critic`); None where there is none.
        critic_weight: of its loss and of what it asks.
        see: of a perceptual loss (`training.perceptual`); None where there is none.
        perceptual_weight: of that.
    """

    critic: Critic | None = None
    critic_weight: float = 0.0
    see: See | None = None
    perceptual_weight: float = 0.0

    def __bool__(self) -> bool:
        return self.critic is not None or self.see is not None

    def loss(self, source: Tensor, made: Tensor, true: Tensor, drawable: Callable[[], Tensor], mask: Tensor) -> Tensor:
        """The sum of what they find.

        Args:
            source: `(B, 3, S, S)` in [-1, 1].
            made: the editor's, like it, with gradients.
            true: like it.
            drawable: gives the truth as far as the editor's autoencoder can draw it: no critic is to tell it by that.
            mask: `(B, 1, S, S)` in {0, 1}.
        """
        total = made.new_zeros(())
        if self.critic is not None:
            asks, learns = critic_loss(self.critic, source, made, drawable(), mask)
            total = total + self.critic_weight * (asks + learns)
        if self.see is not None:
            total = total + self.perceptual_weight * perceptual_loss(self.see, source, made, true, mask)
        return total


NO_JUDGES = Judges()
