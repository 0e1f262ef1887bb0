"""A line of which some words are mirrored and the others are not: no reading of the whole line can be right.

The line is cut where the wanted words would part, and each half read plainly and from behind. Reads places again.
"""

from collections.abc import Sequence

from services.perception.detectors.text.evidence import error_rate
from services.perception.detectors.text.folding import case_like, fold
from services.perception.detectors.text.layout import mirrored, part_of
from services.perception.detectors.text.ocr import OcrReader
from services.perception.detectors.text.reading import CtcReading, Line
from shared.contracts.base import QuadXY
from shared.contracts.values import TextFault, TextReading
from shared.images import Rgb

_MOST_MISREAD = 0.2
_OVERHANG = 0.02


def half_mirrored(reader: OcrReader, image: Rgb, line: Line, words: Sequence[str]) -> TextReading | None:
    """The words at one end of the line, where they read from behind and the rest reads plainly; else None."""
    tl, tr, br, bl = line.quad_px
    letters = [len(fold(word)) for word in words]
    for quad in (line.quad_px, (br, bl, tl, tr)):
        for cut in range(1, len(words)):
            # The gap between the words counts as one letter.
            share = (sum(letters[:cut]) + 0.5) / (sum(letters) + 1)
            halves = (part_of(quad, 0.0, share + _OVERHANG), part_of(quad, share - _OVERHANG, 1.0))
            texts = (" ".join(words[:cut]), " ".join(words[cut:]))
            plain = reader.read_lines(image, halves)
            behind = reader.read_lines(image, [mirrored(half) for half in halves])
            for number in (0, 1):
                if _reads(plain[1 - number], texts[1 - number]) and _reads(behind[number], texts[number]):
                    return _reading(quad, halves[number], plain, texts, number)
    return None


def _reads(reading: CtcReading, wanted: str) -> bool:
    return error_rate(reading.text, wanted) <= _MOST_MISREAD


def _reading(
    line_quad: QuadXY, quad: QuadXY, plain: Sequence[CtcReading], texts: Sequence[str], number: int
) -> TextReading:
    right = plain[1 - number].text
    cased = [case_like(text, right) for text in texts]
    return TextReading(
        text=plain[number].text,
        expected=cased[number],
        fault=TextFault.MIRRORED,
        confidence=min(1.0, plain[1 - number].confidence),
        quad_px=quad,
        line_text=" ".join((right, plain[number].text) if number else (plain[number].text, right)),
        line_expected=" ".join(cased),
        line_quad_px=line_quad,
    )
