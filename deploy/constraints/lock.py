"""Writes dev.txt and train.txt: every package that tests and training need, each at one version, resolved by pip.

Run by `make lock`. Nothing is installed: pip only reports what it would install on this platform and Python.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
REPLACED = {"opencv-python"}
"""rapidocr-onnxruntime asks for it by name; opencv-python-headless is the same module without libGL."""

CUDA_ONLY = ("nvidia-", "cuda-", "triton")
"""What a CUDA build of torch brings; pip finds it from torch itself, and a CPU build does without."""

HEADERS = {
    "dev.txt": """\
# Complete lock of the extra "test", written by `make lock`; install with `pip install --no-deps -r`.
# Left out on purpose: opencv-python (opencv-python-headless takes its place).
""",
    "train.txt": """\
# What the extra "test-train" adds to dev.txt, written by `make lock`; install with `pip install -r` after dev.txt.
""",
}


def _resolve(requirements: list[str]) -> dict[str, str]:
    """Name (lower case) to version of all that pip would install, less an index's own local parts (`+cpu`)."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    report = subprocess.run([*command, *requirements], check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout  # noqa: S603
    installs = json.loads(report)["install"]
    return {item["metadata"]["name"].lower(): item["metadata"]["version"].partition("+")[0] for item in installs}


def _write(name: str, versions: dict[str, str]) -> None:
    lines = [f"{package}=={version}" for package, version in sorted(versions.items())]
    (FOLDER / name).write_text(HEADERS[name] + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{name}: {len(lines)} packages\n")


def main() -> None:
    """Resolves and writes both locks; where both need a package, dev.txt's version holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    everything = _resolve([".[test,test-train]", *project["build-system"]["requires"]])
    for name in REPLACED | {project["project"]["name"]}:
        everything.pop(name, None)
    names = set(_resolve([".[test]", *project["build-system"]["requires"]]))
    _write("dev.txt", {name: version for name, version in everything.items() if name in names})
    rest = {name: version for name, version in everything.items() if name not in names}
    _write("train.txt", {name: version for name, version in rest.items() if not name.startswith(CUDA_ONLY)})


if __name__ == "__main__":
    main()
