"""What the reader says of one line: the characters, where they stand, and the probabilities behind them.

Values only; `ocr` makes them, `likelihood` weighs them, `alignment` compares them with the words that are wanted.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from services.perception.detectors.text.folding import fold_character
from shared.contracts.base import QuadXY

LogProbs = npt.NDArray[np.float32]
"""`(T, K)` float32 log-probabilities of K labels at T steps along the line; label 0 is the CTC blank."""

FLOOR = -16.0
"""Log-probability of a label that the reading does not carry: below it, nothing in the matrix is worth keeping."""


@dataclass(frozen=True)
class FoldedLogProbs:
    """A reading's probabilities over folded letters: case, accents, spaces and punctuation summed out.

    Attributes:
        log_probs: `(T, F)`; column 0 is the blank with everything that is neither letter nor digit.
        index: column of each folded letter.
    """

    log_probs: LogProbs
    index: dict[str, int]

    def labels(self, folded: str) -> list[int]:
        """Columns of `folded`; -1 for a letter that has none."""
        return [self.index.get(letter, -1) for letter in folded]


@dataclass(frozen=True)
class CtcReading:
    """One reading of one crop.

    Attributes:
        log_probs: `(T, K)` over the crop's width, first step at its left border.
        alphabet: the K labels; the first is the blank, written as an empty string.
        text: greedy reading, spaces as read.
        confidence: mean probability of the characters read; 0 where nothing is read.
        centres: where each character of `text` stands, as a share of the crop's width in [0, 1].
        probabilities: of each character of `text`.
    """

    log_probs: LogProbs
    alphabet: tuple[str, ...]
    text: str
    confidence: float
    centres: tuple[float, ...]
    probabilities: tuple[float, ...]

    @cached_property
    def folded(self) -> FoldedLogProbs:
        """The probabilities over folded letters."""
        keys = [fold_character(c)[:1] if c else "" for c in self.alphabet]
        index: dict[str, int] = {"": 0}
        columns = np.asarray([index.setdefault(key, len(index)) for key in keys])
        summed = np.zeros((self.log_probs.shape[0], len(index)), np.float64)
        np.add.at(summed.T, columns, np.exp(self.log_probs.astype(np.float64)).T)
        del index[""]
        return FoldedLogProbs(np.log(np.maximum(summed, np.exp(FLOOR))).astype(np.float32), index)


@dataclass(frozen=True)
class Line:
    """A line of writing: its quadrilateral in reading order, and how it reads.

    `detection` is how sure the finder of lines is that letters stand there, in [0, 1].
    """

    quad_px: QuadXY
    reading: CtcReading
    detection: float

    @property
    def text(self) -> str:
        """As read."""
        return self.reading.text

    @cached_property
    def size_px(self) -> tuple[float, float]:
        """Height across and width along the reading direction, mean of opposite sides."""
        tl, tr, br, bl = np.asarray(self.quad_px, np.float64)
        width = (np.linalg.norm(tr - tl) + np.linalg.norm(br - bl)) / 2
        height = (np.linalg.norm(bl - tl) + np.linalg.norm(br - tr)) / 2
        return float(height), float(width)

    @cached_property
    def centre_px(self) -> tuple[float, float]:
        """Mean of the corners, (x, y)."""
        x, y = np.asarray(self.quad_px, np.float64).mean(axis=0)
        return float(x), float(y)

    @cached_property
    def down(self) -> tuple[float, float]:
        """Unit vector from the letters' heads to their feet."""
        tl, tr, br, bl = np.asarray(self.quad_px, np.float64)
        x, y = (bl - tl) + (br - tr)
        length = max(1e-9, float(np.hypot(x, y)))
        return float(x) / length, float(y) / length

    @cached_property
    def angle(self) -> float:
        """Reading direction in radians; 0 is to the right, positive is clockwise on the picture."""
        tl, tr, br, bl = np.asarray(self.quad_px, np.float64)
        direction = (tr - tl) + (br - bl)
        return float(np.arctan2(direction[1], direction[0]))
