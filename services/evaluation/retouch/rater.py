"""The rater: a network of RichHF's kind, trained apart from the perception agent, that scores a picture under a prompt.

It is the saliency network's score heads of another training (`retoucher train rater`). Torch enters when it is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from services.evaluation.retouch.cases import Ratings
from services.perception.build import CHECKPOINTS
from shared.errors import BadInput, ErrorCode, MissingResource
from shared.fingerprints import fingerprint
from shared.images import Rgb
from shared.profiles import Profile

if TYPE_CHECKING:
    from services.perception.saliency.checkpoint import Checkpoint

WEIGHTS = "model.safetensors"


class Rates(Protocol):
    """Scores pictures."""

    def __call__(self, image: Rgb, prompt: str) -> Ratings:
        """The scores in [0, 1] that it knows of, higher is better."""
        ...


class Rater:
    """Implements `Rates` with a checkpoint that `retoucher train rater` wrote.

    Raises:
        MissingResource: there is none in `folder`, or it is damaged.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        require_rater(folder)
        from services.perception.saliency.checkpoint import load_checkpoint

        self._checkpoint: Checkpoint = load_checkpoint(folder, device)

    def __call__(self, image: Rgb, prompt: str) -> Ratings:
        """See `Rates`."""
        from services.perception.saliency.predictor import predict_raw

        [raw] = predict_raw(self._checkpoint.network, [image], [prompt])
        known = self._checkpoint.calibration.scores
        return Ratings(**{name: min(1.0, max(0.0, value)) for name, value in raw.scores.items() if name in known})


def require_rater(folder: Path) -> None:
    """Checks that weights are there.

    Raises:
        MissingResource: MISSING_CHECKPOINT, with the command that trains one.
    """
    if not (folder / WEIGHTS).is_file():
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the rater is not in {folder.resolve()} (no {WEIGHTS}): train one with "
            f"`retoucher train rater --out {folder}`, or leave out --rater",
        )


def require_apart(folder: Path, profile: Profile) -> None:
    """Checks that the rater is not the very network that the loop itself looks with: it would praise its own work.

    Raises:
        BadInput: it is.
    """
    if profile.saliency_checkpoint is None:
        return
    own = CHECKPOINTS / profile.saliency_checkpoint / WEIGHTS
    if own.is_file() and fingerprint(own) == fingerprint(folder / WEIGHTS):
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"{folder} holds the weights that profile {profile.name} perceives with: train a rater of its own with "
            "`retoucher train rater`",
        )
