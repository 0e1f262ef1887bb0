"""Saliency metrics after Bylinskii et al. 2019 ("What do different evaluation metrics tell us about saliency models?").

Numpy only: knows no network and no data set. Truth maps and fixations are those of DESIGN.md, "Perception". Defined on
constant maps, where the formulas divide by zero: each docstring says what they give there.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
import numpy.typing as npt

FloatMap = npt.NDArray[np.floating]
BoolMap = npt.NDArray[np.bool_]

TRUTH_SIGMA_OF_HEIGHT = 1 / 64
"""Standard deviation of the Gaussian that makes a truth map of a mask, in image heights."""

DISC_RADIUS_OF_HEIGHT = 1 / 20
"""Radius of the paper's regions (3.2), in image heights."""

_EPSILON = 2.2204e-16
"""Regularises KLD as the MIT/Tuebingen saliency benchmark does: MATLAB's eps."""


@dataclass(frozen=True)
class SaliencyMetrics:
    """The five figures of Table 3. Lower is better for `kld` alone."""

    auc_judd: float
    nss: float
    cc: float
    sim: float
    kld: float


def truth_map(mask: BoolMap) -> npt.NDArray[np.float32]:
    """The ground-truth saliency of a blemish mask: blurred by sigma = H/64, scaled to a maximum of 1.

    The metrics do not depend on the scale; the training loss does. The image continues as its mirror beyond the
    border, so that a blemish at the border is as salient as one inside.

    Args:
        mask: `(H, W)` bool, the union of the visible masks.

    Returns:
        `(H, W)` float32 in [0, 1]; all zero where the mask is empty.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    sigma_px = mask.shape[0] * TRUTH_SIGMA_OF_HEIGHT
    blurred = _blur_rows(_blur_rows(mask.astype(np.float32), sigma_px).T, sigma_px).T
    return np.ascontiguousarray(np.clip(blurred / blurred.max(), 0.0, 1.0), dtype=np.float32)


def disc_mask(centres_xy: Sequence[tuple[float, float]], size_hw: tuple[int, int]) -> BoolMap:
    """The paper's annotation (3.2): discs of radius H/20 around the regions' centres, `(H, W)` bool."""
    rows, columns = np.mgrid[: size_hw[0], : size_hw[1]] + 0.5
    mask = np.zeros(size_hw, np.bool_)
    for x, y in centres_xy:
        mask |= np.hypot(columns - x, rows - y) <= size_hw[0] * DISC_RADIUS_OF_HEIGHT
    return mask


def auc_judd(prediction: FloatMap, fixations: BoolMap) -> float:
    """Area under the ROC curve whose thresholds are the predictions at fixations; higher is better.

    A threshold's hit rate is the share of fixations at or above it, its false alarm rate the share of all other
    pixels at or above it. Ties are joined by a straight line (the published code breaks them by random jitter, which
    has the same expectation).

    Args:
        prediction: `(H, W)`, any scale.
        fixations: `(H, W)` bool, the ground truth.

    Returns:
        In [0, 1]; 0.5 for a constant prediction, and where every pixel is a fixation.

    Raises:
        ValueError: the sizes differ, a value is not finite, or there is no fixation.
    """
    _check(prediction, fixations.shape)
    _check_fixations(fixations)
    positive, negative = np.sort(prediction[fixations]), np.sort(prediction[~fixations])
    if not negative.size:
        return 0.5
    thresholds = np.unique(positive)[::-1]
    hits = 1 - np.searchsorted(positive, thresholds, side="left") / positive.size
    false_alarms = 1 - np.searchsorted(negative, thresholds, side="left") / negative.size
    return float(np.trapezoid(np.concatenate([[0], hits, [1]]), np.concatenate([[0], false_alarms, [1]])))


def nss(prediction: FloatMap, fixations: BoolMap) -> float:
    """Normalised scanpath saliency: mean at fixations of the map in its own standard deviations; higher is better.

    Returns:
        0, chance, for a constant prediction.

    Raises:
        ValueError: as `auc_judd`.
    """
    _check(prediction, fixations.shape)
    _check_fixations(fixations)
    standard = _standardise(prediction)
    return 0.0 if standard is None else float(standard[fixations].mean())


def cc(prediction: FloatMap, truth: FloatMap) -> float:
    """Pearson's correlation of the two maps, in [-1, 1]; higher is better, symmetric.

    Returns:
        0 where either map is constant: it says nothing about the other.

    Raises:
        ValueError: the sizes differ or a value is not finite.
    """
    _check(prediction, truth.shape)
    _check(truth, truth.shape)
    a, b = _standardise(prediction), _standardise(truth)
    return 0.0 if a is None or b is None else float(np.clip((a * b).mean(), -1.0, 1.0))


def sim(prediction: FloatMap, truth: FloatMap) -> float:
    """Histogram intersection of the maps as densities, in [0, 1]; higher is better, symmetric.

    Returns:
        A constant map, an all-zero one included, counts as the uniform density.

    Raises:
        ValueError: the sizes differ, a value is negative or not finite.
    """
    _check(prediction, truth.shape)
    _check(truth, truth.shape)
    return float(np.minimum(_density(prediction), _density(truth)).sum())


def kld(prediction: FloatMap, truth: FloatMap) -> float:
    """Kullback-Leibler divergence of the prediction from the ground truth, as densities; lower is better.

    KLD(truth || prediction) = sum Q log(eps + Q / (eps + P)), P the prediction and Q the truth: a truth that the
    prediction misses costs most. Not symmetric.

    Returns:
        About 0 for equal maps. A constant map, an all-zero one included, counts as the uniform density.

    Raises:
        ValueError: the sizes differ, a value is negative or not finite.
    """
    _check(prediction, truth.shape)
    _check(truth, truth.shape)
    p, q = _density(prediction), _density(truth)
    return float((q * np.log(_EPSILON + q / (_EPSILON + p))).sum())


def saliency_metrics(prediction: FloatMap, mask: BoolMap) -> SaliencyMetrics:
    """All five on one blemished image.

    Args:
        prediction: `(H, W)`, not negative.
        mask: `(H, W)` bool, the union of the visible masks (or `disc_mask`): its pixels are the fixations, and
            `truth_map` of it the ground truth.

    Raises:
        ValueError: as the metrics; the mask is empty: a healthy image has no fixation.
    """
    _check_fixations(mask)
    truth = truth_map(mask)
    return SaliencyMetrics(
        auc_judd=auc_judd(prediction, mask),
        nss=nss(prediction, mask),
        cc=cc(prediction, truth),
        sim=sim(prediction, truth),
        kld=kld(prediction, truth),
    )


def mean_metrics(metrics: Sequence[SaliencyMetrics]) -> SaliencyMetrics:
    """The mean over images.

    Raises:
        ValueError: there are none.
    """
    if not metrics:
        raise ValueError("no blemished image to average over")
    means = np.mean([astuple(one) for one in metrics], axis=0)
    return SaliencyMetrics(
        **{field.name: float(value) for field, value in zip(fields(SaliencyMetrics), means, strict=True)}
    )


def image_auroc(scores: npt.ArrayLike, distorted: npt.ArrayLike) -> float:
    """Probability that a distorted image scores above a healthy one (ties count half); higher is better.

    The Mann-Whitney form of the area under the ROC curve.

    Args:
        scores: `(N,)`, any scale.
        distorted: `(N,)` bool, the ground truth.

    Returns:
        In [0, 1]; 0.5 where all scores are equal.

    Raises:
        ValueError: the lengths differ, a score is not finite, or a class is missing.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(distorted, np.bool_)
    if values.shape != truth.shape or values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"{values.shape} finite scores and {truth.shape} labels are needed, one each per image")
    positive, negative = values[truth], np.sort(values[~truth])
    if not positive.size or not negative.size:
        raise ValueError("AUROC needs a distorted and a healthy image at least")
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below + not_above).mean() / (2 * negative.size))


def _blur_rows(image: npt.NDArray[np.float32], sigma_px: float) -> npt.NDArray[np.float32]:
    radius = int(4 * sigma_px + 0.5)  # the weight beyond four standard deviations is below 1e-4
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma_px) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    height = image.shape[0]
    padded = np.pad(image, ((radius, radius), (0, 0)), mode="symmetric")
    result = np.zeros_like(image)
    for start, weight in enumerate(kernel):
        result += weight * padded[start : start + height]
    return result


def _standardise(image: FloatMap) -> npt.NDArray[np.float64] | None:
    values = image.astype(np.float64)
    if values.max() == values.min():  # the deviation of equal floats need not be 0
        return None
    centred = values - values.mean()
    deviation = centred.std()
    return centred / deviation if deviation > 0 else None


def _density(image: FloatMap) -> npt.NDArray[np.float64]:
    if image.min() < 0:
        raise ValueError("a map that is read as a density has a negative value")
    values = image.astype(np.float64)
    peak = values.max()
    if peak > 0:
        scaled = values / peak  # the sum of subnormal numbers would underflow
        return np.asarray(scaled / scaled.sum())
    return np.full(image.shape, 1.0 / image.size)


def _check(image: FloatMap, shape: tuple[int, ...]) -> None:
    if image.ndim != 2 or not image.size or image.shape != shape:
        raise ValueError(f"two maps of one size (H, W) are needed, not {image.shape} and {shape}")
    if not np.isfinite(image).all():
        raise ValueError("a map has a value that is not finite")


def _check_fixations(fixations: BoolMap) -> None:
    if not fixations.any():
        raise ValueError("a healthy image has no fixation: measure blemished images only")
