"""The loop of DESIGN.md: perceive, diagnose, retouch, perceive again, keep or roll back, repeat (paper, section 4).

`begin` and `advance` are pure: time comes in the event, ids from the agents, and every decision is made on the floats
that events carry. Knows no store, no clock, no pixels and no model.
"""

from services.orchestrator.endings import canceled, deadline_passed, finalized, finish, stage_failed
from services.orchestrator.progress import Advance, counted, received
from services.orchestrator.rounds import attempts_after, closed, opened, usable_patches
from services.orchestrator.selection import (
    accepted_ids,
    out_of_domain,
    perception_of,
    silent_detectors,
    worth_editing,
)
from services.orchestrator.targets import (
    choose_targets,
    protected,
    reason_to_stop,
    rounds_spent,
    to_diagnose,
    too_faint,
)
from services.orchestrator.verdicts import Trial, judge
from shared.contracts.jobs import Job, Mode, Perception, Phase, Status, StopReason
from shared.contracts.loop import (
    Answer,
    CancelRequested,
    DeadlinePassed,
    Diagnose,
    Diagnosed,
    Event,
    Finalize,
    Finalized,
    Perceive,
    Perceived,
    Retouch,
    Retouched,
    StageFailed,
)
from shared.contracts.values import Region

__all__ = ["Advance", "advance", "begin"]


def begin(job: Job, at_s: float) -> Advance:
    """Starts a queued job: it runs, and waits for its first perception. A job that has begun is left as it is."""
    if job.phase is not Phase.NEW:
        return Advance(job)
    deadline_at_s = job.deadline_at_s
    if deadline_at_s is None and job.options.deadline_s is not None:
        deadline_at_s = at_s + job.options.deadline_s
    started = Advance(job).change(status=Status.RUNNING, started_at_s=at_s, deadline_at_s=deadline_at_s)
    announced = started.announce("job.started", at_s)
    return announced.send(Phase.PERCEIVING, at_s, Perceive(step=announced.next_step, canvas=job.canvas))


def advance(job: Job, event: Event) -> Advance:
    """What an event makes of a job.

    An event of another step, of a kind that the phase does not wait for, or after the end is dropped: the very same
    job comes back, without command or public event. The first answer to the current step is taken.
    """
    if job.phase is Phase.ENDED:
        return Advance(job)
    if isinstance(event, CancelRequested):
        return canceled(job, event.at_s)
    if isinstance(event, DeadlinePassed):
        return deadline_passed(job, event.at_s)
    if job.pending is None or event.step != job.pending.step:
        return Advance(job)
    if isinstance(event, StageFailed):
        return stage_failed(job, event)
    return _answered(job, event)


def _answered(job: Job, event: Answer) -> Advance:
    match event, job.pending:
        case Perceived(), Perceive() as command:
            return _perceived(received(job, event), command, event)
        case Diagnosed(), Diagnose() as command:
            if job.phase is Phase.REDIAGNOSING:
                return _rediagnosed(received(job, event), command, event)
            return _diagnosed(received(job, event), command, event)
        case Retouched(), Retouch() as command:
            return _retouched(received(job, event), command, event)
        case Finalized(), Finalize() as command:
            return finalized(received(job, event), command, event)
    return Advance(job)


# Perception


def _perceived(adv: Advance, command: Perceive, event: Perceived) -> Advance:
    perception = Perception(
        canvas=command.canvas,
        regions=_distinct(event.regions),
        evidence=event.evidence,
        checks=event.checks,
        saliency_ref=event.saliency_ref,
        saliency_peak=event.saliency_peak,
        any_distortion=event.any_distortion,
        in_domain=event.in_domain,
        thresholds=event.thresholds,
    )
    known_ids = {region.id for region in adv.job.known}
    fresh = tuple(region for region in perception.regions if region.id not in known_ids)
    adv = adv.change(perceptions=(*adv.job.perceptions, perception), known=adv.job.known + fresh)
    adv = adv.warn(*event.warnings).announce("job.perceived", event.at_s, regions=len(perception.regions))
    if adv.job.phase is Phase.PERCEIVING:
        return _next(_stand_on(adv, perception), event.at_s)
    if adv.job.phase is Phase.VERIFYING and adv.job.policy.has_reasoner:
        return _rejudge(adv, perception, event.at_s)
    return _settle(adv, perception, _opinions(adv.job), event.at_s)


def _distinct(regions: tuple[Region, ...]) -> tuple[Region, ...]:
    return tuple({region.id: region for region in reversed(regions)}.values())[::-1]


def _stand_on(adv: Advance, perception: Perception) -> Advance:
    """Takes a perceived canvas as the accepted one; its regions are now as seen on it."""
    seen = {region.id: region for region in perception.regions}
    return adv.change(
        canvas=perception.canvas,
        found=worth_editing(perception, adv.job.policy),
        known=tuple(seen.get(region.id, region) for region in adv.job.known),
    )


# What to do next on the accepted canvas


def _next(adv: Advance, at_s: float) -> Advance:
    """Diagnoses what is new, repairs what is left, or finishes with the reason why there is nothing to do."""
    questions, left_out = to_diagnose(adv.job)
    if left_out:
        limit = adv.job.policy.max_regions
        adv = adv.warn(f"{left_out} of the regions found are left as they are: at most {limit} are worked on")
    targets = choose_targets(adv.job)
    if not targets and not questions:
        return finish(_explain(adv), reason_to_stop(adv.job), at_s)
    if rounds_spent(adv.job):
        return finish(adv, StopReason.MAX_ITERATIONS, at_s)
    if questions:
        asked = adv.job.asked + tuple(region.id for region in questions)
        command = Diagnose(step=adv.next_step, canvas=adv.job.canvas, regions=questions)
        return adv.change(asked=asked).send(Phase.DIAGNOSING, at_s, command)
    retouch = Retouch(step=adv.next_step, canvas=adv.job.canvas, targets=targets)
    return adv.send(Phase.RETOUCHING, at_s, retouch)


def _explain(adv: Advance) -> Advance:
    """Says of the regions that are found and never edited why that is so."""
    foreign = [region for region in adv.job.found if out_of_domain(adv.job, region)]
    shielded = [region for region in adv.job.found if region not in foreign and protected(region)]
    faint = [region for region in adv.job.found if too_faint(adv.job, region) and region not in foreign + shielded]
    if foreign:
        shown = counted(len(foreign), "region", "regions")
        adv = adv.warn(
            f"{shown} shown but not edited: the {adv.job.policy.saliency_detector} checkpoint does not know images "
            "like this one (force edits them all the same)"
        )
    if shielded:
        adv = adv.warn(f"{counted(len(shielded), 'region', 'regions')} not edited: in the protected area")
    if faint:
        shown = counted(len(faint), "region", "regions")
        adv = adv.warn(f"{shown} not edited: less evidence than the threshold of {adv.job.options.threshold:.2f}")
    return adv


# Diagnosis and repair


def _diagnosed(adv: Advance, command: Diagnose, event: Diagnosed) -> Advance:
    asked = [region.id for region in command.regions]
    said = {diagnosis.region_id: diagnosis for diagnosis in reversed(event.diagnoses)}
    adv = adv.change(
        diagnoses=adv.job.diagnoses + tuple(said[name] for name in asked if name in said),
        reasoner_may_veto=event.may_veto,
    )
    silent = [f"region {name} has no diagnosis and stays untouched" for name in asked if name not in said]
    adv = adv.warn(*event.warnings, *silent)
    if adv.job.options.mode is Mode.ANALYZE:
        return finish(_explain(adv), reason_to_stop(adv.job), event.at_s)
    return _next(adv, event.at_s)


def _retouched(adv: Advance, command: Retouch, event: Retouched) -> Advance:
    patches, complaints = usable_patches(adv.job, command, event.patches)
    patched = {name for patch in patches for name in patch.region_ids}
    targets = {target.region.id for target in command.targets}
    declined = tuple({item.region_id: item for item in event.declined if item.region_id in targets - patched}.values())
    finished = {item.region_id for item in declined}
    adv = adv.change(
        attempts=attempts_after(adv.job, command, patches, finished),
        declined=adv.job.declined + declined,
        history=adv.job.history + patches,
        iterations=(*adv.job.iterations, opened(adv.job, command, patches, declined)),
        trial=patches,
        cost=adv.job.cost + event.cost,
        third_parties=tuple(dict.fromkeys((*adv.job.third_parties, *event.third_parties))),
    ).warn(*event.warnings, *complaints)
    if not patches:
        return _close_round(adv, event.at_s)
    return _verify(adv, Phase.VERIFYING, event.at_s)


def _verify(adv: Advance, phase: Phase, at_s: float) -> Advance:
    """Perceives the canvas with the patches on trial, watching every region ever seen."""
    command = Perceive(
        step=adv.next_step,
        canvas=adv.job.canvas.with_patches(adv.job.trial),
        watch=adv.job.known,
        on_trial=tuple(patch.id for patch in adv.job.trial),
    )
    return adv.send(phase, at_s, command)


# Verdicts


def _rejudge(adv: Advance, perception: Perception, at_s: float) -> Advance:
    """Asks the reasoner about the patched regions, as they look on the trial canvas.

    Words are left to their own detector: it has just read them again, letter by letter.
    """
    patched = {name for patch in adv.job.trial for name in patch.region_ids}
    now = {region.id: region for region in perception.regions}
    known = tuple(region for region in adv.job.known if region.id in patched and region.reading is None)
    if not known:
        return _settle(adv, perception, _opinions(adv.job), at_s)
    regions = tuple(now.get(region.id, region) for region in known)
    return adv.send(Phase.REDIAGNOSING, at_s, Diagnose(step=adv.next_step, canvas=perception.canvas, regions=regions))


def _rediagnosed(adv: Advance, command: Diagnose, event: Diagnosed) -> Advance:
    asked = [region.id for region in command.regions]
    opinions = {item.region_id: item.distorted for item in reversed(event.diagnoses) if item.region_id in asked}
    silent = [
        f"region {name} was not judged again after its repair; its verdict rests on the detectors"
        for name in asked
        if name not in opinions
    ]
    adv = adv.warn(*event.warnings, *silent)
    return _settle(adv, perception_of(adv.job, command.canvas), opinions, event.at_s)


def _opinions(job: Job) -> dict[str, bool]:
    """What the reasoner said of the regions on trial when they were first judged."""
    on_trial = {patch.id for patch in job.trial}
    return {
        verdict.region_id: verdict.rejudged
        for verdict in job.verdicts
        if verdict.patch_id in on_trial and verdict.rejudged is not None
    }


def _settle(adv: Advance, perception: Perception, opinions: dict[str, bool], at_s: float) -> Advance:
    """Gives the verdicts: keeps all patches, perceives the accepted ones alone once more, or rolls back."""
    job = adv.job
    trial = Trial(
        policy=job.policy,
        before=perception_of(job, job.canvas),
        after=perception,
        patches=job.trial,
        known=job.known,
        rejudged=opinions,
        silent=silent_detectors(job),
    )
    on_trial = {patch.id for patch in job.trial}
    earlier = tuple(verdict for verdict in job.verdicts if verdict.patch_id not in on_trial)
    adv = adv.change(verdicts=earlier + judge(trial))
    accepted = accepted_ids(adv.job)
    kept = tuple(patch for patch in job.trial if patch.id in accepted)
    if len(kept) == len(job.trial):
        return _close_round(_stand_on(adv, perception), at_s)
    adv = adv.change(trial=kept)
    if kept:
        return _verify(adv, Phase.RECOMPOSING, at_s)
    return _close_round(adv, at_s)


def _close_round(adv: Advance, at_s: float) -> Advance:
    iterations, attempts = closed(adv.job)
    last = iterations[-1]
    accepted = len(last.accepted_patch_ids)
    adv = adv.change(iterations=iterations, attempts=attempts, trial=()).announce(
        "job.iteration", at_s, number=last.number, accepted=accepted, refused=len(last.patch_ids) - accepted
    )
    return _next(adv, at_s)
