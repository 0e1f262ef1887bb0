"""How likely a string is under a reading: the forward pass of connectionist temporal classification.

Formula: Graves et al., "Connectionist Temporal Classification", ICML 2006, equations 5 to 8, in log space and
vectorised over the extended label sequence. Knows matrices only.
"""

from collections.abc import Sequence

import numpy as np

from services.perception.detectors.text.reading import FLOOR, CtcReading, LogProbs

_NEVER = -1e30


def ctc_log_likelihood(log_probs: LogProbs, labels: Sequence[int]) -> float:
    """The log-probability of the labels, summed over all alignments.

    Args:
        log_probs: `(T, K)`, label 0 the blank.
        labels: columns without blanks; -1 stands for a label outside the matrix and has the floor's probability.

    Returns:
        Natural logarithm, at most 0 for normalised rows; about -1e30 where T steps cannot hold the labels.
    """
    steps = log_probs.shape[0]
    extended = np.zeros(2 * len(labels) + 1, np.intp)
    extended[1::2] = labels
    emitted = log_probs.astype(np.float64)[:, extended]
    emitted[:, extended < 0] = FLOOR
    may_skip = np.zeros(extended.size, np.bool_)
    may_skip[3::2] = extended[3::2] != extended[1:-2:2]
    alpha = np.full(extended.size, _NEVER)
    alpha[:2] = emitted[0, :2]
    before, two_before = np.full_like(alpha, _NEVER), np.full_like(alpha, _NEVER)
    for step in range(1, steps):
        before[1:] = alpha[:-1]
        two_before[2:] = np.where(may_skip[2:], alpha[:-2], _NEVER)
        alpha = np.logaddexp(np.logaddexp(alpha, before), two_before) + emitted[step]
    return float(np.logaddexp(alpha[-1], alpha[-2])) if labels else float(alpha[-1])


def folded_log_likelihood(reading: CtcReading, folded: str) -> float:
    """The log-probability of the folded letters, case, accents, spaces and punctuation summed out."""
    return ctc_log_likelihood(reading.folded.log_probs, reading.folded.labels(folded))
