"""The job store in Redis, shared by all machines: one Lua script writes job, names, pending command and public events.

A job is a hash, its public events are a Redis Stream. What else there is, see `redis_lua/common.lua`; where the pending
command stands is `redis_dispatches`' to know.
"""

import json
from collections.abc import Sequence

from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_deliveries import delivery_name
from shared.adapters.versioned import UNFINISHED, VersionedJob, job_exists, moved_on, name_taken, no_such_job
from shared.contracts.jobs import Job, Phase, Status, StopReason
from shared.contracts.leases import LeaseRules
from shared.contracts.loop import PublicEvent
from shared.deliveries import deliveries_of
from shared.ports import KEY_LIFE_S


class RedisJobStore:
    """A `JobCatalog` in Redis."""

    def __init__(self, connection: RedisConnection, rules: LeaseRules = LeaseRules()) -> None:
        self._redis = connection
        self._rules = rules

    def create(self, job: Job, events: Sequence[PublicEvent]) -> None:
        """Stores a new job at version 1; see `JobStore.create`."""
        write_job(self._redis, job, 0, events, self._rules)

    def load(self, job_id: str) -> VersionedJob:
        """The job with its version; see `JobStore.load`."""
        body, version = self._redis.ask("HMGET", self._job_key(job_id), "body", "version")
        if body is None or version is None:
            raise no_such_job(job_id)
        return VersionedJob(Job.model_validate_json(body), int(version))

    def commit(self, job: Job, expected_version: int, events: Sequence[PublicEvent]) -> int:
        """Replaces the job and appends its events, or does nothing; see `JobStore.commit`."""
        write_job(self._redis, job, expected_version, events, self._rules)
        return expected_version + 1

    def events_after(self, job_id: str, seq: int) -> Sequence[PublicEvent]:
        """The public events with a higher `seq`, in order; empty for an unknown job."""
        entries = self._redis.ask("XRANGE", self._redis.key(f"events:{job_id}"), f"({seq}-0", "+")
        return tuple(PublicEvent.model_validate_json(fields[b"event"]) for _, fields in entries)

    def next_dispatch(self, job_id: str) -> int:
        """A number never given before for this job; see `JobStore.next_dispatch`."""
        number = self._redis.run("count", job_id, "dispatches", 1)
        if number is None:
            raise no_such_job(job_id)
        return int(number)

    def request_cancel(self, job_id: str) -> None:
        """Leaves a cancel request beside the job, and has the loop look at it soon; see `JobStore.request_cancel`."""
        if not self._redis.run("cancel", job_id):
            raise no_such_job(job_id)

    def cancel_requested(self, job_id: str) -> bool:
        """Whether `request_cancel` was called; False for an unknown job."""
        return bool(self._redis.ask("HGET", self._job_key(job_id), "canceled") == b"1")

    def unfinished(self) -> Sequence[str]:
        """Ids of jobs that are queued or running, oldest first."""
        return self._names("ZRANGE", "unfinished", 0, -1)

    def queued(self) -> Sequence[str]:
        """Ids of jobs that are queued, oldest first."""
        return self._names("ZRANGE", "queued", 0, -1)

    def delete(self, job_id: str) -> None:
        """Deletes the job with all that lies beside it; see `JobStore.delete`."""
        if not self._redis.run("delete", job_id):
            raise no_such_job(job_id)

    def of_owner(
        self, owner: str, limit: int, before: str | None = None, status: Status | None = None
    ) -> Sequence[Job]:
        """The owner's jobs, newest first; see `JobCatalog.of_owner`."""
        name = f"of:{owner}" if status is None else f"of:{owner}:{status.value}"
        top = "+" if before is None else f"({before}"
        ids = self._names("ZREVRANGEBYLEX", name, top, "-", "LIMIT", 0, limit)
        with self._redis.outages():
            pipeline = self._redis.client.pipeline(transaction=False)
            for job_id in ids:
                pipeline.hget(self._job_key(job_id), "body")
            bodies = pipeline.execute()
        # One that was deleted in between is left out.
        return tuple(Job.model_validate_json(body) for body in bodies if body is not None)

    def at_work(self, owner: str) -> int:
        """How many of the owner's jobs are queued or running."""
        return sum(int(self._redis.ask("ZCARD", self._redis.key(f"of:{owner}:{status}"))) for status in UNFINISHED)

    def named(self, owner: str, client_id: str) -> str | None:
        """Id of the job that the owner calls so; None without one."""
        name = self._redis.ask("HGET", self._redis.key(f"names:{owner}"), client_id)
        return name.decode() if name is not None else None

    def with_key(self, owner: str, idempotency_key: str, now_s: float) -> str | None:
        """Id of the job that the owner's request of that key made; see `JobCatalog.with_key`."""
        entry = self._redis.ask("GET", self._redis.key(f"key:{owner}:{idempotency_key}"))
        if entry is None:
            return None
        created, _, job_id = entry.decode().partition(" ")
        return job_id if float(created) > now_s - KEY_LIFE_S else None

    def expired(self, now_s: float, limit: int) -> Sequence[str]:
        """Ids of jobs that have ended and are to be deleted; see `JobCatalog.expired`."""
        return self._names("ZRANGEBYSCORE", "expires", "-inf", now_s, "LIMIT", 0, limit)

    def _names(self, command: str, key: str, *arguments: str | float) -> tuple[str, ...]:
        found = self._redis.ask(command, self._redis.key(key), *arguments)
        return tuple(name.decode() for name in found)

    def _job_key(self, job_id: str) -> str:
        return self._redis.key(f"job:{job_id}")


def write_job(
    connection: RedisConnection, job: Job, expected_version: int, events: Sequence[PublicEvent], rules: LeaseRules
) -> int:
    """Creates (`expected_version` 0) or commits a job; returns the dispatch number of what it waits for now.

    Raises:
        Conflict: the id exists or a name is taken, or another commit came first.
        NotFound: no such job.
        Unavailable: Redis does not answer; the write may have happened.
    """
    flat = [part for event in events for part in (event.seq, event.model_dump_json())]
    body, facts = job.model_dump_json(), json.dumps(_facts(job, events))
    answer = connection.run("write", job.id, expected_version, body, facts, rules.first_send_s, KEY_LIFE_S, *flat)
    match answer[0]:
        case b"exists":
            raise job_exists(job.id)
        case b"taken":
            raise name_taken(answer[1].decode())
        case b"missing":
            raise no_such_job(job.id)
        case b"moved":
            raise moved_on(job.id, int(answer[1]), expected_version)
    return int(answer[2])


def _facts(job: Job, events: Sequence[PublicEvent]) -> dict[str, object]:
    """What the script itself asks of a job; what is None is left out, for Lua tells it from nothing else."""
    ended = job.status not in UNFINISHED
    seconds: dict[str, float] = {}
    for timing in job.timings:
        seconds[timing.stage] = seconds.get(timing.stage, 0.0) + timing.seconds
    facts = {
        "status": job.status.value,
        "ended": ended,
        "created": job.created_at_s,
        "owner": job.owner,
        "client_id": job.client_id,
        "idempotency_key": job.idempotency_key,
        "expires": job.expires_at_s,
        "step": job.step,
        "stage": job.pending.kind if job.pending is not None else "",
        "attention": job.deadline_at_s if job.phase is not Phase.FINALIZING else None,
        "cancel_heeded": job.stop_reason is StopReason.CANCELED,
        "seconds": seconds if ended else {},
        "deliveries": [
            {
                "name": delivery_name(job.id, item.seq),
                "seq": item.seq,
                "site": item.site,
                "due": item.next_attempt_at_s,
                "body": item.model_dump_json(),
            }
            for item in deliveries_of(job, events)
        ],
    }
    return {name: value for name, value in facts.items() if value is not None}
