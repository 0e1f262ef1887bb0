"""Letter by letter: the words that ought to stand in a line against what is read there. Knows strings and positions.

Spaces are never compared (the reader loses them); letters that a typeface draws alike count as equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from services.perception.detectors.text.folding import case_like, fold, fold_character, looks_alike
from services.perception.detectors.text.reading import CtcReading

_GAP_IN_PITCHES = 1.75
_GLUED_LETTERS = 3


@dataclass(frozen=True)
class Letters:
    """A reading's letters, folded, and which character of its text each comes from.

    `token` numbers the word, as far as spaces and gaps tell, that each letter stands in.
    """

    folded: str
    character: tuple[int, ...]
    token: tuple[int, ...]

    @staticmethod
    def of(reading: CtcReading) -> "Letters":
        """The letters of a reading."""
        folded, character, token = "", [], []
        breaks = _breaks(reading)
        number = 0
        for i, c in enumerate(reading.text):
            number += i in breaks or c == " "
            for letter in fold_character(c):
                folded += letter
                character.append(i)
                token.append(number)
        return Letters(folded, tuple(character), tuple(token))

    def is_whole(self, start: int, end: int) -> bool:
        """Whether letters `start:end` begin and end with a word."""
        left = start == 0 or self.token[start - 1] != self.token[start]
        return left and (end == len(self.token) or self.token[end - 1] != self.token[end])


def _breaks(reading: CtcReading) -> frozenset[int]:
    """Characters before which there is a gap much wider than the usual pitch."""
    centres = np.asarray(reading.centres)
    if centres.size < 3:
        return frozenset()
    steps = np.diff(centres)
    return frozenset(int(i) + 1 for i in np.flatnonzero(steps > _GAP_IN_PITCHES * np.median(steps)))


@dataclass(frozen=True)
class Window:
    """Letters `start:end` of a line that best match some words; `distance` in edits, `size` of the words' letters."""

    start: int
    end: int
    distance: int
    size: int

    @property
    def similarity(self) -> float:
        """Share of the wanted letters that are there, in [0, 1]; 1 is equal."""
        return max(0.0, 1.0 - self.distance / max(1, self.size))


def best_window(wanted: str, letters: str) -> Window:
    """Where in `letters` (folded) the folded `wanted` stands with the fewest edits."""
    if not wanted or not letters:
        return Window(0, 0, len(wanted), len(wanted))
    if len(letters) <= len(wanted):
        return Window(0, len(letters), Levenshtein.distance(wanted, letters), len(wanted))
    around = fuzz.partial_ratio_alignment(wanted, letters)
    if around is None:
        return Window(0, 0, len(wanted), len(wanted))
    best: Window | None = None
    slack = 2
    for start in range(max(0, around.dest_start - slack), min(len(letters), around.dest_start + slack) + 1):
        for end in range(max(start, around.dest_end - slack), min(len(letters), around.dest_end + slack) + 1):
            distance = Levenshtein.distance(wanted, letters[start:end])
            candidate = Window(start, end, distance, len(wanted))
            if best is None or (distance, end - start) < (best.distance, best.end - best.start):
                best = candidate
    return best if best is not None else Window(0, 0, len(wanted), len(wanted))


def widened(window: Window, letters: Letters, wanted: str) -> Window:
    """The window with the few letters that stand glued to it in the same word: OPENN is no OPEN.

    More than three letters glued to an exact match are another word, whose space the reader has lost.
    """
    start, end = window.start, window.end
    if start == end:
        return window
    while start > 0 and letters.token[start - 1] == letters.token[window.start]:
        start -= 1
    while end < len(letters.token) and letters.token[end] == letters.token[window.end - 1]:
        end += 1
    if window.start - start > _GLUED_LETTERS:
        start = window.start
    if end - window.end > _GLUED_LETTERS:
        end = window.end
    return Window(start, end, Levenshtein.distance(wanted, letters.folded[start:end]), window.size)


@dataclass(frozen=True)
class WordComparison:
    """One wanted word in a line.

    Attributes:
        expected: in the line's case.
        start, end: its characters in the reading's text, half-open; equal where nothing of it is read.
        edits: letters wrong, missing or too many, those that look alike forgiven.
    """

    expected: str
    start: int
    end: int
    edits: int

    @property
    def is_missing(self) -> bool:
        """Nothing of it is read."""
        return self.start == self.end


@dataclass(frozen=True)
class LineComparison:
    """The wanted words in one line, in order, within characters `start:end` of its text."""

    reading: CtcReading
    words: tuple[WordComparison, ...]
    start: int
    end: int

    @cached_property
    def expected_line(self) -> str:
        """The whole line as it should read: the wanted words in place of what stands there, the rest as read."""
        return self.with_words({i: word.expected for i, word in enumerate(self.words)})

    def with_words(self, replaced: dict[int, str]) -> str:
        """The line's text with the numbered words replaced, the others as read."""
        text = self.reading.text
        parts = [text[: self.start].strip()]
        for i, word in enumerate(self.words):
            parts.append(replaced.get(i, text[word.start : word.end].strip()))
        parts.append(text[self.end :].strip())
        return " ".join(part for part in parts if part)

    @property
    def faulty(self) -> tuple[int, ...]:
        """Numbers of the words that do not read as expected."""
        return tuple(i for i, word in enumerate(self.words) if word.edits)


def compare(words: Sequence[str], reading: CtcReading, window: Window, letters: Letters) -> LineComparison:
    """Compares the words with the window's letters, one word after the other."""
    if window.start == window.end:
        at = 0
        return LineComparison(reading, tuple(WordComparison(w, at, at, len(fold(w))) for w in words), at, at)
    first, last = letters.character[window.start], letters.character[window.end - 1] + 1
    read = letters.folded[window.start : window.end]
    cased = [case_like(word, reading.text[first:last]) for word in words]
    wanted = [(fold_character(c), c, i) for i, word in enumerate(cased) for c in word]
    wanted_letters = [(letter, c, i) for folded, c, i in wanted for letter in folded]
    edits = [0] * len(words)
    spans: list[list[int]] = [[] for _ in words]
    blocks = Levenshtein.opcodes("".join(letter for letter, _, _ in wanted_letters), read)
    for block in blocks:
        for offset in range(max(block.src_end - block.src_start, block.dest_end - block.dest_start)):
            source = min(block.src_start + offset, block.src_end - 1) if block.src_end > block.src_start else None
            target = block.dest_start + offset if block.dest_start + offset < block.dest_end else None
            if source is None:
                owner = _owner_of_extra(block.src_start, block.dest_start, wanted_letters, letters, window)
            else:
                owner = wanted_letters[source][2]
            if target is not None:
                spans[owner].append(letters.character[window.start + target])
            if block.tag == "equal":
                continue
            if block.tag == "replace" and source is not None and target is not None:
                seen = reading.text[letters.character[window.start + target]]
                edits[owner] += not looks_alike(seen, wanted_letters[source][1])
            else:
                edits[owner] += 1
    return LineComparison(reading, _placed(cased, spans, edits, first), first, last)


def _owner_of_extra(
    source: int, target: int, wanted: Sequence[tuple[str, str, int]], letters: Letters, window: Window
) -> int:
    """The word that a letter too many belongs to: the one whose letters it stands with."""
    if source == 0:
        return wanted[0][2]
    before = wanted[source - 1][2]
    if source >= len(wanted) or wanted[source][2] == before:
        return before
    here = window.start + target
    with_before = here > 0 and letters.token[here - 1] == letters.token[here]
    return before if with_before else wanted[source][2]


def _placed(
    words: Sequence[str], spans: Sequence[Sequence[int]], edits: Sequence[int], first: int
) -> tuple[WordComparison, ...]:
    placed: list[WordComparison] = []
    cursor = first
    for word, span, wrong in zip(words, spans, edits, strict=True):
        if span:
            placed.append(WordComparison(word, min(span), max(span) + 1, wrong))
            cursor = max(span) + 1
        else:
            placed.append(WordComparison(word, cursor, cursor, wrong))
    return tuple(placed)
