"""The record that callers get of a job, in any state of it. Knows contracts alone."""

from services.orchestrator.selection import candidates, perception_of, totals
from shared.contracts.jobs import Job, JobRecord, Perception, Scores
from shared.contracts.values import Evidence, Region


def record_of(job: Job) -> JobRecord:
    """What there is to tell of the job now.

    `regions` are those that were found on the original or on an accepted canvas, as last seen; what showed on a
    refused trial alone was never in the picture. Evidence and score are those of the original (before) and of the
    result (after); without a result there is no after.
    """
    regions = _regions(job)
    before = job.perceptions[0] if job.perceptions else None
    after = perception_of(job, job.result) if job.result is not None else None
    return JobRecord(
        id=job.id,
        status=job.status,
        outcome=job.outcome,
        stop_reason=job.stop_reason,
        input=job.input,
        options=job.options,
        profile=job.profile,
        traceparent=job.traceparent,
        created_at_s=job.created_at_s,
        started_at_s=job.started_at_s,
        finished_at_s=job.finished_at_s,
        iterations=job.iterations,
        regions=regions,
        diagnoses=job.diagnoses,
        patches=job.history,
        accepted_patch_ids=tuple(patch.id for patch in job.result.patches) if job.result is not None else (),
        declined=job.declined,
        verdicts=job.verdicts,
        evidence_before=_evidence(before, regions),
        evidence_after=_evidence(after, regions),
        scores=Scores(before=_score(job, before), after=_score(job, after)),
        in_domain=before.in_domain if before is not None else None,
        largest_outside_difference=job.largest_outside_difference,
        timings=job.timings,
        cost=job.cost,
        third_parties=job.third_parties,
        artifacts=job.artifacts,
        error=job.error,
        warnings=job.warnings,
    )


def _regions(job: Job) -> tuple[Region, ...]:
    seen = {region.id for index in candidates(job) for region in job.perceptions[index].regions}
    return tuple(region for region in job.known if region.id in seen)


def _evidence(perception: Perception | None, regions: tuple[Region, ...]) -> tuple[Evidence, ...]:
    if perception is None:
        return ()
    names = {region.id for region in regions}
    return tuple(item for item in perception.evidence if item.region_id in names)


def _score(job: Job, perception: Perception | None) -> float | None:
    return totals(job)[job.perceptions.index(perception)] if perception is not None else None
