"""The tool `retype`: erases wrong words and sets the right ones in a typeface, colour and light like the old.

It knows pixels, the reading and fonts; nothing of jobs, stores or planning. The steps lie in `retyping`; what it
cannot do so that nobody sees it, it declines with a sentence.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from services.action.tools.base import EditRequest, EditResult, ToolDeclined, ToolKind
from services.action.tools.retyping.brief import Brief, brief_of
from services.action.tools.retyping.colours import ink_by_colour
from services.action.tools.retyping.composing import MIN_RESEMBLANCE, Piece, compose_of_letters
from services.action.tools.retyping.frame import Float, Frame, rectify
from services.action.tools.retyping.ink import Ink, separate
from services.action.tools.retyping.letters import Letter, letters_of, mirrored_letters, without_strangers
from services.action.tools.retyping.levelling import bend, true_quad
from services.action.tools.retyping.line import Line, measure
from services.action.tools.retyping.paint import Composition, paint
from services.action.tools.retyping.setting import alignment, coverage, letter_at, place, room_for
from services.action.tools.retyping.typeface import Style, as_heavy, rank, resemblance
from shared.fonts import FONTS, Typeface, covering
from shared.geometry import Mask, dilate

MIN_CAPITAL_PX = 8.0
MIN_LIKENESS = 0.4
CLEAR_LIKENESS = 0.6
MAX_BEND_EM = 0.1
MAX_GAP_GROWTH = 1.6
CLEARLY_BETTER = 0.05
UNEVEN = 0.1
EVENER = 0.6
"""Spread of the ground, over the contrast, from which ink is told by colour too; and by what that must lower it."""
SEEN_WELL = 0.15
"""Spread of the ground, over the contrast, up to which ink that is like no letters is set anew by its size alone."""
LIKELY = 4
"""Typefaces that are looked at again in a better frame."""


class Way(Enum):
    """How ink is told from its ground."""

    PLAIN = "one smooth light"
    COLOUR = "the likeliest colour"
    SECOND_COLOUR = "the second likely colour"
    OPENED = "one smooth light, thin things taken away"


@dataclass(frozen=True)
class Seen:
    """The line as it was seen."""

    frame: Frame
    view: Float
    ink: Ink
    line: Line
    letters: list[Letter]
    believed: list[Letter]
    styles: list[Style]
    way: Way
    telling: bool

    @property
    def opened(self) -> bool:
        """Thin things were taken away, so edges are ragged."""
        return self.way is Way.OPENED

    @property
    def raw_likeness(self) -> float:
        """Of the best typeface, without what was added for looking made by hand."""
        return self.styles[0].likeness - self.styles[0].hand


@dataclass(frozen=True)
class SetWords:
    """How the words were set: letters left in place, letters moved, the rest drawn; from `x0` to `x1` in the frame."""

    composition: Composition
    kept: int = 0
    reused: int = 0
    condensed: float = 1.0
    scaled: float = 1.0
    x0: float = 0.0
    x1: float = 0.0


class Retype:
    """Sets words anew. Stateless; the same request gives the same pixels."""

    def __init__(self, faces: tuple[Typeface, ...] = FONTS) -> None:
        self._faces = faces

    @property
    def name(self) -> str:
        """A constant."""
        return "retype"

    @property
    def kind(self) -> ToolKind:
        """Bound by a mask."""
        return ToolKind.MASK

    @property
    def native_size_px(self) -> int | None:
        """Works at any size."""
        return None

    @property
    def max_batch(self) -> int:
        """Edits per call; they are independent of one another."""
        return 16

    @property
    def licence(self) -> str:
        """Of the code, and of the fonts whose glyphs appear in the result."""
        return "Apache-2.0 AND OFL-1.1"

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
        seen = _see(request, brief, faces)
        styles = seen.styles
        style = styles[min(brief.typeface_rank, len(styles) - 1)]
        if seen.telling:
            style = as_heavy(seen.believed, style)
        capital_px = 0.7 * style.em_px / seen.frame.scale
        if capital_px < MIN_CAPITAL_PX:
            raise ToolDeclined(f"the letters are too small to set well (capitals of about {capital_px:.0f} pixels)")
        setting = _set(seen, brief, style, request.mask)
        if brief.extent == "word" and brief.line_known:
            _leaves_no_hole(seen, setting)
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
            notes=(f"“{brief.text}” was erased and “{brief.expected}” set in {style.face.name}",),
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


def _see(request: EditRequest, brief: Brief, faces: tuple[Typeface, ...]) -> Seen:
    """The line in a frame that follows its own letters, and the typefaces by likeness.

    Raises:
        ToolDeclined: no ink, no letters, a curve, or letters that no typeface resembles.
    """
    seen = _first_look(request, brief, rectify(brief.line_quad, brief.longer_by), faces)
    likely = tuple(style.face for style in seen.styles[:LIKELY])
    for _ in range(2):
        line = seen.frame.line
        quad = true_quad(seen.believed, seen.styles[0], line.x0, line.x1) if seen.telling else None
        if quad is None:
            break
        retried = rectify(seen.frame.to_crop(quad).astype(np.float32), brief.longer_by)
        again = _look(request, brief, retried, likely, seen.way)
        if again.styles[0].likeness < seen.styles[0].likeness:
            break
        seen = again
    if not seen.telling:
        return seen  # letters that nobody can read have no forms to judge by
    if abs(bend(seen.believed, seen.styles[0])) > MAX_BEND_EM:
        raise ToolDeclined("the words run along a curve, which retyping does not follow yet")
    alike = np.mean([resemblance(x, seen.styles[0]) >= MIN_RESEMBLANCE for x in seen.believed])
    if seen.raw_likeness < MIN_LIKENESS or (seen.raw_likeness < CLEAR_LIKENESS and alike < 0.5):
        if not seen.opened and seen.ink.unevenness < SEEN_WELL and len(seen.line.run) == len(seen.line.words):
            # The ink is plain to see and yet like no letters: they are garbled, whatever the reader made of them.
            return _look(request, replace(brief, trusted=False), seen.frame, faces, seen.way)
        raise ToolDeclined("the letters cannot be told apart well enough to find a typeface that resembles them")
    return seen


def _first_look(request: EditRequest, brief: Brief, frame: Frame, faces: tuple[Typeface, ...]) -> Seen:
    """The plain look; where it tells little, others: ink by colour, and without what is thinner than strokes."""
    looks: list[Seen] = []
    why: ToolDeclined | None = None
    for way in (Way.PLAIN, Way.COLOUR, Way.SECOND_COLOUR, Way.OPENED):
        try:
            looks.append(_look(request, brief, frame, faces, way))
        except ToolDeclined as declined:
            why = why or declined
            continue
        if looks[-1].raw_likeness >= CLEAR_LIKENESS and (way is not Way.PLAIN or looks[-1].ink.unevenness < UNEVEN):
            break
    if not looks:
        raise why or ToolDeclined("no letters can be told from their ground here")
    # An earlier way keeps more of the letters: a later one must be clearly better.
    best = looks[0]
    for later in looks[1:]:
        evener = later.ink.unevenness < EVENER * best.ink.unevenness
        least = best.raw_likeness + (-CLEARLY_BETTER if evener else CLEARLY_BETTER)
        best = later if later.raw_likeness > least else best
    return best


def _ink(request: EditRequest, view: Float, frame: Frame, brief: Brief, way: Way) -> Ink:
    valid = frame.valid(request.mask.shape)
    if way in (Way.PLAIN, Way.OPENED):
        return separate(view, valid, frame)
    number = 0 if way is Way.COLOUR else 1
    ink = ink_by_colour(view, valid, frame, len(brief.line_text.replace(" ", "")), number)
    if ink is None:
        raise ToolDeclined("no colour here stands like letters")
    return ink


def _look(request: EditRequest, brief: Brief, frame: Frame, faces: tuple[Typeface, ...], way: Way) -> Seen:
    """One look through one frame, levelled by the feet of the letters first."""
    for _ in range(2):
        view = frame.view(request.crop)
        ink = _ink(request, view, frame, brief, way)
        quad = frame.to_frame(brief.quad).astype(np.float32)
        line = measure(ink, frame, brief.line_text, brief.text, quad, way is Way.OPENED)
        if abs(line.slope) * frame.line.width < 4.0:
            break
        frame = frame.sheared(line.slope)
    line = without_strangers(line) if brief.trusted else line
    letters = _letters(line, brief)
    turned = brief.mirrored and len(line.run) == len(brief.expected.split())
    readable = [x for x in letters if brief.trusted or turned or x.word not in line.run]
    believed = readable or letters
    usable = [f for f in faces if all(f.covers(x.text) for x in believed)]
    if not usable:
        believed, usable = [x for x in believed if all(f.covers(x.text) for f in faces)], list(faces)
    if not believed:
        raise ToolDeclined("none of the letters here is in any font, so no typeface can be chosen")
    return Seen(frame, view, ink, line, letters, believed, rank(believed, usable, bool(readable)), way, bool(readable))


def _letters(line: Line, brief: Brief) -> list[Letter]:
    """The line's letters; those of a mirrored run turned the right way round."""
    letters: list[Letter] = []
    wanted = brief.expected.split()
    for i, word in enumerate(line.words):
        if brief.mirrored and i in line.run and len(wanted) == len(line.run):
            letters += mirrored_letters(word, wanted[i - line.run.start], i, line.matte)
        else:
            letters += letters_of(word, i, line.matte)
    return letters


def _set(seen: Seen, brief: Brief, style: Style, mask: Mask) -> SetWords:
    """Of the line's own letters if they serve, else wholly drawn.

    Raises:
        ToolDeclined: there is not enough room.
    """
    frame, line = seen.frame, seen.line
    run = line.mask_of(tuple(line.words[i] for i in line.run))
    allowed = frame.view(mask.astype(np.float32)) > 0.5
    quad = frame.to_frame(brief.quad).astype(np.float32)
    halo = dilate(run, round(0.08 * frame.line.height))
    trusted = brief.trusted and seen.telling
    keep = alignment(line, frame, brief.text, brief.expected, trusted)
    room = room_for(line, frame, quad, ~seen.ink.unlike | halo, allowed, keep)
    own = [x for x in seen.letters if x.word in line.run] if trusted else []
    others = [x for x in seen.believed if seen.telling and x.word not in line.run]
    pieces = None
    if brief.typeface_rank == 0 and (own or others):
        pieces = compose_of_letters(brief.expected, own, [*own, *others], style, room)
    if pieces is None or (seen.opened and not any(piece.kept for piece in pieces)):
        setting = place(brief.expected, style, room, frame)
        composition = Composition(removed=run, drawn=coverage(setting, frame, (mask.shape[0], mask.shape[1])))
        return SetWords(composition, condensed=setting.condensed, scaled=setting.scaled, x0=setting.x0, x1=setting.x1)
    return _assembled(pieces, seen, run, style, (mask.shape[0], mask.shape[1]))


def _assembled(pieces: list[Piece], seen: Seen, run: Mask, style: Style, crop_hw: tuple[int, int]) -> SetWords:
    drawn = np.zeros(crop_hw, np.float32)
    moved: list[tuple[Mask, float]] = []
    stays = np.zeros_like(run)
    for piece in pieces:
        if piece.source is None or (seen.opened and not piece.kept):
            # Ink told from a busy ground has ragged edges; it may stay where it is, but it is not set anew.
            drawn = np.maximum(drawn, coverage(letter_at(piece.text, piece.x0, style, seen.frame), seen.frame, crop_hw))
            continue
        ink = np.isin(seen.line.labels, piece.source.blob.labels)
        if piece.kept:
            stays |= ink
        else:
            moved.append((ink, piece.shift_x))
    kept = sum(1 for piece in pieces if piece.kept)
    last = pieces[-1]
    width = last.source.box.width if last.source is not None else 0.0
    if last.source is None:
        width = letter_at(last.text, last.x0, style, seen.frame).x1 - last.x0
    composition = Composition(run & ~stays, drawn, tuple(moved))
    return SetWords(composition, kept=kept, reused=len(moved), x0=pieces[0].x0, x1=last.x0 + width)


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
