"""How a job comes to its end: the best canvas finalized, canceled, out of time, or failed. Pure.

A job that has perceived anything keeps the best that was verified, whatever happens to it afterwards.
"""

from services.orchestrator.progress import Advance, counted, received
from services.orchestrator.selection import best, outcome_of
from shared.contracts.jobs import Job, JobError, Phase, Status, StopReason
from shared.contracts.loop import Finalize, Finalized, StageFailed
from shared.errors import ErrorCode


def finish(adv: Advance, reason: StopReason, at_s: float) -> Advance:
    """Sends the best canvas perceived to be finalized; patches still on trial are dropped.

    Raises:
        ValueError: nothing has been perceived.
    """
    canvas = adv.job.perceptions[best(adv.job)].canvas
    dropped = {patch.id for patch in adv.job.trial}
    if dropped:
        adv = adv.warn(
            f"{counted(len(dropped), 'patch', 'patches')} had not been verified when the job stopped: dropped"
        )
    verdicts = tuple(verdict for verdict in adv.job.verdicts if verdict.patch_id not in dropped)
    stopped = adv.change(stop_reason=reason, trial=(), verdicts=verdicts, stage_failures=0)
    return stopped.send(Phase.FINALIZING, at_s, Finalize(step=stopped.next_step, canvas=canvas))


def finalized(adv: Advance, command: Finalize, event: Finalized) -> Advance:
    """Over: succeeded with its outcome, or canceled where that was asked for.

    A result that differs outside its masks is never given out: the job fails.
    """
    if event.largest_outside_difference:
        message = (
            f"the result differs from the original by {event.largest_outside_difference} outside the edited masks, "
            "so it is not given out: report this as a fault"
        )
        error = JobError(code=ErrorCode.STAGE_FAILED, message=message, retryable=False)
        return adv.fail(error, StopReason.STAGE_FAILED, event.at_s)
    adv = adv.change(
        result=command.canvas,
        artifacts=event.artifacts,
        largest_outside_difference=event.largest_outside_difference,
    )
    if adv.job.stop_reason is StopReason.CANCELED:
        return adv.end(Status.CANCELED, event.at_s).announce("job.canceled", event.at_s)
    outcome = outcome_of(adv.job, command.canvas)
    ended = adv.change(outcome=outcome).end(Status.SUCCEEDED, event.at_s)
    reason = ended.job.stop_reason
    return ended.announce("job.succeeded", event.at_s, outcome=outcome, stop_reason=reason)


def canceled(job: Job, at_s: float) -> Advance:
    """Nothing perceived: over at once. Else the best so far is finalized, and the job ends as canceled."""
    adv = Advance(job)
    if job.stop_reason is StopReason.CANCELED:
        return adv
    if job.phase is Phase.FINALIZING:
        return adv.change(stop_reason=StopReason.CANCELED)
    if job.perceptions:
        return finish(adv, StopReason.CANCELED, at_s)
    ended = adv.change(stop_reason=StopReason.CANCELED).end(Status.CANCELED, at_s)
    return ended.announce("job.canceled", at_s)


def deadline_passed(job: Job, at_s: float) -> Advance:
    """Nothing perceived: failed. Else the best so far is finalized; a job that finalizes already goes on with that."""
    adv = Advance(job)
    if job.phase is Phase.FINALIZING:
        return adv
    if job.perceptions:
        return finish(adv, StopReason.DEADLINE, at_s)
    message = "the time was up before anything was perceived: allow more, or send a smaller image"
    error = JobError(code=ErrorCode.DEADLINE_BEFORE_RESULT, message=message, retryable=True)
    return adv.fail(error, StopReason.DEADLINE, at_s)


def stage_failed(job: Job, event: StageFailed) -> Advance:
    """Sends the command again, finalizes what has been gained so far, or fails the job."""
    adv = received(job, event)
    if event.retryable and adv.job.stage_failures < job.policy.stage_tries and job.pending is not None:
        return adv.send(job.phase, event.at_s, job.pending.model_copy(update={"step": adv.next_step}))
    if job.phase is not Phase.FINALIZING and job.perceptions and job.perceptions[best(job)].canvas.patches:
        return finish(adv.warn(event.message), StopReason.STAGE_FAILED, event.at_s)
    error = JobError(code=event.code, message=event.message, retryable=event.retryable)
    return adv.fail(error, StopReason.STAGE_FAILED, event.at_s)
