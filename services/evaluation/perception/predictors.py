"""The networks under evaluation as predictors: the saliency checkpoint and RAHF. This is where torch enters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluation.perception.photographs import verdict_on
from services.evaluation.perception.tally import Judged
from services.perception.detectors.base import Scene
from services.perception.detectors.rahf import RahfDetector
from services.perception.saliency.checkpoint import Checkpoint, Network
from services.perception.saliency.predictor import predict, predict_raw
from shared.images import Rgb


@dataclass(frozen=True)
class SaliencyPredictor:
    """The saliency network without its calibration; the judgement is the logit of its "any distortion" head."""

    network: Network

    def __call__(self, images: Sequence[Rgb], prompts: Sequence[str]) -> Sequence[Judged]:
        """As `services.evaluation.perception.measure.Predictor`."""
        return [Judged(raw.saliency, raw.any_logit) for raw in predict_raw(self.network, images, prompts)]


@dataclass(frozen=True)
class CheckpointPredictor:
    """A calibrated checkpoint, as it serves; the judgement is its probability of any distortion."""

    checkpoint: Checkpoint

    def __call__(self, images: Sequence[Rgb], prompts: Sequence[str]) -> Sequence[Judged]:
        """As `services.evaluation.perception.measure.Predictor`."""
        return [
            Judged(one.saliency, one.any_distortion, verdict_on(self.checkpoint, "", one).edited)
            for one in predict(self.checkpoint, images, prompts)
        ]


@dataclass(frozen=True)
class RahfPredictor:
    """RAHF: the worse of its two heat maps at each pixel, for the benchmark's flaws are of both sorts.

    It has no head for "any distortion": the judgement is 1 - its overall score.
    """

    detector: RahfDetector

    def __call__(self, images: Sequence[Rgb], prompts: Sequence[str]) -> Sequence[Judged]:
        """As `services.evaluation.perception.measure.Predictor`."""
        predictions = [self.detector.predict(Scene(*pair)) for pair in zip(images, prompts, strict=True)]
        return [Judged(np.maximum(*one.heat_maps.values()), 1 - one.scores["overall"]) for one in predictions]
