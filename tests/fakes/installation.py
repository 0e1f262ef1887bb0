"""A whole installation in processes of its own, which can be killed one by one; who dies is started again.

Redis and S3 are real, the agents scripted (`fakes.machine`).
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from fakes.agents import queued_job
from fakes.redis_server import RedisServer
from fakes.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

from services.commands.speed.servers import free_port
from shared.adapters.celery_app import CeleryStageQueue, make_app
from shared.adapters.file_images import FileImageStore
from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_gateway import RedisDispatcher
from shared.adapters.redis_jobs import RedisJobStore
from shared.adapters.s3_images import S3Access, S3ImageStore
from shared.adapters.versioned import UNFINISHED
from shared.contracts.jobs import Job, JobOptions, JobRecord
from shared.contracts.loop import PublicEvent
from shared.errors import Unavailable
from shared.intake import new_job_id
from shared.ports import ImageStore

ROOT = Path(__file__).parents[2]
ROLES = ("orchestrator", "perception", "reasoning", "action", "sweeper")


class Installation:
    """One process of each role unless told otherwise.

    Args:
        folder: data and logs.
        s3: the server to use, which is not stopped here; without one images lie in a folder.
        lease_s: shorter than in production, so that tests need not wait so long.
        slow_s: what each command takes.
        roles: which processes.
        settings: more environment variables.
    """

    def __init__(
        self,
        folder: Path,
        s3: S3Server | None = None,
        lease_s: float = 2.0,
        slow_s: float = 0.05,
        roles: Iterable[str] = ROLES,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.redis = RedisServer(folder / "redis")
        self.s3 = s3
        self.slow_s = slow_s
        self.gateway_port = free_port()
        self.bucket = f"b{os.getpid()}-{id(self)}"
        self.lease_s = lease_s
        self._roles = tuple(roles)
        self._settings = settings
        self._processes: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._seen: dict[tuple[str, int], PublicEvent] = {}
        self.contradictions: list[tuple[PublicEvent, PublicEvent]] = []
        self.deaths: Counter[tuple[str, int]] = Counter()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> "Installation":
        self.redis.start()
        self.connection = RedisConnection(self.redis.url)
        self.jobs = RedisJobStore(self.connection)
        self.queue = CeleryStageQueue(make_app(self.redis.url))
        self.dispatcher = RedisDispatcher(self.connection, self.queue)
        self.images = self._open_images()
        for number, role in enumerate(self._roles):
            self._processes[number] = (role, self._spawn(number, role))
        self._supervisor.start()
        self._watcher.start()
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._supervisor.join()
        self._watcher.join()
        for _, process in self._processes.values():
            process.kill()
            process.wait(30)
        self.connection.close()
        self.redis.kill()

    def kill(self, role: str) -> None:
        """SIGKILL to every process of the role; the supervisor starts new ones."""
        with self._lock:
            for name, process in self._processes.values():
                if name == role:
                    process.kill()

    def stop(self, role: str) -> None:
        """SIGTERM to every process of the role, as a rollout sends it; the supervisor starts new ones."""
        with self._lock:
            for name, process in self._processes.values():
                if name == role:
                    process.terminate()

    def submit(self, fate: str = "", stage: str = "", times: int = 99, published: bool = True) -> str:
        job_id = new_job_id()
        metadata = {"fate": fate, "stage": stage, "times": times} if fate else {}
        job = queued_job(self.images, job_id, options=JobOptions(metadata=metadata))
        self.jobs.create(job.model_copy(update={"created_at_s": time.time()}), ())
        if published:
            self.dispatcher.dispatch(job_id)
        return job_id

    def ended(self, job_ids: Iterable[str], within_s: float = 240.0) -> dict[str, Job]:
        """The jobs once all have ended, with their records beside their images."""
        left, found = list(job_ids), {}
        give_up_at = time.monotonic() + within_s
        while left:
            assert time.monotonic() < give_up_at, f"{len(left)} jobs do not end: {self._told(left[0])}"
            time.sleep(0.1)
            for job_id in list(left):
                try:
                    job = self.jobs.load(job_id).job
                except Unavailable:
                    continue
                if job.status not in UNFINISHED:
                    found[job_id] = job
                    left.remove(job_id)
        for job_id, job in found.items():
            self._check(job_id, job, give_up_at)
        return found

    def calls(self) -> dict[tuple[str, int], int]:
        """How often each step of each job was begun by an agent."""
        counts = self.connection.ask("HGETALL", self.connection.key("calls"))
        return {(name.decode().split()[0], int(name.decode().split()[1])): int(count) for name, count in counts.items()}

    def logged(self, event: str) -> list[dict[str, object]]:
        """What all processes logged under that name."""
        lines = [line for path in self.folder.glob("*.log") for line in path.read_text(errors="replace").splitlines()]
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in entries if entry["event"] == event]

    def wait_until_ready(self, within_s: float = 90.0) -> None:
        give_up_at = time.monotonic() + within_s
        events = ("worker_ready", "sweeper_ready", "gateway_ready", "webhooks_ready")
        while sum(len(self.logged(event)) for event in events) < len(self._roles):
            assert time.monotonic() < give_up_at, f"the processes do not start: {self._told('')}"
            time.sleep(0.05)

    def _check(self, job_id: str, job: Job, give_up_at: float) -> None:
        """It ended once, its events are numbered without a gap, and its record lies beside its images."""
        events = self.jobs.events_after(job_id, 0)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        endings = [event.type for event in events if event.type in ("job.succeeded", "job.failed", "job.canceled")]
        assert endings == [f"job.{job.status.value}"]
        assert events[-1].type == endings[0]
        for name, ref in job.artifacts.items():
            assert self.images.get(ref), name
        while f"{job_id}/record.json" not in self.images.refs(f"{job_id}/record"):
            assert time.monotonic() < give_up_at, f"no record of {job_id}"
            time.sleep(0.1)
        assert JobRecord.model_validate_json(self.images.get(f"{job_id}/record.json")).status is job.status
        assert self.contradictions == []

    def _open_images(self) -> ImageStore:
        if self.s3 is None:
            return FileImageStore(self.folder / "images")
        store = S3ImageStore(S3Access(self.s3.endpoint, self.bucket, ACCESS_KEY, SECRET_KEY, secure=False))
        store.prepare()
        return store

    def _spawn(self, number: int, role: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
            "OMP_NUM_THREADS": "1",
            "RETOUCHER_BACKEND_REDIS_URL": self.redis.url,
            "RETOUCHER_BACKEND_S3_ENDPOINT": self.s3.endpoint if self.s3 else "",
            "RETOUCHER_BACKEND_S3_BUCKET": self.bucket,
            "RETOUCHER_BACKEND_S3_ACCESS_KEY": ACCESS_KEY,
            "RETOUCHER_BACKEND_S3_SECRET_KEY": SECRET_KEY,
            "RETOUCHER_BACKEND_S3_SECURE": "false",
            "RETOUCHER_BACKEND_LEASE_S": str(self.lease_s),
            "RETOUCHER_WORKER_PROBE_PORT": "0",
            "RETOUCHER_WORKER_LOG_FORMAT": "json",
            "RETOUCHER_WORKER_THREADS": "4",
            "RETOUCHER_GATEWAY_LOG_FORMAT": "json",
            "RETOUCHER_SWEEPER_PROBE_PORT": "0",
            "RETOUCHER_SWEEPER_LOG_FORMAT": "json",
            **self._settings,
        }
        with (self.folder / f"{role}-{number}.log").open("ab") as log:
            where = [] if self.s3 else [str(self.folder / "images")]
            command = [sys.executable, "-m", "fakes.machine", role, str(self.slow_s), *where]
            if role == "gateway":
                command = [sys.executable, "-m", "services.cli", "gateway", "--port", str(self.gateway_port)]
            if role == "webhooks":
                command = [sys.executable, "-m", "services.cli", "worker", "webhooks"]
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _supervise(self) -> None:
        while not self._stopping.wait(0.1):
            with self._lock:
                for number, (role, process) in list(self._processes.items()):
                    if process.poll() is not None:
                        self.deaths[(role, process.returncode)] += 1
                        self._processes[number] = (role, self._spawn(number, role))

    def _watch(self) -> None:
        """An event that was seen once must never read otherwise: a webhook's id is made of job and number."""
        connection = RedisConnection(self.redis.url)
        jobs = RedisJobStore(connection)
        while not self._stopping.wait(0.2):
            try:
                for job_id in jobs.unfinished():
                    for event in jobs.events_after(job_id, 0):
                        before = self._seen.setdefault((job_id, event.seq), event)
                        if before != event:
                            self.contradictions.append((before, event))
            except Unavailable:
                continue
        connection.close()

    def _told(self, job_id: str) -> str:
        tails = [f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in self.folder.glob("*.log")]
        standing = self.connection.ask("HGETALL", self.connection.key(f"job:{job_id}")) if job_id else {}
        shown = {name: value for name, value in dict(standing).items() if name != b"body"}
        return f"{shown}\n" + "\n".join(tails)
