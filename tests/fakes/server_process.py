"""`retoucher serve` as a process of its own, to be asked, stopped and killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

START_S = 120.0
"""Long: tests run on machines that are busy with others."""


class ServerProcess:
    """One life of a server on `data`."""

    def __init__(self, data: Path, *, log: Path, **settings: str) -> None:
        environment = {**os.environ, **settings, "OMP_NUM_THREADS": "1"}
        self._log = log.open("ab")
        command = [sys.executable, "-m", "services.cli", "serve", "--port", "0", "--data-dir", str(data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, env=environment, text=True)
        assert self.process.stdout is not None
        url = self.process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), log.read_text()
        self.client = httpx.Client(base_url=url, timeout=60.0)
        self.url = url
        self._await("/livez")

    def ready(self) -> "ServerProcess":
        """Returns once the models are loaded."""
        self._await("/readyz")
        return self

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def ended(self, job_id: str, timeout_s: float = 240.0) -> dict[str, Any]:
        """The job once it has ended."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            view = self.job(job_id)
            if view["status"] not in ("queued", "running"):
                return view
            time.sleep(0.1)
        raise AssertionError(f"{job_id} does not end: {view['status']}")

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def stop(self, timeout_s: float = 120.0) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        finally:
            self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.client.close()
        self._log.close()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _await(self, path: str) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            assert self.process.poll() is None, "the server has ended"
            try:
                if self.client.get(path).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{path} is not 200 after {START_S:.0f} s")
