"""The policy table: which tool, extent and typeface for which flaw, in the order in which they are tried, and why.

Rows are data; `planner` picks among them. A new tool is a few more rows. Nothing here looks at pixels. Rows of tools
that draw anew are in `generative_policy`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from pydantic import JsonValue

from shared.contracts.categories import Category


class Situation(StrEnum):
    """What kind of flaw a target is, as far as the choice of a tool goes."""

    WORD_IN_LINE = "word_in_line"
    WHOLE_LINE = "whole_line"
    MISSING_WORD = "missing_word"
    DOUBLED_AT_END = "doubled_at_end"
    DOUBLED_INSIDE = "doubled_inside"
    UNWANTED_LINE = "unwanted_line"
    USER_REMOVAL = "user_removal"
    SALIENT_REMOVAL = "salient_removal"
    REDRAW = "redraw"
    MISSING_PART = "missing_part"
    EXTRA_PART = "extra_part"
    TAKE_OUT = "take_out"
    CHANGE = "change"
    RELATE = "relate"


class Extent(StrEnum):
    """How much of the image a row edits."""

    RUN = "run"
    LINE = "line"
    REGION = "region"


@dataclass(frozen=True)
class Growth:
    """By how much the mask outgrows its extent, in cap heights (of the shorter side for a region without a reading).

    `beyond` replaces `along` on a side where the line ends: there is no next word to spare.
    """

    along: float
    across: float
    beyond: float


@dataclass(frozen=True)
class Row:
    """One choice.

    Attributes:
        situation: where it applies.
        tool: its name.
        extent: what is edited.
        settings: for the tool; all that tells this row from another of the same tool is in them.
        growth: of the mask.
        reason: one sentence for the record; `{text}` and `{expected}` are filled in.
        needs_line: only where the whole line's wording is known.
        colour_rank: only where a colour is asked for: which of them, likeliest first, the tool is told.
        needs_opt_in: only where the caller names the tool.
    """

    situation: Situation
    tool: str
    extent: Extent
    growth: Growth
    reason: str
    settings: Mapping[str, JsonValue] = field(default_factory=lambda: MappingProxyType({}))
    needs_line: bool = False
    colour_rank: int | None = None
    needs_opt_in: bool = False


# New letters may be taller, wider or set lower than the old ones: about a cap height all round.
ROOM_TO_WRITE = Growth(along=1.0, across=1.0, beyond=1.0)
# The next word begins about 0.35 cap heights on; erasing must not reach it.
JUST_THE_WORD = Growth(along=0.15, across=0.35, beyond=0.7)
JUST_THE_THING = Growth(along=0.08, across=0.08, beyond=0.08)
# A map's region is coarse, and the tool finds the thing's outline by itself.
ROUND_THE_THING = Growth(along=0.15, across=0.15, beyond=0.15)


def _retype(situation: Situation, extent: Extent, rank: int, reason: str, *, needs_line: bool = False) -> Row:
    settings: dict[str, JsonValue] = {"extent": "line" if extent is Extent.LINE else "word", "typeface_rank": rank}
    return Row(situation, "retype", extent, ROOM_TO_WRITE, reason, MappingProxyType(settings), needs_line=needs_line)


def _erase(situation: Situation, extent: Extent, growth: Growth, reason: str, *, needs_opt_in: bool = False) -> Row:
    settings: dict[str, JsonValue] = {"operation": "erase", "extent": extent.value}
    return Row(situation, "opencv", extent, growth, reason, MappingProxyType(settings), needs_opt_in=needs_opt_in)


def _recolour(rank: int, reason: str) -> Row:
    settings: dict[str, JsonValue] = {"extent": Extent.REGION.value, "colour_rank": rank}
    values = MappingProxyType(settings)
    return Row(Situation.CHANGE, "recolour", Extent.REGION, ROUND_THE_THING, reason, values, colour_rank=rank)


_S, _E = Situation, Extent

# fmt: off
POLICY: tuple[Row, ...] = (
    _retype(_S.WORD_IN_LINE, _E.RUN, 0,
            "Only '{text}' is set anew: the other words of its line are right and stay as they are."),
    _retype(_S.WORD_IN_LINE, _E.LINE, 0,
            "The whole line is set anew, so that '{expected}' matches its neighbours and finds room.", needs_line=True),
    _retype(_S.WORD_IN_LINE, _E.RUN, 1,
            "The word '{expected}' is set in the next likely typeface."),
    _retype(_S.WHOLE_LINE, _E.LINE, 0,
            "The flaw is the whole line, so all of it is set anew as '{expected}'."),
    _retype(_S.WHOLE_LINE, _E.LINE, 1,
            "The whole line is set anew as '{expected}' in the next likely typeface."),
    _retype(_S.WHOLE_LINE, _E.LINE, 2,
            "The whole line is set anew as '{expected}' in the third likely typeface."),
    _retype(_S.MISSING_WORD, _E.LINE, 0,
            "A missing word needs room, so the whole line is set anew with '{expected}' in it.", needs_line=True),
    _retype(_S.MISSING_WORD, _E.LINE, 1,
            "The line is set anew with '{expected}' in the next likely typeface.", needs_line=True),
    _erase(_S.DOUBLED_AT_END, _E.RUN, JUST_THE_WORD,
           "The second '{text}' stands at its line's edge: erasing it leaves no gap."),
    _retype(_S.DOUBLED_AT_END, _E.LINE, 0,
            "The line is set anew without the second '{text}'.", needs_line=True),
    _retype(_S.DOUBLED_INSIDE, _E.LINE, 0,
            "Erasing the second '{text}' would leave a gap, so the line is set anew without it.", needs_line=True),
    _erase(_S.DOUBLED_INSIDE, _E.RUN, JUST_THE_WORD,
           "The second '{text}' is erased."),
    _erase(_S.UNWANTED_LINE, _E.RUN, JUST_THE_WORD,
           "'{text}' should not be there at all, so it is erased."),
    _erase(_S.USER_REMOVAL, _E.REGION, JUST_THE_THING,
           "The caller marked this region and named `opencv`, which removes what it is given.", needs_opt_in=True),
    _erase(_S.SALIENT_REMOVAL, _E.REGION, JUST_THE_THING,
           "The whole thing looks wrong and the caller named `opencv`, so it is taken out.", needs_opt_in=True),
    _recolour(0, "Only its colour is wrong, so its pixels are given {colour} and keep their shading and edges."),
    _recolour(1, "The other colour that the prompt may ask for here is {colour}: it is given that."),
)
# fmt: on

NO_WORDING = "nothing says what it should read: send expected_text"

NEEDED: Mapping[Category, str] = MappingProxyType(
    {
        Category.HAND: "redrawing a hand",
        Category.FACE: "redrawing a face",
        Category.LIMB: "redrawing or removing a limb",
        Category.BODY: "redrawing a body",
        Category.ATTRIBUTE: "changing an attribute",
        Category.COUNT: "changing how many there are",
        Category.PERSPECTIVE: "redrawing in the right perspective",
        Category.PLACEMENT: "moving a thing to its place",
        Category.OBJECT_DEFORMATION: "redrawing a deformed thing",
        Category.OBJECT_REDUNDANCY: "taking out a redundant thing",
        Category.INTERACTION: "redrawing how things meet",
        Category.TEXT: "drawing these words",
    }
)
"""What a repair of the category takes that no tool here does: the beginning of the sentence that declines it."""
