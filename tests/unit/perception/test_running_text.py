"""Paragraphs and small print: nothing is picked out of them, what stands there is found."""

import numpy as np
import pytest

from services.perception.detectors.text.alignment import in_reading_order, match_phrases
from services.perception.detectors.text.expected import ExpectedPhrase
from services.perception.detectors.text.leftovers import next_line, substituted_lines
from services.perception.detectors.text.reading import CtcReading, Line
from services.perception.detectors.text.running_text import is_out_of_place, running_text

PAGE = [
    "students to try their algorithms on their",
    "own personal photographs since this better",
    "motivates them and leads to variants on the",
    "problems working with real images of courses",
]


def _line(text: str, y: float, height: float = 20.0, x: float = 0.0) -> Line:
    centres = tuple((i + 0.5) / max(1, len(text)) for i in range(len(text)))
    reading = CtcReading(np.zeros((2, 1), np.float32), ("",), text, 0.99, centres, (0.99,) * len(text))
    width = 0.6 * height * len(text)
    return Line(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), reading, 0.9)


def _page(*head: tuple[str, float]) -> list[Line]:
    lines, y = [], 0.0
    for text, height in head:
        lines.append(_line(text, y, height))
        y += 2 * height
    return in_reading_order([*lines, *(_line(text, y + 26 * i) for i, text in enumerate(PAGE))])


def test_a_paragraph_is_running_text_and_a_sign_is_not() -> None:
    assert running_text(_page(("DRAWING COURSE", 60)), 2) == {1, 2, 3, 4}
    sign = [_line(text, 30.0 * i) for i, text in enumerate(["NOTICE", "DOUBLE PARKING", "PROHIBITED AT ALL TIMES"])]
    assert running_text(sign, 0) == frozenset()
    assert running_text([], 0) == frozenset()


def test_words_of_a_paragraph_that_are_wanted_make_it_no_running_text() -> None:
    assert running_text(_page(), len(" ".join(PAGE).split())) == frozenset()


def test_small_print_in_a_crowd_is_running_text() -> None:
    scattered = [_line(f"word{i} more text", 200.0 * i, 10) for i in range(8)]
    assert running_text([_line("FLAKES", -100, 60), *scattered], 1) == set(range(1, 9))


@pytest.mark.parametrize(
    ("phrase", "out"),
    [
        ("drawing courses", True),
        ("personal fotographs", False),
        ("on their own personal", False),
        ("students photographs", True),
        ("chocolate", False),
    ],
)
def test_a_phrase_counts_only_where_nearly_all_of_it_stands_in_one_place(phrase: str, out: bool) -> None:
    lines = _page()
    match = match_phrases([ExpectedPhrase(phrase)], lines)[0]
    assert is_out_of_place(match, lines, running_text(lines, len(phrase.split()))) is out


def test_a_headline_above_a_page_is_judged_as_ever() -> None:
    lines = _page(("DRAWING COURSE", 60))
    match = match_phrases([ExpectedPhrase("DRAWING CORSE")], lines)[0]
    assert [entry.line for entry in match.lines] == [0]
    assert not is_out_of_place(match, lines, running_text(lines, 2))


def test_as_many_words_in_their_place_are_the_wanted_ones_gone_wrong() -> None:
    lines = [_line("STOP", 0), _line("NO WAY", 30)]
    dealt = substituted_lines(["PROHIBITED", "ANY", "TIME"], lines)
    assert [words for _, words in dealt] == [("PROHIBITED",), ("ANY", "TIME")]
    assert substituted_lines(["WARM"], [_line("since nineteen hundred", 0)]) == []
    assert substituted_lines([], lines) == []


def test_the_next_line_must_look_as_the_words_would() -> None:
    basic = _line("BASIC", 0, 30)
    assert next_line(["ECONOMICS"], basic, [_line("ELECTRONICS", 36, 30)])
    assert next_line(["ECONOMICS"], basic, [_line("ELECTRONICS", 36, 20)]) == []
    assert next_line(["ECONOMICS"], basic, [_line("and more of it", 36, 30)]) == []
    assert next_line(["ECONOMICS"], basic, []) == []
