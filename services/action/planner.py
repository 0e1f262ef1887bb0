"""Picks tool, extent, typeface and mask growth for one target by the policy table, and says why in one sentence.

Sees the target, the caller's options and what was tried before; never a pixel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from services.action.policy import NEEDED, NO_WORDING, POLICY, Extent, Growth, Row, Situation
from services.action.tools.base import ToolKind
from shared.contracts.base import QuadXY
from shared.contracts.categories import Category
from shared.contracts.jobs import JobOptions, Preference
from shared.contracts.loop import Declined, Target
from shared.contracts.values import Patch, TextFault, TextReading
from shared.geometry import quad_array

PREFERRED_KIND = {Preference.MASK: ToolKind.MASK, Preference.INSTRUCTION: ToolKind.INSTRUCTION}


@dataclass(frozen=True)
class Plan:
    """One way to repair a target.

    Attributes:
        tool: its name.
        extent: what the mask is made of.
        settings: for the tool.
        instruction: what to do, in words.
        growth: of the mask beyond its extent.
        reason: one sentence for the record.
    """

    tool: str
    extent: Extent
    instruction: str
    growth: Growth
    reason: str
    settings: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Choices:
    """What the caller and the profile leave to choose from: the profile's tools by kind, and the caller's options."""

    tools: Mapping[str, ToolKind]
    options: JobOptions = JobOptions()

    def allows(self, row: Row) -> bool:
        """Whether the row's tool is in the profile, not ruled out, and asked for by name where it must be."""
        named = self.options.tools
        return row.tool in self.tools and (row.tool in named if named is not None else not row.needs_opt_in)


def plan(
    target: Target, choices: Choices, history: Sequence[Patch] = (), policy: Sequence[Row] = POLICY
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
    situation = situation_of(target)
    if isinstance(situation, Declined):
        return situation
    applicable = [row for row in policy if row.situation is situation and _has_wording(row, target.region.reading)]
    rows = [row for row in applicable if choices.allows(row)]
    if not rows:
        return Declined(region_id=target.region.id, reason=_no_tool(target, situation, applicable, choices))
    wanted = PREFERRED_KIND.get(choices.options.preference)
    rows.sort(key=lambda row: wanted is not None and choices.tools[row.tool] is not wanted)
    fresh = _untried(rows, target, history)
    ordered = fresh + [row for row in rows if row not in fresh]
    return tuple(_filled(row, target, again=row not in fresh) for row in ordered)


def situation_of(target: Target) -> Situation | Declined:
    """Which part of the table speaks of this target, or why none does."""
    region, reading = target.region, target.region.reading
    if reading is None:
        if target.diagnosis.category in (None, Category.OBJECT_REDUNDANCY):
            return Situation.USER_REMOVAL if region.detector == "user" else Situation.SALIENT_REMOVAL
        return Declined(region_id=region.id, reason=_needs_generative(target.diagnosis.category))
    if reading.expected is None:
        return Declined(region_id=region.id, reason=NO_WORDING)
    if reading.expected == "":
        return _removal_situation(reading)
    if reading.fault is TextFault.MISSING:
        return Situation.MISSING_WORD if reading.line_expected else Situation.WHOLE_LINE
    return Situation.WHOLE_LINE if _is_whole_line(reading) else Situation.WORD_IN_LINE


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


def _has_wording(row: Row, reading: TextReading | None) -> bool:
    return not row.needs_line or (reading is not None and bool(reading.line_expected))


def _untried(rows: Sequence[Row], target: Target, history: Sequence[Patch]) -> list[Row]:
    """Rows that no attempt came from; one whose patch is not known counts for its tool's first row."""
    mine = [patch for patch in history if target.region.id in patch.region_ids]
    fresh = list(rows)
    for attempt in target.attempts:
        patch = next((p for p in mine if p.tool == attempt.tool and p.seed == attempt.seed), None)
        used = next((row for row in fresh if row.tool == attempt.tool and (patch is None or _made(row, patch))), None)
        if used is not None:
            fresh.remove(used)
    return fresh


def _made(row: Row, patch: Patch) -> bool:
    return all(patch.settings.get(name) == value for name, value in row.settings.items())


def _filled(row: Row, target: Target, *, again: bool) -> Plan:
    reading, reason = target.region.reading, row.reason
    if reading is not None:
        reason = reason.format(text=reading.text, expected=reading.expected or "")
    if again:
        reason += " All other ways were tried; this is another seed."
    return Plan(row.tool, row.extent, target.diagnosis.instruction, row.growth, reason, dict(row.settings))


def _no_tool(target: Target, situation: Situation, applicable: Sequence[Row], choices: Choices) -> str:
    if situation is Situation.SALIENT_REMOVAL and "opencv" in choices.tools:
        redrawn = _needs_generative(target.diagnosis.category)
        return f"{redrawn}; where the whole thing may go, name `opencv` among the tools"
    if situation is Situation.USER_REMOVAL and "opencv" in choices.tools:
        return "nothing says what is wrong here; to have it removed, name `opencv` among the tools"
    missing = sorted({row.tool for row in applicable})
    if not missing:
        return NO_WORDING
    lacking = [name for name in missing if name not in choices.tools]
    if lacking == missing:
        return f"this needs {' or '.join(missing)}, which the profile does not have"
    return f"this needs {' or '.join(missing)}, which the caller's tools leave out: add one of them"


def _needs_generative(category: Category | None) -> str:
    what = NEEDED[category] if category is not None else "repairing this"
    return f"{what} takes a generative tool, and this profile has none: choose a profile with an inpainting model"
