"""The perception agent of a profile: which detectors its names stand for."""

from collections.abc import Callable
from pathlib import Path

from services.perception.agent import PerceptionAgent
from services.perception.detectors.base import Detector
from services.perception.detectors.saliency import SaliencyDetector
from services.perception.detectors.text.detector import TextDetector
from services.perception.detectors.text.ocr import OcrReader
from shared.errors import ErrorCode, MissingResource
from shared.ports import Clock, ImageStore, ModelObserver, unobserved
from shared.profiles import Profile

CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""Where the weights lie that ship with the project."""


def _saliency(profile: Profile) -> SaliencyDetector:
    if profile.saliency_checkpoint is None:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"profile {profile.name} names the detector 'saliency' and no checkpoint: set `saliency_checkpoint` to a "
            "folder that `retoucher train perception` wrote",
        )
    return SaliencyDetector(CHECKPOINTS / profile.saliency_checkpoint, profile.device, profile.dtype)


DETECTORS: dict[str, Callable[[Profile], Detector]] = {
    "saliency": _saliency,
    "text": lambda profile: TextDetector(OcrReader(threads=profile.threads)),
}


def build_perception(
    profile: Profile, store: ImageStore, clock: Clock, observe: ModelObserver = unobserved
) -> PerceptionAgent:
    """The agent with the profile's detectors; models load on first use.

    Raises:
        MissingResource: the profile names a detector that is not there.
    """
    for name in profile.detectors:
        if name not in DETECTORS:
            message = f"profile {profile.name} names detector {name!r}, unknown here"
            raise MissingResource(ErrorCode.MISSING_DATA, message)
    return PerceptionAgent(store, [DETECTORS[name](profile) for name in profile.detectors], clock, observe)
