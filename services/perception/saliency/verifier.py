"""The verifier: whether a patch is a repair, from its place before and after. A small head on the saliency network.

The saliency map says where an image looks wrong, and falls for a blur and a deletion as it does for a repair. The
verifier has seen what tools make of known flaws, repairs and failures, and what stands in for a repair (a blur, a mean
fill, a deletion, another blemish), and says which it is. It lies in its network's folder: other features mean nothing
to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, JsonValue, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from services.perception.saliency.pairs import CELLS, FACTS, PARTS, Pair
from shared.contracts.base import Contract, UnitFloat
from shared.errors import ErrorCode, MissingResource
from shared.fingerprints import fingerprint

VERIFIER_FILE = "verifier.safetensors"
VERIFIER_SETTINGS_FILE = "verifier.json"

_GROUPS = 8


class VerifierSettings(Contract):
    """What a checkpoint's `verifier.json` holds.

    Attributes:
        network_sha256: of the saliency network's weights that it was trained on.
        feature_channels: of that network's decoder.
        width: of the head.
        min_repaired: a patch is accepted from this probability on.
        tau_any: the gate on the probability of any distortion where the verifier judges; in place of the calibration's.
        validation: on what, and with which rates, these were chosen; for the card.
    """

    network_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    feature_channels: int = Field(gt=0)
    width: int = Field(gt=0)
    min_repaired: UnitFloat
    tau_any: UnitFloat
    validation: dict[str, JsonValue] = Field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Pairs, stacked: see `Pair` for what each is."""

    fine: Tensor
    maps: Tensor
    cover: Tensor
    pixels: Tensor
    pixel_cover: Tensor
    facts: Tensor

    def mirrored(self, axis: int) -> "Batch":
        """The same pairs, turned around on -1 (left and right) or -2 (top and bottom)."""
        return Batch(*(part.flip(axis) if name != "facts" else part for name, part in vars(self).items()))

    def to(self, device: str) -> "Batch":
        """The same pairs on a device."""
        return Batch(*(part.to(device) for part in vars(self).values()))

    def of(self, rows: Tensor) -> "Batch":
        """Some of the pairs."""
        return Batch(*(part[rows] for part in vars(self).values()))

    def __len__(self) -> int:
        return len(self.facts)


def stacked(pairs: Sequence[Pair]) -> Batch:
    """One batch of all pairs, float32."""
    return Batch(
        *(torch.from_numpy(np.stack([np.asarray(getattr(pair, name), np.float32) for pair in pairs])) for name in PARTS)
    )


class Verifier(nn.Module):
    """Pairs in, logits of "this is a repair" out.

    Args:
        feature_channels: of the saliency network's decoder.
        width: of the head.
        dropout: while training.
    """

    facts_mean: Tensor
    facts_scale: Tensor

    def __init__(self, feature_channels: int, width: int = 48, dropout: float = 0.4) -> None:
        super().__init__()
        self.register_buffer("facts_mean", torch.zeros(FACTS))
        self.register_buffer("facts_scale", torch.ones(FACTS))
        self.narrow = nn.Conv2d(feature_channels, width, 1)
        self.features = nn.Sequential(_block(3 * width + 3, 2 * width), _block(2 * width, 2 * width))
        self.pixels = nn.Sequential(_block(10, 24, 2), _block(24, 48, 2), _block(48, 2 * width))
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(8 * width + FACTS, 64),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(64, 1),
        )

    def standardise_by(self, facts: Tensor) -> None:
        """Takes mean and deviation of the training pairs' `(N, FACTS)` facts."""
        self.facts_mean.copy_(facts.mean(dim=0))
        self.facts_scale.copy_(facts.std(dim=0).clamp(min=1e-3))

    def forward(self, batch: Batch) -> Tensor:
        """`(B,)` logits."""
        before, after = self.narrow(batch.fine[:, 0]), self.narrow(batch.fine[:, 1])
        cover, pixel_cover = batch.cover[:, None], batch.pixel_cover[:, None]
        looked = self.features(torch.cat([before, after, (after - before).abs(), batch.maps / 4, cover], dim=1))
        was, now = batch.pixels[:, 0], batch.pixels[:, 1]
        seen = self.pixels(torch.cat([was, now, now - was, pixel_cover], dim=1))
        seen_cover = functional.adaptive_avg_pool2d(pixel_cover, CELLS)
        facts = (batch.facts - self.facts_mean) / self.facts_scale
        parts = [*_pooled(looked, cover), *_pooled(seen, seen_cover), facts.clamp(-5, 5)]
        logits: Tensor = self.head(torch.cat(parts, dim=1))[:, 0]
        return logits


def _block(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1), nn.GroupNorm(_GROUPS, out), nn.GELU())


def _pooled(features: Tensor, cover: Tensor) -> tuple[Tensor, Tensor]:
    """Mean under the patch and maximum over the window, `(B, C)` each."""
    weight = cover + 1e-3
    return (features * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3)), features.amax(dim=(2, 3))


@dataclass(frozen=True)
class LoadedVerifier:
    """A verifier ready to judge, with its settings."""

    model: Verifier
    settings: VerifierSettings
    device: str

    def probabilities(self, pairs: Sequence[Pair]) -> npt.NDArray[np.float64]:
        """`(N,)`, that each is a repair: the mean over the pair and its mirror image."""
        if not pairs:
            return np.zeros(0)
        return judged(self.model, stacked(pairs), self.device)


def judged(model: Verifier, batch: Batch, device: str) -> npt.NDArray[np.float64]:
    """`(N,)` probabilities: the mean over each pair and its mirror image, as logits."""
    with torch.inference_mode():
        there = batch.to(device)
        logits = (model(there) + model(there.mirrored(-1))) / 2
    return np.asarray(logits.sigmoid().double().cpu().numpy())


def save_verifier(folder: Path, model: Verifier, settings: VerifierSettings) -> None:
    """Writes both files into the folder of the saliency network, weights in half precision."""
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, folder / VERIFIER_FILE)
    (folder / VERIFIER_SETTINGS_FILE).write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_verifier(folder: Path, weights: Path, device: str = "cpu") -> LoadedVerifier | None:
    """The verifier that lies in a saliency network's folder; None where there is none.

    Args:
        folder: of the checkpoint.
        weights: of the saliency network there.
        device: where it judges.

    Raises:
        MissingResource: MISSING_CHECKPOINT, it is damaged, or was trained on another network.
    """
    path = folder / VERIFIER_SETTINGS_FILE
    if not path.exists():
        return None
    try:
        settings = VerifierSettings.model_validate_json(path.read_text(encoding="utf-8"))
        model = Verifier(settings.feature_channels, settings.width)
        model.load_state_dict({name: value.float() for name, value in load_file(folder / VERIFIER_FILE).items()})
    except (OSError, ValidationError, SafetensorError, RuntimeError) as error:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the verifier in {folder} cannot be read ({str(error).splitlines()[0]}): train it anew with "
            "`retoucher train verifier`, or delete its files",
        ) from error
    if settings.network_sha256 != fingerprint(weights):
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the verifier in {folder} was trained on another network than {weights.name} there: train it anew with "
            "`retoucher train verifier`, or delete its files",
        )
    return LoadedVerifier(model.to(device).eval(), settings, device)
