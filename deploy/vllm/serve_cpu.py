"""Starts vLLM's server on a CPU: `python serve_cpu.py --model FOLDER --served-model-name NAME [more options]`.

Adds what a CPU needs, and `serving.yaml`. Beside a CPU build of torch the operators that torchvision compiles for CUDA
cannot be loaded, and its import fails; nothing here calls them, so they are declared, and torchvision's transforms, which
need torch alone, work. Where the operators load, nothing is declared. Child processes run this file's head, too.
"""

import multiprocessing
import os
import runpy
import sys
from pathlib import Path

import torch

OPERATORS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": "(Tensor a, Tensor b, float c, SymInt d, SymInt e, int f, bool g) -> Tensor",
    "_roi_align_backward": (
        "(Tensor a, Tensor b, float c, SymInt d, SymInt e, SymInt f, SymInt g, SymInt h, SymInt i, int j, bool k) -> Tensor"
    ),
    "qroi_align": "(Tensor a, Tensor b, float c, int d, int e, int f, bool g) -> Tensor",
    "roi_pool": "(Tensor a, Tensor b, float c, SymInt d, SymInt e) -> (Tensor, Tensor)",
    "_roi_pool_backward": (
        "(Tensor a, Tensor b, Tensor c, float d, SymInt e, SymInt f, SymInt g, SymInt h, SymInt i, SymInt j) -> Tensor"
    ),
    "ps_roi_align": "(Tensor a, Tensor b, float c, SymInt d, SymInt e, int f) -> (Tensor, Tensor)",
    "_ps_roi_align_backward": (
        "(Tensor a, Tensor b, Tensor c, float d, SymInt e, SymInt f, int g, SymInt h, SymInt i, SymInt j, SymInt k)"
        " -> Tensor"
    ),
    "ps_roi_pool": "(Tensor a, Tensor b, float c, SymInt d, SymInt e) -> (Tensor, Tensor)",
    "_ps_roi_pool_backward": (
        "(Tensor a, Tensor b, Tensor c, float d, SymInt e, SymInt f, SymInt g, SymInt h, SymInt i, SymInt j) -> Tensor"
    ),
    "deform_conv2d": (
        "(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e, SymInt f, SymInt g, SymInt h, SymInt i, SymInt j, SymInt k,"
        " SymInt l, SymInt m, bool n) -> Tensor"
    ),
    "_deform_conv2d_backward": (
        "(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e, Tensor f, SymInt g, SymInt h, SymInt i, SymInt j, SymInt k,"
        " SymInt l, SymInt m, SymInt n, bool o) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
    ),
}

ON_A_CPU = (
    "--dtype=float32",
    "--enforce-eager",
    # With 128, the default, short questions share no prefix; 16 crashes.
    "--block-size=32",
    "--max-model-len=2048",
    "--max-num-seqs=16",
)


def declare_operators() -> torch.library.Library | None:
    """Declares torchvision's operators where its library cannot be loaded; the declaration lasts as long as the result."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name, signature in OPERATORS.items():
            library.define(f"{name}{signature}")
        return library
    return None


DECLARED = declare_operators()


def main() -> None:
    """Becomes vLLM's server."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    config = Path(__file__).with_name("serving.yaml")
    sys.argv = ["api_server", f"--config={config}", *ON_A_CPU, *sys.argv[1:]]
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__")


if __name__ == "__main__" and multiprocessing.parent_process() is None:
    main()
