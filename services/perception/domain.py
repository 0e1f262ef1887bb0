"""Whether an image is of the kind that a checkpoint was trained on: a distance of pooled features to the training data.

Probabilistic principal component analysis (Tipping and Bishop 1999) of the training images' features: the leading
directions keep their variance, all others share one. Numpy only; knows no network.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from shared.errors import ErrorCode, MissingResource

DOMAIN_FILE = "domain.safetensors"

_CONSTANT = 1e-6
"""A feature with less deviation than this in training is not standardised by it: any change would be infinite."""


@dataclass(frozen=True)
class DomainModel:
    """The training data's features as a Gaussian.

    Attributes:
        mean, scale: `(F,)`; features are standardised by them first.
        components: `(K, F)` orthonormal directions.
        variances: `(K,)` along them.
        residual_variance: `(1,)`, per remaining direction.
    """

    mean: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    components: npt.NDArray[np.float32]
    variances: npt.NDArray[np.float32]
    residual_variance: npt.NDArray[np.float32]

    def distance(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Mahalanobis distance per root of the number of features; about 1 on training data, 0 at its mean.

        Args:
            features: `(N, F)`.

        Returns:
            `(N,)`, infinite where a feature is not finite.

        Raises:
            ValueError: F is not the model's.
        """
        if features.ndim != 2 or features.shape[1] != self.mean.size:
            raise ValueError(f"(N, {self.mean.size}) features are needed, not {features.shape}")
        finite = np.asarray(np.isfinite(features).all(axis=1))
        standard = (np.where(np.expand_dims(finite, 1), features, 0).astype(np.float64) - self.mean) / self.scale
        along = standard @ self.components.T.astype(np.float64)
        rest = np.maximum((standard**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        squared = (along**2 / self.variances).sum(axis=1) + rest / float(self.residual_variance[0])
        return np.where(finite, np.sqrt(squared / self.mean.size), np.inf)

    def save(self, folder: Path) -> None:
        """Writes `domain.safetensors` into a checkpoint's folder."""
        save_file({name: np.ascontiguousarray(value) for name, value in vars(self).items()}, folder / DOMAIN_FILE)


def fit_domain(features: npt.NDArray[np.float32], rank: int = 256) -> DomainModel:
    """The Gaussian of training images' features.

    Args:
        features: `(N, F)`; some thousand images are enough.
        rank: directions that keep their own variance; fewer where N or F is small.

    Raises:
        ValueError: fewer than three images, or a feature that is not finite.
    """
    if features.ndim != 2 or len(features) < 3 or not np.isfinite(features).all():
        raise ValueError(f"finite (N, F) features of three images or more are needed, not {features.shape}")
    values = features.astype(np.float64)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    scale = np.maximum(deviation, _CONSTANT)
    standard = (values - mean) / scale
    count, width = standard.shape
    _, singular, directions = np.linalg.svd(standard, full_matrices=False)
    kept = max(1, min(rank, count // 2, width - 1))
    variances = singular**2 / count
    remaining = max(width - kept, 1)
    # An absolute floor: where training features lie in a plane, leaving it by a hundredth of a deviation is no alarm.
    residual = max(float(variances[kept:].sum()) / remaining, 1e-4)
    return DomainModel(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        components=directions[:kept].astype(np.float32),
        variances=np.maximum(variances[:kept], residual).astype(np.float32),
        residual_variance=np.asarray([residual], np.float32),
    )


def domain_threshold(distances: npt.NDArray[np.float64], kept_share: float = 0.97) -> float:
    """The distance that this share of validation images, all in the domain, stays within.

    Raises:
        ValueError: there is no distance, or the share is not within (0, 1].
    """
    if not distances.size or not 0 < kept_share <= 1:
        raise ValueError("distances of validation images and a share in (0, 1] are needed")
    return float(np.quantile(distances, kept_share))


def load_domain(folder: Path) -> DomainModel:
    """The model that lies in a checkpoint's folder.

    Raises:
        MissingResource: MISSING_CHECKPOINT, it is not there or damaged.
    """
    path = folder / DOMAIN_FILE
    try:
        return DomainModel(**load_file(path))
    except (OSError, SafetensorError, TypeError) as error:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the domain check {path} cannot be read ({error}): calibrate the checkpoint with "
            "`retoucher train perception --calibrate-only`",
        ) from error
