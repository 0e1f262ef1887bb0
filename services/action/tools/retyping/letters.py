"""Which ink is which letter: aligns the characters of a word as read with its blobs of ink.

A blob may hold letters that touch, a letter may lie in pieces (stencil); a dynamic programme over widths decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from services.action.tools.retyping.frame import Box, Float
from services.action.tools.retyping.glyphs import clusters, draw
from services.action.tools.retyping.line import Blob, Line, Word, around
from shared.fonts import FONTS

_MODELS = ("Roboto-Bold", "Lora-Regular", "Oswald-Regular", "PatrickHand-Regular")
_EM_PX = 48
_MOST_STRANGERS = 2
_STRANGER = 0.1
"""Cost per letter that must be saved for a blob to be no part of the word."""
_UNEVEN = 0.3
"""Cost of a blob that is not exactly one letter, in the same unit as a log ratio of widths."""


@dataclass(frozen=True)
class Letter:
    """One letter (or letters that touch): its text, its blob, and the matte inside the blob's box."""

    text: str
    blob: Blob
    matte: Float
    word: int

    @property
    def box(self) -> Box:
        """In frame pixels."""
        return self.blob.box

    @property
    def single(self) -> bool:
        """Exactly one character."""
        return len(clusters(self.text)) == 1


@lru_cache(maxsize=4096)
def _width_em(character: str) -> float:
    """Typical width of a character's ink, in em."""
    faces = [face for face in FONTS if face.name in _MODELS and face.covers(character)]
    widths = [draw(character, face, _EM_PX).ink.width / _EM_PX for face in faces]
    return float(np.mean(widths)) if widths else 0.5


def letters_of(word: Word, index: int, matte: Float) -> list[Letter]:
    """The word's letters, left to right; one letter with the whole word where the ink does not tell.

    Args:
        word: as grouped.
        index: of the word in its line.
        matte: `(H, W)` the line's ink.
    """
    parts = clusters(word.text.replace(" ", ""))
    if not word.blobs or not parts:
        return []
    groups, _ = _align(parts, word.blobs)
    if groups is None:
        return [_cut("".join(parts), word.blobs, index, matte)]
    return [_cut(text, blobs, index, matte) for text, blobs in groups]


def mirrored_letters(word: Word, text: str, index: int, matte: Float) -> list[Letter]:
    """The letters of a word written as in a mirror, turned the right way round where it stands: forms to judge by.

    Args:
        word: as grouped; its own text does not matter.
        text: what it says in the mirror.
        index: of the word in its line.
        matte: `(H, W)` the line's ink.
    """
    if not word.blobs:
        return []
    x0, x1 = word.box.x0, word.box.x1
    turned = matte.copy()
    turned[:, int(x0) : int(x1)] = matte[:, int(x0) : int(x1)][:, ::-1]
    blobs = tuple(
        Blob(Box(x0 + x1 - b.box.x1, b.box.y0, x0 + x1 - b.box.x0, b.box.y1), b.labels) for b in reversed(word.blobs)
    )
    return letters_of(Word(text, blobs), index, turned)


def _cut(text: str, blobs: Sequence[Blob], index: int, matte: Float) -> Letter:
    blob = Blob(around(tuple(blobs)), tuple(label for b in blobs for label in b.labels))
    box = blob.box
    return Letter(text, blob, matte[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)], index)


def without_strangers(line: Line) -> Line:
    """The line without an emblem at its ends that no letter accounts for, though it has the ink's colour."""
    words = list(line.words)
    for index, end in ((0, slice(1, None)), (len(words) - 1, slice(None, -1))):
        word = words[index]
        parts = clusters(word.text.replace(" ", ""))
        for _ in range(_MOST_STRANGERS):
            fewer = word.blobs[end]
            if len(word.blobs) <= len(parts) or len(fewer) < 2 or not all(x.isalnum() for x in parts):
                break
            if _align(parts, fewer)[1] > _align(parts, word.blobs)[1] - _STRANGER * len(parts):
                break
            word = Word(word.text, fewer)
        words[index] = word
    return replace(line, words=tuple(words))


def _align(parts: list[str], blobs: tuple[Blob, ...]) -> tuple[list[tuple[str, tuple[Blob, ...]]] | None, float]:
    """The letters' blobs, None where they do not fit, and what fitting costs."""
    n, m = len(parts), len(blobs)
    widths = np.array([_width_em(part) for part in parts])
    gap = 0.06
    scale = (blobs[-1].box.x1 - blobs[0].box.x0) / (widths.sum() + gap * (n - 1))
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0.0
    came: dict[tuple[int, int], tuple[int, int]] = {}
    steps = [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3)]
    for i in range(n + 1):
        for j in range(m + 1):
            if not np.isfinite(total[i, j]):
                continue
            for chars, count in steps:
                if i + chars > n or j + count > m:
                    continue
                wanted = (widths[i : i + chars].sum() + gap * (chars - 1)) * scale
                seen = blobs[j + count - 1].box.x1 - blobs[j].box.x0
                cost = total[i, j] + abs(float(np.log(seen / wanted))) * chars + _UNEVEN * (chars + count - 2)
                if cost < total[i + chars, j + count]:
                    total[i + chars, j + count] = cost
                    came[i + chars, j + count] = (chars, count)
    if not np.isfinite(total[n, m]) or total[n, m] / n > 0.6:
        return None, float(total[n, m])
    groups: list[tuple[str, tuple[Blob, ...]]] = []
    i, j = n, m
    while i > 0:
        chars, count = came[i, j]
        groups.append(("".join(parts[i - chars : i]), blobs[j - count : j]))
        i, j = i - chars, j - count
    return groups[::-1], float(total[n, m])
