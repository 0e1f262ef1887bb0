"""Which regions are diagnosed and which are repaired next, in which order and with which seed; why none is left.

Pure: decides on the job alone.
"""

import hashlib

from services.orchestrator.selection import USER_DETECTOR, out_of_domain, remaining
from shared.contracts.jobs import Job, Mode, StopReason
from shared.contracts.loop import Attempt, Target
from shared.contracts.values import Diagnosis, Region

FULLY_PROTECTED = 0.99
"""Share of a region's mask in the protected area from which it is never a target: what is left is a rim of pixels."""


def seed_of(job_seed: int, region_id: str, try_number: int) -> int:
    """A seed in [0, 2**63) that depends on the job's seed, the region and the try alone, on any machine."""
    digest = hashlib.sha256(f"{job_seed}:{region_id}:{try_number}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def attempts_of(job: Job, region_id: str) -> tuple[Attempt, ...]:
    """The tries that the region has had."""
    return next((entry.attempts for entry in job.attempts if entry.region_id == region_id), ())


def diagnosis_of(job: Job, region_id: str) -> Diagnosis | None:
    """What was said of the region; None where the reasoner has not said anything."""
    return next((diagnosis for diagnosis in job.diagnoses if diagnosis.region_id == region_id), None)


def too_faint(job: Job, region: Region) -> bool:
    """Whether the caller's threshold leaves the region alone; one that the caller sent never is."""
    threshold = job.options.threshold
    return threshold is not None and region.detector != USER_DETECTOR and region.evidence < threshold


def protected(region: Region) -> bool:
    """Whether next to nothing of the region lies outside the caller's protected area."""
    return region.protected_share >= FULLY_PROTECTED


def editable(job: Job, region: Region) -> bool:
    """Whether the region may be edited as it stands: not protected, known to its checkpoint, bad enough."""
    return not protected(region) and not out_of_domain(job, region) and not too_faint(job, region)


def to_diagnose(job: Job) -> tuple[tuple[Region, ...], int]:
    """The undiagnosed regions of the canvas to ask about now, worst first, and how many the budget leaves out.

    On the first canvas every region is told of; later only those that could still be repaired. The caller's own
    regions come first, then those that may be edited.
    """
    first = not job.iterations
    unasked = [
        region
        for region in job.found
        if region.id not in job.asked and (first or (editable(job, region) and not _finished(job, region)))
    ]
    unasked.sort(key=lambda region: (region.detector != USER_DETECTOR, not editable(job, region), -region.evidence))
    room = max(0, job.policy.max_regions - len(job.asked))
    return tuple(unasked[:room]), len(unasked[room:])


def choose_targets(job: Job) -> tuple[Target, ...]:
    """What to repair next on the canvas: those called distorted first, then the worst."""
    chosen: list[Target] = []
    for region in remaining(job, job.canvas):
        diagnosis = diagnosis_of(job, region.id)
        attempts = attempts_of(job, region.id)
        if diagnosis is None or not editable(job, region) or _finished(job, region):
            continue
        seed = seed_of(job.options.seed, region.id, len(attempts) + 1)
        chosen.append(Target(region=region, diagnosis=diagnosis, attempts=attempts, seed=seed))
    return tuple(sorted(chosen, key=lambda target: (not target.diagnosis.distorted, -target.region.evidence)))


def rounds_spent(job: Job) -> bool:
    """Whether the job has had all the rounds of repair that it may have."""
    return len(job.iterations) >= (job.options.max_iterations or job.policy.max_iterations)


def reason_to_stop(job: Job) -> StopReason:
    """Why there is no target left on the canvas."""
    left = remaining(job, job.canvas)
    if not left:
        return StopReason.NOTHING_SALIENT
    if job.options.mode is Mode.ANALYZE:
        return StopReason.ANALYZE_ONLY
    spent = any(len(attempts_of(job, region.id)) >= job.policy.tries_per_region for region in left)
    return StopReason.TRIES_SPENT if spent else StopReason.NOTHING_REPAIRABLE


def _finished(job: Job, region: Region) -> bool:
    declined = any(item.region_id == region.id for item in job.declined)
    return declined or len(attempts_of(job, region.id)) >= job.policy.tries_per_region
