"""Where pending commands stand, for workers on many machines."""

from collections.abc import Sequence
from typing import Protocol

from shared.contracts.dispatch import Backlog, Dispatch, Sending
from shared.contracts.jobs import Job
from shared.contracts.loop import PublicEvent, StageResult
from shared.ports.stores import StoredJob


class Standing(StoredJob, Protocol):
    """A job as the loop finds it when it is sent for."""

    @property
    def answer(self) -> StageResult | None:
        """What the stage said to the pending command; None while it has not answered."""
        ...

    @property
    def canceled(self) -> bool:
        """Whether a cancel was requested."""
        ...


class Dispatches(Protocol):
    """Where the pending command of each job stands, for workers on many machines (DESIGN.md, "Distribution").

    Shares its storage with a `JobStore`: a commit there makes the job's new command wait here, in the same step. All
    times are the store's own. A dispatch is claimed once; whoever holds the claim must prolong it before its lease
    ends. The first answer to a job's current step is taken, whichever dispatch it came from.
    """

    def send(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> Dispatch:
        """`JobStore.commit`, and what is to be published for the job now. Raises as that does."""
        ...

    def claim(self, dispatch: Dispatch, holder: str, lease_s: float) -> Job | None:
        """Takes a dispatch for `lease_s` seconds; the job, or None where it is stale, claimed or answered."""
        ...

    def prolong(self, dispatches: Sequence[Dispatch], holder: str, lease_s: float) -> Sequence[Dispatch]:
        """Prolongs claims to `lease_s` from now; returns those that are the holder's no longer."""
        ...

    def answer(self, dispatch: Dispatch, event: StageResult) -> bool:
        """Lays the answer beside the job for the loop to take; False where the step is over or answered."""
        ...

    def release(self, dispatch: Dispatch, holder: str) -> None:
        """Gives a claim back unfinished, at once and uncounted; nothing where it is not the holder's."""
        ...

    def standing(self, job_id: str) -> Standing:
        """The job, its version, its stage's answer and whether a cancel was requested.

        Raises:
            NotFound: no such job.
        """
        ...

    def settle(self, job_id: str) -> None:
        """A job that has ended waits for nothing any more."""
        ...

    def due(self, limit: int) -> Sequence[Sending]:
        """What the sweeper has to publish now; each is not due again before some time has passed.

        A dispatch that nobody has claimed, again with growing spacing; the next dispatch of a command whose claim has
        expired; the loop's, where the last allowed claim has expired (the answer is then a `StageFailed`), a deadline
        has passed or a cancel was requested.
        """
        ...

    def backlog(self) -> Sequence[Backlog]:
        """How many jobs wait for each kind of work and how many are at it."""
        ...


class StageQueue(Protocol):
    """Carries dispatches to whoever does that work. It may lose, delay or double them."""

    def publish(self, dispatch: Dispatch) -> None:
        """Raises:
        Unavailable: the queue does not answer.
        """
        ...
