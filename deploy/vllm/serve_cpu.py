"""Becomes vLLM's server on a CPU: `python serve_cpu.py --model FOLDER --served-model-name NAME [more of its options]`.

Adds `serving.yaml`, and what a CPU needs.
"""

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Two words: vLLM takes no notice of `--config=FILE`, and does not say so.
CONFIG = ("--config", str(HERE / "serving.yaml"))
ON_A_CPU = (
    "--dtype=float32",
    "--enforce-eager",
    # With 128, the default, short questions share no prefix; 16 crashes.
    "--block-size=32",
    "--max-num-seqs=16",
)
ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
"""Gigabytes for the cache; nothing is reported to vLLM's authors."""

SHARED_BYTES = 400 << 20
"""What its processes lay out in /dev/shm: queues of 160 and 240 MB. Its own complaint drowns in its log."""


def complaint(free_bytes: int) -> str | None:
    """What is wrong with so much room in /dev/shm; None if it is enough."""
    if free_bytes >= SHARED_BYTES:
        return None
    return (
        f"vLLM needs {SHARED_BYTES >> 20} MB of /dev/shm, and {free_bytes >> 20} are free: enlarge it (`mount -o "
        "remount,size=1g /dev/shm`; a container is started with --shm-size=1g)"
    )


def main() -> None:
    """Replaces this process."""
    if message := complaint(shutil.disk_usage("/dev/shm").free):  # noqa: S108
        sys.exit(message)
    environment = {**ENVIRONMENT, **os.environ}
    paths = [str(HERE / "cpu"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    module = ["-m", "vllm.entrypoints.openai.api_server"]
    os.execve(  # noqa: S606
        sys.executable,
        [sys.executable, *module, *CONFIG, *ON_A_CPU, *sys.argv[1:]],
        environment,
    )


if __name__ == "__main__":
    main()
