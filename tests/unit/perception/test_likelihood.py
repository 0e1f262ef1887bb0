"""The forward pass against brute force: every alignment of a small alphabet, summed."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.perception.detectors.text.likelihood import ctc_log_likelihood, folded_log_likelihood
from services.perception.detectors.text.reading import FLOOR, CtcReading


def _collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != 0)


def _brute_force(log_probs: np.ndarray, labels: tuple[int, ...]) -> float:
    steps, count = log_probs.shape
    total = sum(
        math.exp(sum(log_probs[t, k] for t, k in enumerate(path)))
        for path in itertools.product(range(count), repeat=steps)
        if _collapsed(path) == labels
    )
    return math.log(total) if total > 0 else -math.inf


def _matrix(seed: int, steps: int, count: int) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(0, 2, (steps, count))
    return (scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))).astype(np.float64)


@given(
    seed=st.integers(0, 10_000),
    steps=st.integers(1, 6),
    labels=st.lists(st.integers(1, 2), max_size=4).map(tuple),
)
def test_equals_the_sum_over_all_alignments(seed: int, steps: int, labels: tuple[int, ...]) -> None:
    log_probs = _matrix(seed, steps, 3)
    expected = _brute_force(log_probs, labels)
    got = ctc_log_likelihood(log_probs, labels)
    if math.isinf(expected):
        assert got < -1e6
    else:
        assert got == pytest.approx(expected, abs=1e-6)


@given(seed=st.integers(0, 10_000), steps=st.integers(1, 5))
def test_all_strings_together_are_certain(seed: int, steps: int) -> None:
    log_probs = _matrix(seed, steps, 3)
    strings = [s for n in range(steps + 1) for s in itertools.product((1, 2), repeat=n)]
    assert sum(math.exp(ctc_log_likelihood(log_probs, s)) for s in strings) == pytest.approx(1.0, abs=1e-6)


def test_a_label_outside_the_matrix_is_as_unlikely_as_the_floor() -> None:
    log_probs = np.log(np.full((3, 2), 0.5))
    assert ctc_log_likelihood(log_probs, [-1]) == pytest.approx(FLOOR + math.log(0.25 * 3), abs=1e-3)


def _reading(alphabet: tuple[str, ...], rows: list[list[float]], text: str) -> CtcReading:
    probabilities = np.asarray(rows)
    centres = tuple((i + 0.5) / max(1, len(text)) for i in range(len(text)))
    return CtcReading(np.log(probabilities).astype(np.float32), alphabet, text, 0.9, centres, (0.9,) * len(text))


def test_case_accents_and_spaces_are_summed_out() -> None:
    reading = _reading(("", "e", "E", "é", " "), [[0.1, 0.3, 0.3, 0.2, 0.1]], "e")
    assert folded_log_likelihood(reading, "e") == pytest.approx(math.log(0.8), abs=1e-4)
    assert folded_log_likelihood(reading, "") == pytest.approx(math.log(0.2), abs=1e-4)
