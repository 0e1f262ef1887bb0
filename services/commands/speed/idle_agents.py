"""Agents that do nothing but take their time: one region, one diagnosis, one patch. No pixels, no store.

A job on them takes the whole loop, perceive, diagnose, retouch, perceive and finalize: five hops.
"""

import time

from shared.contracts.jobs import InputInfo, Job, LoopPolicy
from shared.contracts.loop import (
    Diagnose,
    Diagnosed,
    Finalize,
    Finalized,
    Perceive,
    Perceived,
    Retouch,
    Retouched,
)
from shared.contracts.values import AppearanceCheck, Canvas, Diagnosis, Evidence, Patch, Region

HOPS = 5
_BOX = (0, 0, 8, 8)


class IdleAgents:
    """All four agents in one.

    Args:
        seconds: that each command takes.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
        """A flaw, which a patch over it has mended."""
        time.sleep(self._seconds)
        mended = bool(command.canvas.patches)
        region = Region(
            id="r1",
            box_xyxy_px=_BOX,
            mask_ref=f"{job.id}/s{command.step}-d{dispatch}/r1.mask.png",
            detector="idle",
            evidence=0.9,
        )
        return Perceived(
            step=command.step,
            at_s=0.0,
            regions=() if mended else (region,),
            evidence=(Evidence(region_id="r1", detector="idle", value=0.0 if mended else 0.9),),
            checks=tuple(
                AppearanceCheck(patch_id=name, detail_ratio=1.0, colour_shift=0.0, seam=1.0)
                for name in command.on_trial
            ),
        )

    def warm_up(self) -> None:
        """There is nothing to load."""

    def diagnose(self, job: Job, command: Diagnose, dispatch: int) -> Diagnosed:
        """A diagnosis for each region."""
        time.sleep(self._seconds)
        said = tuple(
            Diagnosis(
                region_id=region.id,
                distorted=True,
                category=None,
                description="",
                inconsistency="",
                instruction="",
                confidence=1.0,
                source="idle",
            )
            for region in command.regions
        )
        return Diagnosed(step=command.step, at_s=0.0, diagnoses=said)

    def retouch(self, job: Job, command: Retouch, dispatch: int) -> Retouched:
        """A patch for each target."""
        time.sleep(self._seconds)
        folder = f"{job.id}/s{command.step}-d{dispatch}"
        patches = tuple(
            Patch(
                id=f"{target.region.id}-t{len(target.attempts) + 1}",
                region_ids=(target.region.id,),
                tool="idle",
                box_xyxy_px=target.region.box_xyxy_px,
                image_ref=f"{folder}/patch.png",
                alpha_ref=f"{folder}/patch.alpha.png",
                seed=target.seed,
                reason="idle",
            )
            for target in command.targets
        )
        return Retouched(step=command.step, at_s=0.0, patches=patches)

    def finalize(self, job: Job, command: Finalize, dispatch: int) -> Finalized:
        """A result without artifacts."""
        time.sleep(self._seconds)
        return Finalized(step=command.step, at_s=0.0, artifacts={}, largest_outside_difference=0)


def idle_job(job_id: str, at_s: float) -> Job:
    """A queued job for these agents; its image does not exist."""
    ref = f"{job_id}/original.png"
    return Job(
        id=job_id,
        input=InputInfo(original_ref=ref, size_hw=(32, 32), format="PNG", sha256="0" * 64, prompt="idle"),
        policy=LoopPolicy(),
        profile="idle",
        created_at_s=at_s,
        deadline_at_s=at_s + 600.0,
        canvas=Canvas(original_ref=ref),
    )
