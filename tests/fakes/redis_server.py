"""A Redis server of a test's own: on a free port, in a folder of its own, with the settings of production."""

import os
import signal
import subprocess
import time
from pathlib import Path

import redis

from services.commands.speed.servers import free_port


class RedisServer:
    """`redis-server` on a port of the loopback; it can be killed, paused and started again on the same data."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "RedisServer":
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.folder,
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
            "save": "",
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(["redis-server", *flags], stdout=log, stderr=log)
        self.wait_until_ready()
        return self

    def wait_until_ready(self, within_s: float = 30.0) -> None:
        give_up_at = time.monotonic() + within_s
        client = redis.Redis("127.0.0.1", self.port, socket_timeout=1.0)
        try:
            while True:
                try:
                    client.ping()
                    return
                except redis.RedisError:
                    log = (self.folder / "redis.log").read_text(errors="replace")
                    assert time.monotonic() < give_up_at, f"redis-server does not answer: {log[-1000:]}"
                    time.sleep(0.02)
        finally:
            client.close()

    def pause(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None
