"""Figures with their confidence intervals: a seeded percentile bootstrap over images (or pairs, or whatever is drawn).

A share of blemishes is a ratio of sums, for images hold several: whole images are drawn, since blemishes of one image
share its fate.
"""

from collections.abc import Sequence

import numpy as np

from shared.contracts.base import Contract

DRAWS = 2000
LEVEL = 0.95
_SEED = 0


class Estimate(Contract):
    """A figure over `count` images, and the 95% interval of what other images of the same kind would give.

    `value` is None, and so is the interval, where there is nothing to measure.
    """

    value: float | None
    low: float | None
    high: float | None
    count: int


NOTHING = Estimate(value=None, low=None, high=None, count=0)


def mean(values: Sequence[float]) -> Estimate:
    """The mean over images; `NOTHING` of none."""
    return ratio(values, [1.0] * len(values))


def ratio(parts: Sequence[float], wholes: Sequence[float]) -> Estimate:
    """Sum of `parts` over sum of `wholes`, each of one image; `NOTHING` where the wholes are 0.

    Raises:
        ValueError: there is not one whole for each part.
    """
    if len(parts) != len(wholes):
        raise ValueError(f"{len(parts)} parts and {len(wholes)} wholes")
    above, below = np.asarray(parts, np.float64), np.asarray(wholes, np.float64)
    if not below.sum() > 0:
        return NOTHING
    drawn = np.random.default_rng(_SEED).integers(len(above), size=(DRAWS, len(above)))
    sums = below[drawn].sum(axis=1)
    figures = above[drawn].sum(axis=1)[sums > 0] / sums[sums > 0]
    low, high = np.quantile(figures, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(
        value=float(above.sum() / below.sum()), low=float(low), high=float(high), count=int((below > 0).sum())
    )
