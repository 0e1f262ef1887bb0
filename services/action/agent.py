"""The action agent: composes the canvas, has each target planned, cropped, edited in batches, blended and stored.

It knows the order of these and the image store; which tool suits what is the policy's, how an edit is made the tool's,
what makes a patch of an answer `answers`'. Protected pixels are taken out of every mask before a tool sees it and out
of every alpha after.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from services.action.answers import Unusable, Usable, usable
from services.action.cases import Case, joined
from services.action.choices import Choices, facts_of
from services.action.crops import EditArea
from services.action.mirror import MIRRORED, mirrored, turned_back
from services.action.planner import plan
from services.action.session import Edit, Session, batches, prepared, seconds_left, tried_in_vain
from services.action.tools.base import EditResult, Tool, ToolDeclined
from shared.contracts.jobs import Job
from shared.contracts.loop import Declined, Retouch, Retouched
from shared.contracts.values import Canvas, Patch, Region
from shared.errors import ErrorCode, StageError
from shared.geometry import Mask, box_area, intersection, mask_box
from shared.images import Gray, compose_canvas, crop, decode_gray, encode_png
from shared.ports import ImageStore, ModelObserver, unobserved
from shared.profiles import ToolModel

MOSTLY_PROTECTED = 0.5


class ActionAgent:
    """Implements `shared.ports.Retoucher`.

    Args:
        store: where the original, masks and earlier patches lie, and new patches go.
        tools: the profile's, by name.
        observe: is told of each tool's call.
        models: the weights of those tools that have any: what a call takes and costs.
    """

    def __init__(
        self,
        store: ImageStore,
        tools: Mapping[str, Tool],
        observe: ModelObserver = unobserved,
        models: Mapping[str, ToolModel] | None = None,
    ) -> None:
        self._store = store
        self._observe = observe
        self._tools = dict(tools)
        self._facts = {name: facts_of(tool, (models or {}).get(name)) for name, tool in tools.items()}

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

        A target that chance alone denied a patch has neither: its reason is a warning, and another seed may do better.

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
            cost=session.cost,
            third_parties=tuple(dict.fromkeys(session.third_parties)),
            warnings=tuple(session.warnings),
        )

    def _session(self, job: Job, command: Retouch, dispatch: int) -> Session:
        image = compose_canvas(self._store, command.canvas)
        size_hw = (image.shape[0], image.shape[1])
        protected = np.zeros(size_hw, np.bool_)
        if job.options.protected_ref is not None:
            protected = decode_gray(self._store.get(job.options.protected_ref)) > 0
            if protected.shape != size_hw:
                raise StageError(
                    ErrorCode.STAGE_FAILED, f"the protected mask has {protected.shape}, not the image's size"
                )
        regions = {region.id: region for region in (*job.known, *job.found)}
        regions.update((target.region.id, target.region) for target in command.targets)
        choices = Choices(
            tools=self._facts,
            options=job.options,
            scene=job.input.prompt,
            size_hw=size_hw,
            seconds_left=seconds_left(job),
            money_left=None if job.options.max_cost is None else job.options.max_cost - job.cost,
        )
        prefix = f"{job.id}/s{command.step}-d{dispatch}"
        return Session(job, command, prefix, image, protected, tuple(regions.values()), choices)

    def _cases(self, session: Session) -> list[Case]:
        """A case for each target that has a plan and is not mostly protected; the others are declined."""
        cases = []
        for target in session.command.targets:
            own = self._own_mask(target.region)
            x0, y0, x1, y1 = target.region.box_xyxy_px
            share = float(session.protected[y0:y1, x0:x1][own].mean()) if own.any() else 0.0
            plans = plan(target, session.choices, session.job.history)
            reason = None
            if isinstance(plans, Declined):
                reason = plans.reason
            elif not own.any():
                reason = "its mask is empty: there is nothing to edit"
            elif share > MOSTLY_PROTECTED:
                reason = f"{share:.0%} of it lies in the protected area, which is never edited"
            else:
                cases.append(Case([target], list(plans), own))
            if reason is not None:
                session.declined.append(Declined(region_id=target.region.id, reason=reason))
        return cases

    def _own_mask(self, region: Region) -> Mask:
        mask = decode_gray(self._store.get(region.mask_ref)) > 127
        x0, y0, x1, y1 = region.box_xyxy_px
        if mask.shape != (y1 - y0, x1 - x0):
            raise StageError(ErrorCode.STAGE_FAILED, f"the mask of {region.id} has {mask.shape}, not its box's size")
        return mask

    def _round(self, session: Session, cases: Sequence[Case], pending: Sequence[Case]) -> list[Case]:
        """Tries the next plan of each pending case; returns those whose tool declined and that have a plan left."""
        edits = []
        for case in pending:
            edit = prepared(session, case, cases, self._tools)
            if edit is not None:
                edits.append(edit)
        remaining = []
        for batch in batches(edits, self._tools):
            for edit, answer in zip(batch, self._call(session, batch), strict=True):
                patch = self._patch(session, edit, answer, cases.index(edit.case) + 1)
                if isinstance(patch, Patch):
                    session.patches.append((cases.index(edit.case), patch))
                elif tried_in_vain(session, edit.case, patch):
                    remaining.append(edit.case)
        return sorted(remaining, key=cases.index)

    def _call(self, session: Session, batch: Sequence[Edit]) -> Sequence[EditResult | ToolDeclined]:
        tool = self._tools[batch[0].plan.tool]
        if tool.third_party is not None:
            session.third_parties.append(tool.third_party)
        began_s = time.perf_counter()
        turned = bool(batch[0].plan.settings.get(MIRRORED))
        answers = tool.edit([mirrored(edit.request) if turned else edit.request for edit in batch])
        self._observe(tool.name, time.perf_counter() - began_s)
        if len(answers) != len(batch):
            raise StageError(
                ErrorCode.STAGE_FAILED, f"{tool.name} gave {len(answers)} answers to {len(batch)} requests"
            )
        return [turned_back(one) if turned and isinstance(one, EditResult) else one for one in answers]

    def _patch(self, session: Session, edit: Edit, answer: EditResult | ToolDeclined, number: int) -> Patch | Unusable:
        """The stored patch, or why there is none."""
        tool = self._tools[edit.plan.tool]
        if isinstance(answer, ToolDeclined):
            return Unusable(f"{tool.name}: {answer}")
        made = usable(edit.request, answer, tool.kind, session.job.policy.max_seam, tool.native_size_px)
        if isinstance(made, Unusable):
            return Unusable(f"{tool.name}: {made.reason}", made.by_chance)
        session.warnings.extend(f"{edit.case.region.id}: {note}" for note in answer.notes)
        return self._stored(session, edit, answer, made, f"p{session.command.step}-{number}")

    def _stored(self, session: Session, edit: Edit, answer: EditResult, made: Usable, patch_id: str) -> Patch:
        """The patch, cut to what changes."""
        alpha = made.blended.alpha
        inner = mask_box(alpha > 0) or (0, 0, alpha.shape[1], alpha.shape[0])
        x, y = edit.area.crop_box_xyxy_px[:2]
        box = (inner[0] + x, inner[1] + y, inner[2] + x, inner[3] + y)
        image, alpha = crop(made.blended.image, inner), crop(alpha, inner)
        image[alpha == 0] = crop(edit.request.crop, inner)[alpha == 0]
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
            settings={**answer.settings, **edit.plan.settings, **made.settings},
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


def _part(alpha: Gray, box: tuple[int, int, int, int], common: tuple[int, int, int, int]) -> Gray:
    return alpha[common[1] - box[1] : common[3] - box[1], common[0] - box[0] : common[2] - box[0]]
