"""Compares words read with words expected: word accuracy, character error rate, and whether a place reads right.

Case, accents and punctuation are folded away on both sides: they are typography here, and the reader's weakness.
"""

import unicodedata
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein


def folded(text: str) -> str:
    """Lower case letters and digits with single spaces; accents and punctuation removed."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    kept = "".join(char if char.isalnum() else "" if char in "'’`" else " " for char in bare.casefold())
    return " ".join(kept.split())


def reads_as(read: str, expected: str) -> bool:
    """Whether the reading is the expected text, folded; spaces are ignored, for readers split wide letters."""
    return folded(read).replace(" ", "") == folded(expected).replace(" ", "")


@dataclass(frozen=True)
class ReadingErrors:
    """Edits between what was read and what was expected; sums over many lines by `+`.

    `word_edits` and `character_edits` are Levenshtein distances; the totals are of the expected text.
    """

    word_edits: int = 0
    words: int = 0
    character_edits: int = 0
    characters: int = 0

    def __add__(self, other: "ReadingErrors") -> "ReadingErrors":
        return ReadingErrors(
            self.word_edits + other.word_edits,
            self.words + other.words,
            self.character_edits + other.character_edits,
            self.characters + other.characters,
        )

    @property
    def word_accuracy(self) -> float:
        """One less the word error rate, in [0, 1], higher is better; 1 where nothing was expected."""
        return max(0.0, 1.0 - self.word_edits / self.words) if self.words else 1.0

    @property
    def character_error_rate(self) -> float:
        """Character edits per expected character, lower is better; above 1 where much more is read."""
        return self.character_edits / self.characters if self.characters else 0.0


def reading_errors(read: str, expected: str) -> ReadingErrors:
    """The errors of one line; `expected` is the ground truth."""
    got, want = folded(read), folded(expected)
    return ReadingErrors(
        Levenshtein.distance(got.split(), want.split()), len(want.split()), Levenshtein.distance(got, want), len(want)
    )
