"""Whole words: a fault never replaces part of a word, whatever spaces the reader has lost or made up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.perception.detectors.text.comparison import Letters, LineComparison, compare
from services.perception.detectors.text.folding import fold
from services.perception.detectors.text.reading import CtcReading
from services.perception.detectors.text.word_breaks import agreed_breaks, word_breaks

WORDS = st.text("abcdeimnorst", min_size=1, max_size=8)


def _reading(text: str) -> CtcReading:
    centres = tuple((i + 0.5) / max(1, len(text)) for i in range(len(text)))
    return CtcReading(np.zeros((2, 1), np.float32), ("",), text, 0.99, centres, (0.99,) * len(text))


def _compare(words: str, text: str) -> LineComparison:
    reading = _reading(text)
    return compare(words.split(), reading, Letters.of(reading))


@pytest.mark.parametrize(
    ("wanted", "read", "corrected"),
    [
        ("MULTIMEDIA COMPUTER", "MULTIMEDIA PROJECTOR", "MULTIMEDIA COMPUTER"),
        ("MULTIMEDIA COMPUTER", "MULTIMEDIAPROJECTOR", "MULTIMEDIA COMPUTER"),
        ("AT NO TIMES", "AT ALLTIMES", "AT NO TIMES"),
        ("Concert Centre", "Conference Centre", "Concert Centre"),
        ("GM 250", "GM125", "GM 250"),
        ("BREAD", "FRESH BREDA DAILY", "FRESH BREAD DAILY"),
        ("BREAD", "FRESHBREADDAILY", "FRESH BREAD DAILY"),
        ("OPEN", "OPENN DAILY", "OPEN DAILY"),
        ("HOTEL", "GRAND XHOTEL", "GRAND HOTEL"),
        ("Fish Chips", "Fihs & Chips", "Fish & Chips"),
        ("CHEESE WINE", "CHEESE & WIN", "CHEESE & WINE"),
        ("HELLO!", "HELO!", "HELLO!"),
        ("OPEN", '"OPON"', '"OPEN"'),
        ("GRAND HOTEL PARIS", "GRAND PARIS", "GRAND HOTEL PARIS"),
    ],
)
def test_the_corrected_line_is_sane(wanted: str, read: str, corrected: str) -> None:
    assert _compare(wanted, read).expected_line == corrected


def test_letters_too_many_belong_to_the_word_they_stand_with() -> None:
    assert [word.edits for word in _compare("GRAND HOTEL", "GRAND XHOTEL").words] == [0, 1]
    assert [word.edits for word in _compare("GRAND HOTEL", "GRANDX HOTEL").words] == [1, 0]


def test_a_word_that_has_lost_its_space_is_right_and_one_with_a_letter_more_is_not() -> None:
    assert _compare("TIMES", "ALLTIMES").edits == 1 + 2
    assert _compare("TIMES", "SOMETIMES").edits == 0
    assert _compare("NO", "NOTICE").words[0].is_missing


def test_many_readings_outvote_one() -> None:
    base = _reading("AL L TIMES")
    variants = [_reading(text) for text in ("ALL TIMES", "ALLTIMES", "ALL TIMES", "AIL TIMES")]
    assert word_breaks(base) == {3, 5}
    assert agreed_breaks(base, variants) == {5}
    lost = _reading("ALLTIMES")
    assert agreed_breaks(lost, variants) == {3}


@given(st.lists(WORDS, min_size=1, max_size=5), st.data())
@settings(max_examples=150)
def test_the_corrected_line_has_the_wanted_words_and_whole_words_of_the_line(
    line: list[str], data: st.DataObject
) -> None:
    """For any line, wanted words and spaces lost or made up in one reading, the others reading it as it is."""
    first = data.draw(st.integers(0, len(line) - 1))
    last = data.draw(st.integers(first + 1, len(line)))
    wanted = [data.draw(st.one_of(st.just(word), WORDS)) for word in line[first:last]]
    letters = "".join(line)
    ends = np.cumsum([len(word) for word in line])[:-1]
    flips = data.draw(st.sets(st.integers(1, max(1, len(letters) - 1))))
    spaces = set(ends.tolist()) ^ flips
    text = "".join(f" {c}" if i in spaces and i else c for i, c in enumerate(letters))
    reading = _reading(text)
    breaks = agreed_breaks(reading, [_reading(" ".join(line))] * 5)
    comparison = compare(wanted, reading, Letters.of(reading, breaks))
    if comparison.start == comparison.end:
        return
    tokens = comparison.expected_line.split()
    kept = list(tokens)
    position = 0
    for word in wanted:
        assert word in tokens[position:]
        position = tokens.index(word, position) + 1
        kept.remove(word)
    exact = [word.expected for word in comparison.words if not word.edits]
    for token in kept:
        whole = token in line
        beside_an_exact_word = any(token in word and any(e in word for e in exact) for word in line)
        assert whole or beside_an_exact_word, (tokens, line)


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_words_that_stand_there_need_no_edit(line: list[str]) -> None:
    for text in (" ".join(line), "".join(line)):
        reading = _reading(text)
        comparison = compare(line, reading, Letters.of(reading), anchored=True)
        assert comparison.edits == 0
        assert comparison.expected_line == " ".join(line)


@given(st.lists(WORDS, min_size=1, max_size=3), st.text("abc ", max_size=12))
def test_anchored_comparison_counts_every_letter(words: list[str], text: str) -> None:
    reading = _reading(text)
    comparison = compare(words, reading, Letters.of(reading), anchored=True)
    assert fold(comparison.expected_line) == "".join(words)
    assert comparison.edits >= abs(len("".join(words)) - len(fold(text)))


@pytest.mark.parametrize(
    ("read", "sure", "corrected"),
    [
        ("J ood Honey", 0.6, "Local Honey"),
        ("J ood Honey", 0.95, "J Local Honey"),
        ("Big ood Honey", 0.6, "Big Local Honey"),
    ],
)
def test_bits_of_garbled_letters_are_not_set_anew(read: str, sure: float, corrected: str) -> None:
    reading = replace(_reading(read), probabilities=(sure,) * len(read))
    comparison = compare(["Local", "Honey"], reading, Letters.of(reading))
    assert comparison.expected_line == corrected
    assert comparison.with_words({}) == read
