"""Sabotage, whatever the pictures: bad patches answer the loop's own order to repair; its real verification judges.

For a flaw that the product found, the loop is run up to its order to repair; then each patch in turn answers it, and
the perception agent, the reasoner and the loop's verdict decide. A job is a frozen value, so every patch starts from
the same state. Which patches there are, and what is drawn into them, is for `text` and `retouch` to say.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import computed_field
from rich.table import Table

from services.local import Local
from services.orchestrator.loop import advance, begin
from shared.contracts.base import BoxXYXY, Contract
from shared.contracts.jobs import Job, JobOptions
from shared.contracts.loop import Diagnose, Diagnosed, Perceive, Perceived, Retouch, Retouched
from shared.contracts.values import Patch, Region
from shared.errors import ErrorCode, StageError
from shared.geometry import Mask, box_area, intersection
from shared.images import Rgb, encode_png

ON_THE_FAULT = 0.3
"""Share of the smaller of region and fault that must be common for the region to count as on the fault."""


@dataclass(frozen=True)
class Stand:
    """A job that waits for an answer to its order to repair, and the place in question.

    Attributes:
        file: the picture's name.
        job, command: as the loop stands.
        region_ids: of the order's targets that lie on the flaw.
        box: of the patches.
        mask: `(h, w)` bool of the box's size, what a patch may change.
    """

    file: str
    job: Job
    command: Retouch
    region_ids: tuple[str, ...]
    box: BoxXYXY
    mask: Mask


class Trial(Contract):
    """One patch and what verification said."""

    kind: str
    file: str
    accepted: bool
    reason: str


class SabotageCase(Contract):
    """The trials of one picture; none where the product ordered no repair of a flaw of it."""

    file: str
    trials: tuple[Trial, ...]


class SabotageFigures(Contract):
    """How verification treated one kind of patch."""

    kind: str
    right: bool
    tried: int
    accepted: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def share(self) -> float:
        """Share treated as it should be: accepted where right, refused where sabotaged; 0 where none was tried."""
        good = self.accepted if self.right else self.tried - self.accepted
        return good / self.tried if self.tried else 0.0


@dataclass(frozen=True)
class Order:
    """The loop's first order to repair."""

    job: Job
    command: Retouch

    def targets_on(self, on_flaw: Callable[[Region], bool]) -> tuple[str, ...]:
        """Ids of its targets that lie on the flaw in question."""
        return tuple(target.region.id for target in self.command.targets if on_flaw(target.region))


def first_order(local: Local, png: bytes, prompt: str, seed: int, *, open_gates: bool = False) -> Order | None:
    """Runs the loop up to its first order to repair; None where it wants nothing repaired.

    What the job leaves in the image store is for the caller to delete.

    Args:
        local: whose agents are asked.
        png: the picture.
        prompt: what it was asked to show.
        seed: of the job.
        open_gates: the stop rule and the domain check let every region pass: for verdicts on repairs that today's
            detector is not sure enough to begin. Everything else is as always: of a picture that the "any distortion"
            head does not doubt, no verdict asks that head.
    """
    job_id = local.submit(png, prompt, JobOptions(seed=seed))
    job = begin(local.jobs.load(job_id).job, local.clock.now_s()).job
    while isinstance(job.pending, Perceive | Diagnose):
        event = answer(local, job, job.pending)
        job = advance(job, ungated(event) if open_gates and isinstance(event, Perceived) else event).job
    if isinstance(job.pending, Retouch):
        return Order(job, job.pending)
    local.store.delete(f"{job_id}/")
    return None


def ungated(event: Perceived) -> Perceived:
    """The same sight with thresholds and a domain that let every region pass."""
    limits = event.thresholds
    if limits is None:
        return event
    doubted = event.any_distortion is not None and event.any_distortion >= limits.tau_any
    opened = {"tau_s": 0.0, "tau_any": 0.0, "min_any_fall": limits.min_any_fall if doubted else 0.0}
    return event.model_copy(update={"thresholds": limits.model_copy(update=opened), "in_domain": True})


def answer(local: Local, job: Job, command: Perceive | Diagnose) -> Perceived | Diagnosed:
    """The agents' own answer."""
    dispatch = local.jobs.next_dispatch(job.id)
    if isinstance(command, Perceive):
        return local.agents.perception.perceive(job, command, dispatch)
    return local.agents.reasoning.diagnose(job, command, dispatch)


def common(a: BoxXYXY, b: BoxXYXY) -> float:
    """Of the smaller box, the share that lies in the other."""
    return box_area(intersection(a, b)) / max(1, min(box_area(a), box_area(b)))


def stored_patch(local: Local, stand: Stand, kind: str, pixels: Rgb, tool: str) -> Patch:
    """A patch of `pixels`, `(h, w, 3)` of the stand's box, as if `tool` had made it."""
    alpha = stand.mask.astype(np.uint8) * np.uint8(255)
    stem = f"{stand.job.id}/sabotage/{kind}"
    return Patch(
        id=f"sabotage-{kind}",
        region_ids=stand.region_ids,
        tool=tool,
        box_xyxy_px=stand.box,
        image_ref=local.store.put(f"{stem}.png", encode_png(pixels)),
        alpha_ref=local.store.put(f"{stem}.alpha.png", encode_png(alpha)),
        seed=0,
        reason=f"sabotage: {kind}",
    )


def tried(local: Local, stand: Stand, kind: str, patches: Sequence[Patch]) -> Trial:
    """Answers the order with the patches, one at least, and returns the verdict.

    Raises:
        StageError: the loop gave none.
    """
    at_s = local.clock.now_s()
    job = advance(stand.job, Retouched(step=stand.command.step, at_s=at_s, patches=tuple(patches))).job
    while isinstance(job.pending, Perceive | Diagnose) and not _judged(job, patches[0].id):
        job = advance(job, answer(local, job, job.pending)).job
    verdicts = [verdict for verdict in job.verdicts if verdict.patch_id == patches[0].id]
    if not verdicts:
        raise StageError(ErrorCode.INTERNAL, f"the loop ended without a verdict on a {kind} patch: see {stand.job.id}")
    return Trial(
        kind=kind, file=stand.file, accepted=all(each.accepted for each in verdicts), reason=verdicts[0].reason
    )


def _judged(job: Job, patch_id: str) -> bool:
    return any(verdict.patch_id == patch_id for verdict in job.verdicts)


def figures_of(trials: Iterable[Trial], kinds: Iterable[str], right: frozenset[str]) -> tuple[SabotageFigures, ...]:
    """Figures for each kind of patch, in the kinds' order."""
    known = tuple(trials)
    return tuple(
        SabotageFigures(
            kind=kind,
            right=kind in right,
            tried=sum(trial.kind == kind for trial in known),
            accepted=sum(trial.accepted for trial in known if trial.kind == kind),
        )
        for kind in kinds
    )


def sabotage_table(rows: Iterable[SabotageFigures]) -> Table:
    """For a terminal."""
    table = Table(title="sabotage: what verification does with patches", title_justify="left")
    for name in ("patch", "tried", "accepted", "treated right"):
        table.add_column(name, justify="left" if name == "patch" else "right")
    for row in rows:
        label = f"{row.kind} (right)" if row.right else row.kind
        table.add_row(label, str(row.tried), str(row.accepted), f"{row.share:.2f}")
    return table
