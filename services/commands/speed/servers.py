"""Starts the processes of a measurement on free ports of loopback, and ends them whatever happens."""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import httpx

from shared.errors import ErrorCode, StageError

START_S = 60.0

NO_LIMITS = MappingProxyType(
    {
        "RETOUCHER_GATEWAY_MAX_WAIT_S": "1000000",
        "RETOUCHER_GATEWAY_REQUESTS_PER_MINUTE": "0",
        "RETOUCHER_GATEWAY_SUBMISSIONS_PER_MINUTE": "0",
        "RETOUCHER_GATEWAY_JOBS_AT_WORK": "0",
    }
)
"""Settings of a server that puts nothing off, for what is measured is the taking."""


def free_port() -> int:
    """A port for a server that starts later: below those that the kernel hands out, or another process that asks for
    any free one would take it in the meantime.
    """
    while True:
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def server(
    name: str, command: Sequence[str], port: int, ready: str, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """Runs a Python server until the block ends; yields its address once `ready` answers with less than 500.

    Args:
        name: for the error.
        command: what follows the interpreter.
        port: that it was told to listen on.
        ready: the path that tells.
        settings: for its environment, beside this process' own.

    Raises:
        StageError: it did not start; with the last line that it said.
    """
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([sys.executable, *command], stdout=said, stderr=said, env={**os.environ, **settings})  # noqa: S603
        try:
            _wait_until_ready(process, f"{url}{ready}")
            yield url
        except TimeoutError as error:
            said.seek(0)
            last = (said.read().decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
            raise StageError(ErrorCode.STAGE_FAILED, f"{name} did not start: {last}") from error
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    until_s = time.monotonic() + START_S
    with httpx.Client(trust_env=False, timeout=5.0) as http:
        while time.monotonic() < until_s and process.poll() is None:
            try:
                if http.get(url).status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return
            except httpx.TransportError:
                pass  # not yet
            time.sleep(0.05)
    raise TimeoutError


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A data folder for the server, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="retoucher-speed-") as folder:
        yield Path(folder)
