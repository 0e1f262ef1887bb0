"""Where one word of a line ends and the next begins, by evidence: spaces as read, their probability, wide gaps.

The reader drops and invents spaces; several readings of one line outvote it. Knows readings, no wanted words.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from rapidfuzz.distance import Levenshtein

from services.perception.detectors.text.folding import fold_character
from services.perception.detectors.text.reading import CtcReading

_GAP_IN_PITCHES = 1.75
_WIDE_GAP_IN_PITCHES = 2.5
_SPACE = 0.05
"""A space this likely is one: within words of photographs and signs it stays below 0.02, between them above 0.07."""
_SPACE_IN_A_GAP = 1e-3
_SHARE_TO_KEEP = 1 / 3
_SHARE_TO_ADD = 1 / 2


def word_breaks(reading: CtcReading) -> frozenset[int]:
    """Numbers of the characters of `reading.text`, spaces apart, before which a word begins; the first is not named."""
    inked = [i for i, c in enumerate(reading.text) if c != " "]
    centres = np.asarray(reading.centres)
    pitch = float(np.median(np.diff(centres))) if centres.size >= 3 else np.inf
    found = set()
    for before, after in pairwise(inked):
        likely = space_probability(reading, before, after)
        gap = (centres[after] - centres[before]) / pitch if pitch > 0 else 0.0
        wide = gap > _WIDE_GAP_IN_PITCHES or (gap > _GAP_IN_PITCHES and likely >= _SPACE_IN_A_GAP)
        if after - before > 1 or likely >= _SPACE or wide:
            found.add(after)
    return frozenset(found)


def space_probability(reading: CtcReading, before: int, after: int) -> float:
    """The highest probability of a space at any step between two characters; 0 where the reading carries none."""
    if " " not in reading.alphabet:
        return 0.0
    steps = reading.log_probs.shape[0]
    first = int(reading.centres[before] * steps) + 1
    last = int(np.ceil(reading.centres[after] * steps))
    between = reading.log_probs[first:last, reading.alphabet.index(" ")]
    return float(np.exp(between.max())) if between.size else 0.0


def agreed_breaks(reading: CtcReading, variants: Sequence[CtcReading]) -> frozenset[int]:
    """The breaks on which enough of the readings agree that carry the letters on both sides.

    A third of them keeps a space that `reading` has, half of them gives it one that it lacks.

    Args:
        reading: the one whose characters are numbered.
        variants: other readings of the same line, of which `reading` itself may be one.
    """
    mine = _letters(reading)
    folded = "".join(letter for letter, _ in mine)
    votes = np.zeros((len(mine) + 1, 2), np.intp)
    for variant in (reading, *variants):
        theirs = _letters(variant)
        breaks = word_breaks(variant)
        for block in Levenshtein.opcodes(folded, "".join(letter for letter, _ in theirs)):
            if block.tag != "equal":
                continue
            for offset in range(1, block.src_end - block.src_start):
                left, right = theirs[block.dest_start + offset - 1][1], theirs[block.dest_start + offset][1]
                votes[block.src_start + offset, int(any(left < b <= right for b in breaks))] += 1
    agreed = set()
    own, text = word_breaks(reading), reading.text
    for k in range(1, len(mine)):
        left, right = mine[k - 1][1], mine[k][1]
        here = {b for b in own if left < b <= right}
        share = _SHARE_TO_KEEP if any(text[i] == " " for i in range(left, right)) else _SHARE_TO_ADD
        if left != right and votes[k, 1] >= share * votes[k].sum():
            agreed |= here or {right}
    first, last = (mine[0][1], mine[-1][1]) if mine else (0, -1)
    return frozenset(agreed | {b for b in own if b <= first or b > last})


def _letters(reading: CtcReading) -> list[tuple[str, int]]:
    return [(letter, i) for i, c in enumerate(reading.text) for letter in fold_character(c)]
