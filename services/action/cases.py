"""Targets as edits: one case for each, and one for several that overlap; which pixels each may not touch.

Geometry and plans only: no store, no tool is called here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from services.action.crops import EditArea, edit_area, same_line
from services.action.planner import Plan
from services.action.policy import Extent
from services.action.wording import together
from shared.contracts.base import BoxXYXY, QuadXY
from shared.contracts.loop import Target
from shared.contracts.values import Region
from shared.geometry import Mask, box_area, intersection, quad_mask, union


@dataclass
class Case:
    """One edit to make: its targets (the first speaks for them), plans left to try, and what came of others."""

    targets: list[Target]
    plans: list[Plan]
    own_mask: Mask
    area: EditArea | None = None
    sentences: list[str] = field(default_factory=list)
    by_chance: bool = False

    @property
    def region(self) -> Region:
        """The region that the tool is told of."""
        return self.targets[0].region

    @property
    def region_ids(self) -> tuple[str, ...]:
        """All regions that this edit is to repair."""
        return tuple(target.region.id for target in self.targets)


def joined(cases: Sequence[Case], size_hw: tuple[int, int]) -> list[Case]:
    """Overlapping cases made one: words of one line become one edit of the line, overlapping things one removal.

    Cases that overlap but can share no plan stay apart; `forbidden_for` then divides the pixels between them.
    """
    merged: list[Case] = []
    for case in cases:
        place, current = len(merged), case
        while (found := _partner(merged, current, size_hw)) is not None:
            place, current = found
            del merged[place]
        merged.insert(place, current)
    return merged


def _partner(merged: Sequence[Case], case: Case, size_hw: tuple[int, int]) -> tuple[int, Case] | None:
    """The first that overlaps the case and can be one with it: its place, and both as one."""
    for place, other in enumerate(merged):
        together = _together(other, case) if _overlap(other, case, size_hw) else None
        if together is not None:
            return place, together
    return None


def forbidden_for(case: Case, others: Iterable[Case], neighbours: Iterable[Region], protected: Mask) -> Mask:
    """`(H, W)` bool: what this case may not touch.

    That is the protected pixels, what other cases have been given, and the lines of other known regions; those less the
    case's own words, since readers' boxes of neighbouring lines overlap by a few pixels.
    """
    size_hw = (protected.shape[0], protected.shape[1])
    lines = np.zeros(size_hw, np.bool_)
    own_reading = case.region.reading
    for region in neighbours:
        if region.id in case.region_ids or region.reading is None:
            continue
        if own_reading is None or not same_line(own_reading, region.reading):
            _paint_quad(lines, region.reading.line_quad_px)
        elif case.plans[0].extent is Extent.RUN:
            _paint_quad(lines, region.reading.quad_px)
    x0, y0, x1, y1 = case.region.box_xyxy_px
    lines[y0:y1, x0:x1] &= ~case.own_mask
    forbidden = lines | protected
    for other in others:
        if other is not case and other.area is not None:
            x0, y0, x1, y1 = other.area.crop_box_xyxy_px
            forbidden[y0:y1, x0:x1] |= other.area.mask
    return forbidden


def _paint_quad(canvas: Mask, quad: QuadXY) -> None:
    canvas |= quad_mask(quad, (0, 0, canvas.shape[1], canvas.shape[0]))


def _overlap(a: Case, b: Case, size_hw: tuple[int, int]) -> bool:
    nothing = np.zeros(size_hw, np.bool_)
    first, second = (edit_area(case.plans[0], case.region, case.own_mask, nothing) for case in (a, b))
    common = intersection(first.crop_box_xyxy_px, second.crop_box_xyxy_px)
    if not box_area(common):
        return False
    return bool((_window(first, common) & _window(second, common)).any())


def _window(area: EditArea, box: BoxXYXY) -> Mask:
    x, y = area.crop_box_xyxy_px[:2]
    return area.mask[box[1] - y : box[3] - y, box[0] - x : box[2] - x]


def _together(a: Case, b: Case) -> Case | None:
    """One case for both, or None where no plan would repair both."""
    first, second = a.region.reading, b.region.reading
    targets = a.targets + b.targets
    if first is not None and second is not None:
        if not same_line(first, second):
            return None
        for leading, following in ((a, b), (b, a)):
            whole = [plan for plan in leading.plans if plan.extent is Extent.LINE]
            if whole and leading.region.reading is not None and leading.region.reading.line_expected:
                return Case(leading.targets + following.targets, whole, leading.own_mask)
        return None
    if first is not None or second is not None:
        return None
    plans = _shared(a, b)
    if not plans:
        return None
    box = union(a.region.box_xyxy_px, b.region.box_xyxy_px)
    own = np.zeros((box[3] - box[1], box[2] - box[0]), np.bool_)
    for case in (a, b):
        x0, y0, x1, y1 = case.region.box_xyxy_px
        own[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]] |= case.own_mask
    region = a.region.model_copy(update={"box_xyxy_px": box})
    return Case([targets[0].model_copy(update={"region": region}), *targets[1:]], plans, own)


def _shared(a: Case, b: Case) -> list[Plan]:
    """The ways that both have, in the first one's order, told to do both things.

    One prompt cannot ask a mask to be empty and to hold a hand, so a removal and a repair share no mask tool's call.
    """
    plans = []
    for mine in a.plans:
        theirs = next((other for other in b.plans if mine.same_way(other)), None)
        if theirs is None or (mine.by_mask and mine.takes_out != theirs.takes_out):
            continue
        growth = max(mine.growth, theirs.growth, key=lambda one: one.across)
        reason = f"{mine.reason} Regions that overlap are one edit."
        plans.append(replace(mine, words=together([mine.words, theirs.words]), growth=growth, reason=reason))
    return plans
