"""Smooth surfaces and their grain: a low-order fit that ignores letters, and noise like the noise around.

Used to continue a wall or sign where something is erased, and to correct a colour shift that varies over a crop. Knows
pixels and masks only.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from shared.geometry import Mask

Floats = npt.NDArray[np.float32]

MAX_SAMPLES = 6000
MODE_WINDOW = 80.0  # levels
TUKEY = 4.685  # 95% efficiency on normal errors (Holland and Welsch 1977)
LEAST_SIGMA = 0.7  # levels: 8-bit rounding and a little more, so that clean artwork keeps inliers


@dataclass(frozen=True)
class Surface:
    """A polynomial surface through the majority of some pixels.

    Attributes:
        values: `(h, w, c)` float32 over the whole crop, 0..255 or whatever was fitted.
        residual: `(h, w, c)` float32, what was fitted less `values`.
        inliers: `(h, w)` bool, pixels used for fitting that belong to the surface.
        inlier_share: share of the offered pixels that belong to it.
        sigma: standard deviation of the inliers' residual, from their median deviation, in levels.
    """

    values: Floats
    residual: Floats
    inliers: Mask
    inlier_share: float
    sigma: float


def fit_surface(pixels: Floats, where: Mask, order: int) -> Surface:
    """Fits a polynomial of `order` (0, 1 or 2) per channel to the pixels at `where`.

    Iteratively reweighted least squares with Tukey's weights, begun at the most frequent tones, so that letters and
    edges that cover less than half of `where` do not pull on it. Lower orders are fitted first.

    Args:
        pixels: `(h, w, c)` float32.
        where: `(h, w)` bool, at least one True.
        order: of the polynomial.

    Raises:
        ValueError: `where` is empty.
    """
    rows, columns = np.nonzero(where)
    if not rows.size:
        raise ValueError("no pixels to fit a surface to")
    step = max(1, rows.size // MAX_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    samples = pixels[rows, columns].astype(np.float64)
    weights = _near_the_mode(samples.mean(axis=1))
    fitted = min(order, 2 if rows.size >= 60 else 1 if rows.size >= 12 else 0)
    coefficients: npt.NDArray[np.float64] = np.zeros((1, samples.shape[1]))
    sigma = LEAST_SIGMA
    for degree in [d for d in range(fitted + 1) for _ in range(4)]:
        basis = _basis(rows, columns, where.shape, degree)
        root = np.sqrt(weights)[:, None]
        coefficients = np.asarray(np.linalg.lstsq(basis * root, samples * root, rcond=None)[0])
        error = np.abs(samples - basis @ coefficients).mean(axis=1)
        sigma = max(LEAST_SIGMA, 1.4826 * float(np.median(error[weights > 0])))
        weights = np.clip(1 - (error / (TUKEY * sigma)) ** 2, 0, None) ** 2
        if not (weights > 0).any():
            weights = np.ones_like(weights)
    values = _over_all(coefficients, where.shape)
    residual = pixels - values
    inliers = where & (np.abs(residual).mean(axis=2) < TUKEY * sigma)
    share = float(inliers[where].mean())
    return Surface(values, residual.astype(np.float32), inliers, share, sigma)


def _near_the_mode(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 within the window of 80 levels that holds most pixels, 0 elsewhere.

    Ink is of one tone and a lit ground of many: the fullest single level would be the ink's.
    """
    low, high = float(light.min()), float(light.max())
    if high - low <= MODE_WINDOW:
        return np.ones_like(light)
    starts = np.arange(low, high - MODE_WINDOW + 4, 4)
    ordered = np.sort(light)
    held = np.searchsorted(ordered, starts + MODE_WINDOW, "right") - np.searchsorted(ordered, starts, "left")
    # Several windows may hold the same pixels: the middle one leaves room on both sides.
    start = float(np.median(starts[held == held.max()]))
    return np.asarray((light >= start) & (light <= start + MODE_WINDOW), np.float64)


def _basis(
    rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], shape: tuple[int, ...], degree: int
) -> npt.NDArray[np.float64]:
    """`(n, 1 | 3 | 6)` monomials of coordinates in [-1, 1]."""
    y, x = 2 * rows / max(1, shape[0] - 1) - 1, 2 * columns / max(1, shape[1] - 1) - 1
    terms = [np.ones_like(y), x, y, x * y, x * x, y * y]
    return np.stack(terms[: (1, 3, 6)[degree]], axis=1)


def _over_all(coefficients: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Floats:
    """`(h, w, c)` the polynomial at every pixel, term by term: the basis of a large crop fills gigabytes."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None, None] if shape[0] > 1 else np.full((1, 1, 1), -1.0)
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :, None] if shape[1] > 1 else np.full((1, 1, 1), -1.0)
    values = np.broadcast_to(coefficients[0].astype(np.float32), (*shape, coefficients.shape[1])).copy()
    for term, factors in zip((x, y, x * y, x * x, y * y), coefficients[1:].astype(np.float32), strict=False):
        values += (term * factors).astype(np.float32)
    return values


def grain_like(surface: Surface, seed: int) -> Floats:
    """`(h, w, c)` float32 noise with the spectrum and the colour correlation of the surface's own residual.

    Asymptotic discrete spot noise (Galerne, Gousseau and Morel 2011): white noise convolved with the largest clean
    square of the residual. Where no square of 6 px is clean, white noise of the residual's covariance.
    """
    rng = np.random.default_rng(seed)
    h, w, channels = surface.residual.shape
    spot = _clean_square(surface)
    if spot is None:
        samples = surface.residual[surface.inliers]
        covariance = np.atleast_2d(np.cov(samples, rowvar=False)) if len(samples) > channels else np.eye(channels)
        return rng.multivariate_normal(np.zeros(channels), covariance, (h, w), method="eigh").astype(np.float32)
    side = len(spot)
    noise = (rng.standard_normal((h + side, w + side)) / side).astype(np.float32)
    wide = [cv2.filter2D(noise, cv2.CV_32F, np.ascontiguousarray(spot[..., i])) for i in range(channels)]
    half = side // 2
    return np.asarray(np.stack(wide, axis=2)[half : half + h, half : half + w], np.float32)


def _clean_square(surface: Surface) -> Floats | None:
    """The largest square, 6 to 48 px, of which 98.5% are inliers, less its mean; None where there is none."""
    share = surface.inliers.astype(np.float32)
    for side in (48, 32, 24, 16, 11, 8, 6):
        if side > min(share.shape):
            continue
        mean = cv2.boxFilter(share, -1, (side, side), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
        mean = np.asarray(mean)[: share.shape[0] - side + 1, : share.shape[1] - side + 1]
        y, x = np.unravel_index(int(np.argmax(mean)), mean.shape)
        if mean[y, x] >= 0.985:
            spot = surface.residual[y : y + side, x : x + side]
            limit = TUKEY * surface.sigma
            spot = np.clip(spot, -limit, limit)
            return np.asarray(spot - spot.mean(axis=(0, 1)), np.float32)
    return None
