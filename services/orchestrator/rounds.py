"""The book-keeping of one round of repair: what came back, which tries it cost, how each ended. Pure."""

from services.orchestrator.selection import accepted_ids
from services.orchestrator.targets import attempts_of
from shared.contracts.jobs import Iteration, Job, RegionAttempts
from shared.contracts.loop import Attempt, Declined, Retouch
from shared.contracts.values import Patch

UNANSWERED = "unanswered"
UNVERIFIED = "unverified"
ACCEPTED = "accepted"
NO_TOOL = "none"
"""`Attempt.tool` of a try that brought no patch."""


def usable_patches(job: Job, command: Retouch, patches: tuple[Patch, ...]) -> tuple[tuple[Patch, ...], tuple[str, ...]]:
    """The patches that can be tried, and a sentence for each that cannot.

    A patch must have an id of its own, be for regions that were asked for, and rest on patches that are there.
    """
    asked = {target.region.id for target in command.targets}
    below = {patch.id for patch in command.canvas.patches}
    taken = {patch.id for patch in job.history}
    usable: list[Patch] = []
    complaints: list[str] = []
    for patch in patches:
        if patch.id in taken:
            complaints.append(f"patch {patch.id} was dropped: that id is taken")
        elif not patch.region_ids or not asked.issuperset(patch.region_ids):
            complaints.append(f"patch {patch.id} was dropped: it is not for the regions that were asked for")
        elif not below.issuperset(patch.base_patch_ids):
            complaints.append(f"patch {patch.id} was dropped: what it was made on top of is not there")
        else:
            usable.append(patch)
            below.add(patch.id)
            taken.add(patch.id)
    return tuple(usable), tuple(complaints)


def attempts_after(
    job: Job, command: Retouch, patches: tuple[Patch, ...], finished: set[str]
) -> tuple[RegionAttempts, ...]:
    """The job's attempts with this round's: one for each target that was patched or not answered at all."""
    attempts = {entry.region_id: entry.attempts for entry in job.attempts}
    for target in command.targets:
        name = target.region.id
        patch = next((patch for patch in patches if name in patch.region_ids), None)
        if patch is not None:
            spent = Attempt(tool=patch.tool, seed=patch.seed, outcome=UNVERIFIED)
        elif name not in finished:
            spent = Attempt(tool=NO_TOOL, seed=target.seed, outcome=UNANSWERED)
        else:
            continue
        attempts[name] = (*attempts.get(name, ()), spent)
    return tuple(RegionAttempts(region_id=name, attempts=tries) for name, tries in attempts.items())


def opened(job: Job, command: Retouch, patches: tuple[Patch, ...], declined: tuple[Declined, ...]) -> Iteration:
    """The round's entry, before any verdict."""
    return Iteration(
        number=len(job.iterations) + 1,
        attempted_region_ids=tuple(target.region.id for target in command.targets),
        patch_ids=tuple(patch.id for patch in patches),
        declined=declined,
    )


def closed(job: Job) -> tuple[tuple[Iteration, ...], tuple[RegionAttempts, ...]]:
    """The job's iterations and attempts once the last round's verdicts are known."""
    *earlier, last = job.iterations
    accepted = accepted_ids(job)
    kept = tuple(name for name in last.patch_ids if name in accepted)
    return (*earlier, last.model_copy(update={"accepted_patch_ids": kept})), _with_outcomes(job, set(last.patch_ids))


def _with_outcomes(job: Job, patch_ids: set[str]) -> tuple[RegionAttempts, ...]:
    outcomes: dict[str, str] = {}  # of several patches for a region the accepted one is judged last, alone
    for verdict in job.verdicts:
        if verdict.patch_id in patch_ids:
            outcomes[verdict.region_id] = ACCEPTED if verdict.accepted else f"refused: {verdict.reason}"
    updated: list[RegionAttempts] = []
    for entry in job.attempts:
        tries = attempts_of(job, entry.region_id)
        if entry.region_id in outcomes and tries[-1].outcome == UNVERIFIED:
            judged = tries[-1].model_copy(update={"outcome": outcomes[entry.region_id]})
            tries = (*tries[:-1], judged)
        updated.append(RegionAttempts(region_id=entry.region_id, attempts=tries))
    return tuple(updated)
