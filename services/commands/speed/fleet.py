"""An installation on this machine alone: a Redis server of its own, processes that are started again if they die."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from services.commands.speed.servers import free_port
from shared.adapters.redis_connection import RedisConnection
from shared.errors import ErrorCode, MissingResource, StageError, Unavailable

START_S = 60.0
ROLES = ("orchestrator", "perception", "reasoning", "action", "sweeper")


class Fleet:
    """Runs while it is entered.

    Args:
        folder: for Redis' data and images.
        roles: a process for each entry.
        seconds: that each command takes.
        threads: of each worker.
        lease_s: of claims.
    """

    def __init__(
        self, folder: Path, roles: Sequence[str] = ROLES, seconds: float = 0.0, threads: int = 8, lease_s: float = 10.0
    ) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder
        self.deaths: Counter[str] = Counter()
        self._roles = tuple(roles)
        self._arguments = (self.url, str(folder / "images"), str(seconds), str(threads), str(lease_s))
        self._redis: subprocess.Popen[bytes] | None = None
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> "Fleet":
        try:
            self.start_redis()
            self.connection = RedisConnection(self.url)
            for number, role in enumerate(self._roles):
                self._processes[number] = self._spawn(role)
            self._wait_for_workers()
        except BaseException:
            self._end()
            raise
        self._supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._supervisor.join()
        self._end()

    def kill(self, number: int) -> str:
        """SIGKILL to the process of that number; its role."""
        with self._lock:
            self._processes[number].kill()
        return self._roles[number]

    @property
    def size(self) -> int:
        """How many processes there are, Redis not among them."""
        return len(self._roles)

    def start_redis(self) -> None:
        """Starts the Redis server, on the data that there is.

        Raises:
            MissingResource: `redis-server` is not installed.
            StageError: it does not answer.
        """
        program = shutil.which("redis-server")
        if program is None:
            message = "redis-server is not installed: on Debian 'apt-get install redis-server'"
            raise MissingResource(ErrorCode.MISSING_PACKAGE, message)
        data = self.folder / "redis"
        data.mkdir(parents=True, exist_ok=True)
        options = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(data), "--appendonly", "yes")
        with (data / "redis.log").open("ab") as log:
            self._redis = subprocess.Popen(  # noqa: S603
                [program, *options, "--save", "", "--maxmemory-policy", "noeviction"], stdout=log, stderr=log
            )
        connection, give_up_at_s = RedisConnection(self.url), time.monotonic() + START_S
        while True:
            try:
                connection.ping()
                break
            except Unavailable as error:
                if time.monotonic() > give_up_at_s:
                    raise StageError(ErrorCode.STAGE_FAILED, f"redis-server did not start: see {data}") from error
                time.sleep(0.02)
        connection.close()

    def kill_redis(self) -> None:
        """SIGKILL to Redis; what the append-only file has, it keeps."""
        if self._redis is not None:
            self._redis.kill()
            self._redis.wait()

    def pause_redis(self, seconds: float) -> None:
        """Redis stands still for so long."""
        if self._redis is not None:
            os.kill(self._redis.pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(self._redis.pid, signal.SIGCONT)

    def _end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
        self.kill_redis()

    def _spawn(self, role: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "services.commands.speed.machine", role, *self._arguments]
        with (self.folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603

    def _wait_for_workers(self) -> None:
        """Until every worker has said by its heart that it is there."""
        give_up_at_s, expected = time.monotonic() + START_S, sum(role != "sweeper" for role in self._roles)
        while self.connection.ask("ZCARD", self.connection.key("alive")) < expected:
            if time.monotonic() > give_up_at_s:
                raise StageError(ErrorCode.STAGE_FAILED, f"the workers did not start: see the logs in {self.folder}")
            time.sleep(0.05)

    def _supervise(self) -> None:
        while not self._stopping.wait(0.1):
            with self._lock:
                for number, process in self._processes.items():
                    if process.poll() is not None:
                        role = self._roles[number]
                        self.deaths[role] += 1
                        self._processes[number] = self._spawn(role)
