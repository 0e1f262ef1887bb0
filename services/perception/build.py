"""The perception agent of a profile: which detectors its names stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from services.perception.agent import PerceptionAgent
from services.perception.detectors.base import Detector
from services.perception.detectors.rahf import RahfDetector, RahfSource
from services.perception.detectors.saliency import SaliencyDetector, alone
from services.perception.detectors.text.detector import TextDetector
from services.perception.detectors.text.ocr import OcrReader
from shared.batching import Batcher, BatchRules, Observer
from shared.errors import ErrorCode, MissingResource
from shared.ports import Clock, ImageStore, ModelObserver, unobserved
from shared.profiles import Profile

if TYPE_CHECKING:
    from services.perception.detectors.saliency import Gather

LARGEST_BATCH = 8
"""Pictures in one pass of a network."""

CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""Where the weights lie that ship with the project."""


def _saliency(profile: Profile, gather: Gather) -> SaliencyDetector:
    if profile.saliency_checkpoint is None:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"profile {profile.name} names the detector 'saliency' and no checkpoint: set `saliency_checkpoint` to a "
            "folder that `retoucher train perception` wrote",
        )
    return SaliencyDetector(CHECKPOINTS / profile.saliency_checkpoint, profile.device, profile.dtype, gather)


def _rahf(profile: Profile, gather: Gather) -> RahfDetector:
    if profile.rahf_weights is None:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"profile {profile.name} names the detector 'rahf' and no weights: set `rahf_weights` to the file of its "
            "public state dict",
        )
    source = RahfSource(Path(profile.rahf_weights), profile.rahf_tokenizer)
    return RahfDetector(source, device=profile.device, dtype=profile.dtype)


DETECTORS: dict[str, Callable[[Profile, Gather], Detector]] = {
    "saliency": _saliency,
    "rahf": _rahf,
    "text": lambda profile, gather: TextDetector(OcrReader(threads=profile.threads)),
}


def gathered(max_wait_s: float, observe: Observer) -> Gather:
    """Gives a network a thread that owns it, and batches across jobs."""
    rules = BatchRules(max_items=LARGEST_BATCH, max_wait_s=max_wait_s)
    return lambda predict: Batcher(predict, rules, name="saliency", observe=observe)


def build_perception(
    profile: Profile,
    store: ImageStore,
    clock: Clock,
    observe: ModelObserver = unobserved,
    gather: Gather | None = None,
) -> PerceptionAgent:
    """The agent with the profile's detectors; models load on first use. `gather` is put around networks.

    Raises:
        MissingResource: the profile names a detector that is not there.
    """
    for name in profile.detectors:
        if name not in DETECTORS:
            message = f"profile {profile.name} names detector {name!r}, unknown here"
            raise MissingResource(ErrorCode.MISSING_DATA, message)
    return PerceptionAgent(
        store, [DETECTORS[name](profile, gather or alone) for name in profile.detectors], clock, observe
    )
