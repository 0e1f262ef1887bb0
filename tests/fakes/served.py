"""`retoucher serve` as a process of its own, as a user starts it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from services.commands.speed.servers import free_port

ROOT = Path(__file__).parents[2]


@contextmanager
def served(data: Path, *arguments: str, port: int = 0, cwd: Path | None = None, **settings: str) -> Iterator[str]:
    """Runs the server until the block ends; yields its address once it is ready, models and all."""
    port = port or free_port()
    command = [sys.executable, "-m", "services.cli", "serve", "--port", str(port), "--data-dir", str(data)]
    environment = {
        **os.environ,
        **settings,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared/client/src")]),
    }
    log = data.with_suffix(".log")
    with log.open("ab") as said:
        process = subprocess.Popen([*command, *arguments], stdout=said, stderr=said, env=environment, cwd=cwd)
    url = f"http://127.0.0.1:{port}"
    try:
        until_s = time.monotonic() + 120
        while not ready(url):
            assert process.poll() is None and time.monotonic() < until_s, log.read_text()
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
