"""Weights of generative tools: found in a folder, among the shipped checkpoints or at a pinned commit of a model hub.

Loaded with diffusers, and put where the settings say. torch enters here: nothing of it is imported before a first use.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shared.errors import ErrorCode, MissingResource

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
"""Where the weights lie that ship with the project."""

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Weights:
    """Where a tool's weights are.

    Attributes:
        model: a hub's `owner/name`, a folder, or a name below `services/action/checkpoints`.
        licence: SPDX id, or the name that it goes by.
        revision: commit of a hub's repository; None for a folder.
        variant: of the files, `fp16` say; None for the plain ones.
    """

    model: str
    licence: str
    revision: str | None = None
    variant: str | None = None


@dataclass(frozen=True)
class Placement:
    """How a pipeline runs.

    Attributes:
        offload: parts (`model`) or layers (`sequential`) are moved to the GPU only while they are at work.
        quantisation: of the large parts' weights.
        offline: no hub is asked; its cache on this machine is.
    """

    device: str = "cpu"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    offload: Literal["none", "model", "sequential"] = "none"
    quantisation: Literal["none", "int8", "nf4"] = "none"
    offline: bool = False


def load_pipeline(tool: str, kinds: Sequence[str], large_parts: Sequence[str], weights: Weights, how: Placement) -> Any:
    """The pipeline, placed and quiet.

    Args:
        tool: its name, for errors.
        kinds: class names of diffusers' pipelines that the tool can call.
        large_parts: what quantisation is worth while for.
        weights: where they are.
        how: where they go.

    Raises:
        MissingResource: MISSING_PACKAGE, MISSING_CHECKPOINT or NO_GPU.
    """
    torch, diffusers, transformers = _libraries(tool)
    if how.device != "cpu" and not torch.cuda.is_available():
        raise MissingResource(
            ErrorCode.NO_GPU,
            f"the tool {tool} is to run on a GPU and torch sees none: set RETOUCHER_ACTION_DEVICE=cpu for small models,"
            " or choose a profile for the CPU",
        )
    if how.device == "cpu" and (how.offload != "none" or how.quantisation != "none"):
        raise MissingResource(
            ErrorCode.NO_GPU,
            f"the tool {tool} is to be offloaded or quantised, which needs a GPU: set RETOUCHER_ACTION_OFFLOAD=none "
            "and RETOUCHER_ACTION_QUANTISATION=none, or RETOUCHER_ACTION_DEVICE=cuda",
        )
    source, arguments = _source(tool, weights)
    if how.quantisation != "none":
        arguments["quantization_config"] = _quantisation(tool, diffusers, torch, large_parts, how)
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()  # its warnings are about how its own parts fit together
    transformers.utils.logging.disable_progress_bar()
    try:
        pipeline: Any = diffusers.DiffusionPipeline.from_pretrained(
            source,
            dtype=getattr(torch, how.dtype),
            local_files_only=how.offline or "revision" not in arguments,
            **arguments,
        )
    except ImportError as error:
        raise _no_package(tool, error) from error
    except (OSError, ValueError, RuntimeError, AttributeError, KeyError, TypeError, _damaged_file()) as error:
        raise _not_loaded(tool, source, str(error)) from error
    if type(pipeline).__name__ not in kinds:
        known = " or ".join(kinds)
        raise _not_loaded(tool, source, f"they are a {type(pipeline).__name__}'s, and the tool calls {known}")
    pipeline.set_progress_bar_config(disable=True)
    place(pipeline, how.device, how.offload)
    return pipeline


def place(pipeline: Any, device: str, offload: str) -> None:
    """Moves the pipeline to its device, as a whole or part by part as they are needed."""
    if offload == "none":
        pipeline.to(device)
        return
    pipeline.remove_all_hooks()
    if offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)


def _libraries(tool: str) -> tuple[Any, Any, Any]:
    try:
        import diffusers
        import torch
        import transformers
    except ImportError as error:
        raise _no_package(tool, error) from error
    return torch, diffusers, transformers


def _source(tool: str, weights: Weights) -> tuple[str, dict[str, Any]]:
    """What diffusers is to load, and the arguments that pin it."""
    arguments: dict[str, Any] = {"variant": weights.variant} if weights.variant is not None else {}
    for folder in (Path(weights.model), CHECKPOINTS / weights.model):
        if folder.is_dir():
            return str(folder), arguments
    if _HUB_NAME.fullmatch(weights.model) is None or weights.model.startswith("."):
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the weights of {tool} are not in {Path(weights.model).absolute()} nor in {CHECKPOINTS / weights.model}: "
            f"train them with `retoucher train`, or give RETOUCHER_PROFILE_WEIGHTS a folder that has them",
        )
    if weights.revision is None:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the weights of {tool} are {weights.model} of the hub, and no commit is named: pin one with "
            "RETOUCHER_PROFILE_REVISIONS, so that the same weights are had tomorrow",
        )
    return weights.model, {**arguments, "revision": weights.revision}


def _quantisation(tool: str, diffusers: Any, torch: Any, parts: Sequence[str], how: Placement) -> Any:
    try:
        import bitsandbytes  # noqa: F401
    except ImportError as error:
        raise _no_package(tool, error) from error
    compute = getattr(torch, how.dtype)
    return diffusers.PipelineQuantizationConfig(
        quant_backend="bitsandbytes_8bit" if how.quantisation == "int8" else "bitsandbytes_4bit",
        quant_kwargs={"load_in_8bit": True}
        if how.quantisation == "int8"
        else {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": compute},
        components_to_quantize=list(parts),
    )


def _damaged_file() -> type[Exception]:
    from safetensors import SafetensorError

    kind: type[Exception] = SafetensorError
    return kind


def _no_package(tool: str, error: ImportError) -> MissingResource:
    return MissingResource(
        ErrorCode.MISSING_PACKAGE,
        f"the tool {tool} needs a package that is not here ({' '.join(str(error).split())[:160]}): "
        "install the extra `editing`, and bitsandbytes for quantised weights",
    )


def _not_loaded(tool: str, source: str, reason: str) -> MissingResource:
    return MissingResource(
        ErrorCode.MISSING_CHECKPOINT,
        f"the weights of {tool} in {source} cannot be loaded ({' '.join(reason.split())[:300]}): "
        "check the folder or the hub's id and commit (RETOUCHER_PROFILE_WEIGHTS, RETOUCHER_PROFILE_REVISIONS)",
    )
