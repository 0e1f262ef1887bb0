"""The saliency network as a detector: its map, cut into regions, with its calibrated "any distortion" and domain check.

Torch is imported when the first picture comes, not before: runs on written words alone never load it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from services.perception.detectors.base import Detection, Finding, Scene
from services.perception.recall import Recall, digest
from services.perception.saliency.pairs import VERIFIED_DETAIL, VERIFIED_GAIN, Laid, Sight, pair_of
from services.perception.saliency.regions import RegionSettings, evidence_in, salient_regions
from shared.contracts.loop import Thresholds
from shared.contracts.values import ColourFault, Region
from shared.geometry import Mask

if TYPE_CHECKING:
    from services.perception.saliency.checkpoint import Checkpoint
    from services.perception.saliency.predictor import Prediction

    Predict = Callable[[Sequence[Scene]], Sequence[Prediction]]
    Gather = Callable[[Predict], Predict]


_KEPT_BYTES = 64 * 2**20
"""Of what was seen on earlier pictures: about 40 of them. A loop's patches are all compared with one."""


def alone(predict: Predict) -> Predict:
    """Each picture goes through the network by itself, on the caller's thread."""
    return predict


def _key(scene: Scene) -> bytes:
    """Of all that the network is shown of a scene."""
    return digest(scene.image, scene.prompt)


class SaliencyDetector:
    """Finds what the distortion saliency network (paper 4.2) highlights.

    Args:
        folder: of the checkpoint; opened on first use.
        device: `cpu` or a CUDA device.
        dtype: `float32`, `bfloat16` or `float16`.
        gather: puts something around the network that lets pictures of several callers go through it together.
    """

    name = "saliency"

    def __init__(self, folder: Path, device: str = "cpu", dtype: str = "float32", gather: Gather = alone) -> None:
        self._folder = folder
        self._device = device
        self._dtype = dtype
        self._lock = Lock()
        self._loaded: Checkpoint | None = None
        self._predict = gather(self._predicted)
        self._seen: Recall[Sight] = Recall(_KEPT_BYTES)

    def detect(self, scene: Scene) -> Detection:
        """Regions, map and judgement of the whole image.

        Raises:
            MissingResource: the checkpoint is not there, damaged, or wants a GPU that is not there.
        """
        [prediction] = self._predict([scene])
        if prediction.sight is not None:
            self._keep(_key(scene), prediction.sight)
        checkpoint = self.checkpoint()
        calibration, verifier = checkpoint.calibration, checkpoint.verifier
        thresholds = Thresholds(
            tau_s=calibration.tau_s,
            tau_any=calibration.tau_any,
            min_gain=calibration.min_gain,
            min_any_fall=calibration.min_any_fall,
        )
        if verifier is not None:
            instead = {
                "tau_any": verifier.settings.tau_any,
                "min_gain": VERIFIED_GAIN,
                "min_any_fall": 0.0,
                "min_repaired": verifier.settings.min_repaired,
                "min_detail_ratio": VERIFIED_DETAIL,
            }
            thresholds = thresholds.model_copy(update=instead)
        settings = RegionSettings(
            tau=calibration.tau,
            dilation_of_height=calibration.dilation_of_height,
            min_area_share=calibration.min_area_share,
        )
        regions = salient_regions(prediction.saliency, settings)
        warnings: tuple[str, ...] = ()
        if not prediction.in_domain:
            warnings = (
                f"the saliency checkpoint in {self._folder.name} does not know images like this one "
                f"(distance {prediction.domain_distance:.1f}, limit {calibration.domain_threshold:.1f}): "
                "its regions are shown, and edited only if forced",
            )
        return Detection(
            findings=tuple(Finding(region.box_xyxy_px, region.mask, region.evidence) for region in regions),
            saliency=prediction.saliency,
            any_distortion=prediction.any_distortion,
            in_domain=prediction.in_domain,
            thresholds=thresholds,
            scores={name: score for name, score in prediction.scores.items() if name in calibration.scores},
            sight=prediction.sight,
            warnings=warnings,
        )

    def _keep(self, key: bytes, sight: Sight) -> None:
        size = sum(one.nbytes for one in (sight.square, sight.fine, sight.map_logits, sight.score_logits))
        self._seen.put(key, sight, size)

    def _predicted(self, scenes: Sequence[Scene]) -> Sequence[Prediction]:
        from services.perception.saliency.predictor import predict

        return predict(self.checkpoint(), [scene.image for scene in scenes], [scene.prompt for scene in scenes])

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        """The map's evidence in each region's box.

        Of an image out of the domain it has no opinion on other detectors' regions, 0: else what it imagines there
        would refuse their repairs.

        Raises:
            ValueError: the detection is not of this detector: it has no map.
        """
        if detection.saliency is None:
            raise ValueError("a detection without a map is not of the saliency detector")
        return [
            evidence_in(detection.saliency, region.box_xyxy_px)
            if detection.in_domain or region.detector == self.name
            else 0.0
            for region in regions
        ]

    def colour_faults(self, scene: Scene, detection: Detection, masks: Sequence[Mask]) -> Sequence[ColourFault | None]:
        """See `Explains`: nothing of a picture that it would not have edited, or does not know.

        Raises:
            MissingResource: as `detect`.
        """
        from services.perception.saliency.colour_faults import colour_faults

        if not detection.doubts or detection.saliency is None:
            return [None] * len(masks)
        return colour_faults(self.checkpoint().network, scene.image, scene.prompt, masks, detection.saliency)

    def verify(self, before: Scene, after: Detection, patches: Sequence[Laid]) -> Sequence[float | None]:
        """See `Verifies`: None without a verifier.

        Scenes out of the domain are judged all the same: else a patch on a picture that somebody insists on would be
        spared the question, and so would a smear that carries its picture out of the domain.
        """
        verifier = self.checkpoint().verifier
        if verifier is None or after.sight is None:
            return [None] * len(patches)
        key = _key(before)
        was = self._seen.get(key)
        if was is None:
            was = self._predict([before])[0].sight
            if was is None:
                return [None] * len(patches)
            self._keep(key, was)
        size_hw = (int(before.image.shape[0]), int(before.image.shape[1]))
        pairs = [pair_of(was, after.sight, size_hw, patch) for patch in patches]
        return [float(value) for value in verifier.probabilities(pairs)]

    def checkpoint(self) -> Checkpoint:
        """The checkpoint, loaded once, whichever thread asks first.

        Raises:
            MissingResource: as `detect`.
        """
        from services.perception.saliency.checkpoint import load_checkpoint

        with self._lock:
            if self._loaded is None:
                self._loaded = load_checkpoint(self._folder, self._device, self._dtype)
            return self._loaded
