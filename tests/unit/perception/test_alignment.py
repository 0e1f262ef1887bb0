"""Phrases dealt out to lines: made-up readings, so that every case is exact."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.perception.detectors.text.alignment import in_reading_order, match_phrases
from services.perception.detectors.text.comparison import Letters, best_window, compare
from services.perception.detectors.text.expected import ExpectedPhrase
from services.perception.detectors.text.reading import CtcReading, Line


def _reading(text: str) -> CtcReading:
    centres = tuple((i + 0.5) / max(1, len(text)) for i in range(len(text)))
    return CtcReading(np.zeros((2, 1), np.float32), ("",), text, 0.99, centres, (0.99,) * len(text))


def _line(text: str, x: float = 0.0, y: float = 0.0, height: float = 20.0) -> Line:
    width = 12.0 * len(text)
    return Line(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), _reading(text), 0.9)


def _match(phrases: list[str], texts: list[str]) -> list[list[tuple[int, str]]]:
    lines = [_line(text, y=30.0 * i) for i, text in enumerate(texts)]
    matches = match_phrases([ExpectedPhrase(p) for p in phrases], lines)
    return [[(m.line, " ".join(w.expected for w in m.comparison.words)) for m in match.lines] for match in matches]


def test_a_phrase_runs_over_several_lines() -> None:
    assert _match(["GRAND HOTEL PARIS"], ["GRAND", "HOTEL PARIS"]) == [[(0, "GRAND"), (1, "HOTEL PARIS")]]


def test_lost_spaces_do_not_matter() -> None:
    assert _match(["GRAND HOTEL PARIS"], ["GRANDHOTELPARIS"]) == [[(0, "GRAND HOTEL PARIS")]]


def test_two_phrases_share_a_line() -> None:
    assert _match(["OPEN", "DAILY"], ["OPENDAILY"]) == [[(0, "OPEN")], [(0, "DAILY")]]


def test_no_letter_serves_two_phrases() -> None:
    assert _match(["OPEN", "OPENER"], ["OPENER"]) == [[], [(0, "OPENER")]]


def test_a_short_word_does_not_match_inside_a_longer_one() -> None:
    assert _match(["NO"], ["NOTICE"]) == [[]]
    assert _match(["NO"], ["NO SMOKING"]) == [[(0, "NO")]]


def test_a_phrase_that_stands_to_the_letter_is_not_disturbed_by_another() -> None:
    phrases = ["Wivenhoe Park", "Concert Centre", "Sports Centre", "Car Parks"]
    found = _match(phrases, ["Sports Centre", "Wivenioe Fark", "Conference Centre", "Car Parks"])
    assert found == [[(1, "Wivenhoe Park")], [(2, "Concert Centre")], [(0, "Sports Centre")], [(3, "Car Parks")]]


def test_the_best_order_of_phrases_is_found() -> None:
    # Alone, each fits the first line better; together, only one way leaves both a place.
    found = _match(["open dailx", "open dxily"], ["open daily", "opxn dxilx"])
    assert sorted(line for match in found for line, _ in match) == [0, 1]


def test_lines_on_which_a_phrase_is_not_sought_are_passed_over() -> None:
    lines = [_line("fresh bread", y=0), _line("fresh broad", y=30)]
    assert match_phrases([ExpectedPhrase("fresh bread")], lines, {0: frozenset({0})})[0].lines[0].line == 1


def test_lettering_between_the_lines_of_a_phrase_is_passed_over() -> None:
    found = _match(["FRESH BREAD"], ["FRESH", "since 1901", "BREAD"])
    assert found == [[(0, "FRESH"), (2, "BREAD")]]


def test_a_weak_phrase_wants_something_close() -> None:
    lines = [_line("TIM")]
    assert match_phrases([ExpectedPhrase("Blade Runner", weak=True)], lines)[0].lines == ()


def test_nothing_to_match_gives_empty_matches() -> None:
    assert _match(["OPEN"], []) == [[]]
    assert _match([], ["OPEN"]) == []


def test_extra_letters_belong_to_the_word_they_stand_with() -> None:
    reading = _reading("OPENN DAILY")
    letters = Letters.of(reading)
    comparison = compare(["OPEN", "DAILY"], reading, letters, anchored=True)
    assert [w.edits for w in comparison.words] == [1, 0]
    assert comparison.expected_line == "OPEN DAILY"


def test_rows_are_read_from_left_to_right_and_downwards() -> None:
    lines = [_line("c", 0, 100), _line("b", 200, 4), _line("a", 0, 0)]
    assert [line.text for line in in_reading_order(lines)] == ["a", "b", "c"]


def test_upside_down_lines_are_read_from_the_other_end() -> None:
    def turned(text: str, x: float, y: float) -> Line:
        tl, tr, br, bl = _line(text, x, y).quad_px
        return Line((br, bl, tl, tr), _reading(text), 0.9)

    lines = [turned("second", 0, 0), turned("first", 0, 100)]
    assert [line.text for line in in_reading_order(lines)] == ["first", "second"]


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=8), st.lists(st.sampled_from("abcde"), max_size=14))
def test_the_best_window_is_no_worse_than_where_the_word_stands(word: list[str], around: list[str]) -> None:
    wanted = "".join(word)
    window = best_window(wanted, "".join(around) + wanted)
    assert window.distance == 0


@given(st.lists(st.sampled_from(["open", "daily", "fresh", "bread", "cafe"]), min_size=1, max_size=5, unique=True))
def test_every_word_that_stands_there_is_found_without_an_edit(words: list[str]) -> None:
    lines = [_line(word, y=30.0 * i) for i, word in enumerate(words)]
    match = match_phrases([ExpectedPhrase(" ".join(words))], lines)[0]
    assert match.absent_words == ()
    assert all(w.edits == 0 for entry in match.lines for w in entry.comparison.words)
