"""Python reads this at its start where its folder is in PYTHONPATH: lets torchvision be imported beside a CPU's torch.

A torchvision that was compiled for CUDA cannot load its operators there, and its import fails; nothing in vLLM calls
them, so they are declared, and its transforms, which need torch alone, work. It happens when torchvision is first
imported, for vLLM starts several processes; where the operators load, nothing is declared.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

OPERATORS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": "(Tensor a, Tensor b, float c, SymInt d, SymInt e, int f, bool g) -> Tensor",
    "_roi_align_backward": (
        "(Tensor a, Tensor b, float c, SymInt d, SymInt e, SymInt f, SymInt g, SymInt h, SymInt i, int j, bool k)"
        " -> Tensor"
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

KEPT: list[object] = []
"""Declarations last as long as the object that made them."""


def declare_operators(folder: Path) -> None:
    """Declares what the library in torchvision's folder would define, if that cannot be loaded."""
    import torch

    try:
        for library in folder.glob("_C*.so"):
            torch.ops.load_library(str(library))
    except OSError:
        declared = torch.library.Library("torchvision", "FRAGMENT")
        for name, signature in OPERATORS.items():
            declared.define(f"{name}{signature}")
        KEPT.append(declared)


class BeforeTorchvision(MetaPathFinder):
    """Finds nothing itself: it sees that torchvision is about to be imported."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """None always."""
        if name == "torchvision":
            sys.meta_path.remove(self)
            spec = PathFinder.find_spec(name)
            if spec is not None and spec.origin is not None:
                declare_operators(Path(spec.origin).parent)
        return None


sys.meta_path.insert(0, BeforeTorchvision())
