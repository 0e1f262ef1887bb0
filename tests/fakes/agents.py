"""Agents that play a `World`: they speak the ports, write real PNGs, and can be told to fail or to be late."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from fakes.world import FOUND_FROM, Decline, Effect, World

from shared.contracts.categories import Category
from shared.contracts.jobs import InputInfo, Job, JobOptions, LoopPolicy
from shared.contracts.loop import (
    Command,
    Declined,
    Diagnose,
    Diagnosed,
    Perceive,
    Perceived,
    Retouch,
    Retouched,
    Target,
)
from shared.contracts.values import AppearanceCheck, Canvas, Diagnosis, Evidence, Patch, Region
from shared.errors import ErrorCode, RetoucherError, StageError, Unavailable
from shared.images import encode_png
from shared.ports import ImageStore


@dataclass
class Disturbance:
    """What goes wrong, by step: `fails` raises instead of answering, `then` is called once the answer is ready."""

    fails: dict[int, RetoucherError | Exception] = field(default_factory=dict)
    then: dict[int, Callable[[Job], None]] = field(default_factory=dict)

    def strike(self, job: Job, command: Command) -> None:
        if command.step in self.then:
            self.then[command.step](job)
        if command.step in self.fails:
            raise self.fails[command.step]


def busy(message: str = "the model server does not answer: try again") -> Unavailable:
    return Unavailable(ErrorCode.STORE_UNAVAILABLE, message)


def broken(message: str = "the model cannot do this: use another") -> StageError:
    return StageError(ErrorCode.STAGE_FAILED, message)


class ScriptedAgents:
    """Perceiver, reasoner and retoucher in one; `calls` are the commands executed, in order."""

    def __init__(self, world: World, store: ImageStore, disturbance: Disturbance | None = None) -> None:
        self.world = world
        self.store = store
        self.disturbance = disturbance or Disturbance()
        self.calls: list[Command] = []

    def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
        self._called(job, command)
        visible = self.world.visible(command.canvas)
        regions = tuple(
            self.region(job, name, value if value is not None else 0.0, command.step, dispatch)
            for name, value in visible.items()
            if value is not None and value >= FOUND_FROM
        )
        asked = dict.fromkeys([*(region.id for region in command.watch), *(region.id for region in regions)])
        on_trial = [patch for patch in command.canvas.patches if patch.id in command.on_trial]
        return Perceived(
            step=command.step,
            at_s=0.0,
            regions=tuple(sorted(regions, key=lambda region: -region.evidence)),
            evidence=tuple(item for name in asked for item in self._evidence(command.canvas, visible, name)),
            checks=tuple(check for patch in on_trial for check in self._check(patch)),
            saliency_peak=self.world.saliency_peak,
            any_distortion=self.world.any_distortion,
            in_domain=self.world.in_domain,
            thresholds=self.world.thresholds,
        )

    def diagnose(self, job: Job, command: Diagnose, dispatch: int) -> Diagnosed:
        self._called(job, command)
        said: list[Diagnosis] = []
        for region in command.regions:
            distorted = self.world.flaw(region.id).distorted
            patch = self.world.top_patch(command.canvas, region.id)
            if patch is not None:
                distorted = self.world.effect_of(patch).distorted
            if distorted is not None:
                said.append(diagnosis(region.id, distorted))
        return Diagnosed(step=command.step, at_s=0.0, diagnoses=tuple(said), may_veto=self.world.may_veto)

    def retouch(self, job: Job, command: Retouch, dispatch: int) -> Retouched:
        self._called(job, command)
        patches: list[Patch] = []
        declined: list[Declined] = []
        for target in command.targets:
            answer = self.world.answer(target.region.id, len(target.attempts) + 1)
            if isinstance(answer, Decline):
                declined.append(Declined(region_id=target.region.id, reason=answer.reason))
            elif isinstance(answer, Effect):
                patches.append(self._patch(job, command, target, answer, dispatch))
        return Retouched(step=command.step, at_s=0.0, patches=tuple(patches), declined=tuple(declined))

    def region(self, job: Job, name: str, evidence: float, step: int, dispatch: int) -> Region:
        flaw = self.world.flaw(name)
        x0, y0, x1, y1 = flaw.box
        mask = encode_png(np.full((y1 - y0, x1 - x0), 255, np.uint8))
        return Region(
            id=name,
            box_xyxy_px=flaw.box,
            mask_ref=self.store.put(f"{job.id}/s{step}-d{dispatch}/{name}.mask.png", mask),
            detector=flaw.detector,
            evidence=evidence,
            protected_share=flaw.protected_share,
        )

    def _called(self, job: Job, command: Command) -> None:
        self.calls.append(command)
        self.disturbance.strike(job, command)

    def _evidence(self, canvas: Canvas, visible: dict[str, float | None], name: str) -> tuple[Evidence, ...]:
        own = visible.get(name, 0.0)
        others = self.world.other_evidence(canvas, name) if name in visible else {}
        values = {**({self.world.flaw(name).detector: own} if own is not None else {}), **others}
        return tuple(Evidence(region_id=name, detector=key, value=value) for key, value in values.items())

    def _check(self, patch: Patch) -> tuple[AppearanceCheck, ...]:
        effect = self.world.effect_of(patch)
        if effect.detail is None:
            return ()
        return (AppearanceCheck(patch_id=patch.id, detail_ratio=effect.detail, colour_shift=effect.colour, seam=1.0),)

    def _patch(self, job: Job, command: Retouch, target: Target, effect: Effect, dispatch: int) -> Patch:
        name = f"{target.region.id}-t{len(target.attempts) + 1}"
        x0, y0, x1, y1 = target.region.box_xyxy_px
        colour = np.random.default_rng(target.seed).integers(0, 256, (y1 - y0, x1 - x0, 3), np.uint8)
        folder = f"{job.id}/s{command.step}-d{dispatch}"
        return Patch(
            id=name,
            region_ids=(target.region.id, *effect.also),
            tool=effect.tool,
            box_xyxy_px=target.region.box_xyxy_px,
            image_ref=self.store.put(f"{folder}/{name}.png", encode_png(colour)),
            alpha_ref=self.store.put(
                f"{folder}/{name}.alpha.png", encode_png(np.full(colour.shape[:2], 255, np.uint8))
            ),
            base_patch_ids=(effect.on_top_of,) if effect.on_top_of else (),
            seed=target.seed,
            reason="scripted",
        )


def diagnosis(region_id: str, distorted: bool = True) -> Diagnosis:
    return Diagnosis(
        region_id=region_id,
        distorted=distorted,
        category=Category.TEXT,
        description="a letter is missing",
        inconsistency="the prompt has it",
        instruction="set it anew",
        confidence=0.9,
        source="scripted",
    )


def queued_job(
    store: ImageStore,
    job_id: str = "job_1",
    policy: LoopPolicy | None = None,
    options: JobOptions | None = None,
    size_px: int = 32,
    with_alpha: bool = False,
    deadline_at_s: float | None = None,
) -> Job:
    """A job as `admit` would leave it, its picture in the store."""
    pixels = np.random.default_rng(7).integers(0, 256, (size_px, size_px, 3), np.uint8)
    ref = store.put(f"{job_id}/original.png", encode_png(pixels))
    alpha_ref = None
    if with_alpha:
        alpha_ref = store.put(f"{job_id}/alpha.png", encode_png(np.full((size_px, size_px), 77, np.uint8)))
    return Job(
        id=job_id,
        input=InputInfo(
            original_ref=ref,
            alpha_ref=alpha_ref,
            size_hw=(size_px, size_px),
            format="PNG",
            sha256="0" * 64,
            prompt="a sign",
        ),
        options=options or JobOptions(),
        policy=policy or LoopPolicy(),
        profile="tiny",
        created_at_s=1_000.0,
        deadline_at_s=deadline_at_s,
        canvas=Canvas(original_ref=ref),
    )
