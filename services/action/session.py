"""One `Retouch` command at work: what it has to go by, what each case is tried with next, and what has come of it."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.action.answers import Unusable
from services.action.cases import Case, forbidden_for
from services.action.choices import Choices
from services.action.crops import EditArea, edit_area
from services.action.planner import Plan
from services.action.tools.base import EditRequest, Tool, ToolKind
from shared.contracts.jobs import Job
from shared.contracts.loop import Declined, Retouch, Target
from shared.contracts.values import Patch, Region
from shared.geometry import Mask
from shared.images import Rgb, crop

LEAST_USABLE = 0.5  # of the region's own pixels: with less of them editable half a word would remain


@dataclass(frozen=True)
class Edit:
    """A case with the plan that is being tried and what the tool is sent."""

    case: Case
    plan: Plan
    area: EditArea
    request: EditRequest


@dataclass
class Session:
    """What the command has to go by, and what has come of it so far.

    Attributes:
        prefix: of what is written in the image store.
        choices: tools and budgets as they were at the start; `budgets` has them as they are.
        neighbours: every region known of the picture.
        patches: with the number of the case that each is of.
        cost: US dollars, what has been sent and not answered yet included.
    """

    job: Job
    command: Retouch
    prefix: str
    image: Rgb
    protected: Mask
    neighbours: tuple[Region, ...]
    choices: Choices
    patches: list[tuple[int, Patch]] = field(default_factory=list)
    declined: list[Declined] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    third_parties: list[str] = field(default_factory=list)
    cost: float = 0.0

    def budgets(self) -> Choices:
        """The choices with the time and the money that are left now."""
        return replace(
            self.choices,
            seconds_left=seconds_left(self.job),
            money_left=None if self.choices.money_left is None else self.choices.money_left - self.cost,
        )

    def decline(self, case: Case, reason: str) -> None:
        """Gives all the case's regions up, for good."""
        self.declined.extend(Declined(region_id=region_id, reason=reason) for region_id in case.region_ids)


def seconds_left(job: Job) -> float | None:
    """Before the job's deadline; None without one."""
    return None if job.deadline_at_s is None else job.deadline_at_s - time.time()


def prepared(session: Session, case: Case, cases: Sequence[Case], tools: Mapping[str, Tool]) -> Edit | None:
    """The next plan that the budgets still allow, as a request; None where there is none, and then that is noted."""
    budgets = session.budgets()
    while (objection := budgets.objection(case.plans[0].tool, case.region)) is not None:
        if not tried_in_vain(session, case, Unusable(objection)):
            return None
    chosen = case.plans[0]
    forbidden = forbidden_for(case, cases, session.neighbours, session.protected)
    x0, y0, x1, y1 = case.region.box_xyxy_px
    blocked = float(forbidden[y0:y1, x0:x1][case.own_mask].mean())
    native = tools[chosen.tool].native_size_px
    case.area = edit_area(chosen, case.region, case.own_mask, forbidden, session.neighbours, native)
    if blocked > 1 - LEAST_USABLE or not case.area.mask.any():
        case.area = None
        session.decline(case, "another edit of this round has its pixels; it will be looked at again")
        return None
    session.cost += session.choices.tools[chosen.tool].price
    target: Target = case.targets[0]
    words = chosen.words
    request = EditRequest(
        crop=crop(session.image, case.area.crop_box_xyxy_px),
        mask=case.area.mask,
        crop_box_xyxy_px=case.area.crop_box_xyxy_px,
        region=target.region,
        diagnosis=target.diagnosis,
        instruction=words.instruction if tools[chosen.tool].kind is ToolKind.INSTRUCTION else words.wanted,
        seed=target.seed,
        settings=dict(chosen.settings),
        negative=words.unwanted,
    )
    return Edit(case, chosen, case.area, request)


def tried_in_vain(session: Session, case: Case, why: Unusable) -> bool:
    """Notes why the plan came to nothing; True where another is left.

    Else the targets are declined; but where chance has a part in it they are only reported, and the loop tries again
    with another seed.
    """
    case.area = None
    case.plans.pop(0)
    if why.reason not in case.sentences:
        case.sentences.append(why.reason)
    case.by_chance = case.by_chance or why.by_chance
    if case.plans:
        return True
    reason = "; ".join(case.sentences)
    if case.by_chance:
        session.warnings.append(f"{', '.join(case.region_ids)}: no patch came of it: {reason}")
    else:
        session.decline(case, reason)
    return False


def batches(edits: Sequence[Edit], tools: Mapping[str, Tool]) -> list[list[Edit]]:
    """Edits of one tool and one set of settings together, at most `max_batch` at a time, in order of first sight."""
    groups: dict[tuple[str, str], list[Edit]] = {}
    for edit in edits:
        key = (edit.plan.tool, json.dumps(dict(edit.plan.settings), sort_keys=True))
        groups.setdefault(key, []).append(edit)
    found: list[list[Edit]] = []
    for (name, _), group in groups.items():
        size = tools[name].max_batch
        found.extend(group[start : start + size] for start in range(0, len(group), size))
    return found
