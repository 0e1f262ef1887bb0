"""Claims, leases, answers and what the sweeper has to send, in this process: for tests of the distributed path.

The same rules as `redis_lua`, on a clock that a test may own. Made of a `MemoryJobStore` that is used through it.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.adapters.memory import MemoryJobStore
from shared.adapters.versioned import UNFINISHED, VersionedJob
from shared.adapters.waiting import given_up, waits_for
from shared.contracts.dispatch import Backlog, Dispatch, Sending, SendingReason, Work
from shared.contracts.jobs import Job, Phase, StopReason
from shared.contracts.leases import LeaseRules
from shared.contracts.loop import PublicEvent, StageResult
from shared.ports import Clock


@dataclass(frozen=True)
class MemoryStanding:
    """See `Standing`."""

    job: Job
    version: int
    answer: StageResult | None
    canceled: bool


@dataclass(frozen=True)
class _Wait:
    """Where a job's pending command stands; `due_at_s` None: nothing is left to do."""

    step: int
    stage: str
    dispatch: int
    work: Work
    due_at_s: float | None
    ended: bool
    attention_at_s: float | None = None
    sends: int = 0
    holder: str = ""
    lost: int = 0
    answer: StageResult | None = None


class MemoryDispatches(MemoryJobStore):
    """`Dispatches` and `JobStore` in one."""

    def __init__(self, clock: Clock, rules: LeaseRules = LeaseRules()) -> None:
        super().__init__()
        self._clock = clock
        self._rules = rules
        self._waits: dict[str, _Wait] = {}
        self._last_chance: dict[str, str] = {}
        self._pulse_s: float | None = None
        self._amnesty_until_s = 0.0
        self._guard = threading.RLock()

    def create(self, job: Job, events: Sequence[PublicEvent]) -> None:
        """Stores a new job, which waits for the loop; see `JobStore.create`."""
        with self._guard:
            super().create(job, events)
            self._written(job)

    def commit(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> int:
        """Replaces the job and appends its events, or does nothing; see `JobStore.commit`."""
        with self._guard:
            version = super().commit(job, expected_version, events)
            self._written(job)
            return version

    def delete(self, job_id: str) -> None:
        """Deletes the job, which waits for nothing then; see `JobStore.delete`."""
        with self._guard:
            super().delete(job_id)
            del self._waits[job_id]

    def request_cancel(self, job_id: str) -> None:
        """Leaves a cancel request, and has the loop look at the job soon; see `JobStore.request_cancel`."""
        with self._guard:
            super().request_cancel(job_id)
            if self.load(job_id).job.status in UNFINISHED:
                self._set(job_id, attention_at_s=self._clock.now_s())

    def send(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> Dispatch:
        """Commits, and says what to publish; see `Dispatches.send`."""
        with self._guard:
            self.commit(job, expected_version, events)
            return self._dispatch(job.id, waits_for(job))

    def claim(self, dispatch: Dispatch, holder: str, lease_s: float) -> Job | None:
        """Takes a dispatch; see `Dispatches.claim`."""
        with self._guard:
            wait = self._waits.get(dispatch.job_id)
            if wait is None or wait.holder or wait.work != wait.stage or not _same(wait, dispatch):
                return None
            self._set(dispatch.job_id, holder=holder, due_at_s=self._clock.now_s() + lease_s)
            return self.load(dispatch.job_id).job

    def prolong(self, dispatches: Sequence[Dispatch], holder: str, lease_s: float) -> Sequence[Dispatch]:
        """Prolongs claims; see `Dispatches.prolong`."""
        with self._guard:
            self._pulse()
            held = [item for item in dispatches if self._holds(item, holder)]
            for item in held:
                self._set(item.job_id, due_at_s=self._clock.now_s() + lease_s)
            return tuple(item for item in dispatches if item not in held)

    def answer(self, dispatch: Dispatch, event: StageResult) -> bool:
        """Lays the answer beside the job; see `Dispatches.answer`."""
        with self._guard:
            wait = self._waits.get(dispatch.job_id)
            if wait is None or wait.work != wait.stage or wait.step != dispatch.step:
                return False
            self._wait_for(dispatch.job_id, Work.ADVANCE, answer=event)
            return True

    def release(self, dispatch: Dispatch, holder: str) -> None:
        """Gives a claim back; see `Dispatches.release`."""
        with self._guard:
            if self._holds(dispatch, holder):
                self._set(dispatch.job_id, holder="", sends=0, due_at_s=self._clock.now_s())

    def standing(self, job_id: str) -> MemoryStanding:
        """The job as the loop finds it; see `Dispatches.standing`."""
        with self._guard:
            stored: VersionedJob = self.load(job_id)
            return MemoryStanding(stored.job, stored.version, self._waits[job_id].answer, self.cancel_requested(job_id))

    def settle(self, job_id: str) -> None:
        """A job that has ended waits for nothing any more; see `Dispatches.settle`."""
        with self._guard:
            if job_id in self._waits and self.load(job_id).job.status not in UNFINISHED:
                self._set(job_id, due_at_s=None)

    def due(self, limit: int) -> Sequence[Sending]:
        """What the sweeper has to publish now; see `Dispatches.due`."""
        with self._guard:
            self._pulse()
            now_s = self._clock.now_s()
            late = [name for name, wait in self._waits.items() if wait.due_at_s is not None and wait.due_at_s <= now_s]
            sendings = [sending for name in late[:limit] for sending in self._sent_again(name, now_s)]
            for name, wait in self._waits.items():
                if wait.attention_at_s is not None and wait.attention_at_s <= now_s:
                    self._set(name, attention_at_s=now_s + self._rules.first_send_s)
                    dispatch = self._dispatch(name, Work.ADVANCE)
                    sendings.append(Sending(dispatch=dispatch, reason=SendingReason.ATTENTION))
            return tuple(sendings)

    def backlog(self) -> Sequence[Backlog]:
        """How many jobs wait for each kind of work and how many are at it."""
        with self._guard:
            waits = [wait for wait in self._waits.values() if wait.due_at_s is not None]
        return tuple(
            Backlog(
                work=work,
                waiting=sum(wait.work is work and not wait.holder for wait in waits),
                running=sum(wait.work is work and bool(wait.holder) for wait in waits),
            )
            for work in Work
        )

    def _sent_again(self, job_id: str, now_s: float) -> tuple[Sending, ...]:
        wait, rules = self._waits[job_id], self._rules
        if wait.holder:
            return self._claim_expired(job_id, now_s)
        sends = wait.sends + 1
        spacing_s = min(rules.longest_spacing_s, rules.first_send_s * rules.growth**sends)
        self._set(job_id, sends=sends, due_at_s=now_s + spacing_s)
        return (Sending(dispatch=self._dispatch(job_id, wait.work), reason=SendingReason.UNCLAIMED),)

    def _claim_expired(self, job_id: str, now_s: float) -> tuple[Sending, ...]:
        wait, lost = self._waits[job_id], self._waits[job_id].lost + 1
        if self._amnesty_until_s > now_s:
            self._set(job_id, due_at_s=self._amnesty_until_s)
            return ()
        if lost >= self._rules.max_claims:
            failure = given_up(wait.stage, self._rules.max_claims, wait.step, now_s)
            self._wait_for(job_id, Work.ADVANCE, answer=failure, lost=lost)
            dispatch = self._dispatch(job_id, Work.ADVANCE)
            return (Sending(dispatch=dispatch, reason=SendingReason.GIVEN_UP),)
        if lost == self._rules.max_claims - 1 and not self._takes_last_chance(job_id, wait.stage):
            self._set(job_id, holder="waiting for its last chance", due_at_s=now_s + 0.5)
            return ()
        self._wait_for(job_id, wait.work, dispatch=self.next_dispatch(job_id), lost=lost)
        self._set(job_id, sends=1)
        return (Sending(dispatch=self._dispatch(job_id, wait.work), reason=SendingReason.CLAIM_EXPIRED),)

    def _takes_last_chance(self, job_id: str, stage: str) -> bool:
        other = self._last_chance.get(stage, job_id)
        rival = self._waits.get(other)
        at_it = rival is not None and rival.work == rival.stage == stage and rival.lost == self._rules.max_claims - 1
        if other != job_id and at_it:
            return False
        self._last_chance[stage] = job_id
        return True

    def _written(self, job: Job) -> None:
        wait = self._waits.get(job.id)
        ended = job.status not in UNFINISHED
        stage = job.pending.kind if job.pending is not None else ""
        if wait is None or (wait.step, wait.stage) != (job.step, stage) or (ended and not wait.ended):
            number = self.next_dispatch(job.id) if stage else (wait.dispatch if wait is not None else 0)
            due_at_s = self._clock.now_s() + self._rules.first_send_s
            self._waits[job.id] = _Wait(job.step, stage, number, waits_for(job), due_at_s, ended)
        attention = job.deadline_at_s if job.phase is not Phase.FINALIZING else None
        if self.cancel_requested(job.id) and job.stop_reason is not StopReason.CANCELED:
            attention = self._clock.now_s()
        self._set(job.id, attention_at_s=None if ended else attention)

    def _wait_for(self, job_id: str, work: Work, **fields: object) -> None:
        due_at_s = self._clock.now_s() + self._rules.first_send_s
        self._set(job_id, **{"work": work, "due_at_s": due_at_s, "sends": 0, "holder": "", **fields})

    def _set(self, job_id: str, **fields: object) -> None:
        self._waits[job_id] = replace(self._waits[job_id], **fields)  # type: ignore[arg-type]

    def _holds(self, dispatch: Dispatch, holder: str) -> bool:
        wait = self._waits.get(dispatch.job_id)
        return wait is not None and wait.holder == holder and _same(wait, dispatch)

    def _dispatch(self, job_id: str, work: Work) -> Dispatch:
        wait = self._waits[job_id]
        return Dispatch(job_id=job_id, step=wait.step, dispatch=wait.dispatch, work=work)

    def _pulse(self) -> None:
        now_s = self._clock.now_s()
        if self._pulse_s is not None and now_s - self._pulse_s > self._rules.silence_s:
            self._amnesty_until_s = now_s + self._rules.lease_s
        self._pulse_s = now_s


def _same(wait: _Wait, dispatch: Dispatch) -> bool:
    return (wait.step, wait.dispatch) == (dispatch.step, dispatch.dispatch)
