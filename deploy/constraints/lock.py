"""Writes dev.txt: every package of the extra `test`, each at one version, resolved by pip from pyproject.toml.

Run by `make lock`. Nothing is installed: pip only reports what it would install on this platform and Python.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("dev.txt")
REPLACED = {"opencv-python"}
"""rapidocr-onnxruntime asks for it by name; opencv-python-headless is the same module without libGL."""

HEADER = """\
# Complete lock of the extra "test", written by `make lock`; install with `pip install --no-deps -r` (see Makefile).
# Left out on purpose: opencv-python (opencv-python-headless takes its place).
"""


def _resolve(requirements: list[str]) -> dict[str, str]:
    """Name (lower case) to version of all that pip would install, less an index's own local parts (`+cpu`)."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    report = subprocess.run([*command, *requirements], check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout  # noqa: S603
    installs = json.loads(report)["install"]
    return {item["metadata"]["name"].lower(): item["metadata"]["version"].partition("+")[0] for item in installs}


def main() -> None:
    """Resolves and writes the lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = _resolve([".[test]", *project["build-system"]["requires"]])
    for name in REPLACED | {project["project"]["name"]}:
        versions.pop(name, None)
    lines = [f"{name}=={version}" for name, version in sorted(versions.items())]
    LOCK.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{LOCK.relative_to(ROOT)}: {len(lines)} packages\n")


if __name__ == "__main__":
    main()
