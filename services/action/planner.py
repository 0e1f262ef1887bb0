"""Picks tool, extent, strength, words and mask growth for one target by the policy table, and says why in one sentence.

Sees the target, what there is to choose from and what was tried before; never a pixel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from services.action.choices import Choices
from services.action.generative_policy import GENERATIVE, GENERATIVE_TOOLS
from services.action.mirror import MIRRORED, names_a_side
from services.action.policy import NEEDED, NO_WORDING, POLICY, Extent, Growth, Row, Situation
from services.action.tools.base import ToolKind
from services.action.wording import Told, colours_told, parts_at_fault, told
from shared.contracts.base import QuadXY
from shared.contracts.categories import Category
from shared.contracts.jobs import Preference
from shared.contracts.loop import Declined, Target
from shared.contracts.values import Diagnosis, Patch, Region, TextFault, TextReading
from shared.geometry import quad_array

SUPPOSED = "supposed"
"""The setting of a plan whose words nobody said of the region; they are its value."""

PREFERRED_KIND = {Preference.MASK: ToolKind.MASK, Preference.INSTRUCTION: ToolKind.INSTRUCTION}

ALL_ROWS: tuple[Row, ...] = (*POLICY, *GENERATIVE)

SITUATION_OF: Mapping[Category, Situation] = {
    Category.HAND: Situation.REDRAW,
    Category.FACE: Situation.REDRAW,
    Category.LIMB: Situation.REDRAW,
    Category.BODY: Situation.REDRAW,
    Category.OBJECT_DEFORMATION: Situation.REDRAW,
    Category.OBJECT_REDUNDANCY: Situation.TAKE_OUT,
    Category.ATTRIBUTE: Situation.CHANGE,
    Category.TEXT: Situation.CHANGE,
    Category.COUNT: Situation.CHANGE,
    Category.PERSPECTIVE: Situation.RELATE,
    Category.PLACEMENT: Situation.RELATE,
    Category.INTERACTION: Situation.RELATE,
}
"""Before the words of the diagnosis are heard: see `situation_of_thing`."""

OF_PARTS = frozenset({Category.HAND, Category.FACE, Category.LIMB, Category.BODY, Category.OBJECT_DEFORMATION})
"""What has parts that may be missing, or too many."""

REMOVALS = frozenset({Situation.TAKE_OUT, Situation.USER_REMOVAL, Situation.SALIENT_REMOVAL})


@dataclass(frozen=True)
class Plan:
    """One way to repair a target.

    Attributes:
        tool: its name.
        extent: what the mask is made of.
        settings: for the tool.
        words: what it is told.
        growth: of the mask beyond its extent.
        reason: one sentence or two for the record.
        by_mask: the tool paints what its mask holds.
        takes_out: the thing is to go.
    """

    tool: str
    extent: Extent
    words: Told
    growth: Growth
    reason: str
    settings: Mapping[str, JsonValue] = field(default_factory=dict)
    by_mask: bool = True
    takes_out: bool = False

    def same_way(self, other: "Plan") -> bool:
        """Whether both call the same tool in the same way; words and growth may differ."""
        return (self.tool, self.extent, dict(self.settings)) == (other.tool, other.extent, dict(other.settings))


def plan(
    target: Target, choices: Choices, history: Sequence[Patch] = (), policy: Sequence[Row] = ALL_ROWS
) -> tuple[Plan, ...] | Declined:
    """The ways to repair the target, best first and at least one: rows not tried yet, then the others with a new seed.

    Args:
        target: the region, its diagnosis and its attempts.
        choices: tools and options.
        history: the job's patches so far; those that covered this region tell which rows were tried.
        policy: the table.

    Returns:
        Plans in the order to try them (the next one is for a tool that declines the case), or why there is none.
    """
    situations = situations_of(target)
    if isinstance(situations, Declined):
        return situations
    applicable = [row for one in situations for row in policy if row.situation is one and _has_wording(row, target)]
    if _untold(target):
        applicable = [way for row in applicable for way in _with_suppositions(row, choices)]
    rows = [row for row in applicable if choices.allows(row) and not _misled(row, target, choices)]
    left_out = _left_out(rows, choices, target.region)
    rows = [row for row in rows if row.tool not in left_out]
    if not rows:
        reason = "; ".join(left_out.values()) or _no_tool(target, situations, applicable, choices)
        return Declined(region_id=target.region.id, reason=reason)
    wanted = PREFERRED_KIND.get(choices.options.preference)
    rows.sort(
        key=lambda row: (
            choices.too_coarse(row.tool, target.region),
            wanted is not None and choices.tools[row.tool].kind is not wanted,
        )
    )
    fresh = _untried(rows, target, history)
    ordered = fresh + [row for row in rows if row not in fresh and row.colour_rank is None]
    if not ordered:
        return Declined(region_id=target.region.id, reason="each colour that may be asked for here was tried")
    plans = [_filled(row, target, choices, again=row not in fresh) for row in ordered]
    # The first choice would have been another but for what is said here.
    better = [left_out[row.tool] for row in applicable[: applicable.index(ordered[0])] if row.tool in left_out]
    if better:
        plans[0] = _because(plans[0], tuple(dict.fromkeys(better)))
    return tuple(plans)


def _because(chosen: Plan, sentences: Sequence[str]) -> Plan:
    return replace(chosen, reason=" ".join((chosen.reason, *(f"{one[0].upper()}{one[1:]}." for one in sentences))))


def _left_out(rows: Sequence[Row], choices: Choices, region: Region) -> dict[str, str]:
    """Tools that do not fit the budgets or the region, with the sentence that says so."""
    found: dict[str, str] = {}
    for tool in dict.fromkeys(row.tool for row in rows):
        reason = choices.objection(tool, region)
        if reason is not None:
            found[tool] = reason
    return found


def situations_of(target: Target) -> tuple[Situation, ...] | Declined:
    """Which parts of the table speak of this target, first things first, or why none does."""
    region, reading = target.region, target.region.reading
    if reading is None:
        return _situations_of_thing(region, target.diagnosis)
    if reading.expected is None:
        return Declined(region_id=region.id, reason=NO_WORDING)
    if reading.expected == "":
        return (_removal_situation(reading),)
    if reading.fault is TextFault.MISSING:
        return (Situation.MISSING_WORD if reading.line_expected else Situation.WHOLE_LINE,)
    return (Situation.WHOLE_LINE if _is_whole_line(reading) else Situation.WORD_IN_LINE,)


def _situations_of_thing(region: Region, diagnosis: Diagnosis) -> tuple[Situation, ...]:
    """By category, and by what the words say of parts: a mask around six fingers would only redraw six of them."""
    category = diagnosis.category
    removal = Situation.USER_REMOVAL if region.detector == "user" else Situation.SALIENT_REMOVAL
    if category is None:
        return Situation.REDRAW, removal
    if category is Category.OBJECT_REDUNDANCY:
        return Situation.TAKE_OUT, removal
    parts = parts_at_fault(diagnosis)
    if category is Category.COUNT and parts is Situation.EXTRA_PART:
        return (Situation.TAKE_OUT,)
    if category in OF_PARTS and parts is not None:
        return (parts,)
    return (SITUATION_OF[category],)


def _untold(target: Target) -> bool:
    """Whether a detector found the region and nobody said what is wrong there."""
    region = target.region
    return region.reading is None and region.detector != "user" and target.diagnosis.category is None


def _with_suppositions(row: Row, choices: Choices) -> list[Row]:
    """The row, and where it tells an editor to repair the place, what else that editor may be told of it.

    An editor that has one answer to a crop and to words has another to other words; the verdict says which is right.
    """
    facts = choices.tools.get(row.tool)
    if facts is None or facts.kind is not ToolKind.INSTRUCTION or MIRRORED in row.settings:
        return [row]
    return [row, *(_supposing(row, words) for words in facts.suppositions)]


def _supposing(row: Row, words: str) -> Row:
    reason = f"Nobody said what is wrong here, so {row.tool} is told to {words}, which may be it."
    return replace(row, settings={**row.settings, SUPPOSED: words}, reason=reason)


def _removal_situation(reading: TextReading) -> Situation:
    """A word that must go: alone, at an edge of its line (no gap remains), or between others."""
    if _is_whole_line(reading):
        return Situation.UNWANTED_LINE
    before, after = gaps_beside(reading.quad_px, reading.line_quad_px)
    height = _height(reading.line_quad_px)
    return Situation.DOUBLED_AT_END if min(before, after) < 0.5 * height else Situation.DOUBLED_INSIDE


def gaps_beside(quad: QuadXY, line: QuadXY) -> tuple[float, float]:
    """Pixels along the line's baseline from its start to the quad's, and from the quad's end to its end."""
    run, whole = quad_array(quad), quad_array(line)
    start, end = (whole[0] + whole[3]) / 2, (whole[1] + whole[2]) / 2
    length = max(float(((end - start) ** 2).sum() ** 0.5), 1e-6)
    direction = (end - start) / length
    positions = [float((point - start) @ direction) for point in run]
    return min(positions), length - max(positions)


def _height(quad: QuadXY) -> float:
    points = quad_array(quad)
    sides = (points[0] - points[3], points[1] - points[2])
    return float(sum((side @ side) ** 0.5 for side in sides) / 2)


def _is_whole_line(reading: TextReading) -> bool:
    return reading.text.split() == reading.line_text.split()


def _misled(row: Row, target: Target, choices: Choices) -> bool:
    """Whether the row shows a mirror image to a tool that is told of left or right."""
    return MIRRORED in row.settings and names_a_side(told(target.diagnosis, row.situation, choices.scene).instruction)


def _has_wording(row: Row, target: Target) -> bool:
    """Whether the words are known that the row's tool has to be told."""
    if row.colour_rank is not None:
        return row.colour_rank < len(colours_told(target.region, target.diagnosis)[1])
    reading = target.region.reading
    return not row.needs_line or (reading is not None and bool(reading.line_expected))


def _untried(rows: Sequence[Row], target: Target, history: Sequence[Patch]) -> list[Row]:
    """Rows that no attempt came from; one whose patch is not known counts for its tool's first row.

    A patch came from the row that names most of its settings: a mirror image is the plain row's call with one more.
    """
    mine = [patch for patch in history if target.region.id in patch.region_ids]
    fresh = list(rows)
    for attempt in target.attempts:
        patch = next((p for p in mine if p.tool == attempt.tool and p.seed == attempt.seed), None)
        could = [row for row in fresh if row.tool == attempt.tool and (patch is None or _made(row, patch))]
        if could:
            fresh.remove(could[0] if patch is None else max(could, key=lambda row: len(row.settings)))
    return fresh


def _made(row: Row, patch: Patch) -> bool:
    return all(patch.settings.get(name) == value for name, value in row.settings.items())


def _filled(row: Row, target: Target, choices: Choices, *, again: bool) -> Plan:
    reading, reason, colours = target.region.reading, row.reason, _colours(row, target)
    if reading is not None:
        reason = reason.format(text=reading.text, expected=reading.expected or "")
    if colours:
        reason = reason.format(**colours)
    if again:
        reason += " All other ways were tried; this is another seed."
    words = told(target.diagnosis, row.situation, choices.scene, str(row.settings.get(SUPPOSED, "")))
    return Plan(
        tool=row.tool,
        extent=row.extent,
        words=words,
        growth=row.growth,
        reason=reason,
        settings={**row.settings, **colours, **choices.manner(row.tool)},
        by_mask=choices.tools[row.tool].kind is ToolKind.MASK,
        takes_out=row.situation in REMOVALS,
    )


def _colours(row: Row, target: Target) -> dict[str, JsonValue]:
    if row.colour_rank is None:
        return {}
    seen, asked = colours_told(target.region, target.diagnosis)
    return {"seen": seen, "colour": asked[row.colour_rank]}


def _no_tool(target: Target, situations: Sequence[Situation], applicable: Sequence[Row], choices: Choices) -> str:
    draws = any(name in GENERATIVE_TOOLS for name in choices.tools)
    if Situation.SALIENT_REMOVAL in situations and "opencv" in choices.tools and not draws:
        redrawn = _needs_generative(target.diagnosis.category)
        return f"{redrawn}; where the whole thing may go, name `opencv` among the tools"
    if Situation.USER_REMOVAL in situations and "opencv" in choices.tools and not draws:
        return "nothing says what is wrong here; to have it removed, name `opencv` among the tools"
    missing = sorted({row.tool for row in applicable})
    if not missing:
        return NO_WORDING
    if target.region.reading is None and not draws:
        return _needs_generative(target.diagnosis.category)
    there = [name for name in missing if name in choices.tools]
    if not there:
        by_letters = [name for name in missing if name not in GENERATIVE_TOOLS] or missing
        return f"this needs {' or '.join(by_letters)}, which the profile does not have"
    return f"this needs {' or '.join(there)}, which the caller's tools leave out: add one of them"


def _needs_generative(category: Category | None) -> str:
    what = NEEDED[category] if category is not None else "repairing this"
    return f"{what} takes a generative tool, and this profile has none: choose a profile with an inpainting model"
