"""What a plan may choose from: the profile's tools with their sizes and costs, the caller's options, time and money."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from services.action.generative_policy import MANNERS
from services.action.policy import Row
from services.action.tools.base import Tool, ToolKind
from shared.contracts.jobs import JobOptions
from shared.contracts.values import Region
from shared.geometry import box_area
from shared.profiles import ToolModel

LARGEST_SHARE = 0.7
"""Of the picture: where more of it is to be painted, nothing is left for a mask tool to go by."""

MOST_ENLARGED = 2.0
"""Sides of the crop over the tool's own: beyond it what the tool draws comes back visibly soft."""

CROP_SIDES = 2.5
"""Sides of a crop with its context, over the region's longer one."""


@dataclass(frozen=True)
class ToolFacts:
    """What planning needs to know of a tool.

    Attributes:
        native_size_px: None where it works at any size.
        seconds: of one edit; None where nobody has measured it.
        price: of one edit, in US dollars.
        steps, guidance: the profile's; None for the table's.
        suppositions: the profile's, see `ToolModel`.
    """

    kind: ToolKind
    native_size_px: int | None = None
    seconds: float | None = None
    price: float = 0.0
    steps: int | None = None
    guidance: float | None = None
    suppositions: tuple[str, ...] = ()


def facts_of(tool: Tool, model: ToolModel | None) -> ToolFacts:
    """Of a tool as a profile runs it; `model` is None for one without weights."""
    if model is None:
        return ToolFacts(tool.kind, tool.native_size_px)
    return ToolFacts(
        tool.kind,
        tool.native_size_px,
        model.seconds,
        model.price,
        model.steps,
        model.guidance,
        model.suppositions,
    )


@dataclass(frozen=True)
class Choices:
    """What there is to choose from.

    Attributes:
        tools: the profile's, by name.
        options: the caller's.
        scene: the prompt that the picture was made from.
        size_hw: of the picture; None where nobody knows, and then nothing is too large.
        seconds_left: before the deadline; None without one.
        money_left: US dollars; None where the caller named no sum, which leaves paid tools out.
    """

    tools: Mapping[str, ToolFacts]
    options: JobOptions = field(default_factory=JobOptions)
    scene: str = ""
    size_hw: tuple[int, int] | None = None
    seconds_left: float | None = None
    money_left: float | None = None

    def allows(self, row: Row) -> bool:
        """Whether the row's tool is in the profile, not ruled out, and asked for by name where it must be."""
        named = self.options.tools
        return row.tool in self.tools and (row.tool in named if named is not None else not row.needs_opt_in)

    def objection(self, tool: str, region: Region) -> str | None:
        """Why the tool cannot be used here and now; None where it can."""
        facts = self.tools[tool]
        if facts.price and self.money_left is None:
            return f"{tool} costs {facts.price:.2f} dollars an edit: allow it by max_cost"
        if facts.price and self.money_left is not None and facts.price > self.money_left:
            return f"{tool} costs {facts.price:.2f} dollars an edit, and {self.money_left:.2f} are left of max_cost"
        if facts.seconds is not None and self.seconds_left is not None and facts.seconds > self.seconds_left:
            left = max(0.0, self.seconds_left)
            return f"{tool} takes about {facts.seconds:.0f} s, and {left:.0f} s are left before the deadline"
        covers = self._share(region)
        if facts.kind is ToolKind.MASK and facts.native_size_px is not None and covers > LARGEST_SHARE:
            return f"{tool} would have to paint {covers:.0%} of the picture anew, with nothing left to go by"
        return None

    def too_coarse(self, tool: str, region: Region) -> bool:
        """Whether what the tool draws would have to be enlarged more than the eye forgives."""
        native = self.tools[tool].native_size_px
        x0, y0, x1, y1 = region.box_xyxy_px
        return native is not None and CROP_SIDES * max(x1 - x0, y1 - y0) > MOST_ENLARGED * native

    def manner(self, tool: str) -> dict[str, JsonValue]:
        """Steps and guidance to call the tool with; nothing for a tool that has neither."""
        facts, usual = self.tools[tool], MANNERS.get(tool)
        if usual is None or facts.native_size_px is None:
            return {}
        return {
            "steps": usual.steps if facts.steps is None else facts.steps,
            "guidance": usual.guidance if facts.guidance is None else facts.guidance,
        }

    def _share(self, region: Region) -> float:
        return box_area(region.box_xyxy_px) / (self.size_hw[0] * self.size_hw[1]) if self.size_hw else 0.0
