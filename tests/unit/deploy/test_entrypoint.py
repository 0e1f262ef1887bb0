"""The images' entry point and health check, run as they are."""

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from shared.probes import Probes

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


@pytest.fixture
def entrypoint(tmp_path):
    """The script with a `retoucher` of the test's own, which tells how it was called."""
    tell = tmp_path / "retoucher"
    tell.write_text('#!/bin/sh\necho "$NAME|$*"\n')
    tell.chmod(0o755)
    script = tmp_path / "entrypoint.sh"
    script.write_text((DEPLOY / "entrypoint.sh").read_text().replace("/opt/retoucher/bin/retoucher", str(tell)))
    return script


def start(script: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", **variables}
    return subprocess.run(["sh", str(script), *arguments], capture_output=True, text=True, env=environment)


def test_variables_come_from_the_files_and_arguments_pass_whole(entrypoint, tmp_path):
    first, second = tmp_path / "a.env", tmp_path / "b.env"
    first.write_text("OTHER=1\n")
    second.write_text("NAME=redis://:p_w-d@redis:6379/0\n")
    done = start(entrypoint, "worker", "a b", RETOUCHER_ENV_FILES=f"{first} {second}")
    assert (done.returncode, done.stdout) == (0, "redis://:p_w-d@redis:6379/0|worker a b\n")
    assert start(entrypoint, "sweeper", NAME="set").stdout == "set|sweeper\n"


def test_a_missing_file_is_told_in_one_line(entrypoint):
    done = start(entrypoint, "sweeper", RETOUCHER_ENV_FILES="/nowhere/redis.env")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "/nowhere/redis.env" in done.stderr


def check(port: int, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, DEPLOY / "probe.py", str(port), path], capture_output=True, text=True)


def test_the_health_check_tells_ready_from_not_and_from_gone():
    probes = Probes(CollectorRegistry(), 0, "127.0.0.1")
    assert check(probes.port, "/livez").returncode == 0
    assert check(probes.port, "/readyz").returncode == 1
    probes.ready.set()
    assert check(probes.port, "/readyz").returncode == 0
    probes.close()
    gone = check(probes.port, "/livez")
    assert gone.returncode == 1
    assert "does not answer" in gone.stderr
