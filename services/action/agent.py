"""The action agent: composes the canvas, has each target planned, cropped, edited in batches, blended and stored.

It knows the order of these and the image store; which tool suits what is the policy's, how an edit is made the tool's.
Protected pixels are taken out of every mask before a tool sees it and out of every alpha after.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.action.blend import Blended, blend
from services.action.cases import Case, forbidden_for, joined
from services.action.crops import EditArea, edit_area
from services.action.planner import Choices, Plan, plan
from services.action.tools.base import EditRequest, EditResult, Tool, ToolDeclined
from shared.contracts.jobs import Job
from shared.contracts.loop import Declined, Retouch, Retouched, Target
from shared.contracts.values import Canvas, Patch, Region
from shared.errors import ErrorCode, StageError
from shared.geometry import Mask, box_area, intersection, mask_box
from shared.images import Gray, Rgb, compose_canvas, crop, decode_gray, encode_png
from shared.ports import ImageStore, ModelObserver, unobserved

MOSTLY_PROTECTED = 0.5
LEAST_USABLE = 0.5  # of the region's own pixels: with less of them editable half a word would remain


@dataclass(frozen=True)
class _Edit:
    """A case with the plan that is being tried and what the tool is sent."""

    case: Case
    plan: Plan
    area: EditArea
    request: EditRequest


@dataclass
class _Session:
    """One `Retouch` command at work: the pixels, and what has come of it so far."""

    job: Job
    command: Retouch
    prefix: str
    image: Rgb
    protected: Mask
    neighbours: tuple[Region, ...]
    patches: list[tuple[int, Patch]] = field(default_factory=list)
    declined: list[Declined] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class ActionAgent:
    """Implements `shared.ports.Retoucher`.

    Args:
        store: where the original, masks and earlier patches lie, and new patches go.
        tools: the profile's, by name.
        observe: is told of each tool's call.
    """

    def __init__(self, store: ImageStore, tools: Mapping[str, Tool], observe: ModelObserver = unobserved) -> None:
        self._store = store
        self._observe = observe
        self._tools = dict(tools)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The profile's tools."""
        return tuple(self._tools.values())

    def warm_up(self) -> None:
        """Loads the tools' models, so that the first job does not wait for them.

        Raises:
            MissingResource: weights, a package or a device are not there.
        """
        for tool in self._tools.values():
            tool.warm_up()

    def retouch(self, job: Job, command: Retouch, dispatch: int) -> Retouched:
        """A patch or a reason for each target. No two patches of one answer share a pixel.

        Raises:
            StageError: a tool broke its contract.
            NotFound: the store lacks an image, mask or patch.
            Unavailable: the store does not answer.
        """
        started_s = time.perf_counter()
        session = self._session(job, command, dispatch)
        cases = joined(self._cases(session), session.protected.shape)
        pending = list(cases)
        while pending:
            pending = self._round(session, cases, pending)
        return Retouched(
            step=command.step,
            at_s=time.time(),
            elapsed_s=time.perf_counter() - started_s,
            patches=tuple(patch for _, patch in sorted(session.patches, key=lambda item: item[0])),
            declined=tuple(session.declined),
            warnings=tuple(session.warnings),
        )

    def _session(self, job: Job, command: Retouch, dispatch: int) -> _Session:
        image = compose_canvas(self._store, command.canvas)
        protected = np.zeros(image.shape[:2], np.bool_)
        if job.options.protected_ref is not None:
            protected = decode_gray(self._store.get(job.options.protected_ref)) > 0
            if protected.shape != image.shape[:2]:
                raise StageError(
                    ErrorCode.STAGE_FAILED, f"the protected mask has {protected.shape}, not the image's size"
                )
        regions = {region.id: region for region in (*job.known, *job.found)}
        regions.update((target.region.id, target.region) for target in command.targets)
        prefix = f"{job.id}/s{command.step}-d{dispatch}"
        return _Session(job, command, prefix, image, protected, tuple(regions.values()))

    def _cases(self, session: _Session) -> list[Case]:
        """A case for each target that has a plan and is not mostly protected; the others are declined."""
        choices = Choices({name: tool.kind for name, tool in self._tools.items()}, session.job.options)
        cases = []
        for target in session.command.targets:
            own = self._own_mask(target.region)
            x0, y0, x1, y1 = target.region.box_xyxy_px
            share = float(session.protected[y0:y1, x0:x1][own].mean()) if own.any() else 1.0
            plans = plan(target, choices, session.job.history)
            if isinstance(plans, Declined):
                session.declined.append(plans)
            elif share > MOSTLY_PROTECTED:
                reason = f"{share:.0%} of it lies in the protected area, which is never edited"
                session.declined.append(Declined(region_id=target.region.id, reason=reason))
            else:
                cases.append(Case([target], list(plans), own))
        return cases

    def _own_mask(self, region: Region) -> Mask:
        mask = decode_gray(self._store.get(region.mask_ref)) > 127
        x0, y0, x1, y1 = region.box_xyxy_px
        if mask.shape != (y1 - y0, x1 - x0):
            raise StageError(ErrorCode.STAGE_FAILED, f"the mask of {region.id} has {mask.shape}, not its box's size")
        return mask

    def _round(self, session: _Session, cases: Sequence[Case], pending: Sequence[Case]) -> list[Case]:
        """Tries the next plan of each pending case; returns those whose tool declined and that have a plan left."""
        edits = []
        for case in pending:
            edit = _prepare(session, case, cases)
            if edit is not None:
                edits.append(edit)
        remaining = []
        for batch in _batches(edits, self._tools):
            for edit, answer in zip(batch, self._call(batch), strict=True):
                patch = self._patch(session, edit, answer, cases.index(edit.case) + 1)
                if isinstance(patch, Patch):
                    session.patches.append((cases.index(edit.case), patch))
                elif _next_plan(session, edit.case, f"{edit.plan.tool}: {patch}"):
                    remaining.append(edit.case)
        return sorted(remaining, key=cases.index)

    def _call(self, batch: Sequence[_Edit]) -> Sequence[EditResult | ToolDeclined]:
        tool = self._tools[batch[0].plan.tool]
        began_s = time.perf_counter()
        answers = tool.edit([edit.request for edit in batch])
        self._observe(tool.name, time.perf_counter() - began_s)
        if len(answers) != len(batch):
            raise StageError(
                ErrorCode.STAGE_FAILED, f"{tool.name} gave {len(answers)} answers to {len(batch)} requests"
            )
        return answers

    def _patch(self, session: _Session, edit: _Edit, answer: EditResult | ToolDeclined, number: int) -> Patch | str:
        """The stored patch, or the sentence that says why there is none."""
        if isinstance(answer, ToolDeclined):
            return str(answer)
        blended = blend(edit.request.crop, answer, edit.area.mask)
        inner = mask_box(blended.alpha > 0)
        if inner is None:
            return "it changed nothing"
        x, y = edit.area.crop_box_xyxy_px[:2]
        box = (inner[0] + x, inner[1] + y, inner[2] + x, inner[3] + y)
        patch_id = f"p{session.command.step}-{number}"
        image, alpha = crop(blended.image, inner), crop(blended.alpha, inner)
        image[alpha == 0] = crop(edit.request.crop, inner)[alpha == 0]
        session.warnings.extend(f"{edit.case.region.id}: {note}" for note in answer.notes)
        edit.case.area = EditArea(box, alpha > 0)
        return Patch(
            id=patch_id,
            region_ids=edit.case.region_ids,
            tool=edit.plan.tool,
            box_xyxy_px=box,
            image_ref=self._store.put(f"{session.prefix}/{patch_id}.png", encode_png(image)),
            alpha_ref=self._store.put(f"{session.prefix}/{patch_id}.alpha.png", encode_png(alpha)),
            base_patch_ids=self._bases(session.command.canvas, box, alpha),
            seed=edit.request.seed,
            settings={**answer.settings, **edit.plan.settings, **_blend_settings(blended)},
            reason=edit.plan.reason,
        )

    def _bases(self, canvas: Canvas, box: tuple[int, int, int, int], alpha: Gray) -> tuple[str, ...]:
        """Patches of the canvas that this one covers at least a pixel of."""
        found = []
        for patch in canvas.patches:
            common = intersection(box, patch.box_xyxy_px)
            if not box_area(common):
                continue
            below = decode_gray(self._store.get(patch.alpha_ref))
            if ((_part(alpha, box, common) > 0) & (_part(below, patch.box_xyxy_px, common) > 0)).any():
                found.append(patch.id)
        return tuple(found)


def _prepare(session: _Session, case: Case, cases: Sequence[Case]) -> _Edit | None:
    """The next plan as a request; None, with the targets declined, where too few of the region's pixels are free."""
    chosen = case.plans[0]
    forbidden = forbidden_for(case, cases, session.neighbours, session.protected)
    x0, y0, x1, y1 = case.region.box_xyxy_px
    blocked = float(forbidden[y0:y1, x0:x1][case.own_mask].mean())
    case.area = edit_area(chosen, case.region, case.own_mask, forbidden, session.neighbours)
    if blocked > 1 - LEAST_USABLE or not case.area.mask.any():
        case.area = None
        _decline(session, case, "another edit of this round has its pixels; it will be looked at again")
        return None
    target: Target = case.targets[0]
    request = EditRequest(
        crop=crop(session.image, case.area.crop_box_xyxy_px),
        mask=case.area.mask,
        crop_box_xyxy_px=case.area.crop_box_xyxy_px,
        region=target.region,
        diagnosis=target.diagnosis,
        instruction=chosen.instruction,
        seed=target.seed,
        settings=dict(chosen.settings),
    )
    return _Edit(case, chosen, case.area, request)


def _next_plan(session: _Session, case: Case, sentence: str) -> bool:
    """Notes why the plan came to nothing; True where another is left, else the targets are declined."""
    case.area = None
    case.plans.pop(0)
    if sentence not in case.sentences:
        case.sentences.append(sentence)
    if case.plans:
        return True
    _decline(session, case, "; ".join(case.sentences))
    return False


def _decline(session: _Session, case: Case, reason: str) -> None:
    session.declined.extend(Declined(region_id=region_id, reason=reason) for region_id in case.region_ids)


def _batches(edits: Sequence[_Edit], tools: Mapping[str, Tool]) -> list[list[_Edit]]:
    """Edits of one tool and one set of settings together, at most `max_batch` at a time, in order of first sight."""
    groups: dict[tuple[str, str], list[_Edit]] = {}
    for edit in edits:
        key = (edit.plan.tool, json.dumps(dict(edit.plan.settings), sort_keys=True))
        groups.setdefault(key, []).append(edit)
    batches: list[list[_Edit]] = []
    for (name, _), group in groups.items():
        size = tools[name].max_batch
        batches.extend(group[start : start + size] for start in range(0, len(group), size))
    return batches


def _blend_settings(blended: Blended) -> dict[str, str | float]:
    return {"blend": blended.method, "seam": round(blended.seam, 3)}


def _part(alpha: Gray, box: tuple[int, int, int, int], common: tuple[int, int, int, int]) -> Gray:
    return alpha[common[1] - box[1] : common[3] - box[1], common[0] - box[0] : common[2] - box[0]]
