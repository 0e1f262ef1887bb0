"""How `retype` looks at a line: in a frame that follows its letters, ink told from ground in the way that tells most.

Tries several ways to see and keeps the one in which the letters are most like a typeface's. Sets nothing.
"""

from dataclasses import dataclass, replace
from enum import Enum

import cv2
import numpy as np

from services.action.tools.base import EditRequest, ToolDeclined
from services.action.tools.retyping.brief import Brief
from services.action.tools.retyping.colours import ink_by_colour
from services.action.tools.retyping.composing import MIN_RESEMBLANCE
from services.action.tools.retyping.frame import Float, Frame, rectify
from services.action.tools.retyping.ink import Ink, separate
from services.action.tools.retyping.letters import Letter, letters_of, mirrored_letters, without_strangers
from services.action.tools.retyping.levelling import bend, true_quad
from services.action.tools.retyping.line import Line, measure
from services.action.tools.retyping.typeface import Style, rank, resemblance
from shared.fonts import Typeface
from shared.geometry import dilate

MIN_LIKENESS = 0.4
CLEAR_LIKENESS = 0.6
MAX_BEND_EM = 0.1
CLEARLY_BETTER = 0.05
UNEVEN = 0.1
EVENER = 0.6
"""Spread of the ground, over the contrast, from which ink is told by colour too; and by what that must lower it."""
SEEN_WELL = 0.15
"""Spread of the ground, over the contrast, up to which ink that is like no letters is set anew by its size alone."""
ALIKE = 0.3
"""Share of the way from ink to ground within which a colour counts as the ink's."""
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
    def rough(self) -> bool:
        """The ground is busy or changes sharply, so the ink's edges are not known well enough to carry letters over."""
        return self.opened or self.ink.solid is not None

    @property
    def raw_likeness(self) -> float:
        """Of the best typeface, without what was added for looking made by hand."""
        return self.styles[0].likeness - self.styles[0].hand


def see(request: EditRequest, brief: Brief, faces: tuple[Typeface, ...]) -> Seen:
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


def unseen_ink(seen: Seen) -> float:
    """Area of the ink's colour between the words' letters that was taken for no letter, over that of the letters.

    More than a little of it is letters that merge with what lies behind them (over a face, say): they would stay.
    """
    line, frame = seen.line, seen.frame
    words = [line.words[i] for i in line.run]
    if not words:
        return 0.0
    run = line.mask_of(tuple(words))
    body = frame.line.height
    top, bottom = (round(f(edge)) for f, edge in ((min, [w.box.y0 for w in words]), (max, [w.box.y1 for w in words])))
    inset = 0.15 * (bottom - top)
    rows = slice(max(0, round(top + inset)), max(0, round(bottom - inset)))
    columns = slice(max(0, round(words[0].box.x0)), max(0, round(words[-1].box.x1)))
    core = np.asarray(cv2.erode(run.astype(np.uint8), np.ones((3, 3), np.uint8))) > 0
    ink = np.median(seen.view[core if core.any() else run], axis=0)
    known = dilate(line.mask_of(line.words), round(0.1 * body))
    free = seen.view[rows, columns][~known[rows, columns]]
    if not free.size:
        return 0.0
    ground = np.median(free, axis=0)
    alike = np.linalg.norm(seen.view - ink, axis=2) < ALIKE * float(np.linalg.norm(ground - ink))
    stray = (alike & ~known)[rows, columns]
    side = max(3, round(0.06 * body) | 1)
    solid = cv2.morphologyEx(stray.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return float(np.count_nonzero(solid)) / max(1, int(run.sum()))
