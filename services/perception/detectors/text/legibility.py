"""Lettering that nobody could read: large, surely lettering, and read badly however it is looked at.

Judged with caution, since nobody asked for these words. Knows lines and confidences only.
"""

from services.perception.detectors.text.folding import fold
from services.perception.detectors.text.reading import Line
from shared.contracts.values import TextFault, TextReading
from shared.images import Rgb

_CONFIDENCE = 0.45
_DETECTION = 0.75
_HEIGHT = 0.07
_LETTERS = 4


def least_illegible_height_px(image: Rgb) -> float:
    """Lettering less tall is never judged for legibility."""
    return _HEIGHT * float(min(image.shape[:2]))


def may_be_illegible(line: Line, size_hw: tuple[int, int]) -> bool:
    """Whether it is worth reading again: tall, clearly lettering, more than a few letters, read without confidence."""
    return (
        line.reading.confidence < _CONFIDENCE
        and line.detection >= _DETECTION
        and line.size_px[0] >= _HEIGHT * min(size_hw)
        and len(fold(line.text)) >= _LETTERS
    )


def illegible_reading(line: Line, confidence: float) -> TextReading | None:
    """The line as an illegible one; None where the best `confidence` of all readings says that it can be read."""
    if confidence >= _CONFIDENCE:
        return None
    return TextReading(
        text=line.text,
        expected=None,
        fault=TextFault.ILLEGIBLE,
        confidence=confidence,
        quad_px=line.quad_px,
        line_text=line.text,
        line_expected=None,
        line_quad_px=line.quad_px,
    )
