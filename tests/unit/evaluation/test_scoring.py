from hypothesis import given
from hypothesis import strategies as st

from services.evaluation.text.scoring import ReadingErrors, folded, reading_errors, reads_as

texts = st.text(max_size=30)


@given(texts)
def test_what_is_read_as_expected_has_no_errors(text: str) -> None:
    errors = reading_errors(text, text)
    assert reads_as(text, text)
    assert errors.word_accuracy == 1.0
    assert errors.character_error_rate == 0.0


@given(texts)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(texts, texts)
def test_nothing_read_misses_every_word(text: str, other: str) -> None:
    errors = reading_errors("", text)
    assert errors.character_edits == errors.characters
    assert 0.0 <= reading_errors(other, text).word_accuracy <= 1.0


def test_the_figures_of_a_known_case() -> None:
    errors = reading_errors("FRESH FRESH COFEE", "Fresh Coffee") + reading_errors("Today's", "todays")
    assert errors == ReadingErrors(word_edits=2, words=3, character_edits=7, characters=18)
    assert errors.word_accuracy == 1 - 2 / 3
    assert errors.character_error_rate == 7 / 18


def test_case_accents_and_spaces_do_not_count_but_letters_do() -> None:
    assert reads_as("CAFE ROU GE.", "Café Rouge")
    assert not reads_as("CAFE ROUG", "Café Rouge")
    assert not reads_as("", "A")
