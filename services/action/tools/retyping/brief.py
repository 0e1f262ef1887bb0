"""What one request asks of `retype`, in the crop's pixels: which words, where, what they should be. Judges no pixel."""

from dataclasses import dataclass

import numpy as np

from services.action.tools.base import EditRequest, ToolDeclined
from services.action.tools.retyping.frame import Float
from shared.contracts.values import TextFault
from shared.geometry import quad_array

_READABLE = (TextFault.MISSPELT, TextFault.WRONG, TextFault.DOUBLED, TextFault.MISSING)


@dataclass(frozen=True)
class Brief:
    """The order.

    Attributes:
        extent: "word" or "line".
        typeface_rank: 0 for the best likeness, 1 for the second best.
        text: the run as read.
        expected: what to set.
        line_text: the line as read.
        quad, line_quad: `(4, 2)` crop pixels, the run and the line.
        line_known: the whole line could be set anew instead.
        mirrored: the run's letters are the expected ones, seen in a mirror.
        trusted: the run's letters are what `text` says, so that they tell the typeface.
    """

    extent: str
    typeface_rank: int
    text: str
    expected: str
    line_text: str
    quad: Float
    line_quad: Float
    trusted: bool
    line_known: bool
    mirrored: bool

    @property
    def longer_by(self) -> int:
        """Characters that the expected words have more than the old."""
        return max(0, len(self.expected) - len(self.text))


def brief_of(request: EditRequest) -> Brief:
    """Reads the request.

    Raises:
        ToolDeclined: there is no reading, or nothing to set.
        ValueError: a setting has a value that the tool does not know.
    """
    reading = request.region.reading
    if reading is None:
        raise ToolDeclined("this region was not read as words, so there is nothing to set")
    extent = request.settings.get("extent", "word")
    typeface_rank = request.settings.get("typeface_rank", 0)
    if extent not in ("word", "line"):
        raise ValueError(f"extent is {extent!r}: use word or line")
    if not isinstance(typeface_rank, int) or typeface_rank < 0:
        raise ValueError(f"typeface_rank is {typeface_rank!r}: use 0 or more")
    expected = reading.expected if extent == "word" else reading.line_expected
    if expected is None:
        raise ToolDeclined("nothing says what the words should be")
    if not expected.strip():
        raise ToolDeclined("the words should go and none should take their place: erase them")
    corner = np.asarray(request.crop_box_xyxy_px[:2], np.float32)
    line_quad = quad_array(reading.line_quad_px) - corner
    whole = extent == "line"
    return Brief(
        extent=str(extent),
        typeface_rank=typeface_rank,
        text=reading.line_text if whole else reading.text,
        expected=" ".join(expected.split()),
        line_text=reading.line_text or reading.text or expected,
        quad=line_quad if whole else quad_array(reading.quad_px) - corner,
        line_quad=line_quad,
        mirrored=reading.fault is TextFault.MIRRORED,
        line_known=reading.line_expected is not None,
        trusted=reading.fault in _READABLE and reading.confidence >= 0.5,
    )
