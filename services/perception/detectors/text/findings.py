"""From a judged line to the finding that the loop sees: quadrilateral, mask, reading and evidence.

Decides only how much of a line is shown as faulty; what is faulty is decided before.
"""

from collections.abc import Sequence

from services.perception.detectors.base import Finding
from services.perception.detectors.text.comparison import LineComparison
from services.perception.detectors.text.evidence import WORST, error_rate, not_as_expected
from services.perception.detectors.text.folding import fold
from services.perception.detectors.text.layout import span_quad
from services.perception.detectors.text.reading import Line
from shared.contracts.base import QuadXY
from shared.contracts.values import TextFault, TextReading
from shared.geometry import box_area, quad_box, quad_mask

_GARBLED_ERROR_RATE = 0.5
_CONFIDENT = 0.8
_MOST_OF_A_LINE = 0.75


def finding_of(reading: TextReading, evidence: float, size_hw: tuple[int, int]) -> Finding | None:
    """A finding over the reading's quadrilateral; None where that lies outside the picture."""
    box = quad_box(reading.quad_px, size_hw)
    if box_area(box) == 0:
        return None
    mask = quad_mask(reading.quad_px, box)
    return Finding(box, mask, evidence, reading) if mask.any() else None


def line_reading(line: Line, comparison: LineComparison, faulty: Sequence[int]) -> tuple[TextReading, float]:
    """What is wrong with a line of which the numbered words are faulty, and the evidence.

    One run of faulty words with at most three quarters of the letters is shown by itself, anything more as the whole
    line.
    """
    if any(comparison.words[i].is_missing for i in faulty):
        return whole_line(line, comparison, TextFault.MISSING), WORST
    doubled = _doubled_word(line, comparison, faulty)
    if doubled is not None:
        return doubled, not_as_expected(doubled.text, "")
    letters = [len(fold(word.expected)) for word in comparison.words]
    run = range(faulty[0], faulty[-1] + 1)
    share = sum(letters[i] for i in run) / max(1, len(fold(comparison.expected_line)))
    is_run = len(run) == len(faulty) and share <= _MOST_OF_A_LINE and not comparison.scraps
    if not is_run:
        reading = whole_line(line, comparison, None)
        return reading, not_as_expected(reading.line_text, reading.line_expected or "")
    start, end = comparison.words[run[0]].start, comparison.words[run[-1]].end
    text = line.text[start:end].strip()
    expected = " ".join(comparison.words[i].expected for i in run)
    reading = TextReading(
        text=text,
        expected=expected,
        fault=_fault(text, expected, _confidence(line, start, end)),
        confidence=_confidence(line, start, end),
        quad_px=span_quad(line.quad_px, line.reading, start, end),
        line_text=comparison.with_words(_slips(comparison, faulty)),
        line_expected=comparison.with_words(
            _slips(comparison, faulty) | {i: comparison.words[i].expected for i in faulty}
        ),
        line_quad_px=line.quad_px,
    )
    return reading, not_as_expected(text, expected)


def _slips(comparison: LineComparison, faulty: Sequence[int]) -> dict[int, str]:
    """The words that are right and only read wrongly, as they stand there."""
    return {i: comparison.words[i].expected for i in comparison.faulty if i not in faulty}


def whole_line(
    line: Line,
    comparison: LineComparison,
    fault: TextFault | None,
    quad: QuadXY | None = None,
    expected: str | None = None,
) -> TextReading:
    """The whole line as one fault; without a fault given, it is named after how far the letters are from right.

    `expected` replaces the line's expected text where words must be added that the line does not carry at all.
    """
    wanted = comparison.expected_line if expected is None else expected
    text = comparison.with_words({})
    place = line.quad_px if quad is None else quad
    return TextReading(
        text="" if fault is TextFault.MISSING else text,
        expected=wanted,
        fault=_fault(text, wanted, line.reading.confidence) if fault is None else fault,
        confidence=min(1.0, line.reading.confidence),
        quad_px=place,
        line_text=text,
        line_expected=wanted,
        line_quad_px=place,
    )


def _fault(text: str, expected: str, confidence: float) -> TextFault:
    if error_rate(text, expected) < _GARBLED_ERROR_RATE:
        return TextFault.MISSPELT
    return TextFault.WRONG if confidence >= _CONFIDENT else TextFault.GARBLED


def _confidence(line: Line, start: int, end: int) -> float:
    inside = line.reading.probabilities[start:end]
    return min(1.0, sum(inside) / len(inside)) if inside else 0.0


def _doubled_word(line: Line, comparison: LineComparison, faulty: Sequence[int]) -> TextReading | None:
    """The second half of a word that stands there twice, where that is all that is wrong."""
    if len(faulty) != 1:
        return None
    word = comparison.words[faulty[0]]
    characters = [i for i in range(word.start, word.end) if fold(line.text[i])]
    if fold(line.text[word.start : word.end]) != 2 * fold(word.expected) or len(characters) % 2:
        return None
    start = characters[len(characters) // 2]
    return TextReading(
        text=line.text[start : word.end],
        expected="",
        fault=TextFault.DOUBLED,
        confidence=_confidence(line, start, word.end),
        quad_px=span_quad(line.quad_px, line.reading, start, word.end),
        line_text=comparison.with_words({}),
        line_expected=comparison.expected_line,
        line_quad_px=line.quad_px,
    )
