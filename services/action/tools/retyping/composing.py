"""Composes the expected words of the line's own letters where it has them, and of the typeface's where it has not.

Nothing is as like the old lettering as itself: letters that are right stay on their very pixels if they can, or move
as they are; only what is missing is drawn. Knows boxes and style, no pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from services.action.tools.retyping.glyphs import clusters
from services.action.tools.retyping.letters import Letter
from services.action.tools.retyping.setting import Room
from services.action.tools.retyping.typeface import Style, glyph_gap_em, glyph_width_em, off_height_em, resemblance

MIN_RESEMBLANCE = 0.5
"""Overlap with the typeface's letter from which an ink is believed to be that letter."""
_UNLIKE_TWIN = 0.1
_OFF_HEIGHT_EM = 0.13
"""A letter that ends so much higher or lower than it should has an accent or a tail that was not read."""
_ELASTIC_EM = 0.16
"""By so much the drawn part may be squeezed or spread for the rest to stay in place."""


@dataclass(frozen=True)
class Piece:
    """One letter in place: from `source` moved right by `shift_x` frame pixels, or drawn if there is no source.

    `x0` is where its ink begins in the frame, `scale` its size over the line's. A piece with a source that neither
    moves nor grows is left alone on its own pixels.
    """

    text: str
    x0: float
    source: Letter | None
    shift_x: float
    scale: float

    @property
    def kept(self) -> bool:
        """It stays where and as it is."""
        return self.source is not None and self.shift_x == 0.0 and self.scale == 1.0


def compose_of_letters(
    expected: str,
    run: Sequence[Letter],
    line: Sequence[Letter],
    style: Style,
    room: Room,
    right: frozenset[int] = frozenset(),
) -> list[Piece] | None:
    """Places for every letter of `expected`; None where the line's letters do not serve or the room is too small.

    Args:
        expected: what should stand there.
        run: the letters of the faulty run, left to right.
        line: all letters of the line whose text is believed.
        style: of the line.
        room: for the run.
        right: numbers of the words that stay as they are: their letters are carried over, like the typeface's or not.
    """
    good = _good(run, line, style) | {id(x): x for x in run if x.word in right}
    run = list(run)
    first = _initial(expected, run, style)
    if first is not None:
        good[id(first)] = first
    tokens, gaps_before = _tokens(expected, [x for x in run if id(x) in good])
    sources = _sources(tokens, run, good)
    if first is not None and tokens[0] == first.text:
        sources[0] = first
    drawn = sum(source is None for source in sources)
    if drawn > 0.5 * len(tokens) or len(tokens) < 2:
        return None
    offsets = _offsets(tokens, gaps_before, sources, run, style)
    widths = [_width(t, s, style) for t, s in zip(tokens, sources, strict=True)]
    total = offsets[-1] + widths[-1]
    old = room.old_x1 - room.old_x0
    slack = old - total
    elastic = _ELASTIC_EM * style.em_px * style.widen
    scale = 1.0
    if abs(slack) <= elastic:
        offsets = _spread(offsets, sources, run, slack)
        start = room.old_x0
    else:
        scale = room.filling(total)
        total *= scale
        if total > room.x1 - room.x0:
            return None
        start = room.old_x0 if room.keep == "left" else (room.old_x0 + room.old_x1 - total) / 2
        start = float(np.clip(start, room.x0, room.x1 - total))
    return [_piece(t, start + scale * o, s, run, scale) for t, o, s in zip(tokens, offsets, sources, strict=True)]


def _good(run: Sequence[Letter], line: Sequence[Letter], style: Style) -> dict[int, Letter]:
    """Letters that look like what they are read as, about as much as the others of their line, and stand as high."""
    letters = {id(x): x for x in (*run, *line)}
    alike = {key: resemblance(x, style) for key, x in letters.items()}
    least = max(MIN_RESEMBLANCE, 0.85 * float(np.median(list(alike.values())))) if alike else 1.0
    # Of two that are read alike, one much less like the letter was read wrongly.
    best: dict[str, float] = {}
    for key, x in letters.items():
        best[x.text] = max(best.get(x.text, 0.0), alike[key] - _UNLIKE_TWIN)
    likely = {key: x for key, x in letters.items() if alike[key] >= max(least, best[x.text])}
    return {key: x for key, x in likely.items() if off_height_em(x, style) < _OFF_HEIGHT_EM}


def _initial(expected: str, run: Sequence[Letter], style: Style) -> Letter | None:
    """The first letter where it is larger than the rest, as before small capitals, and stays the first."""
    if not run or not expected.startswith(run[0].text) or resemblance(run[0], style) < MIN_RESEMBLANCE:
        return None
    rest = [x.box.height for x in run[1:]]
    return run[0] if rest and 1.1 < run[0].box.height / float(np.median(rest)) < 1.8 else None


def _piece(text: str, x0: float, source: Letter | None, run: Sequence[Letter], scale: float) -> Piece:
    if source is None:
        return Piece(text, x0, None, 0.0, scale)
    shift = x0 - source.box.x0
    own = any(source is letter for letter in run)
    return Piece(text, x0, source, 0.0 if own and abs(shift) < 0.75 else float(shift), scale)


def _tokens(expected: str, run: Sequence[Letter]) -> tuple[list[str], list[bool]]:
    """`expected` in pieces that letters may serve, touching ones together; and whether a space stands before each."""
    joined = sorted({x.text for x in run if not x.single}, key=len, reverse=True)
    tokens: list[str] = []
    spaced: list[bool] = []
    for word_number, word in enumerate(expected.split()):
        parts = clusters(word)
        i = 0
        while i < len(parts):
            rest = "".join(parts[i:])
            text = next((j for j in joined if rest.startswith(j)), parts[i])
            tokens.append(text)
            spaced.append(word_number > 0 and i == 0)
            i += len(clusters(text))
    return tokens, spaced


def _sources(tokens: list[str], run: Sequence[Letter], good: dict[int, Letter]) -> list[Letter | None]:
    """For each token a letter: the run's own in order where it is right, else a like one of the line."""
    sources: list[Letter | None] = [None] * len(tokens)
    matcher = SequenceMatcher(None, [x.text for x in run], tokens, autojunk=False)
    for block in matcher.get_matching_blocks():
        for k in range(block.size):
            letter = run[block.a + k]
            if id(letter) in good:
                sources[block.b + k] = letter
    for i, token in enumerate(tokens):
        if sources[i] is None:
            sources[i] = next((x for x in good.values() if x.text == token), None)
    return sources


def _offsets(
    tokens: list[str], spaced: list[bool], sources: list[Letter | None], run: Sequence[Letter], style: Style
) -> list[float]:
    """Left edges from the first one's; neighbours in the run keep their distance, others get the typeface's."""
    em_x = style.em_px * style.widen
    place = {id(letter): i for i, letter in enumerate(run)}
    offsets = [0.0]
    for i in range(1, len(tokens)):
        before, here = sources[i - 1], sources[i]
        known = before is not None and here is not None and place.get(id(here), -9) == place.get(id(before), -99) + 1
        if known and before is not None and here is not None and spaced[i] == (before.word != here.word):
            offsets.append(offsets[-1] + here.box.x0 - before.box.x0)
            continue
        gap = glyph_gap_em(tokens[i - 1], tokens[i], style, spaced[i]) * em_x
        offsets.append(offsets[-1] + _width(tokens[i - 1], before, style) + gap)
    return offsets


def _width(token: str, source: Letter | None, style: Style) -> float:
    return source.box.width if source is not None else glyph_width_em(token, style) * style.em_px * style.widen


def _spread(offsets: list[float], sources: list[Letter | None], run: Sequence[Letter], slack: float) -> list[float]:
    """Gives `slack` to where the run's own order is broken, so that what is right stays in place.

    A new first or last letter takes it all: the line's end is free, the gaps within it are not.
    """
    if not run or sources[0] is None or sources[0] is not run[0]:
        return [o + slack for o in offsets]
    if sources[-1] is None or sources[-1] is not run[-1]:
        return offsets
    place = {id(letter): i for i, letter in enumerate(run)}
    joints: list[int] = []
    for i in range(1, len(offsets)):
        before, here = sources[i - 1], sources[i]
        a = place.get(id(before), -99) if before is not None else -99
        b = place.get(id(here), -9) if here is not None else -9
        if b != a + 1:
            joints.append(i)
    if not joints:
        return offsets
    share = slack / len(joints)
    return [o + share * sum(1 for j in joints if j <= i) for i, o in enumerate(offsets)]
