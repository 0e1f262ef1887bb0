"""From answers to the figures of Table 4, and whether one model is better than another on the same regions.

Knows no model. Accuracy, similarity and form are the functions that GRPO rewards (`services.reasoning.scoring`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.evaluation.reasoning.figures import Comparison, Difference, ReasoningRow
from services.evaluation.reasoning.wordnet import WordNet
from services.evaluation.reasoning.words import Vectors, meteor, rouge_l, word2vec
from services.reasoning.contract import NO_CATEGORY, Answer
from services.reasoning.scoring import (
    Judged,
    Similarity,
    category_accuracy,
    description_similarity,
    distorted_recall,
    healthy_recall,
    rewards,
    well_formed,
)

_BINS = 10
_DRAWS = 2000
_BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Yardsticks:
    """What measures words; WordNet and vectors are None where they are not there."""

    similarity: Similarity
    wordnet: WordNet | None
    vectors: Vectors | None


@dataclass(frozen=True)
class Asked:
    """A model's answers."""

    model: str
    judged: Sequence[Judged]


def measured_row(asked: Asked, yardsticks: Yardsticks) -> ReasoningRow:
    """The model's line of Table 4. There must be a region."""
    judged = asked.judged
    distorted = [one for one in judged if one.true.distorted]
    wordnet, vectors = yardsticks.wordnet, yardsticks.vectors
    return ReasoningRow(
        model=asked.model,
        regions=len(judged),
        accuracy=_mean(category_accuracy(judged)),
        category_accuracy=_mean(category_accuracy(distorted)) if distorted else None,
        distorted_recall=distorted_recall(judged),
        healthy_recall=healthy_recall(judged),
        json_valid=_mean(well_formed(judged)),
        sentence_similarity=_mean(description_similarity(judged, yardsticks.similarity)),
        word2vec=None if vectors is None else _mean(word2vec(judged, vectors)),
        meteor=None if wordnet is None else _mean(meteor(judged, wordnet)),
        rouge_l=_mean(rouge_l(judged)),
        calibration_error=confidence_error(judged),
        reward=_mean(rewards(judged, yardsticks.similarity)),
        per_category={
            name: _mean(category_accuracy([one for one in judged if category_name(one.true) == name]))
            for name in sorted({category_name(one.true) for one in judged})
        },
    )


def category_name(answer: Answer) -> str:
    """Its category, `none` of a sound place."""
    return answer.category.value if answer.distorted and answer.category is not None else NO_CATEGORY


def confidence_error(judged: Sequence[Judged]) -> float | None:
    """Expected calibration error (Guo et al. 2017) of the confidence in `distorted`, readable answers alone.

    In [0, 1], lower is better; ten bins of equal width, since models name few round numbers. None without an answer.
    """
    read = [(one.said, one.true) for one in judged if one.said is not None]
    if not read:
        return None
    confidence = np.asarray([said.confidence for said, _ in read], np.float64)
    right = np.asarray([said.distorted == true.distorted for said, true in read], np.float64)
    number = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    gaps = [abs(float((confidence - right)[number == at].sum())) for at in range(_BINS)]
    return sum(gaps) / len(read)


def compared(before: Asked, after: Asked, similarity: Similarity) -> Comparison:
    """Differences of the means on the same regions, by paired bootstrap.

    Raises:
        ValueError: the models were asked about other regions.
    """
    if [one.true for one in before.judged] != [one.true for one in after.judged]:
        raise ValueError("only answers about the same regions can be compared")
    return Comparison(
        before=before.model,
        after=after.model,
        accuracy=_difference(category_accuracy(before.judged), category_accuracy(after.judged)),
        reward=_difference(rewards(before.judged, similarity), rewards(after.judged, similarity)),
    )


def confusion(judged: Sequence[Judged], names: Sequence[str]) -> npt.NDArray[np.int64]:
    """`(N, N + 1)` counts: true category by said category, in the order of `names`; the last column is unreadable."""
    counts = np.zeros((len(names), len(names) + 1), np.int64)
    for one in judged:
        said = len(names) if one.said is None else names.index(category_name(one.said))
        counts[names.index(category_name(one.true)), said] += 1
    return counts


def _difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    gaps = np.asarray(after) - np.asarray(before)
    rng = np.random.default_rng(_BOOTSTRAP_SEED)
    means = gaps[rng.integers(0, gaps.size, (_DRAWS, gaps.size))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Difference(mean=float(gaps.mean()), low=float(low), high=float(high))


def _mean(values: Sequence[float]) -> float:
    return float(sum(values) / len(values))
