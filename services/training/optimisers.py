"""The optimisers that a training run chooses from.

AdamW moves every weight by itself. Muon moves the matrices and kernels of layers that repeat as a whole, by their
orthogonalised momentum (Jordan et al. 2024), scaled so that it moves them as far as AdamW would (Liu et al. 2025, "Muon
is scalable for LLM training", equation 4), and leaves the rest to AdamW. A network that learns from nothing takes fewer
steps by it.
"""

from typing import Any

import torch
from pytorch_optimizer import Muon
from pytorch_optimizer.optimizer.utils import zero_power_via_newton_schulz_5
from torch import Tensor, nn
from torch.optim import Optimizer

from services.training.runs import TrainerRun

_ADAMW_SHARE = 1 / 3
"""Of Muon's learning rate, which may be some three times that of AdamW."""


def optimiser_of(run: TrainerRun) -> dict[str, Any]:
    """Arguments of a Trainer: the optimiser that the run names. None for AdamW, the Trainer's own."""
    if run.optimizer == "adamw":
        return {}
    return {"optimizer_cls_and_kwargs": (lambda: muon, {"lr": run.learning_rate, "weight_decay": run.weight_decay})}


def muon(model: nn.Module, *, lr: float, weight_decay: float) -> Optimizer:
    """Muon for the matrices of the model's layers, AdamW for its other trainable weights; vectors do not decay."""
    layers = layer_matrices(model)
    chosen = {id(weight) for weight in layers}
    others = [weight for weight in model.parameters() if weight.requires_grad and id(weight) not in chosen]
    tables, vectors = ([one for one in others if (one.ndim > 1) == wide] for wide in (True, False))
    groups: list[dict[str, Any]] = [
        {"params": layers, "use_muon": True, "use_adjusted_lr": True, "lr": lr, "weight_decay": weight_decay},
        {"params": tables, "use_muon": False, "lr": lr * _ADAMW_SHARE, "weight_decay": weight_decay},
        {"params": vectors, "use_muon": False, "lr": lr * _ADAMW_SHARE, "weight_decay": 0.0},
    ]
    kind = _CpuMuon if all(weight.device.type == "cpu" for weight in layers) else Muon
    return kind([group for group in groups if group["params"]])


class _CpuMuon(Muon):
    """Orthogonalises in float32: a CPU without bfloat16 of its own takes some 20 times as long by that."""

    @staticmethod
    def _orthogonalize(group: dict[str, Any], updates: list[Tensor]) -> list[Tensor]:
        return [
            zero_power_via_newton_schulz_5(
                update.flatten(1), num_steps=group["ns_steps"], weights=group["ns_coeffs"], dtype=torch.float32
            )
            for update in updates
        ]


def layer_matrices(model: nn.Module) -> list[nn.Parameter]:
    """The trainable matrices and kernels of layers that stand in a row of their like; no embeddings, no heads."""
    found: dict[int, nn.Parameter] = {}
    for row in model.modules():
        if isinstance(row, nn.ModuleList):
            for layer in row.modules():
                weight = layer.weight if isinstance(layer, nn.Linear | nn.Conv2d) else None
                if isinstance(weight, nn.Parameter) and weight.requires_grad:
                    found[id(weight)] = weight
    return list(found.values())
