"""How a place reads now: the criterion of repair for a text region.

The word alone and its whole line are read, because a retyped word may be wider than the one it replaces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from services.perception.detectors.text.comparison import Letters, compare
from services.perception.detectors.text.evidence import WORST, as_expected, error_rate, not_as_expected
from services.perception.detectors.text.folding import as_read, fold
from services.perception.detectors.text.layout import common_area
from services.perception.detectors.text.ocr import OcrReader
from services.perception.detectors.text.reading import CtcReading, Line
from services.perception.detectors.text.second_reading import SecondOpinion, faulty_words, grown, read_again
from shared.contracts.base import QuadXY
from shared.contracts.values import TextFault, TextReading
from shared.geometry import quad_array
from shared.images import Rgb

_OVERLAP = 0.3
_TALLER = 2.2
_LEGIBLE = 0.5


@dataclass(frozen=True)
class PlaceReader:
    """Reads places of one picture, given the lines that were found on it."""

    reader: OcrReader
    image: Rgb
    lines: tuple[Line, ...]

    def evidence(self, reading: TextReading) -> float:
        """Evidence in [0, 1] at the reading's place: has what was wrong there become right?"""
        if reading.expected is None:
            return 1.0 - self._best_confidence(reading.quad_px)
        if reading.fault is TextFault.DOUBLED and not reading.line_expected:
            return WORST if self._is_written(reading) else 0.0
        wanted = reading.line_expected or reading.expected
        line = self._at(reading.line_quad_px, wanted)
        if line.is_right:
            return line.evidence
        if reading.fault in (TextFault.MISSING, TextFault.DOUBLED):
            return WORST
        word = self._at(reading.quad_px, reading.expected)
        improved = line.error_rate < error_rate(reading.line_text, wanted)
        if word.is_right and improved:
            return word.evidence
        if not word.is_written:
            return WORST
        return max(word.evidence, line.evidence) if word.is_right else word.evidence

    def _at(self, quad: QuadXY, expected: str) -> "_Place":
        here = self._lines_over(quad)
        if not here:
            return _NOTHING  # letters too faint for the finder of lines may still be guessed at by the reader
        places: list[_Place] = []
        for candidate in (quad, *(line.quad_px for line in here)):
            places.append(_whole(self._opinion(candidate), expected))
            if places[-1].is_right:
                return places[-1]
        if len(here) > 1:
            places.append(_joined([line.reading for line in here], expected))
        return min(places, key=lambda place: place.evidence)

    def _opinion(self, quad: QuadXY) -> SecondOpinion:
        return read_again(self.reader, self.image, grown(quad, 0.05, 0.1))

    def _lines_over(self, quad: QuadXY) -> list[Line]:
        """Lines that lie in the place or run through it, in the place's reading direction; much taller ones do not."""
        place = quad_array(quad)
        direction = ((place[1] - place[0]) + (place[2] - place[3])).astype(np.float64)
        height = float(np.linalg.norm(place[3] - place[0]) + np.linalg.norm(place[2] - place[1])) / 2
        area = abs(float(cv2.contourArea(place)))
        found = []
        for line in self.lines:
            other = quad_array(line.quad_px)
            least = min(area, abs(float(cv2.contourArea(other))))
            if line.size_px[0] < _TALLER * height and common_area(place, other) > _OVERLAP * least:
                found.append(line)
        return sorted(found, key=lambda line: float(np.dot(line.centre_px, direction)))

    def _best_confidence(self, quad: QuadXY) -> float:
        readings = [*self._opinion(quad).readings, *(line.reading for line in self._lines_over(quad))]
        return max((min(1.0, r.confidence) for r in readings if fold(r.text)), default=0.0)

    def _is_written(self, reading: TextReading) -> bool:
        """Whether anything legible stands where nothing should."""
        over = self._lines_over(reading.quad_px)
        if any(fold(line.text) and line.reading.confidence >= _LEGIBLE for line in over):
            return True
        plain = self._opinion(reading.quad_px).readings[0]
        return error_rate(plain.text, reading.text) < 0.5


@dataclass(frozen=True)
class _Place:
    is_right: bool
    is_written: bool
    error_rate: float
    evidence: float


_NOTHING = _Place(is_right=False, is_written=False, error_rate=1.0, evidence=WORST)


def _whole(opinion: SecondOpinion, expected: str) -> _Place:
    """The whole reading against `expected`: letters too many count as well."""
    places = [
        _compared(opinion, reading, expected, spelling)
        for spelling in as_read(expected)
        for reading in opinion.readings[:3]
        if fold(reading.text)
    ]
    return min(places, key=lambda place: place.evidence, default=_NOTHING)


def _compared(opinion: SecondOpinion, reading: CtcReading, expected: str, spelling: str) -> _Place:
    words = [word for word in spelling.split() if fold(word)]
    if words and not faulty_words(compare(words, reading, Letters.of(reading), anchored=True), opinion):
        return _Place(True, True, 0.0, as_expected(opinion.confidence))
    return _Place(False, True, error_rate(reading.text, expected), not_as_expected(reading.text, expected))


def _joined(readings: Sequence[CtcReading], expected: str) -> _Place:
    text = " ".join(reading.text for reading in readings)
    rate = error_rate(text, expected)
    if rate == 0.0:
        return _Place(True, True, 0.0, as_expected(min(r.confidence for r in readings)))
    return _Place(False, bool(fold(text)), rate, not_as_expected(text, expected))
