"""Letter by letter: the words that ought to stand in a line against what is read there. Knows strings and positions.

Spaces are never compared (the reader loses them); letters that a typeface draws alike count as equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from services.perception.detectors.text.folding import case_like, fold, fold_character
from services.perception.detectors.text.reading import CtcReading
from services.perception.detectors.text.word_alignment import Run, WantedLetter, WordAligner
from services.perception.detectors.text.word_breaks import word_breaks

_SHORT = 3
_WHOLE_LINE_CELLS = 2500
_WINDOW_SLACK = 6


@dataclass(frozen=True)
class Letters:
    """A reading's letters, folded, and which character of its text each comes from.

    `breaks` are the characters before which a word begins, `starts` says for every letter, and behind the last,
    whether it is the first of a word.
    """

    folded: str
    character: tuple[int, ...]
    breaks: frozenset[int]
    starts: tuple[bool, ...]

    @staticmethod
    def of(reading: CtcReading, breaks: frozenset[int] | None = None) -> "Letters":
        """The letters of a reading; `breaks` where they are known better than from this reading alone."""
        found = word_breaks(reading) if breaks is None else breaks
        pairs = [(letter, i) for i, c in enumerate(reading.text) for letter in fold_character(c)]
        character = tuple(i for _, i in pairs)
        inner = tuple(any(a < b <= c for b in found) for a, c in pairwise(character))
        starts = (True, *inner, True) if pairs else (True,)
        return Letters("".join(letter for letter, _ in pairs), character, found, starts)

    @property
    def word_count(self) -> int:
        """How many words the line has, as far as breaks tell."""
        return sum(self.starts) - 1


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
    """Where in `letters` (folded) the folded `wanted` stands with the fewest edits, words or not."""
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


_SCRAP_LETTERS = 2
_SCRAP_SURE = 0.85


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
    """The wanted words in one line, in order, within characters `start:end` of its text.

    `breaks` are the characters before which a word of the line begins.
    """

    reading: CtcReading
    words: tuple[WordComparison, ...]
    start: int
    end: int
    breaks: frozenset[int]

    @cached_property
    def expected_line(self) -> str:
        """The whole line as it should read: the wanted words in place of what stands there, the rest as read."""
        return self.with_words({i: word.expected for i, word in enumerate(self.words)})

    @cached_property
    def scraps(self) -> frozenset[int]:
        """Characters between the wanted words that are too few and too doubtful for a word: bits of garbled letters."""
        owned = {i for word in self.words for i in range(word.start, word.end)}
        text = self.reading.text
        begins = [i for i in range(len(text)) if i == 0 or i in self.breaks or text[i - 1] == " "]
        found: set[int] = set()
        for begin, end in zip(begins, [*begins, len(text)][1:], strict=True):
            token = [i for i in range(begin, end) if fold(text[i])]
            sure = sum(self.reading.probabilities[i] for i in token) / max(1, len(token))
            if 0 < len(token) <= _SCRAP_LETTERS and sure < _SCRAP_SURE and not owned.intersection(token):
                found.update(range(begin, end))
        return frozenset(found)

    def with_words(self, replaced: dict[int, str]) -> str:
        """The line's text with the numbered words replaced, the others as read, spaces where words begin.

        Where any is replaced, scraps are left out: what is set anew must not repeat them.
        """
        line, cursor = "", 0
        if replaced and self.scraps:
            return self._without_scraps().with_words(replaced)
        for i, word in enumerate(self.words):
            line = self._joined(line, self._as_read(cursor, word.start), cursor, word.start)
            own = replaced.get(i)
            text = self._as_read(word.start, word.end) if own is None else own
            line = self._joined(line, text, word.start, word.end)
            cursor = max(cursor, word.end)
        return self._joined(line, self._as_read(cursor, len(self.reading.text)), cursor, len(self.reading.text))

    def _without_scraps(self) -> "LineComparison":
        blanked = "".join(" " if i in self.scraps else c for i, c in enumerate(self.reading.text))
        return replace(self, reading=replace(self.reading, text=blanked))

    def _as_read(self, start: int, end: int) -> str:
        text = self.reading.text
        return "".join(
            f" {text[i]}" if i in self.breaks else text[i] for i in range(start, end) if text[i] != " "
        ).strip()

    def _joined(self, line: str, text: str, start: int, end: int) -> str:
        """The line with `text` for characters `start:end`: apart where a word begins, or two words meet."""
        if not line or not text:
            return line or text
        first = next((i for i in range(start, end) if self.reading.text[i] != " "), None)
        apart = first in self.breaks or bool(fold(line[-1]) and fold(text[0]))
        return f"{line} {text}" if apart else line + text

    @property
    def faulty(self) -> tuple[int, ...]:
        """Numbers of the words that do not read as expected."""
        return tuple(i for i, word in enumerate(self.words) if word.edits)

    @property
    def edits(self) -> int:
        """Letters wrong, missing or too many."""
        return sum(word.edits for word in self.words)

    @property
    def similarity(self) -> float:
        """Share of the wanted letters that are there, in [0, 1]; 1 is equal."""
        return max(0.0, 1.0 - self.edits / max(1, len(fold("".join(word.expected for word in self.words)))))


def compare(
    words: Sequence[str],
    reading: CtcReading,
    letters: Letters,
    taken: Sequence[bool] | None = None,
    *,
    anchored: bool = False,
) -> LineComparison:
    """The words compared with the place in the line where they fit best.

    Args:
        words: each has a letter or digit.
        reading: the line.
        letters: its letters.
        taken: flags of letters that other words have; none by default.
        anchored: all letters of the line are compared, not only those of the best place.
    """
    blocked = [False] * len(letters.folded) if taken is None else list(taken)
    wanted = fold("".join(words))
    if not anchored and len(wanted) * len(letters.folded) > _WHOLE_LINE_CELLS:
        blocked = _only_near(wanted, letters, blocked)
    starts = [
        start or (0 < i < len(blocked) and blocked[i - 1] != blocked[i]) for i, start in enumerate(letters.starts)
    ]
    cased = [case_like(word, reading.text) for word in words]
    marks = [[WantedLetter(letter, c) for c in word for letter in fold_character(c)] for word in cased]
    aligner = WordAligner(
        marks,
        letters.folded,
        [reading.text[i] for i in letters.character],
        starts,
        blocked,
        anchored=anchored,
        may_cut=len(wanted) > _SHORT,
    )
    runs = aligner.best()
    return _placed(words, runs, reading, letters)


def _only_near(wanted: str, letters: Letters, taken: Sequence[bool]) -> list[bool]:
    """All but the surroundings of the best window taken: on a line of running text the rest is not worth a look."""
    free = "".join("\0" if flag else letter for letter, flag in zip(letters.folded, taken, strict=True))
    window = best_window(wanted, free)
    first, last = max(0, window.start - _WINDOW_SLACK), min(len(free), window.end + _WINDOW_SLACK)
    while not letters.starts[first]:
        first -= 1
    while not letters.starts[last]:
        last += 1
    return [flag or not first <= i < last for i, flag in enumerate(taken)]


def _placed(words: Sequence[str], runs: Sequence[Run] | None, reading: CtcReading, letters: Letters) -> LineComparison:
    if runs is None or runs[0].start == runs[-1].end:
        nothing = tuple(WordComparison(word, 0, 0, len(fold(word))) for word in words)
        return LineComparison(reading, nothing, 0, 0, letters.breaks)
    first, last = letters.character[runs[0].start], letters.character[runs[-1].end - 1] + 1
    text = reading.text
    placed: list[WordComparison] = []
    cursor = first
    for word, run in zip(words, runs, strict=True):
        cased = case_like(word, text[first:last])
        if run.start == run.end:
            placed.append(WordComparison(cased, cursor, cursor, run.edits))
            continue
        start, end = letters.character[run.start], letters.character[run.end - 1] + 1
        if not word[0].isalnum():
            start = _over_signs(text, start, cursor, -1)
        if not word[-1].isalnum():
            end = _over_signs(text, end, len(text), 1)
        cursor = end
        placed.append(WordComparison(cased, start, end, run.edits))
    return LineComparison(reading, tuple(placed), min(first, placed[0].start), max(last, cursor), letters.breaks)


def _over_signs(text: str, edge: int, limit: int, step: int) -> int:
    """The edge moved by `step` over characters that are no letters, as far as the last that is no space."""
    moved = here = edge
    while here != limit and not fold_character(text[here if step > 0 else here - 1]):
        here += step
        moved = here if text[here - 1 if step > 0 else here] != " " else moved
    return moved
