"""Which lines of the picture carry which words of the expected phrases.

A phrase may run over several lines, and several phrases may share one. Words are dealt out to lines in reading order
by dynamic programming over letters (spaces ignored); no letter of a line serves two phrases. Knows strings and
quadrilaterals, no pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.perception.detectors.text.comparison import (
    Letters,
    LineComparison,
    Window,
    best_window,
    compare,
    widened,
)
from services.perception.detectors.text.expected import ExpectedPhrase
from services.perception.detectors.text.folding import fold
from services.perception.detectors.text.reading import Line

_TAKEN = "\0"
_LEAST_SIMILAR = 0.55
_LEAST_SIMILAR_WEAK = 0.6
_SHORT = 3
_LINE_COST = 0.5


@dataclass(frozen=True)
class LineMatch:
    """Words `first:last` of a phrase found on a line. `line` is the line's number in reading order."""

    phrase: ExpectedPhrase
    first: int
    last: int
    line: int
    comparison: LineComparison
    similarity: float


@dataclass(frozen=True)
class PhraseMatch:
    """Where a phrase stands; `lines` is empty where no line resembles any of its words."""

    phrase: ExpectedPhrase
    lines: tuple[LineMatch, ...]

    @property
    def absent_words(self) -> tuple[int, ...]:
        """Numbers of the words that no line carries."""
        found = {i for match in self.lines for i in range(match.first, match.last)}
        return tuple(i for i in range(len(self.phrase.words)) if i not in found)


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Lines sorted as one reads them: along the prevailing direction, rows first, then along the row."""
    if not lines:
        return []
    weights = np.asarray([line.size_px[1] for line in lines])
    angles = np.asarray([line.angle for line in lines])
    turn = math.atan2(float(np.dot(weights, np.sin(angles))), float(np.dot(weights, np.cos(angles))))
    along = np.asarray((math.cos(turn), math.sin(turn)))
    across = np.asarray((-math.sin(turn), math.cos(turn)))
    # A line seen from behind has its letters' feet on the other side.
    across *= (
        1.0 if sum(w * float(np.dot(line.down, across)) for w, line in zip(weights, lines, strict=True)) > 0 else -1.0
    )
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: float(np.dot(line.centre_px, across))):
        position = float(np.dot(line.centre_px, across))
        if rows and position - _row_position(rows[-1], across) < 0.5 * min(line.size_px[0], _row_height(rows[-1])):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: float(np.dot(line.centre_px, along)))]


def _row_position(row: Sequence[Line], across: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    return float(np.mean([np.dot(line.centre_px, across) for line in row]))


def _row_height(row: Sequence[Line]) -> float:
    return float(np.mean([line.size_px[0] for line in row]))


def match_phrases(phrases: Sequence[ExpectedPhrase], lines: Sequence[Line]) -> tuple[PhraseMatch, ...]:
    """Deals the phrases out to the lines (in reading order): the surest phrase first, each letter at most once."""
    letters = [Letters.of(line.reading) for line in lines]
    free = [entry.folded for entry in letters]
    open_phrases = list(enumerate(phrases))
    matches: dict[int, PhraseMatch] = {}
    while open_phrases:
        dealt = [(number, phrase, _deal(phrase, lines, letters, free)) for number, phrase in open_phrases]
        number, phrase, best = max(dealt, key=lambda d: (not d[1].weak, _quality(d[2])))
        matches[number] = PhraseMatch(phrase, best)
        for match in best:
            start, end = _letters_of(match, letters[match.line])
            free[match.line] = free[match.line][:start] + _TAKEN * (end - start) + free[match.line][end:]
        open_phrases = [entry for entry in open_phrases if entry[0] != number]
    return tuple(matches[number] for number in range(len(phrases)))


def _quality(matches: Sequence[LineMatch]) -> float:
    return sum(m.similarity * len(fold("".join(m.phrase.words[m.first : m.last]))) for m in matches)


def _letters_of(match: LineMatch, letters: Letters) -> tuple[int, int]:
    inside = [i for i, c in enumerate(letters.character) if match.comparison.start <= c < match.comparison.end]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _deal(
    phrase: ExpectedPhrase, lines: Sequence[Line], letters: Sequence[Letters], free: Sequence[str]
) -> tuple[LineMatch, ...]:
    """The best way to put consecutive words of the phrase on lines in reading order.

    `score[j]` is the most letters that the first j words can have right on the lines seen so far; a word may stay
    without a line, a line without a word.
    """
    wanted = [fold(word) for word in phrase.words]
    count = len(wanted)
    score = [0.0] * (count + 1)
    chosen: list[tuple[tuple[int, int, int, Window], ...]] = [()] * (count + 1)
    for number in range(len(lines)):
        new_score, new_chosen = list(score), list(chosen)
        for first in range(count):
            for last, window in _windows(wanted, first, letters[number], free[number], phrase.weak):
                gain = score[first] + window.size - window.distance - _LINE_COST
                if gain > new_score[last]:
                    new_score[last] = gain
                    new_chosen[last] = (*chosen[first], (first, last, number, window))
        for j in range(1, count + 1):
            if new_score[j - 1] > new_score[j]:
                new_score[j], new_chosen[j] = new_score[j - 1], new_chosen[j - 1]
        score, chosen = new_score, new_chosen
    return tuple(_match(phrase, entry, lines, letters, free) for entry in chosen[count])


def _windows(wanted: Sequence[str], first: int, letters: Letters, free: str, weak: bool) -> list[tuple[int, Window]]:
    found: list[tuple[int, Window]] = []
    available = len(free) - free.count(_TAKEN)
    for last in range(first + 1, len(wanted) + 1):
        joined = "".join(wanted[first:last])
        if len(joined) > 1.7 * available + 2:
            break
        window = best_window(joined, free)
        least = _LEAST_SIMILAR_WEAK if weak else _LEAST_SIMILAR
        if window.similarity < least:
            continue
        if len(joined) <= _SHORT and not _stands_alone(window, letters):
            continue
        found.append((last, window))
    return found


def _stands_alone(window: Window, letters: Letters) -> bool:
    """A short word may match by chance inside a longer one: it must be a word of the line by itself."""
    return window.end > window.start and letters.is_whole(window.start, window.end)


def _match(
    phrase: ExpectedPhrase,
    entry: tuple[int, int, int, Window],
    lines: Sequence[Line],
    letters: Sequence[Letters],
    free: Sequence[str],
) -> LineMatch:
    first, last, number, window = entry
    words = phrase.words[first:last]
    wide = widened(window, letters[number], fold("".join(words)))
    if _TAKEN in free[number][wide.start : wide.end]:
        wide = window
    comparison = compare(words, lines[number].reading, wide, letters[number])
    return LineMatch(phrase, first, last, number, comparison, wide.similarity)
