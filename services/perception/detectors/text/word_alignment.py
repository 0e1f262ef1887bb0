"""Which letters of a line belong to which wanted word: an edit alignment that knows where words begin and end.

Every word gets a run of letters, the runs follow each other without a gap, and only at word boundaries of the line may
letters be left over. Inside a word of the line they may only where the wanted word stands there to the letter and what
is left is long enough to be a word by itself (the reader had lost a space). So a fault never replaces part of a word.
Knows letters and positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.perception.detectors.text.folding import looks_alike

GLUED_LETTERS = 3
"""So many letters glued to a word belong to it; more are another word, whose space the reader has lost."""

_LOOKALIKE = 0.05
_FAULTY_WORD = 0.3
_LOST_SPACE = 0.25
_SPURIOUS_SPACE = 0.2
_CUT_WORD = 0.4
_NEVER = float("inf")


@dataclass(frozen=True)
class WantedLetter:
    """A folded letter, and the character that it comes from."""

    letter: str
    character: str


@dataclass(frozen=True)
class Run:
    """Letters `start:end` of the line, half-open, for one wanted word, and how many of them are wrong."""

    start: int
    end: int
    edits: int


_State = tuple[int, int, bool, bool]
"""Marks and read letters behind it, whether the present word has an edit, whether it may have none."""


class WordAligner:
    """Aligns wanted words with a line.

    Args:
        words: the letters of each; every word has at least one.
        read: the line's folded letters.
        characters: what each comes from, in its own case.
        starts: `len(read) + 1` flags, True where a word of the line may begin (or the one before ends).
        taken: flags of letters that other words have.
        anchored: every letter of the line must belong to a wanted word.
        may_cut: words that stand there to the letter may be cut out of a longer word.
    """

    def __init__(
        self,
        words: Sequence[Sequence[WantedLetter]],
        read: str,
        characters: Sequence[str],
        starts: Sequence[bool],
        taken: Sequence[bool],
        *,
        anchored: bool = False,
        may_cut: bool = True,
    ) -> None:
        # All letters in order, a None between one word and the next.
        self._marks = [mark for word in words for mark in (None, *word)][1:]
        self._read = read
        self._characters = characters
        self._starts = starts
        self._taken = taken
        self._anchored = anchored
        self._may_cut = may_cut
        self._came: dict[_State, _State | None] = {}

    def best(self) -> tuple[Run, ...] | None:
        """The cheapest runs, one for each word; None where no placing is allowed."""
        layer: dict[_State, float] = {}
        for at, price, clean in self._beginnings():
            layer[0, at, False, clean] = price
            self._came[0, at, False, clean] = None
        for count in range(len(self._marks)):
            layer = self._advanced(count, self._extended(count, layer))
        layer = self._extended(len(self._marks), layer)
        finals = [(price + end, state) for state, price in layer.items() if (end := self._ending(state)) < _NEVER]
        return self._runs(min(finals)[1]) if finals else None

    def _beginnings(self) -> list[tuple[int, float, bool]]:
        if self._anchored:
            return [(0, 0.0, False)]
        found = []
        for at in range(len(self._read) + 1):
            if self._starts[at]:
                found.append((at, 0.0, False))
            elif self._may_cut and self._left_behind(at, -1) > GLUED_LETTERS:
                found.append((at, _CUT_WORD, True))
        return found

    def _ending(self, state: _State) -> float:
        _, at, faulty, _ = state
        if self._anchored:
            return 0.0 if at == len(self._read) else _NEVER
        if self._starts[at]:
            return 0.0
        may_cut = self._may_cut and not faulty and self._left_behind(at, 1) > GLUED_LETTERS
        return _CUT_WORD if may_cut else _NEVER

    def _left_behind(self, at: int, step: int) -> int:
        """Letters of the same word of the line before (`step` -1) or after (1) `at`, where no word begins."""
        edge = at
        while not self._starts[edge]:
            edge += step
        return abs(edge - at)

    def _passing(self, count: int, at: int) -> float:
        """What it costs to go on within a word over the boundary `at`."""
        inside = 0 < count < len(self._marks) and self._marks[count] is not None and self._marks[count - 1] is not None
        return _SPURIOUS_SPACE if inside and self._starts[at] else 0.0

    def _extended(self, count: int, layer: dict[_State, float]) -> dict[_State, float]:
        """Letters too many, after the letters or before the first of the present word."""
        reached = dict(layer)
        flags = [(faulty, clean) for faulty in (False, True) for clean in (False, True)]
        for at in range(len(self._read)):
            if self._taken[at]:
                continue
            for faulty, clean in flags:
                state = (count, at, faulty, clean)
                if clean or state not in reached:
                    continue
                price = reached[state] + 1.0 + (0.0 if faulty else _FAULTY_WORD) + self._passing(count, at)
                self._offer((count, at + 1, True, False), price, state, reached)
        return reached

    def _advanced(self, count: int, reached: dict[_State, float]) -> dict[_State, float]:
        """Over the next mark: a word's end, or a letter that is read right, read wrong, or not there."""
        layer: dict[_State, float] = {}
        mark = self._marks[count]
        for state, price in reached.items():
            _, at, faulty, clean = state
            if mark is None:
                boundary = 0.0 if self._starts[at] else _LOST_SPACE
                self._offer((count + 1, at, False, False), price + boundary, state, layer)
                continue
            wrong = 1.0 + (0.0 if faulty else _FAULTY_WORD)
            if not clean:
                self._offer((count + 1, at, True, False), price + wrong, state, layer)
            if at == len(self._read) or self._taken[at]:
                continue
            on = price + self._passing(count, at)
            if self._read[at] == mark.letter:
                self._offer((count + 1, at + 1, faulty, clean), on, state, layer)
            elif looks_alike(self._characters[at], mark.character):
                self._offer((count + 1, at + 1, faulty, clean), on + _LOOKALIKE, state, layer)
            elif not clean:
                self._offer((count + 1, at + 1, True, False), on + wrong, state, layer)
        return layer

    def _offer(self, state: _State, price: float, origin: _State, layer: dict[_State, float]) -> None:
        if price < layer.get(state, _NEVER):
            layer[state] = price
            self._came[state] = origin

    def _runs(self, last: _State) -> tuple[Run, ...]:
        path = [last]
        while (before := self._came[path[-1]]) is not None:
            path.append(before)
        path.reverse()
        runs: list[Run] = []
        start, edits = path[0][1], 0
        for a, b in pairwise(path):
            if b[0] > a[0] and self._marks[a[0]] is None:
                runs.append(Run(start, a[1], edits))
                start, edits = b[1], 0
            else:
                edits += self._is_edit(a, b)
        return (*runs, Run(start, last[1], edits))

    def _is_edit(self, a: _State, b: _State) -> bool:
        mark = self._marks[a[0]] if b[0] > a[0] else None
        if mark is None or b[1] == a[1]:
            return True
        return self._read[a[1]] != mark.letter and not looks_alike(self._characters[a[1]], mark.character)
