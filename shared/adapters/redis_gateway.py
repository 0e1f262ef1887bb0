"""What the gateway keeps in Redis beside jobs: uploads, feedback, and how it has jobs run and estimates their time."""

from collections.abc import Sequence

from shared.adapters.memory_gateway import no_such_upload, upload_exists
from shared.adapters.redis_connection import RedisConnection
from shared.contracts.dispatch import Dispatch, Work
from shared.contracts.gateway import Feedback, Upload, Workload
from shared.ports import StageQueue
from shared.stage_worker import publish

GUESSED_SECONDS_PER_JOB = 5.0
"""Before the first job has ended."""

_ROLES = {"perceive": "perception", "diagnose": "reasoning", "retouch": "action", "finalize": "orchestrator"}


class RedisUploadStore:
    """An `UploadStore`: a hash by id, and a sorted set by expiry."""

    def __init__(self, connection: RedisConnection) -> None:
        self._redis = connection

    def add(self, upload: Upload) -> None:
        """Stores it; see `UploadStore.add`."""
        if not self._redis.ask("HSETNX", self._redis.key("uploads"), upload.id, upload.model_dump_json()):
            raise upload_exists(upload.id)
        self._redis.ask("ZADD", self._redis.key("uploads_expire"), upload.expires_at_s, upload.id)

    def get(self, upload_id: str) -> Upload:
        """The upload; see `UploadStore.get`."""
        body = self._redis.ask("HGET", self._redis.key("uploads"), upload_id)
        if body is None:
            raise no_such_upload(upload_id)
        return Upload.model_validate_json(body)

    def expired(self, now_s: float, limit: int) -> Sequence[Upload]:
        """Those to be deleted; see `UploadStore.expired`."""
        ids = self._redis.ask("ZRANGEBYSCORE", self._redis.key("uploads_expire"), "-inf", now_s, "LIMIT", 0, limit)
        if not ids:
            return ()
        bodies = self._redis.ask("HMGET", self._redis.key("uploads"), *(name.decode() for name in ids))
        return tuple(Upload.model_validate_json(body) for body in bodies if body is not None)

    def remove(self, upload_id: str) -> None:
        """Forgets it; one that is not there is no error."""
        self._redis.ask("HDEL", self._redis.key("uploads"), upload_id)
        self._redis.ask("ZREM", self._redis.key("uploads_expire"), upload_id)


class RedisFeedbackStore:
    """A `FeedbackStore`: a hash for each job, and the set of jobs that have any."""

    def __init__(self, connection: RedisConnection) -> None:
        self._redis = connection

    def put(self, feedback: Feedback) -> None:
        """Stores it in place of an earlier one of the same job and id."""
        self._redis.ask("SADD", self._redis.key("feedback_jobs"), feedback.job_id)
        self._redis.ask("HSET", self._of(feedback.job_id), feedback.id, feedback.model_dump_json())

    def of_job(self, job_id: str) -> Sequence[Feedback]:
        """All of a job's, by id; empty for an unknown job."""
        entries = [Feedback.model_validate_json(body) for body in self._redis.ask("HVALS", self._of(job_id))]
        return tuple(sorted(entries, key=lambda entry: entry.id))

    def remove(self, job_id: str, feedback_id: str) -> bool:
        """Takes one back; returns whether it was there."""
        return bool(self._redis.ask("HDEL", self._of(job_id), feedback_id))

    def remove_job(self, job_id: str) -> None:
        """Takes all of a job's back."""
        self._redis.ask("DEL", self._of(job_id))
        self._redis.ask("SREM", self._redis.key("feedback_jobs"), job_id)

    def job_ids(self) -> Sequence[str]:
        """Ids of all jobs that have feedback, sorted."""
        names = sorted(name.decode() for name in self._redis.ask("SMEMBERS", self._redis.key("feedback_jobs")))
        return tuple(name for name in names if self._redis.ask("EXISTS", self._of(name)))

    def _of(self, job_id: str) -> str:
        return self._redis.key(f"feedback:{job_id}")


class RedisDispatcher:
    """A `Dispatcher`: sends the loop for a job; estimates by the stage that takes longest for the threads it has."""

    def __init__(self, connection: RedisConnection, queue: StageQueue) -> None:
        self._redis = connection
        self._queue = queue

    def dispatch(self, job_id: str) -> None:
        """Has the loop begin; where the queue is away, the sweeper does a little later."""
        publish(self._queue, Dispatch(job_id=job_id, step=0, dispatch=0, work=Work.ADVANCE))

    def cancel(self, job_id: str) -> None:
        """Has the loop look at the job now; where the queue is away, the sweeper does a little later."""
        self.dispatch(job_id)

    def workload(self) -> Workload:
        """Seconds between two jobs that are done, at full load; as one worker."""
        now_s = float(self._redis.ask("TIME")[0])
        alive: dict[str, int] = {}
        for member in self._redis.ask("ZRANGEBYSCORE", self._redis.key("alive"), now_s, "+inf"):
            role, threads, _ = member.decode().split(" ", 2)
            alive[role] = alive.get(role, 0) + int(threads)
        self._redis.ask("ZREMRANGEBYSCORE", self._redis.key("alive"), "-inf", now_s)
        spent = self._redis.ask("HGETALL", self._redis.key("seconds"))
        pace = [float(seconds) / max(1, alive.get(_ROLES[stage.decode()], 0)) for stage, seconds in dict(spent).items()]
        return Workload(workers=1, seconds_per_job=max([*pace, 0.001]) if pace else GUESSED_SECONDS_PER_JOB)
