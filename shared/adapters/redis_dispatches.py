"""Claims, leases, answers and what the sweeper has to send, in Redis; see `redis_lua/common.lua` for the keys.

Every change is one Lua script on Redis' own clock, so that the clocks of the machines do not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter

from shared.adapters.redis_connection import RedisConnection, work_of
from shared.adapters.redis_jobs import write_job
from shared.adapters.versioned import no_such_job
from shared.adapters.waiting import given_up, waits_for
from shared.contracts.dispatch import Backlog, Dispatch, Sending, SendingReason, Work
from shared.contracts.jobs import Job
from shared.contracts.leases import LeaseRules
from shared.contracts.loop import PublicEvent, StageResult

LAST_CHANCE_LOOK_S = 0.5
"""How soon a job that waits for its last chance is looked at again."""

_RESULTS: TypeAdapter[StageResult] = TypeAdapter(Annotated[StageResult, Field(discriminator="kind")])


@dataclass(frozen=True)
class RedisStanding:
    """See `Standing`."""

    job: Job
    version: int
    answer: StageResult | None
    canceled: bool


class RedisDispatches:
    """`Dispatches` beside a `RedisJobStore` on the same connection."""

    def __init__(self, connection: RedisConnection, rules: LeaseRules = LeaseRules()) -> None:
        self._redis = connection
        self._rules = rules
        self._what = ""

    def tell_of(self, role: str, threads: int) -> None:
        """Has every heartbeat say that so many threads of a role are alive; `RedisDispatcher` estimates by them."""
        self._what = f"{role} {threads}"

    def send(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> Dispatch:
        """Commits, and says what to publish; see `Dispatches.send`."""
        number = write_job(self._redis, job, expected_version, events, self._rules)
        return Dispatch(job_id=job.id, step=job.step, dispatch=number, work=waits_for(job))

    def claim(self, dispatch: Dispatch, holder: str, lease_s: float) -> Job | None:
        """Takes a dispatch; see `Dispatches.claim`."""
        body = self._redis.run("claim", dispatch.job_id, dispatch.step, dispatch.dispatch, holder, lease_s)
        return Job.model_validate_json(body) if body is not None else None

    def prolong(self, dispatches: Sequence[Dispatch], holder: str, lease_s: float) -> Sequence[Dispatch]:
        """Prolongs claims; see `Dispatches.prolong`. Without claims it still tells Redis that somebody lives."""
        flat = [part for item in dispatches for part in (item.job_id, item.step, item.dispatch)]
        gone = self._redis.run("beat", lease_s, self._rules.silence_s, holder, self._what, *flat)
        return tuple(dispatches[int(index)] for index in gone)

    def answer(self, dispatch: Dispatch, event: StageResult) -> bool:
        """Lays the answer beside the job; see `Dispatches.answer`."""
        taken = self._redis.run(
            "answer", dispatch.job_id, dispatch.step, event.model_dump_json(), self._rules.first_send_s
        )
        return bool(taken)

    def release(self, dispatch: Dispatch, holder: str) -> None:
        """Gives a claim back; see `Dispatches.release`."""
        self._redis.run("release", dispatch.job_id, dispatch.step, dispatch.dispatch, holder)

    def standing(self, job_id: str) -> RedisStanding:
        """The job as the loop finds it; see `Dispatches.standing`."""
        key, fields = self._redis.key(f"job:{job_id}"), ("body", "version", "answer", "canceled")
        body, version, answer, canceled = self._redis.ask("HMGET", key, *fields)
        if body is None or version is None:
            raise no_such_job(job_id)
        said = _RESULTS.validate_json(answer) if answer else None
        return RedisStanding(Job.model_validate_json(body), int(version), said, canceled == b"1")

    def settle(self, job_id: str) -> None:
        """A job that has ended waits for nothing any more; see `Dispatches.settle`."""
        self._redis.run("settle", job_id)

    def due(self, limit: int) -> Sequence[Sending]:
        """What the sweeper has to publish now; see `Dispatches.due`."""
        rules = self._rules
        flat = self._redis.run(
            "sweep",
            limit,
            rules.lease_s,
            rules.silence_s,
            rules.first_send_s,
            rules.growth,
            rules.longest_spacing_s,
            rules.max_claims,
            LAST_CHANCE_LOOK_S,
            given_up("{stage}", rules.max_claims).model_dump_json(),
        )
        rows = [flat[at : at + 5] for at in range(0, len(flat), 5)]
        return tuple(
            Sending(
                dispatch=Dispatch(job_id=row[0].decode(), step=int(row[1]), dispatch=int(row[2]), work=work_of(row[3])),
                reason=SendingReason(row[4].decode()),
            )
            for row in rows
        )

    def backlog(self) -> Sequence[Backlog]:
        """How many jobs wait for each kind of work and how many are at it."""
        with self._redis.outages():
            pipeline = self._redis.client.pipeline(transaction=False)
            for work in Work:
                pipeline.zcard(self._redis.key(f"waiting:{work.value}"))
                pipeline.zcard(self._redis.key(f"running:{work.value}"))
            counts = pipeline.execute()
        return tuple(
            Backlog(work=work, waiting=counts[2 * index], running=counts[2 * index + 1])
            for index, work in enumerate(Work)
        )
