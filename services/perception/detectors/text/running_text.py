"""Print that nobody asked for: paragraphs and small print, in whose many words some always resemble the wanted ones.

There a phrase counts only where nearly all of it stands in one place. Knows lines and matches, no pixels.
"""

from collections.abc import Sequence
from itertools import pairwise

from services.perception.detectors.text.alignment import PhraseMatch
from services.perception.detectors.text.comparison import Letters
from services.perception.detectors.text.folding import fold
from services.perception.detectors.text.layout import are_stacked
from services.perception.detectors.text.reading import Line

_PARAGRAPH_WORDS = 12
_CROWD_WORDS = 20
_SMALL_PRINT = 0.6
_LETTERS_PER_WORD = 8
_LIKE_HEIGHTS = 0.7
_NEARLY_THERE = 0.75
_NEARLY_A_WORD = 0.5


def running_text(lines: Sequence[Line], wanted_words: int) -> frozenset[int]:
    """Numbers of the lines in blocks with a dozen words more than are wanted, and of the small print in a crowd."""
    counts = [_word_count(line) for line in lines]
    found: set[int] = set()
    for block in _blocks(lines):
        if sum(counts[i] for i in block) >= wanted_words + _PARAGRAPH_WORDS:
            found |= block
    if sum(counts) >= wanted_words + _CROWD_WORDS:
        tallest = max(line.size_px[0] for line, count in zip(lines, counts, strict=True) if count)
        found |= {i for i, line in enumerate(lines) if line.size_px[0] < _SMALL_PRINT * tallest}
    return frozenset(found)


def is_out_of_place(match: PhraseMatch, lines: Sequence[Line], running: frozenset[int]) -> bool:
    """Whether words of the phrase were picked out of running text where the phrase as a whole does not stand."""
    if not any(entry.line in running for entry in match.lines):
        return False
    words = [word for entry in match.lines for word in entry.comparison.words]
    letters = sum(len(fold(word.expected)) for word in words)
    edits = sum(word.edits for word in words)
    nearly = not match.absent_words and edits <= (1 - _NEARLY_THERE) * letters
    each = all(word.edits <= (1 - _NEARLY_A_WORD) * len(fold(word.expected)) for word in words)
    return not (nearly and each and _is_in_one_place(match, lines))


def _is_in_one_place(match: PhraseMatch, lines: Sequence[Line]) -> bool:
    """On one line, or from the end of each line on to the beginning of the next."""
    for a, b in pairwise(match.lines):
        rest, before = lines[a.line].text[a.comparison.end :], lines[b.line].text[: b.comparison.start]
        if b.line != a.line + 1 or fold(rest) or fold(before):
            return False
    return True


def _word_count(line: Line) -> int:
    """Words of two letters or more; where the reader has lost the spaces, as many as the letters make."""
    letters = len(fold(line.text))
    return max(Letters.of(line.reading).word_count, letters // _LETTERS_PER_WORD) if letters >= 2 else 0


def _blocks(lines: Sequence[Line]) -> list[set[int]]:
    """Lines of nearly one height, connected by standing next to each other."""
    left = set(range(len(lines)))
    blocks: list[set[int]] = []
    while left:
        block, edge = set(), [left.pop()]
        while edge:
            here = edge.pop()
            block.add(here)
            near = {i for i in left if _belong_together(lines[here], lines[i])}
            left -= near
            edge += near
        blocks.append(block)
    return blocks


def _belong_together(a: Line, b: Line) -> bool:
    heights = sorted((a.size_px[0], b.size_px[0]))
    return heights[0] >= _LIKE_HEIGHTS * heights[1] and are_stacked(a, b)
