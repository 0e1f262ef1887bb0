"""What counts as the same letter, and how a word takes on the case of its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.perception.detectors.text.folding import alike_by_hand, case_like, fold, is_latin, looks_alike


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Café  Noir!", "cafenoir"), ("Straße", "strasse"), ("ŁÓDŹ", "lodz"), ("50% OFF", "50off"), ("営業中", "営業中")],
)
def test_case_accents_spaces_and_punctuation_vanish(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(("read", "expected"), [("0", "O"), ("o", "0"), ("l", "I"), ("1", "l"), ("I", "l"), ("é", "E")])
def test_letters_that_typefaces_draw_alike(read: str, expected: str) -> None:
    assert looks_alike(read, expected)


@pytest.mark.parametrize(("read", "expected"), [("I", "L"), ("L", "I"), ("O", "Q"), ("5", "S"), ("E", "F")])
def test_letters_that_differ(read: str, expected: str) -> None:
    assert not looks_alike(read, expected)


@pytest.mark.parametrize(
    ("read", "expected", "alike"),
    [
        ("RECOROS", "RECORDS", True),
        ("DRCHARO", "ORCHARD", True),
        ("RECORDS", "RECORDS", False),
        ("RECOROSS", "RECORDS", False),
        ("RECOROZ", "RECORDS", False),
        ("recoros", "records", False),
    ],
)
def test_words_that_handwriting_may_draw_alike(read: str, expected: str, alike: bool) -> None:
    assert alike_by_hand(read, expected) is alike


@pytest.mark.parametrize(
    ("expected", "read", "cased"),
    [
        ("Open", "OPNE", "OPEN"),
        ("OPEN", "opne", "OPEN"),
        ("Open", "opne", "open"),
        ("Open", "Opne", "Open"),
        ("Straße", "STRASE", "STRAßE"),
        ("open", "7", "open"),
    ],
)
def test_a_word_takes_on_its_lines_case(expected: str, read: str, cased: str) -> None:
    assert case_like(expected, read) == cased


def test_which_scripts_the_reader_knows_well() -> None:
    assert is_latin(fold("Café 24"))
    assert not is_latin(fold("привет"))
