"""Lines and letters that no expected word has claimed: the sign that must be meant, words that stand there twice.

Geometry and strings; careful, because a photograph is full of lettering that nobody asked for.
"""

from collections.abc import Sequence
from itertools import accumulate, combinations, pairwise

from rapidfuzz.distance import Levenshtein

from services.perception.detectors.text.comparison import Letters, LineComparison, compare
from services.perception.detectors.text.folding import fold
from services.perception.detectors.text.layout import are_stacked, prominence, span_quad
from services.perception.detectors.text.reading import Line
from shared.contracts.values import TextFault, TextReading

_CLEARLY = 1.5
_LEAST_HEIGHT = 0.025
_SHORT = 0.3
"""Heights of a letter per letter of a word, which mostly has twice as much."""
_LEAST_DETECTION = 0.6
_LEAST_DOUBLED_LETTERS = 2
_SAME_WORDS = 0.85
_MOST_LINES = 6
_LIKE_HEIGHT = 0.8


def whole_comparison(line: Line, words: Sequence[str], breaks: frozenset[int] | None = None) -> LineComparison:
    """The words against all that the line carries; `breaks` where its words are known better than as read."""
    return compare(words, line.reading, Letters.of(line.reading, breaks), anchored=True)


def meant_lines(
    words: Sequence[str], lines: Sequence[Line], size_hw: tuple[int, int]
) -> list[tuple[Line, tuple[str, ...]]]:
    """By elimination: the lines, in reading order, that the words must be meant for; empty where that is unclear.

    The most prominent line and those set with it must stand out from all others by half, and be about as long as the
    words: a sign gone wrong keeps its length, lettering in the background does not.
    """
    longest = max((len(fold(word)) for word in words), default=0)
    read = [line for line in lines if line.detection >= _LEAST_DETECTION and fold(line.text)]
    open_lines = [line for line in read if not _is_one_shape(line, longest)]
    if not open_lines or not words:
        return []
    top = max(open_lines, key=lambda line: prominence(line, size_hw))
    if top.size_px[0] < _LEAST_HEIGHT * min(size_hw):
        return []
    group = _set_together(top, open_lines)
    others = [line for line in open_lines if line not in group]
    if any(prominence(other, size_hw) * _CLEARLY > prominence(top, size_hw) for other in others):
        return []
    if len(group) <= min(_MOST_LINES, len(words)):
        dealt = _dealt_by_length(words, group)
        if dealt:
            return dealt
    rivals = [line for line in group if line is not top]
    alone = all(prominence(rival, size_hw) * _CLEARLY <= prominence(top, size_hw) for rival in rivals)
    return [(top, tuple(words))] if alone and is_as_long(words, top.text) else []


def _is_one_shape(line: Line, letters: int) -> bool:
    """Whether it is read as one letter and far too short for a word of so many: an arm or a leg, read as I or L.

    A garbled word that is read as one letter is as long as the word.
    """
    height, width = line.size_px
    return len(fold(line.text)) == 1 and width < _SHORT * letters * height


def substituted_lines(words: Sequence[str], lines: Sequence[Line]) -> list[tuple[Line, tuple[str, ...]]]:
    """The words dealt out to lines that stand where they belong; empty where the lines cannot be meant for them.

    Lines with as many words as are wanted are those words, however long; others must be about as long.
    """
    if not words or not 1 <= len(lines) <= min(_MOST_LINES, len(words)):
        return []
    counts = [Letters.of(line.reading).word_count for line in lines]
    if sum(counts) != len(words) or not all(counts):
        return _dealt_by_length(words, lines)
    ends = list(accumulate(counts))
    return [(line, tuple(words[end - n : end])) for line, n, end in zip(lines, counts, ends, strict=True)]


def chained(first: Line, between: Sequence[Line], last: Line) -> list[Line]:
    """Those of the lines between two others that make one column or row with them; empty where they do not reach."""
    chain = [first]
    for line in between:
        if are_stacked(chain[-1], line):
            chain.append(line)
    return chain[1:] if are_stacked(chain[-1], last) else []


def next_line(words: Sequence[str], beside: Line, lines: Sequence[Line]) -> list[tuple[Line, tuple[str, ...]]]:
    """The words for the one line next to `beside` that looks as they would: height, words and letters agree."""
    if len(lines) != 1 or not are_stacked(beside, lines[0]) or not is_as_long(words, lines[0].text):
        return []
    low, high = sorted((beside.size_px[0], lines[0].size_px[0]))
    same_words = Letters.of(lines[0].reading).word_count == len(words)
    return [(lines[0], tuple(words))] if same_words and low >= _LIKE_HEIGHT * high else []


def _set_together(top: Line, lines: Sequence[Line]) -> list[Line]:
    """The lines connected to `top` by standing next to each other in one size, in the order given."""
    group = [top]
    grew = True
    while grew:
        near = [line for line in lines if line not in group and any(are_stacked(line, member) for member in group)]
        group += near
        grew = bool(near)
    return [line for line in lines if line in group]


def _dealt_by_length(words: Sequence[str], group: Sequence[Line]) -> list[tuple[Line, tuple[str, ...]]]:
    best: tuple[int, list[tuple[Line, tuple[str, ...]]]] | None = None
    for cuts in combinations(range(1, len(words)), len(group) - 1):
        bounds = [0, *cuts, len(words)]
        parts = [tuple(words[a:b]) for a, b in pairwise(bounds)]
        if not all(is_as_long(part, line.text) for part, line in zip(parts, group, strict=True)):
            continue
        off = sum(abs(len(fold("".join(part))) - len(fold(line.text))) for part, line in zip(parts, group, strict=True))
        if best is None or off < best[0]:
            best = (off, list(zip(group, parts, strict=True)))
    return best[1] if best is not None else []


def is_as_long(words: Sequence[str], text: str) -> bool:
    """Whether a reading has about as many letters as the words, as lettering that went wrong mostly does."""
    wanted, seen = len(fold("".join(words))), len(fold(text))
    return seen > 0 and abs(wanted - seen) <= max(2.0, 0.6 * wanted)


def repeated_word(line: Line, comparisons: Sequence[LineComparison]) -> TextReading | None:
    """A word of the line that stands there a second time although it is wanted once."""
    taken = {c for comparison in comparisons for c in range(comparison.start, comparison.end)}
    for comparison in comparisons:
        for word in comparison.words:
            if word.edits or len(fold(word.expected)) < _LEAST_DOUBLED_LETTERS:
                continue
            after = _same_word_at(line, word.expected, word.end, 1, taken)
            before = _same_word_at(line, word.expected, word.start - 1, -1, taken)
            if after is None and before is None:
                continue
            start, end = after if after is not None else (word.start, word.end)
            text = line.text
            rest = f"{text[:start].rstrip()} {text[end:].lstrip()}".strip()
            inside = line.reading.probabilities[start:end]
            return TextReading(
                text=text[start:end].strip(),
                expected="",
                fault=TextFault.DOUBLED,
                confidence=sum(inside) / len(inside),
                quad_px=span_quad(line.quad_px, line.reading, start, end),
                line_text=text,
                line_expected=rest,
                line_quad_px=line.quad_px,
            )
    return None


def _same_word_at(line: Line, word: str, edge: int, step: int, taken: set[int]) -> tuple[int, int] | None:
    """The characters next to `edge`, going by `step`, if they spell `word` and no other phrase has them."""
    wanted = fold(word)
    span: list[int] = []
    position = edge
    while 0 <= position < len(line.text) and position not in taken:
        if fold(line.text[position]):
            span.append(position)
            letters = fold("".join(line.text[i] for i in sorted(span)))
            if letters == wanted:
                return min(span), max(span) + 1
            if len(letters) >= len(wanted):
                return None
        position += step
    return None


def repeated_line(line: Line, claimed: Sequence[tuple[Line, LineComparison]], others: Sequence[Line]) -> bool:
    """Whether an unclaimed line says again what one wanted line set with it says, or the end or beginning of it.

    Where a third line says so too it is a pattern, and no mistake.
    """
    letters = fold(line.text)
    if len(letters) <= _LEAST_DOUBLED_LETTERS:
        return False
    twins = [other for other, comparison in claimed if are_stacked(line, other) and _has_words(comparison, letters)]
    again = [other for other in others if other is not line and fold(other.text) == letters]
    return len(twins) == 1 and all(other is twins[0] for other in again)


def _has_words(comparison: LineComparison, letters: str) -> bool:
    """Whether the first or the last words of the line, read without fault, are these letters, a slip allowed."""
    words = [fold(word.expected) for word in comparison.words if not word.edits]
    ends = [part for i in range(len(words)) for part in ("".join(words[: i + 1]), "".join(words[i:]))]
    return any(Levenshtein.normalized_similarity(part, letters) >= _SAME_WORDS for part in ends)
