"""Becomes vLLM's server on a CPU: `python serve_cpu.py --model FOLDER --served-model-name NAME [more of its options]`.

Adds `serving.yaml`, and what a CPU needs.
"""

import os
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


def main() -> None:
    """Replaces this process."""
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
