"""Thresholds of a perception checkpoint, chosen on validation data: which map values, images and gains count.

Numpy only; knows no network: it is given logits, maps and labels. The loop reads tau_s, tau_any and min_gain from
here, the saliency detector tau and the temperature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field, JsonValue, ValidationError

from shared.contracts.base import Contract, UnitFloat
from shared.errors import ErrorCode, MissingResource

CALIBRATION_FILE = "calibration.json"
TAU_GRID = tuple(float(value) for value in np.round(np.arange(0.05, 0.96, 0.05), 2))
_MIN_SLOPE = 1e-3


class Calibration(Contract):
    """What a checkpoint's `calibration.json` holds.

    Attributes:
        tau: the map is binarised at this value.
        tau_s: an image whose map peaks below it is left alone.
        tau_any: and so is one whose probability of any distortion lies below it.
        min_gain: by how much the evidence at a region must fall for a repair to count.
        min_any_fall: by how much the log odds of any distortion must fall once all salient regions are repaired;
            0 where it was not calibrated.
        any_temperature, any_bias: probability = sigmoid(logit / temperature + bias).
        domain_threshold: an image further than this from the training data is out of the domain.
        dilation_of_height: regions grow by this share of the image's height, so that a repair has room.
        min_area_share: a region smaller than this share of the image is a speck.
        scores: names of the scores that the training data had; the head's others were never taught.
        validation: on what, and with which rates, these were chosen; for the card.
    """

    tau: UnitFloat
    tau_s: UnitFloat
    tau_any: UnitFloat
    min_gain: UnitFloat
    min_any_fall: float = Field(default=0.0, ge=0)
    any_temperature: float = Field(gt=0)
    any_bias: float
    domain_threshold: float = Field(gt=0)
    dilation_of_height: float = Field(default=1 / 64, ge=0)
    min_area_share: float = Field(default=2e-4, ge=0)
    scores: tuple[str, ...] = ()
    validation: dict[str, JsonValue] = Field(default_factory=dict)

    def any_probability(self, logit: float) -> float:
        """The calibrated probability of any distortion, in [0, 1]."""
        return float(_sigmoid(np.float64(logit) / self.any_temperature + self.any_bias))

    def save(self, folder: Path) -> None:
        """Writes `calibration.json` into a checkpoint's folder."""
        (folder / CALIBRATION_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_calibration(folder: Path) -> Calibration:
    """The calibration that lies in a checkpoint's folder.

    Raises:
        MissingResource: MISSING_CHECKPOINT, it is not there or does not hold these fields.
    """
    path = folder / CALIBRATION_FILE
    try:
        return Calibration.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the calibration {path} cannot be read ({str(error).splitlines()[0]}): calibrate the checkpoint with "
            "`retoucher train perception --calibrate-only`",
        ) from error


@dataclass(frozen=True)
class Platt:
    """A calibrated logistic: probability = sigmoid(logit / temperature + bias)."""

    temperature: float
    bias: float

    def probability(self, logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Of any distortion, for each of the head's logits."""
        return _sigmoid(logits / self.temperature + self.bias)


def fit_platt(logits: npt.NDArray[np.float64], distorted: npt.NDArray[np.bool_], rounds: int = 100) -> Platt:
    """Temperature and bias that make the head's logits probabilities (Platt 1999, with his smoothed targets).

    Newton's method on the cross-entropy; a head that ranks the wrong way round gets a flat probability, never a
    turned one.

    Args:
        logits: `(N,)`, of validation images.
        distorted: `(N,)` bool, the ground truth.
        rounds: of Newton's method, at most.

    Raises:
        ValueError: the lengths differ, or a class is missing.
    """
    _check_labels(logits, distorted)
    positives, negatives = int(distorted.sum()), int((~distorted).sum())
    # Targets short of 0 and 1 keep the slope finite where validation images are perfectly separated.
    target = np.where(distorted, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    spread = float(logits.std()) or 1.0
    design = np.stack([logits / spread, np.ones_like(logits)], axis=1)
    weights = np.zeros(2)
    for _ in range(rounds):
        probability = _sigmoid(design @ weights)
        gradient = design.T @ (probability - target)
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights -= step * min(1.0, 2.0 / float(np.abs(step).max() or 1.0))  # damped far from the optimum
        if np.abs(step).max() < 1e-9:
            break
    slope = weights[0] / spread
    if slope < _MIN_SLOPE:
        share = float(target.mean())
        return Platt(temperature=1 / _MIN_SLOPE, bias=float(np.log(share / (1 - share))))
    return Platt(temperature=float(1 / slope), bias=float(weights[1]))


def calibration_error(probability: npt.NDArray[np.float64], distorted: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017) over equally filled bins, in [0, 1]; lower is better."""
    _check_labels(probability, distorted)
    order = np.argsort(probability, kind="stable")
    groups = [group for group in np.array_split(order, bins) if group.size]
    gaps = [group.size * abs(float(probability[group].mean() - distorted[group].mean())) for group in groups]
    return float(sum(gaps) / order.size)


def overlap_curve(
    saliency: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_], grid: Sequence[float] = TAU_GRID
) -> npt.NDArray[np.float64]:
    """IoU of a map, binarised at each value of the grid, with the true mask: `(G,)` in [0, 1]; higher is better.

    Args:
        saliency: `(H, W)`, of a blemished image.
        mask: `(H, W)` bool, its visible blemishes, the ground truth.
        grid: the values.

    Raises:
        ValueError: the mask is empty.
    """
    if not mask.any():
        raise ValueError("a healthy image has no mask to overlap with")
    binary = [saliency >= tau for tau in grid]
    return np.asarray([float((one & mask).sum() / (one | mask).sum()) for one in binary])


def choose_tau(curves: Sequence[npt.NDArray[np.float64]], grid: Sequence[float] = TAU_GRID) -> tuple[float, float]:
    """The value of the grid with the largest mean overlap: `(tau, mean IoU at it)`; of equals, the lowest.

    Args:
        curves: `overlap_curve` of each blemished validation image.
        grid: that they were made with.

    Raises:
        ValueError: there is no image.
    """
    if not curves:
        raise ValueError("choosing tau needs a blemished image")
    overlap = np.mean(curves, axis=0)
    best = int(overlap.argmax())
    return float(grid[best]), float(overlap[best])


@dataclass(frozen=True)
class Gates:
    """The stop rule's thresholds, and what they do on validation images.

    `recall` is the share of distorted images that pass both gates, `false_alarms` that of healthy ones.
    """

    tau_s: float
    tau_any: float
    recall: float
    false_alarms: float


def choose_gates(
    peaks: npt.NDArray[np.float64],
    probabilities: npt.NDArray[np.float64],
    distorted: npt.NDArray[np.bool_],
    *,
    max_false_alarms: float = 0.02,
    peak_recall: float = 0.98,
) -> Gates:
    """Thresholds under which at most `max_false_alarms` of healthy images would be edited.

    The peak is the weak judge (it says where, not whether): tau_s only lets pass what `peak_recall` of the distorted
    images reach. The trained head does the rest: tau_any is the lowest that keeps the limit.

    Args:
        peaks: `(N,)`, the maps' maxima on validation images.
        probabilities: `(N,)`, of any distortion.
        distorted: `(N,)` bool, the ground truth.
        max_false_alarms: share of healthy images that may be edited.
        peak_recall: share of distorted images whose peak reaches tau_s.

    Raises:
        ValueError: the lengths differ, or a class is missing.
    """
    _check_labels(peaks, distorted)
    _check_labels(probabilities, distorted)
    tau_s = float(np.quantile(peaks[distorted], 1 - peak_recall, method="lower"))
    passing = peaks >= tau_s
    healthy = ~distorted
    allowed = int(np.floor(max_false_alarms * healthy.sum()))
    rivals = np.sort(probabilities[healthy & passing])[::-1]
    tau_any = 0.0 if rivals.size <= allowed else min(1.0, float(np.nextafter(rivals[allowed], 2.0)))
    edited = passing & (probabilities >= tau_any)
    return Gates(
        tau_s=tau_s,
        tau_any=tau_any,
        recall=float(edited[distorted].mean()),
        false_alarms=float(edited[healthy].mean()),
    )


def choose_min_gain(
    repaired: npt.NDArray[np.float64],
    unrepaired: npt.NDArray[np.float64],
    *,
    most: float = 1.0,
    max_accepted: float = 0.05,
    kept: float = 0.95,
) -> tuple[float, float]:
    """The least fall of evidence that counts: `(min_gain, share of true repairs that reach it)`.

    As much as true repairs allow: a poor repair lets the evidence fall, too, and less.

    Args:
        repaired: `(N,)` falls of evidence where the clean twin's pixels replaced a blemish.
        unrepaired: `(M,)` falls where nothing was repaired and only fine noise changed.
        most: what the faintest region that is repaired can lose: asked for more, it could never be repaired.
        max_accepted: share of unrepaired ones that may pass.
        kept: share of repaired ones that pass, unless the former asks for more.

    Raises:
        ValueError: either is empty.
    """
    if not repaired.size or not unrepaired.size:
        raise ValueError("falls of evidence with and without a repair are needed")
    allowed = int(np.floor(max_accepted * unrepaired.size))
    worst = np.sort(unrepaired)[::-1]
    bound = float(worst[allowed]) if allowed < worst.size else 0.0
    reached = float(np.quantile(repaired, 1 - kept, method="lower"))
    noise = max(0.05, float(np.nextafter(bound, 2.0)))  # below 0.05 a fall is noise of the map
    gain = min(1.0, max(noise, min(most, reached)))
    return gain, float((repaired >= gain).mean())


def choose_min_any_fall(falls: npt.NDArray[np.float64], *, kept: float = 0.99) -> float:
    """The least fall of the log odds of any distortion that `kept` of true repairs of whole images reach; not below 0.

    Args:
        falls: `(N,)`, of images that pass the gates, from the blemished one to its clean twin.
        kept: the share.

    Raises:
        ValueError: there is no fall.
    """
    if not falls.size:
        raise ValueError("falls of images that pass the gates are needed")
    return max(0.0, float(np.quantile(falls, 1 - kept, method="lower")))


def _sigmoid(values: npt.NDArray[np.float64] | np.float64) -> npt.NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))  # never overflows


def _check_labels(values: npt.NDArray[np.float64], distorted: npt.NDArray[np.bool_]) -> None:
    if values.ndim != 1 or values.shape != distorted.shape or not np.isfinite(values).all():
        raise ValueError(f"{values.shape} finite values and {distorted.shape} labels are needed, one each per image")
    if distorted.all() or not distorted.any():
        raise ValueError("calibration needs distorted and healthy images")
