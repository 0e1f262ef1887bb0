"""A short alignment run of a small reasoner on coloured squares."""

from pathlib import Path

from fakes.marked import MarkedSource

from services.datasets.proposals.propose import Proposing
from services.reasoning.training.data import AlignmentData
from services.reasoning.training.options import SftOptions

SQUARES = AlignmentData(Proposing(MarkedSource(16)), Proposing(MarkedSource(8)), "coloured squares")


def sft_options(out: Path, **changes: object) -> SftOptions:
    """Four steps of two samples."""
    values = {
        "out": out, "tiny": True, "lora": False, "prompt": "tiny", "steps": 4, "batch_size": 2, "learning_rate": 1e-3,
        "log_every": 1, "evaluate_every": 4, "save_every": 2, "validation_regions": 6, **changes,
    }  # fmt: skip
    return SftOptions.model_validate(values)
