"""The tool `retype`: erases wrong words and sets the right ones in a typeface, colour and light like the old.

It knows pixels, the reading and fonts; nothing of jobs, stores or planning. The steps lie in `retyping`; what it
cannot do so that nobody sees it, it declines with a sentence.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from services.action.tools.base import EditRequest, EditResult, ToolDeclined, Weightless
from services.action.tools.retyping.brief import Brief, brief_of
from services.action.tools.retyping.composing import Piece, compose_of_letters
from services.action.tools.retyping.frame import Matrix
from services.action.tools.retyping.letters import Letter
from services.action.tools.retyping.line import Line, Word
from services.action.tools.retyping.paint import Composition, paint
from services.action.tools.retyping.seeing import Seen, see, unseen_ink
from services.action.tools.retyping.setting import alignment, coverage, flush_left, letter_at, place, room_for
from services.action.tools.retyping.typeface import Style, as_heavy
from shared.fonts import FONTS, Typeface, covering
from shared.geometry import Mask, dilate

MIN_LETTER_PX = 5.5
"""Height of the lower letters of a word: of a small x, or of capitals where the word has nothing else."""
MAX_UNSEEN_INK = 0.06
"""Share of ink between the letters that may be no letter's; 0 on signs, 0.15 where a face lies behind the word."""

MAX_OFF_CENTRE = 0.25
"""Line heights by which one new word may move its line's centre."""

MAX_GAP_GROWTH = 1.6


@dataclass(frozen=True)
class SetWords:
    """How the words were set: letters left in place, letters moved, the rest drawn; from `x0` to `x1` in the frame.

    `turned` where nothing was set, but the old word turned round as it is.
    """

    composition: Composition
    turned: bool = False
    kept: int = 0
    reused: int = 0
    condensed: float = 1.0
    scaled: float = 1.0
    x0: float = 0.0
    x1: float = 0.0


class Retype(Weightless):
    """Sets words anew. Stateless; the same request gives the same pixels."""

    name = "retype"
    licence = "Apache-2.0 AND OFL-1.1"
    """Of the code, and of the fonts whose glyphs appear in the result."""

    def __init__(self, faces: tuple[Typeface, ...] = FONTS) -> None:
        self._faces = faces

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        """One answer for each request."""
        answers: list[EditResult | ToolDeclined] = []
        for request in batch:
            try:
                answers.append(self._retype(request))
            except ToolDeclined as declined:
                answers.append(declined)
        return answers

    def _retype(self, request: EditRequest) -> EditResult:
        brief = brief_of(request)
        faces = self._covering(brief.expected)
        seen = see(request, brief, faces)
        if unseen_ink(seen) > MAX_UNSEEN_INK:
            raise ToolDeclined("some letters merge with what lies behind them, so that not all of them could be erased")
        styles = seen.styles
        style = styles[min(brief.typeface_rank, len(styles) - 1)]
        if seen.telling:
            style = as_heavy(seen.believed, style)
        letter_px = (0.5 if any(c.islower() for c in brief.expected) else 0.7) * style.em_px / seen.frame.scale
        if letter_px < MIN_LETTER_PX:
            raise ToolDeclined(f"the letters are too small to set well (about {letter_px:.0f} pixels high)")
        setting = _set(seen, brief, style, request.mask)
        if brief.extent == "word" and brief.line_known:
            _leaves_no_hole(seen, setting)
            _keeps_its_line_in_place(seen, setting)
        image, alpha = paint(request, seen.frame, seen.ink, seen.line, setting.composition)
        return EditResult(
            image=image,
            alpha=alpha,
            settings={
                "extent": brief.extent,
                "typeface_rank": brief.typeface_rank,
                "typeface": style.face.name,
                "likeness": round(style.likeness, 4),
                "condensed": round(setting.condensed, 4),
                "scaled": round(setting.scaled, 4),
                "letters_kept": int(setting.kept),
                "letters_reused": setting.reused,
                "seed": request.seed,
            },
            notes=(_told(brief, style, setting),),
        )

    def _covering(self, text: str) -> tuple[Typeface, ...]:
        faces = covering(text, self._faces)
        if faces:
            return faces
        fewest = min((face.missing(text) for face in self._faces), key=len)
        raise ToolDeclined(f"no font here has the characters {' '.join(fewest)} ({script_of(fewest[0])})")


def script_of(character: str) -> str:
    """The script as Unicode's character names begin: "Arabic" or "Cjk", say."""
    return unicodedata.name(character, "an unnamed script").split()[0].capitalize()


def _told(brief: Brief, style: Style, setting: SetWords) -> str:
    if setting.turned:
        return f"“{brief.text}” was turned round to read “{brief.expected}”"
    return f"“{brief.text}” was erased and “{brief.expected}” set in {style.face.name}"


def _set(seen: Seen, brief: Brief, style: Style, mask: Mask) -> SetWords:
    """A mirrored word turned round; else of the line's own letters if they serve, else wholly drawn.

    Raises:
        ToolDeclined: there is not enough room.
    """
    frame, line = seen.frame, seen.line
    crop_hw = (mask.shape[0], mask.shape[1])
    run = line.mask_of(tuple(line.words[i] for i in line.run))
    if brief.mirrored and brief.typeface_rank == 0 and len(line.run) == 1 and not seen.rough:
        return _turned_round(line.words[line.run.start], run, crop_hw)
    allowed = frame.view(mask.astype(np.float32)) > 0.5
    quad = frame.to_frame(brief.quad).astype(np.float32)
    halo = dilate(run, round(0.08 * frame.line.height))
    trusted = brief.trusted and seen.telling
    keep = alignment(line, frame, brief.text, brief.expected, trusted)
    room = room_for(line, frame, quad, ~seen.ink.unlike | halo, allowed, keep, layout_known=trusted)
    own = [x for x in seen.letters if x.word in line.run] if trusted else []
    others = [x for x in seen.believed if seen.telling and x.word not in line.run]
    pieces = None
    if brief.typeface_rank == 0 and (own or others):
        pieces = compose_of_letters(brief.expected, own, [*own, *others], style, room, _right_words(brief, line))
    if pieces is None or (seen.rough and not any(piece.kept for piece in pieces)):
        setting = place(brief.expected, style, room, frame)
        composition = Composition(removed=run, drawn=coverage(setting, frame, crop_hw))
        return SetWords(composition, condensed=setting.condensed, scaled=setting.scaled, x0=setting.x0, x1=setting.x1)
    return _assembled(pieces, seen, run, style, crop_hw)


def _turned_round(word: Word, ink: Mask, crop_hw: tuple[int, int]) -> SetWords:
    """The word's own ink, mirrored where it stands: what was written from behind reads as it was meant to.

    Whether it does so is the reader's to say, who looks at each patch; then the next try sets it.
    """
    x0, x1 = word.box.x0, word.box.x1
    step = np.array([[-1.0, 0.0, x0 + x1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    composition = Composition(ink, np.zeros(crop_hw, np.float32), ((ink, step),))
    return SetWords(composition, turned=True, reused=len(word.blobs), x0=x0, x1=x1)


def _right_words(brief: Brief, line: Line) -> frozenset[int]:
    """Numbers of the run's words that are to read as they do now; none where all are, for then a letter deceives."""
    old, new = brief.text.split(), brief.expected.split()
    if old == new or len(old) != len(line.run):
        return frozenset()
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return frozenset(line.run.start + block.a + k for block in blocks for k in range(block.size))


def _assembled(pieces: list[Piece], seen: Seen, run: Mask, style: Style, crop_hw: tuple[int, int]) -> SetWords:
    drawn = np.zeros(crop_hw, np.float32)
    moved: list[tuple[Mask, Matrix]] = []
    boxes = [piece.source.box for piece in pieces if piece.source is not None]
    middle_y = float(np.median([(box.y0 + box.y1) / 2 for box in boxes]))
    stays = np.zeros_like(run)
    for piece in pieces:
        if piece.source is None or (seen.rough and not piece.kept):
            # Such ink has ragged edges; it may stay where it is, but it is not set anew elsewhere.
            letter = letter_at(piece.text, piece.x0, style.scaled(piece.scale, middle_y), seen.frame)
            drawn = np.maximum(drawn, coverage(letter, seen.frame, crop_hw))
            continue
        ink = np.isin(seen.line.labels, piece.source.blob.labels)
        if piece.kept:
            stays |= ink
        else:
            moved.append((ink, _step(piece, piece.source, middle_y)))
    kept = sum(1 for piece in pieces if piece.kept)
    last = pieces[-1]
    if last.source is not None:
        width = last.source.box.width * last.scale
    else:
        width = letter_at(last.text, last.x0, style.scaled(last.scale, middle_y), seen.frame).x1 - last.x0
    composition = Composition(run & ~stays, drawn, tuple(moved))
    x0, x1 = pieces[0].x0, last.x0 + width
    return SetWords(composition, kept=kept, reused=len(moved), scaled=last.scale, x0=x0, x1=x1)


def _step(piece: Piece, source: Letter, middle_y: float) -> Matrix:
    """Takes the source's ink to the piece's place and size, about the middle of the line."""
    scale = piece.scale
    return np.array(
        [[scale, 0.0, piece.x0 - scale * source.box.x0], [0.0, scale, middle_y * (1.0 - scale)], [0.0, 0.0, 1.0]]
    )


def _leaves_no_hole(seen: Seen, setting: SetWords) -> None:
    """Refuses a word so much shorter than the old one that its neighbours must move up.

    Raises:
        ToolDeclined: a space grew too wide; the line should be set anew.
    """
    line, body = seen.line, seen.frame.line.height
    if not line.run:
        return
    first, last = line.run.start, line.run.stop
    gaps: list[tuple[float, float]] = []
    if first > 0:
        end = line.words[first - 1].box.x1
        gaps.append((line.words[first].box.x0 - end, setting.x0 - end))
    if last < len(line.words):
        begin = line.words[last].box.x0
        gaps.append((begin - line.words[last - 1].box.x1, begin - setting.x1))
    if any(new > MAX_GAP_GROWTH * old + 0.15 * body for old, new in gaps):
        raise ToolDeclined("the word is so much shorter that it would leave a hole in its line")


def _keeps_its_line_in_place(seen: Seen, setting: SetWords) -> None:
    """Refuses a first or last word that moves the centre of a line which stands free on its sign.

    Only where the whole line can be set of its own letters: else a line a little off its centre is the lesser evil.

    Raises:
        ToolDeclined: the line should be set anew, about its centre.
    """
    line, body = seen.line, seen.frame.line.height
    whole = len(line.run) == len(line.words)
    known = {letter.word for letter in seen.letters} >= set(range(len(line.words)))
    if whole or not line.run or not seen.telling or seen.rough or not known or flush_left(line, seen.frame):
        return
    words = list(line.words)
    old = words[0].box.x0 + words[-1].box.x1
    left = setting.x0 if line.run.start == 0 else words[0].box.x0
    right = setting.x1 if line.run.stop == len(words) else words[-1].box.x1
    if abs(left + right - old) / 2 > MAX_OFF_CENTRE * body:
        raise ToolDeclined("the word's new length would move its line off the centre of its place")
