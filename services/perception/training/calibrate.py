"""Chooses a trained network's thresholds on validation samples, and fits its domain check on training samples.

Runs the network as serving does, at each image's own size, so that the thresholds hold where they are used.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from services.perception.calibration import (
    Calibration,
    calibration_error,
    choose_gates,
    choose_min_any_fall,
    choose_min_gain,
    choose_tau,
    fit_platt,
    overlap_curve,
)
from services.perception.domain import DomainModel, domain_threshold, fit_domain
from services.perception.metrics import SaliencyMetrics, image_auroc, mean_metrics, saliency_metrics
from services.perception.saliency.checkpoint import Network
from services.perception.saliency.configuration import SCORE_NAMES
from services.perception.saliency.predictor import RawPrediction, predict_raw
from services.perception.saliency.regions import RegionSettings, evidence_in, salient_regions
from services.perception.training.samples import BlemishSample, SampleSource, union_mask
from shared.errors import BadInput, ErrorCode
from shared.images import Rgb

_BATCH = 16
_LOSABLE = 0.9
"""Of its evidence a repaired region loses so much."""
_MAX_TWINS = 240
"""Kept in memory with their maps; some half of them pass the gates."""
_MEDIAN = "domain_distance_median"


@dataclass(frozen=True)
class Calibrated:
    """What is written beside the weights."""

    calibration: Calibration
    domain: DomainModel

    def save(self, folder: Path) -> None:
        """Writes both into a checkpoint's folder."""
        self.domain.save(folder)
        self.calibration.save(folder)


@dataclass(frozen=True)
class Counts:
    """How many images of each kind are looked at.

    Attributes:
        validation: for thresholds.
        training: for the domain check.
    """

    validation: int
    training: int


def calibrate(
    network: Network,
    training: SampleSource,
    validation: SampleSource,
    counts: Counts,
    report: Callable[[str], None],
) -> Calibrated:
    """Thresholds from validation images, the domain from training images.

    Raises:
        BadInput: MISSING_DATA, the validation samples lack healthy or blemished images.
    """
    domain = _domain(network, training, counts.training, report)
    report("choosing thresholds on validation images")
    seen = _look(network, validation, counts.validation)
    if not 0 < seen.distorted.sum() < seen.distorted.size:
        raise BadInput(
            ErrorCode.MISSING_DATA, "calibration needs healthy and blemished validation images: make more samples"
        )
    platt = fit_platt(seen.logits, seen.distorted)
    probability = platt.probability(seen.logits)
    tau, overlap = choose_tau(seen.curves)
    gates = choose_gates(seen.peaks, probability, seen.distorted)
    falls = _falls(network, seen.twins, RegionSettings(tau=tau))
    min_gain, accepted = (
        choose_min_gain(falls.repaired, falls.unrepaired, most=_LOSABLE * tau)
        if falls.repaired.size
        else (0.2, math.nan)
    )
    gated = [
        (before - after) / platt.temperature
        for before, after in falls.logits
        if platt.probability(np.asarray(before)) >= gates.tau_any
    ]
    distances = domain.distance(seen.features)
    metrics = mean_metrics(seen.metrics)
    calibration = Calibration(
        tau=tau,
        tau_s=gates.tau_s,
        tau_any=gates.tau_any,
        min_gain=min_gain,
        min_any_fall=choose_min_any_fall(np.asarray(gated)) if gated else 0.0,
        any_temperature=platt.temperature,
        any_bias=platt.bias,
        domain_threshold=domain_threshold(distances),
        scores=seen.scores,
        validation={
            "images": int(seen.distorted.size),
            "blemished": int(seen.distorted.sum()),
            **{name: round(float(value), 4) for name, value in vars(metrics).items()},
            "image_auroc": round(image_auroc(seen.logits, seen.distorted), 4),
            "calibration_error": round(calibration_error(probability, seen.distorted), 4),
            "iou_at_tau": round(overlap, 4),
            "recall_at_gates": round(gates.recall, 4),
            "false_alarms_at_gates": round(gates.false_alarms, 4),
            "repairs": int(falls.repaired.size),
            "repairs_reaching_min_gain": round(accepted, 4) if np.isfinite(accepted) else None,
            "whole_repairs": len(gated),
            _MEDIAN: round(float(np.median(distances)), 4),
        },
    )
    return Calibrated(calibration, domain)


def calibrate_domain(
    network: Network,
    calibration: Calibration,
    training: SampleSource,
    validation: SampleSource,
    counts: Counts,
    report: Callable[[str], None],
) -> Calibrated:
    """The domain from training images, its threshold from validation images; all others are those of `calibration`."""
    domain = _domain(network, training, counts.training, report)
    report("choosing its threshold on validation images")
    distances = domain.distance(_features(network, validation, counts.validation))
    median = round(float(np.median(distances)), 4)
    known = {"domain_threshold": domain_threshold(distances), "validation": {**calibration.validation, _MEDIAN: median}}
    return Calibrated(calibration.model_copy(update=known), domain)


def _domain(network: Network, training: SampleSource, count: int, report: Callable[[str], None]) -> DomainModel:
    report("fitting the domain check on training images")
    return fit_domain(_features(network, training, count))


def _features(network: Network, source: SampleSource, count: int) -> npt.NDArray[np.float32]:
    return np.stack([raw.features for _, raw in _predictions(network, source, count)])


@dataclass(frozen=True)
class _Seen:
    """What the network said of validation images; curves, metrics and some twins of the blemished only."""

    logits: npt.NDArray[np.float64]
    peaks: npt.NDArray[np.float64]
    distorted: npt.NDArray[np.bool_]
    features: npt.NDArray[np.float32]
    curves: Sequence[npt.NDArray[np.float64]]
    metrics: Sequence[SaliencyMetrics]
    scores: tuple[str, ...]
    twins: Sequence[tuple[BlemishSample, RawPrediction]]


def _look(network: Network, source: SampleSource, count: int) -> _Seen:
    logits, peaks, distorted, features = [], [], [], []
    scored: set[str] = set()
    curves: list[npt.NDArray[np.float64]] = []
    metrics: list[SaliencyMetrics] = []
    twins: list[tuple[BlemishSample, RawPrediction]] = []
    for sample, raw in _predictions(network, source, count):
        mask = union_mask(sample)
        logits.append(raw.any_logit)
        peaks.append(float(raw.saliency.max()))
        distorted.append(bool(mask.any()))
        features.append(raw.features)
        scored |= {name for name, value in sample.scores.items() if math.isfinite(value)}
        if mask.any():
            curves.append(overlap_curve(raw.saliency, mask))
            metrics.append(saliency_metrics(raw.saliency, mask))
            if sample.clean is not None and len(twins) < _MAX_TWINS:
                twins.append((sample, raw))
    return _Seen(
        logits=np.asarray(logits),
        peaks=np.asarray(peaks),
        distorted=np.asarray(distorted, np.bool_),
        features=np.stack(features),
        curves=curves,
        metrics=metrics,
        scores=tuple(name for name in SCORE_NAMES if name in scored),
        twins=twins,
    )


@dataclass(frozen=True)
class _Falls:
    """What happens to blemished images with the clean twin in their place.

    Attributes:
        repaired: `(N,)` falls of evidence at found blemishes.
        unrepaired: `(N,)` falls with nothing but new grain.
        logits: of any distortion, before and after, one pair an image.
    """

    repaired: npt.NDArray[np.float64]
    unrepaired: npt.NDArray[np.float64]
    logits: Sequence[tuple[float, float]]


def _falls(network: Network, twins: Sequence[tuple[BlemishSample, RawPrediction]], settings: RegionSettings) -> _Falls:
    repaired: list[float] = []
    unrepaired: list[float] = []
    logits: list[tuple[float, float]] = []
    for sample, raw in twins:
        if sample.clean is None:
            continue
        mask = union_mask(sample)
        clean, grained = predict_raw(network, [sample.clean, _recompressed(sample.image)], [sample.prompt] * 2)
        if not sample.prompt_contradicts:  # else it shows what the prompt denies, repaired or not
            logits.append((raw.any_logit, clean.any_logit))
        for region in salient_regions(raw.saliency, settings):
            x0, y0, x1, y1 = region.box_xyxy_px
            if not (mask[y0:y1, x0:x1] & region.mask).any():
                continue  # a false alarm: there is nothing to repair
            repaired.append(region.evidence - evidence_in(clean.saliency, region.box_xyxy_px))
            unrepaired.append(region.evidence - evidence_in(grained.saliency, region.box_xyxy_px))
    return _Falls(np.asarray(repaired), np.asarray(unrepaired), logits)


def _recompressed(image: Rgb) -> Rgb:
    """The same content with other fine noise: a JPEG of quality 75."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("OpenCV cannot read the JPEG that it wrote")
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)


def _predictions(network: Network, source: SampleSource, count: int) -> Iterator[tuple[BlemishSample, RawPrediction]]:
    total = min(count, len(source))
    for start in range(0, total, _BATCH):
        samples = [source[index] for index in range(start, min(start + _BATCH, total))]
        raws = predict_raw(network, [one.image for one in samples], [one.prompt for one in samples])
        yield from zip(samples, raws, strict=True)
