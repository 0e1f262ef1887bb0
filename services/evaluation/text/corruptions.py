"""Spoils the words of a sign the way image generators do: misspelt, garbled, mirrored, doubled, missing, wrong.

Works on words and on how each is to be drawn; pixels are the business of `lettering`.
"""

import string
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from services.evaluation.text.truth import Kind

Lines = tuple[tuple[str, ...], ...]
"""A sign's lines, each of words."""

LONG_ENOUGH = 4
"""A shorter word with a letter dropped or swapped is often another word, or none at all."""

ASYMMETRIC = frozenset("BCDEFGJKLNPQRSZabcdefghjknpqrstyz2345679")
"""Letters whose mirror image is visibly not themselves."""

OTHER_WORDS = (
    "BREAD", "GARDEN", "WINTER", "MUSIC", "ORANGE", "SILVER", "TRAVEL", "BRIDGE", "POCKET", "WINDOW", "HARBOR",
    "PLANET", "SUMMER", "KITCHEN", "LIBRARY", "TEA", "PIE", "OLD", "RED", "SOUTH", "CLOSED", "MONDAY", "LEFT", "FISH",
)  # fmt: skip


class Manner(StrEnum):
    """How a word is drawn."""

    PLAIN = "plain"
    MIRRORED = "mirrored"
    LETTER_MIRRORED = "letter_mirrored"
    GARBLED = "garbled"
    ABSENT = "absent"


@dataclass(frozen=True)
class DrawnWord:
    """A word as drawn: its letters, the word whose room it takes (None: as much as it needs), how, and which letter."""

    text: str
    slot: str | None = None
    manner: Manner = Manner.PLAIN
    letter: int = 0


@dataclass(frozen=True)
class Corruption:
    """A spoilt sign.

    Attributes:
        kind, variety: what was done.
        drawn: the sign's lines as drawn.
        line, word: which word of the right sign it befell.
        reflowed: the line's other words stand elsewhere than in the right sign.
    """

    kind: Kind
    variety: str
    drawn: tuple[tuple[DrawnWord, ...], ...]
    line: int
    word: int
    reflowed: bool = False


def plain(lines: Lines) -> tuple[tuple[DrawnWord, ...], ...]:
    """The lines as they should be drawn."""
    return tuple(tuple(DrawnWord(word) for word in line) for line in lines)


def corrupt(lines: Lines, kind: Kind, rng: np.random.Generator) -> Corruption | None:
    """Spoils one word of the lines; None where no word of them can be spoilt in that way.

    Raises:
        ValueError: `kind` is no fault.
    """
    spoilers = {
        Kind.MISSPELT: _misspelt,
        Kind.GARBLED: _garbled,
        Kind.MIRRORED: _mirrored,
        Kind.DOUBLED: _doubled,
        Kind.MISSING: _missing,
        Kind.WRONG: _wrong,
    }
    if kind not in spoilers:
        raise ValueError(f"{kind} is no fault")
    places = [
        (i, j)
        for i, line in enumerate(lines)
        for j, word in enumerate(line)
        if _spoilable(word, kind) and (kind is not Kind.MISSING or _lacks_clearly(lines, i, j))
    ]
    if not places:
        return None
    line, word = places[int(rng.integers(len(places)))]
    return spoilers[kind](lines, line, word, rng)


def _spoilable(word: str, kind: Kind) -> bool:
    letters = sum(char.isalpha() for char in word)
    if kind is Kind.MISSPELT:
        return word.isalpha() and len(word) >= LONG_ENOUGH
    if kind is Kind.MIRRORED:
        return sum(char in ASYMMETRIC for char in word) >= 2
    return letters >= 3


def _lacks_clearly(lines: Lines, line: int, word: int) -> bool:
    """Whether the place of a missing word is beyond doubt: a word at a line's break may be set on either line."""
    first, last = word == 0, word == len(lines[line]) - 1
    breaks_before, breaks_after = line > 0, line < len(lines) - 1
    return len(lines[line]) > 1 and not (first and breaks_before) and not (last and breaks_after)


def _with(lines: Lines, line: int, word: int, *drawn: DrawnWord) -> tuple[tuple[DrawnWord, ...], ...]:
    rows = [list(row) for row in plain(lines)]
    rows[line][word : word + 1] = drawn
    return tuple(tuple(row) for row in rows)


def _like(char: str, model: str) -> str:
    return char.upper() if model.isupper() else char.lower()


def misspell(word: str, rng: np.random.Generator) -> tuple[str, str]:
    """The word with one letter dropped, doubled, swapped with the next, or replaced; and which of these."""
    while True:
        variety = str(rng.choice(["dropped", "doubled", "swapped", "replaced"]))
        at = int(rng.integers(1, len(word) - 1))
        if variety == "dropped":
            spoilt = word[:at] + word[at + 1 :]
        elif variety == "doubled":
            spoilt = word[: at + 1] + word[at:]
        elif variety == "swapped":
            spoilt = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        else:
            others = [char for char in string.ascii_lowercase if char != word[at].lower()]
            spoilt = word[:at] + _like(str(rng.choice(others)), word[at]) + word[at + 1 :]
        if spoilt != word:
            return spoilt, variety


def _misspelt(lines: Lines, line: int, word: int, rng: np.random.Generator) -> Corruption:
    right = lines[line][word]
    spoilt, variety = misspell(right, rng)
    return Corruption(Kind.MISSPELT, variety, _with(lines, line, word, DrawnWord(spoilt, right)), line, word)


def _garbled(lines: Lines, line: int, word: int, rng: np.random.Generator) -> Corruption:
    right = lines[line][word]
    drawn = DrawnWord(right, right, Manner.GARBLED, int(rng.integers(1 << 30)))
    return Corruption(Kind.GARBLED, "scribble", _with(lines, line, word, drawn), line, word)


def _mirrored(lines: Lines, line: int, word: int, rng: np.random.Generator) -> Corruption:
    right = lines[line][word]
    if rng.random() < 0.6:
        drawn = DrawnWord(right, right, Manner.MIRRORED)
        return Corruption(Kind.MIRRORED, "word", _with(lines, line, word, drawn), line, word)
    at = [i for i, char in enumerate(right) if char in ASYMMETRIC]
    drawn = DrawnWord(right, right, Manner.LETTER_MIRRORED, int(rng.choice(at)))
    return Corruption(Kind.MIRRORED, "letter", _with(lines, line, word, drawn), line, word)


def _doubled(lines: Lines, line: int, word: int, rng: np.random.Generator) -> Corruption:
    right = DrawnWord(lines[line][word])
    return Corruption(Kind.DOUBLED, "word", _with(lines, line, word, right, right), line, word, reflowed=True)


def _missing(lines: Lines, line: int, word: int, rng: np.random.Generator) -> Corruption:
    right = lines[line][word]
    if rng.random() < 0.5:
        drawn = _with(lines, line, word, DrawnWord(right, right, Manner.ABSENT))
        return Corruption(Kind.MISSING, "gap", drawn, line, word)
    return Corruption(Kind.MISSING, "closed", _with(lines, line, word), line, word, reflowed=True)


def _wrong(lines: Lines, line: int, word: int, rng: np.random.Generator) -> Corruption:
    right = lines[line][word]
    shown = {each.upper() for row in lines for each in row}
    near = [other for other in OTHER_WORDS if abs(len(other) - len(right)) <= 2 and other not in shown]
    other = str(rng.choice(near or ["NOTHING"]))
    cased = other if right.isupper() else other.lower() if right.islower() else other.capitalize()
    drawn = replace(DrawnWord(cased), slot=right)
    return Corruption(Kind.WRONG, "word", _with(lines, line, word, drawn), line, word)
