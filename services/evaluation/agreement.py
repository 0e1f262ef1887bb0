"""Agreement between raters: Krippendorff's alpha for ordered grades, which bears raters who left something out.

Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011: 1 is perfect agreement, 0 is what chance gives.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def krippendorff_alpha(units: Sequence[Sequence[int]], grades: int) -> float | None:
    """Alpha of ordinal data.

    Args:
        units: for each thing that was graded, the grades it was given, from 0 up; those given fewer than two say
            nothing.
        grades: how many there are.

    Returns:
        At most 1; None where fewer than two raters graded anything together, or all grades given are the same.
    """
    together = np.zeros((grades, grades))
    for given in units:
        if len(given) < 2:
            continue
        counts = np.bincount(given, minlength=grades).astype(np.float64)
        together += (np.outer(counts, counts) - np.diag(counts)) / (len(given) - 1)
    totals = together.sum(axis=1)
    apart = _ordinal_distances(totals)
    expected = float((np.outer(totals, totals) * apart).sum())
    if expected == 0:
        return None
    return 1.0 - float((together * apart).sum()) * (float(totals.sum()) - 1) / expected


def _ordinal_distances(totals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`(grades, grades)`: squared number of grades given between two, the two themselves by half."""
    size = len(totals)
    apart = np.zeros((size, size))
    for low in range(size):
        for high in range(low + 1, size):
            between = totals[low : high + 1].sum() - (totals[low] + totals[high]) / 2
            apart[low, high] = apart[high, low] = between**2
    return apart
