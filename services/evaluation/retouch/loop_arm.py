"""The whole loop in this process as a row of the tables, and the loop with a part of it left out.

The product is used as a caller would use it: admitted like any job, run by its runner on its agents.
"""

from collections import defaultdict
from collections.abc import Sequence
from time import perf_counter

from services.evaluation.retouch.attempt import Attempt, untouched
from services.evaluation.retouch.cases import ToolCount
from services.evaluation.retouch.pictures import Picture
from services.local import Local
from services.orchestrator.finalize import EDITED_MASK, RESULT, CanvasFinalizer
from services.orchestrator.runner import Runner
from services.orchestrator.selection import accepted_ids
from services.reasoning.agent import DetectorReasoner
from shared.contracts.jobs import Job, JobOptions
from shared.contracts.loop import Perceive, Perceived
from shared.contracts.values import AppearanceCheck, Region
from shared.geometry import box_area, intersection
from shared.images import encode_png
from shared.intake import Request, admit
from shared.ports import Perceiver, Reasoner
from shared.profiles import Profile


class LoopArm:
    """Implements `Arm` by jobs in this process.

    Args:
        name: of the row.
        local: whose agents do the work.
        options: of every job; the seed is replaced.
        profile: whose policy the loop follows; None for `local`'s own.
        perceiver, reasoner: in place of `local`'s.
    """

    def __init__(
        self,
        name: str,
        local: Local,
        options: JobOptions = JobOptions(),
        *,
        profile: Profile | None = None,
        perceiver: Perceiver | None = None,
        reasoner: Reasoner | None = None,
    ) -> None:
        self.name = name
        self._local = local
        self._options = options
        self._profile = profile or local.profile
        self._runner = Runner(
            local.jobs,
            perceiver or local.agents.perception,
            reasoner or local.agents.reasoning,
            local.agents.action,
            CanvasFinalizer(local.store, local.clock),
            local.clock,
        )

    def __call__(self, picture: Picture, seed: int) -> Attempt:
        """See `Arm`. A job that failed, or found nothing to say, hands out the picture as it was."""
        local, options = self._local, self._options.model_copy(update={"seed": seed})
        began_s = perf_counter()
        request = Request(encode_png(picture.image), picture.prompt, options)
        job = admit(local.store, self._profile, request, local.clock.now_s(), local.limits)
        local.jobs.create(job, ())
        job = self._runner.run(job.id)
        seconds = perf_counter() - began_s
        if RESULT not in job.artifacts:
            attempt = untouched(picture, str(job.outcome or job.status), seconds, note_of(job))
        else:
            attempt = Attempt(
                result_png=local.store.get(job.artifacts[RESULT]),
                mask_png=local.store.get(job.artifacts[EDITED_MASK]),
                outcome=str(job.outcome or job.status),
                seconds=seconds,
                iterations=len(job.iterations),
                stage_seconds=_stage_seconds(job),
                tools=_tools(job),
                note=note_of(job),
            )
        local.store.delete(f"{job.id}/")
        return attempt


def without_reasoner(local: Local) -> LoopArm:
    """The loop whose diagnoses are what the detectors know."""
    policy = local.profile.policy.model_copy(update={"has_reasoner": False, "may_veto": False})
    profile = local.profile.model_copy(update={"policy": policy})
    return LoopArm("no-reasoner", local, profile=profile, reasoner=DetectorReasoner())


def without_verification(local: Local) -> LoopArm:
    """The loop that takes every patch for a perfect repair."""
    policy = local.profile.policy.model_copy(update={"has_reasoner": False, "min_gain": 0.0})
    profile = local.profile.model_copy(update={"policy": policy})
    return LoopArm("no-verification", local, profile=profile, perceiver=Trusting(local.agents.perception))


def one_iteration(local: Local) -> LoopArm:
    """The loop that may repair once."""
    return LoopArm("one-iteration", local, JobOptions(max_iterations=1))


class Trusting:
    """A `Perceiver` that sees no fault wherever a patch lies: verification, taken out of the loop.

    What was repaired counts as repaired, whatever it looks like, and is not looked at again; places without a patch
    are seen as they are.
    """

    def __init__(self, perceiver: Perceiver) -> None:
        self._perceiver = perceiver

    def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
        """See `Perceiver`."""
        seen = self._perceiver.perceive(job, command, dispatch)
        patches = command.canvas.patches

        def trusted(region: Region) -> bool:
            return any(
                region.id in patch.region_ids or box_area(intersection(region.box_xyxy_px, patch.box_xyxy_px))
                for patch in patches
            )

        fine = {region.id for region in (*command.watch, *seen.regions) if trusted(region)}
        limits = seen.thresholds
        return seen.model_copy(
            update={
                "regions": tuple(region for region in seen.regions if region.id not in fine),
                "evidence": tuple(
                    item.model_copy(update={"value": 0.0}) if item.region_id in fine else item for item in seen.evidence
                ),
                "checks": tuple(
                    AppearanceCheck(patch_id=name, detail_ratio=1.0, colour_shift=0.0, seam=1.0)
                    for name in command.on_trial
                ),
                "thresholds": None
                if limits is None
                else limits.model_copy(update={"min_gain": 0.0, "min_any_fall": 0.0}),
            }
        )


def note_of(job: Job) -> str:
    """What the product itself says of a job: what it declined, refused, warned of."""
    parts = [f"declined: {each.reason}" for each in job.declined]
    parts += [f"refused: {each.reason}" for each in job.verdicts if not each.accepted]
    parts += list(job.warnings)
    if job.error is not None:
        parts.append(f"error: {job.error.message}")
    return "; ".join(dict.fromkeys(parts))


def _stage_seconds(job: Job) -> dict[str, float]:
    seconds: dict[str, float] = defaultdict(float)
    for timing in job.timings:
        seconds[timing.stage] += timing.seconds
    return dict(seconds)


def _tools(job: Job) -> tuple[ToolCount, ...]:
    accepted = accepted_ids(job)
    names: Sequence[str] = tuple(dict.fromkeys(patch.tool for patch in job.history))
    return tuple(
        ToolCount(
            tool=name,
            made=sum(patch.tool == name for patch in job.history),
            accepted=sum(patch.tool == name and patch.id in accepted for patch in job.history),
        )
        for name in names
    )
