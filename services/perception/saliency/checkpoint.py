"""A checkpoint's folder: config.json, model.safetensors, the tokenizer, calibration.json, domain.safetensors, CARD.md,
and where it has a verifier, verifier.json and verifier.safetensors.

Loads and checks it. This is where torch enters: import it late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerBase, T5Tokenizer
from transformers.utils import logging as transformers_logging

from services.perception.calibration import CALIBRATION_FILE, Calibration, load_calibration
from services.perception.domain import DOMAIN_FILE, DomainModel, load_domain
from services.perception.saliency.modelling import DistortionSaliencyModel
from services.perception.saliency.verifier import LoadedVerifier, load_verifier
from shared.errors import ErrorCode, MissingResource

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"
CARD_FILE = "CARD.md"
NETWORK_FILES = (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE)

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True)
class Network:
    """The network with its tokenizer, in evaluation mode on its device."""

    model: DistortionSaliencyModel
    tokenizer: PreTrainedTokenizerBase
    device: str


@dataclass(frozen=True)
class Checkpoint:
    """All that a serving folder holds; `verifier` is None where it has none."""

    network: Network
    calibration: Calibration
    domain: DomainModel
    verifier: LoadedVerifier | None = None


class _Loaded(NamedTuple):
    """What `from_pretrained` returns with `output_loading_info`, which its annotations do not tell."""

    model: DistortionSaliencyModel
    report: dict[str, Any]


def load_checkpoint(folder: Path, device: str = "cpu", dtype: str = "float32") -> Checkpoint:
    """The checkpoint in `folder`, ready to serve.

    Raises:
        MissingResource: MISSING_CHECKPOINT, a file is missing or damaged; NO_GPU, the device is not there.
    """
    require_files(folder, (*NETWORK_FILES, CALIBRATION_FILE, DOMAIN_FILE))
    return Checkpoint(
        load_network(folder, device, dtype),
        load_calibration(folder),
        load_domain(folder),
        load_verifier(folder, folder / WEIGHTS_FILE, device),
    )


def load_network(folder: Path, device: str = "cpu", dtype: str = "float32") -> Network:
    """The network alone, as training leaves it before its calibration.

    Raises:
        MissingResource: as `load_checkpoint`.
    """
    require_files(folder, NETWORK_FILES)
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise MissingResource(
            ErrorCode.NO_GPU, "this profile runs on a GPU and torch sees none: choose a profile for the CPU"
        )
    model = load_model(folder, dtype)
    try:
        tokenizer = load_tokenizer(folder)
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from error
    torch.nn.Module.to(model, device)  # transformers' annotations of `to` and `eval` lose their types
    return Network(model.train(False), tokenizer, device)


def load_model(folder: Path, dtype: str = "float32") -> DistortionSaliencyModel:
    """The weights in `folder`, on the CPU; every one must have its place, and every place its weight.

    Raises:
        MissingResource: MISSING_CHECKPOINT, they are missing, damaged, or of another shape.
    """
    require_files(folder, (CONFIG_FILE, WEIGHTS_FILE))
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        loaded: Any = DistortionSaliencyModel.from_pretrained(
            folder, dtype=DTYPES[dtype], local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, SafetensorError, RuntimeError) as error:
        raise _damaged(folder, str(error)) from error
    model, report = _Loaded(*loaded)
    unmatched = sorted({*report["missing_keys"], *report["unexpected_keys"]})
    if unmatched or report["mismatched_keys"]:
        raise _damaged(folder, f"weights do not fit the configuration: {unmatched or report['mismatched_keys']}")
    return model


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer that lies in a checkpoint's folder; raises as transformers does."""
    tokenizer: PreTrainedTokenizerBase = T5Tokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer


def require_files(folder: Path, names: tuple[str, ...]) -> None:
    """Checks that a checkpoint's files are there.

    Raises:
        MissingResource: MISSING_CHECKPOINT, with the folder, what it lacks, and the command that trains it.
    """
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the saliency checkpoint is not in {folder.resolve()} (no {', '.join(absent)}): "
            f"train it with `retoucher train perception --data DIR --out {folder}`",
        )


def _damaged(folder: Path, reason: str) -> MissingResource:
    line = " ".join(reason.split())
    return MissingResource(
        ErrorCode.MISSING_CHECKPOINT,
        f"the saliency checkpoint in {folder.resolve()} cannot be loaded ({line[:300]}): "
        f"train it anew with `retoucher train perception --data DIR --out {folder}`",
    )
