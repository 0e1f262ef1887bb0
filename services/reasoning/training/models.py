"""The model that a run begins with, and the folder that it leaves: weights merged, processor beside them, servable."""

import re
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from transformers import AutoModelForImageTextToText, PreTrainedModel, ProcessorMixin

from services.reasoning.processors import load_processor, save_processor
from services.reasoning.training.growing import Growth, grow
from services.reasoning.training.options import AlignmentOptions, SftOptions
from shared.errors import ErrorCode, MissingResource

LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "gate_up_proj")
"""Of the language models of Qwen2.5-VL and GLM-4.1V. Servers apply no adapter to a picture encoder."""

_ON_CPU = {"": "sdpa", "vision_config": "eager"}
"""A step of the picture encoder takes a sixth less so: it attends within each small picture by itself."""


def load_model(
    name: str | Path, *, revision: str | None = None, device: str = "cpu", half: bool = False
) -> tuple[PreTrainedModel, ProcessorMixin]:
    """Weights and processor; float32, for a step of AdamW vanishes in half precision.

    Args:
        name: hub id or folder.
        revision: of a hub id.
        device: `cpu` or `cuda`.
        half: bfloat16, where only an adapter is trained, or nothing.

    Raises:
        MissingResource: MISSING_CHECKPOINT; or NO_GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise MissingResource(ErrorCode.NO_GPU, "torch sees no GPU: choose --device cpu")
    dtype: Any = torch.bfloat16 if half else torch.float32
    try:
        model: PreTrainedModel = AutoModelForImageTextToText.from_pretrained(
            name, revision=revision, dtype=dtype, attn_implementation=_ON_CPU if device == "cpu" else None
        )
        processor = load_processor(name, revision)
    except (OSError, ValueError, KeyError) as error:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the model {str(name)!r} cannot be loaded ({' '.join(str(error).split())[:200]}): give a hub id that can "
            "be reached or a folder with a vision-language model",
        ) from error
    torch.nn.Module.to(model, device)  # transformers' own annotation of `to` loses its types
    return model, processor


def load_begin(options: AlignmentOptions) -> tuple[PreTrainedModel, ProcessorMixin]:
    """What a run learns to answer with: what looked first, or else as `load_first`, which see for what is raised."""
    if isinstance(options, SftOptions) and options.looking_steps:
        return load_model(options.looked_folder, device=options.device)
    return load_first(options)


def load_first(options: AlignmentOptions) -> tuple[PreTrainedModel, ProcessorMixin]:
    """The model before its first step: the one that the run names, or the tiny one that it built, grown if asked.

    Raises:
        BadInput: BAD_OPTION, as `grow`.
        MissingResource: as `load_model`.
    """
    name = options.model or options.begin_folder
    model, processor = load_model(
        name, revision=options.revision, device=options.device, half=options.lora and options.bf16
    )
    if isinstance(options, SftOptions) and options.grows:
        grow(model, Growth(options.vision_layers, options.layers, options.inner))
    return model, processor


def adapter(options: AlignmentOptions) -> LoraConfig | None:
    """The adapter to train: all linear layers of the language model, none of the picture encoder."""
    if not options.lora:
        return None
    return LoraConfig(
        r=options.lora_rank,
        lora_alpha=options.lora_alpha,
        target_modules=rf".*language_model\..*\.({'|'.join(map(re.escape, LINEAR_LAYERS))})",
        task_type="CAUSAL_LM",
    )


def save_servable(model: PreTrainedModel | PeftModel, processor: ProcessorMixin, folder: Path, half: bool) -> None:
    """Writes what transformers and vLLM load as it is: an adapter is merged first.

    Args:
        model: trained.
        processor: of the model.
        folder: is made.
        half: write float16: half the size, and a trained model answers the same.
    """
    merged: Any = model.merge_and_unload() if isinstance(model, PeftModel) else model
    if half:
        merged = merged.half()
    merged.save_pretrained(folder)
    save_processor(processor, folder)
