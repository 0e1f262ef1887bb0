"""The model that a run begins with, and the folder that it leaves: weights merged, processor beside them, servable."""

import copy
import re
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from transformers import (
    AutoModelForImageTextToText,
    PreTrainedModel,
    ProcessorMixin,
    Qwen2_5_VLForConditionalGeneration,
)

from services.reasoning.processors import load_processor, save_processor
from services.reasoning.training.options import AlignmentOptions, SftOptions
from shared.errors import BadInput, ErrorCode, MissingResource

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
    """The model before its first step: the one that the run names, or the tiny one that it built, deepened if asked.

    Raises:
        BadInput: BAD_OPTION, as `deepen`.
        MissingResource: as `load_model`.
    """
    name = options.model or options.begin_folder
    model, processor = load_model(
        name, revision=options.revision, device=options.device, half=options.lora and options.bf16
    )
    if isinstance(options, SftOptions) and options.vision_layers is not None:
        deepen(model, options.vision_layers)
    return model, processor


def deepen(model: PreTrainedModel, layers: int) -> None:
    """Adds layers behind those of a picture encoder, each of which changes nothing until it learns.

    A new layer is a copy of the last one whose two outputs are 0: the residual stream passes it as it is, and the
    gradient reaches what the outputs are made of at once.

    Args:
        model: of Qwen2.5-VL's architecture, its encoder without windows.
        layers: that the encoder has afterwards.

    Raises:
        BadInput: BAD_OPTION, the model is of another kind, or has more layers already.
    """
    if not isinstance(model, Qwen2_5_VLForConditionalGeneration):
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"a picture encoder of {type(model).__name__} cannot be deepened: leave out --vision-layers",
        )
    visual: Any = model.model.visual
    config = visual.config
    if set(visual.fullatt_block_indexes) != set(range(config.depth)):
        raise BadInput(
            ErrorCode.BAD_OPTION, "a picture encoder with windows cannot be deepened: leave out --vision-layers"
        )
    if layers < config.depth:
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"the picture encoder has {config.depth} layers already: give --vision-layers {config.depth} or more",
        )
    for _ in range(config.depth, layers):
        added = copy.deepcopy(visual.blocks[-1])
        for last in (added.attn.proj, added.mlp.down_proj):
            torch.nn.init.zeros_(last.weight)
            torch.nn.init.zeros_(last.bias)
        visual.blocks.append(added)
    config.depth = layers
    config.fullatt_block_indexes = visual.fullatt_block_indexes = list(range(layers))


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
