"""Which lines of the picture carry which words of the expected phrases.

A phrase may run over several lines, and several phrases may share one. Words are dealt out to lines in reading order
by dynamic programming over letters (spaces ignored); no letter of a line serves two phrases. Knows strings and
quadrilaterals, no pixels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, permutations
from types import MappingProxyType

import numpy as np

from services.perception.detectors.text.comparison import Letters, LineComparison, best_window, compare
from services.perception.detectors.text.expected import ExpectedPhrase
from services.perception.detectors.text.folding import fold
from services.perception.detectors.text.reading import Line

_TAKEN = "\0"
_LEAST_SIMILAR = 0.55
_LEAST_SIMILAR_WEAK = 0.6
_LINE_COST = 0.5
_MOST_ORDERS = 24


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


def match_phrases(
    phrases: Sequence[ExpectedPhrase],
    lines: Sequence[Line],
    barred: Mapping[int, frozenset[int]] = MappingProxyType({}),
) -> tuple[PhraseMatch, ...]:
    """Deals the phrases out to the lines (in reading order), each letter at most once.

    Phrases that stand there to the letter come first and are never disturbed. The others are dealt in every order (in
    that of how well they fit where there are many), and the dealing with the most letters right is taken.

    Args:
        phrases: what ought to be there.
        lines: in reading order.
        barred: by the number of a phrase, the lines on which it is not to be sought.
    """
    table = _Table(phrases, lines, barred)
    exact: dict[int, tuple[LineMatch, ...]] = {}
    left = list(range(len(phrases)))
    while left:
        dealt = {n: table.deal(n, exact) for n in left}
        whole = [n for n in left if not phrases[n].weak and _stands_to_the_letter(phrases[n], dealt[n])]
        if not whole:
            break
        # The longest first: OPENER before OPEN, SPORTS CENTRE before CENTRE.
        number = max(whole, key=lambda n: _quality(dealt[n]))
        exact[number] = dealt[number]
        left.remove(number)
    matches = {**exact, **table.best_of_orders(left, exact)}
    return tuple(PhraseMatch(phrase, matches[number]) for number, phrase in enumerate(phrases))


def _stands_to_the_letter(phrase: ExpectedPhrase, matches: Sequence[LineMatch]) -> bool:
    found = sum(match.last - match.first for match in matches)
    return found == len(phrase.words) and not any(match.comparison.edits for match in matches)


def _quality(matches: Sequence[LineMatch]) -> float:
    return sum(m.similarity * len(fold("".join(m.phrase.words[m.first : m.last]))) - _LINE_COST for m in matches)


_Dealing = Mapping[int, tuple[LineMatch, ...]]
"""Matches by the number of the phrase."""


class _Table:
    """The comparisons of one set of phrases with one set of lines; each is made once."""

    def __init__(
        self, phrases: Sequence[ExpectedPhrase], lines: Sequence[Line], barred: Mapping[int, frozenset[int]]
    ) -> None:
        self._phrases = phrases
        self._barred = barred
        self._lines = lines
        self._letters = [Letters.of(line.reading) for line in lines]
        self._compared: dict[tuple[tuple[str, ...], int, tuple[bool, ...]], LineComparison] = {}

    def best_of_orders(self, numbers: Sequence[int], fixed: _Dealing) -> dict[int, tuple[LineMatch, ...]]:
        """The numbered phrases dealt one after the other around what is `fixed`, in the best order."""
        alone = {n: _quality(self.deal(n, fixed)) for n in numbers}
        ranked = sorted(numbers, key=lambda n: (self._phrases[n].weak, -alone[n]))
        found = self._in_order(ranked, fixed)
        for order in islice(permutations(ranked), 1, _MOST_ORDERS):
            weak = [self._phrases[n].weak for n in order]
            if weak != sorted(weak):
                continue
            other = self._in_order(order, fixed)
            if _total(other) > _total(found) + 1e-9:
                found = other
        return found

    def _in_order(self, order: Sequence[int], fixed: _Dealing) -> dict[int, tuple[LineMatch, ...]]:
        dealt: dict[int, tuple[LineMatch, ...]] = {}
        for number in order:
            dealt[number] = self.deal(number, {**fixed, **dealt})
        return dealt

    def deal(self, number: int, before: _Dealing) -> tuple[LineMatch, ...]:
        """The best way to put consecutive words of the phrase on lines in reading order, around those `before`.

        `score[j]` is the most letters that the first j words can have right on the lines seen so far; a word may stay
        without a line, a line without a word.
        """
        phrase = self._phrases[number]
        count = len(phrase.words)
        score = [0.0] * (count + 1)
        chosen: list[tuple[LineMatch, ...]] = [()] * (count + 1)
        for line in range(len(self._lines)):
            if line in self._barred.get(number, frozenset()):
                continue
            taken = self._taken(line, before)
            new_score, new_chosen = list(score), list(chosen)
            for match in self._matches(phrase, line, taken):
                gain = score[match.first] + _quality([match])
                if gain > new_score[match.last]:
                    new_score[match.last] = gain
                    new_chosen[match.last] = (*chosen[match.first], match)
            for j in range(1, count + 1):
                if new_score[j - 1] > new_score[j]:
                    new_score[j], new_chosen[j] = new_score[j - 1], new_chosen[j - 1]
            score, chosen = new_score, new_chosen
        return chosen[count]

    def _taken(self, line: int, before: _Dealing) -> tuple[bool, ...]:
        spans = [(m.comparison.start, m.comparison.end) for ms in before.values() for m in ms if m.line == line]
        return tuple(any(start <= c < end for start, end in spans) for c in self._letters[line].character)

    def _matches(self, phrase: ExpectedPhrase, line: int, taken: tuple[bool, ...]) -> list[LineMatch]:
        """Every run of the phrase's words that the line's free letters resemble."""
        least = _LEAST_SIMILAR_WEAK if phrase.weak else _LEAST_SIMILAR
        free = "".join(_TAKEN if t else letter for t, letter in zip(taken, self._letters[line].folded, strict=True))
        available = len(free) - sum(taken)
        found: list[LineMatch] = []
        for first in range(len(phrase.words)):
            for last in range(first + 1, len(phrase.words) + 1):
                joined = fold("".join(phrase.words[first:last]))
                if len(joined) > 1.7 * available + 2:
                    break
                # Where words begin and end can only make it worse, so that this spares most comparisons.
                if best_window(joined, free).similarity < least:
                    continue
                comparison = self._compare(phrase.words[first:last], line, taken)
                # A word at either end of which nothing is read is not on this line.
                whole = not comparison.words[0].is_missing and not comparison.words[-1].is_missing
                if whole and comparison.similarity >= least:
                    found.append(LineMatch(phrase, first, last, line, comparison, comparison.similarity))
        return found

    def _compare(self, words: tuple[str, ...], line: int, taken: tuple[bool, ...]) -> LineComparison:
        key = (words, line, taken)
        if key not in self._compared:
            self._compared[key] = compare(words, self._lines[line].reading, self._letters[line], taken)
        return self._compared[key]


def _total(dealing: _Dealing) -> float:
    return sum(_quality(matches) for matches in dealing.values())
