"""Synonyms from WordNet's own files, for METEOR. Finds Debian's package `wordnet-base` and NLTK's download.

NLTK's reader insists on files that Debian leaves out, and METEOR asks it for synonyms alone. Words are looked up as
they are written; METEOR compares stems before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nltk

DEBIAN_FOLDER = Path("/usr/share/wordnet")
_PARTS = ("noun", "verb", "adj", "adv")


@dataclass(frozen=True)
class Lemma:
    """A word, as NLTK's METEOR asks for it."""

    word: str

    def name(self) -> str:
        """The word; blanks are underscores."""
        return self.word


@dataclass(frozen=True)
class Synset:
    """Words of one meaning."""

    words: tuple[str, ...]

    def lemmas(self) -> Sequence[Lemma]:
        """The words."""
        return [Lemma(word) for word in self.words]


class WordNet:
    """Looks words up in a folder of WordNet 3.

    Raises:
        OSError: a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._offsets: dict[str, list[tuple[str, int]]] = {}
        self._data = {part: (folder / f"data.{part}").read_bytes() for part in _PARTS}
        for part in _PARTS:
            for line in (folder / f"index.{part}").read_text(encoding="utf-8").splitlines():
                if not line.startswith(" "):  # the licence
                    fields = line.split()
                    senses = fields[-int(fields[2]) :]  # the fields' third is how many meanings there are
                    self._offsets.setdefault(fields[0], []).extend((part, int(offset)) for offset in senses)

    def synsets(self, word: str) -> Sequence[Synset]:
        """The meanings of a word; none where it is not known."""
        return [self._at(part, offset) for part, offset in self._offsets.get(word.lower(), ())]

    def _at(self, part: str, offset: int) -> Synset:
        data = self._data[part]
        fields = data[offset : data.index(b"\n", offset)].decode().split()
        count = int(fields[3], 16)  # of words; each is followed by a number
        return Synset(tuple(fields[4 + 2 * at].partition("(")[0].lower() for at in range(count)))


@cache
def find_wordnet() -> WordNet | None:
    """The first WordNet of this machine; None where there is none."""
    nltk_folders = [Path(path) / "corpora" / "wordnet" for path in nltk.data.path]
    for folder in (DEBIAN_FOLDER, *nltk_folders):
        if all((folder / f"{kind}.{part}").is_file() for kind in ("index", "data") for part in _PARTS):
            return WordNet(folder)
    return None
