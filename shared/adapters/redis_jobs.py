"""The job store in Redis, shared by all machines: one Lua script writes job, pending command and public events.

A job is a hash, its public events are a Redis Stream. What else the hash holds, see `redis_lua/common.lua`; where the
pending command stands is `redis_dispatches`' to know.
"""

from collections.abc import Sequence

from shared.adapters.redis_connection import RedisConnection
from shared.adapters.versioned import UNFINISHED, VersionedJob, job_exists, moved_on, no_such_job
from shared.contracts.jobs import Job, Phase, StopReason
from shared.contracts.leases import LeaseRules
from shared.contracts.loop import PublicEvent


class RedisJobStore:
    """A `JobStore` in Redis."""

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
        return self._counted(job_id, "dispatches", 1)

    def request_cancel(self, job_id: str) -> None:
        """Leaves a cancel request beside the job, and has the loop look at it soon; see `JobStore.request_cancel`."""
        if not self._redis.run("cancel", job_id):
            raise no_such_job(job_id)

    def cancel_requested(self, job_id: str) -> bool:
        """Whether `request_cancel` was called; False for an unknown job."""
        return bool(self._redis.ask("HGET", self._job_key(job_id), "canceled") == b"1")

    def unfinished(self) -> Sequence[str]:
        """Ids of jobs that are queued or running, oldest first."""
        names = self._redis.ask("ZRANGE", self._redis.key("unfinished"), 0, -1)
        return tuple(name.decode() for name in names)

    def _counted(self, job_id: str, field: str, by: int) -> int:
        number = self._redis.run("count", job_id, field, by)
        if number is None:
            raise no_such_job(job_id)
        return int(number)

    def _job_key(self, job_id: str) -> str:
        return self._redis.key(f"job:{job_id}")


def write_job(
    connection: RedisConnection, job: Job, expected_version: int, events: Sequence[PublicEvent], rules: LeaseRules
) -> int:
    """Creates (`expected_version` 0) or commits a job; returns the dispatch number of what it waits for now.

    Raises:
        Conflict: the id exists, or another commit came first.
        NotFound: no such job.
        Unavailable: Redis does not answer; the write may have happened.
    """
    ended = job.status not in UNFINISHED
    deadline = job.deadline_at_s if job.phase is not Phase.FINALIZING else None
    flat = [part for event in events for part in (event.seq, event.model_dump_json())]
    answer = connection.run(
        "write",
        job.id,
        expected_version,
        job.model_dump_json(),
        job.status.value,
        job.created_at_s,
        int(ended),
        job.step,
        job.pending.kind if job.pending is not None else "",
        "" if deadline is None else deadline,
        int(job.stop_reason is StopReason.CANCELED),
        rules.first_send_s,
        *flat,
    )
    match answer[0]:
        case b"exists":
            raise job_exists(job.id)
        case b"missing":
            raise no_such_job(job.id)
        case b"moved":
            raise moved_on(job.id, int(answer[1]), expected_version)
    return int(answer[2])
