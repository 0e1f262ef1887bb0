"""Whether a mismatch is a misspelling or the reader's slip: the crop read again in several ways, and weighed.

A misspelling reads the same in every variant and the expected word is far less likely than what is read; a slip
changes with scale and padding, and the expected word is nearly as likely. The thresholds were set on rendered lines
(see `tests/unit/perception/test_text_measured.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from services.perception.detectors.text.comparison import Letters, LineComparison, compare
from services.perception.detectors.text.folding import alike_by_hand, fold
from services.perception.detectors.text.likelihood import folded_log_likelihood
from services.perception.detectors.text.ocr import OcrReader, rectify
from services.perception.detectors.text.reading import CtcReading, Line
from shared.contracts.base import QuadXY
from shared.geometry import quad_array
from shared.images import Rgb

SLIP_NATS_PER_EDIT = 2.0
"""Below it, on the mean over the variants, what is read is hardly likelier than what is expected."""

AGREED_NATS_PER_EDIT = 0.75
"""The same where all variants but one, at the most, read the very same letters."""

BY_HAND_NATS_PER_EDIT = 3.5
"""The same where handwriting may draw what is read and what is expected alike."""

LEAST_LETTER_NATS = -2.3
"""An expected string is believed only where each of its letters is this likely on the mean (e^-2.3 is a tenth)."""


@dataclass(frozen=True)
class SecondOpinion:
    """Readings of one line's crop in several ways; the first is the plain one."""

    readings: tuple[CtcReading, ...]

    @property
    def confidence(self) -> float:
        """The best confidence of any variant."""
        return max(reading.confidence for reading in self.readings)

    def agrees_on(self, read: str) -> bool:
        """Whether at most one variant reads other letters than these."""
        return sum(fold(reading.text) != read for reading in self.readings) <= 1

    def nats_against(self, read: str, expected: str) -> float:
        """Mean over the variants of log P(read) - log P(expected), both folded; below 0 favours `expected`."""
        return float(
            np.mean([folded_log_likelihood(r, read) - folded_log_likelihood(r, expected) for r in self.readings])
        )

    def letter_nats(self, expected: str) -> float:
        """The log-probability of `expected` per letter, the mean over the variants."""
        total = np.mean([folded_log_likelihood(r, expected) for r in self.readings])
        return float(total) / max(1, len(expected))


def grown(quad: QuadXY, across: float, along: float) -> QuadXY:
    """The quadrilateral with its height grown by `across` and its width by `along` heights, in all directions."""
    corners = quad_array(quad)
    down = ((corners[3] - corners[0]) + (corners[2] - corners[1])) / 2
    right = ((corners[1] - corners[0]) + (corners[2] - corners[3])) / 2
    step = right / max(1e-6, float(np.linalg.norm(right))) * float(np.linalg.norm(down)) * along
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    a, b, c, d = (corner + sx * step + sy * down * across for corner, (sx, sy) in zip(corners, signs, strict=True))
    return _point(a), _point(b), _point(c), _point(d)


def _point(corner: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> tuple[float, float]:
    return float(corner[0]), float(corner[1])


def read_again(reader: OcrReader, image: Rgb, quad: QuadXY) -> SecondOpinion:
    """Six readings: as found, with more room, with room along only, squeezed, coarser, and grey with full contrast."""
    plain, roomy = rectify(image, quad), rectify(image, grown(quad, 0.12, 0.2))
    long = rectify(image, grown(quad, 0.0, 0.25))
    crops = [plain, roomy, long, _squeezed(plain), _coarser(roomy), _contrasted(plain)]
    return SecondOpinion(tuple(reader.read_crops(crops)))


def _squeezed(crop: Rgb) -> Rgb:
    h, w = crop.shape[:2]
    return np.asarray(cv2.resize(crop, (max(8, round(w * 0.85)), h), interpolation=cv2.INTER_AREA), np.uint8)


def _coarser(crop: Rgb) -> Rgb:
    h, w = crop.shape[:2]
    small = min(1.0, 30 / h)
    return np.asarray(
        cv2.resize(crop, (max(8, round(w * small)), max(8, round(h * small))), interpolation=cv2.INTER_AREA), np.uint8
    )


def _contrasted(crop: Rgb) -> Rgb:
    gray = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.float32)
    low, high = np.percentile(gray, (2, 98))
    stretched = np.clip((gray - low) / max(1.0, float(high - low)) * 255, 0, 255).astype(np.uint8)
    return np.repeat(stretched[..., None], 3, axis=2)


def reread(words: Sequence[str], reading: CtcReading) -> LineComparison:
    """The words compared with the best place in another reading."""
    return compare(words, reading, Letters.of(reading))


def faulty_words(comparison: LineComparison, opinion: SecondOpinion) -> tuple[int, ...]:
    """Numbers of the words that really are wrong, slips of the reader left out."""
    faulty = []
    for i in comparison.faulty:
        word = comparison.words[i]
        if word.is_missing:
            faulty.append(i)
            continue
        read = fold(comparison.reading.text)
        expected = fold(comparison.with_words({i: word.expected}))
        limit = AGREED_NATS_PER_EDIT if opinion.agrees_on(read) else SLIP_NATS_PER_EDIT
        if alike_by_hand(comparison.reading.text[word.start : word.end], word.expected):
            limit = BY_HAND_NATS_PER_EDIT
        slip = opinion.nats_against(read, expected) < limit * word.edits
        if not (slip and opinion.letter_nats(expected) > LEAST_LETTER_NATS):
            faulty.append(i)
    return tuple(faulty)


def reads_when_wider(reader: OcrReader, image: Rgb, line: Line, words: Sequence[str], heights: float) -> bool:
    """Whether the words stand there to the letter once the crop is wider by so many line heights at either end."""
    quads = [grown(line.quad_px, 0.05, heights * share) for share in (0.5, 1.0)]
    for reading in reader.read_lines(image, quads):
        comparison = reread(words, reading)
        inside = reading.probabilities[comparison.start : comparison.end]
        if inside and not comparison.faulty and min(inside) > 0.3:
            return True
    return False
