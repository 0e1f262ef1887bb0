"""Reads a public RAHF state dict: finds the network's shape in the weights, names and places every one of them.

The file is a plain state dict (`torch.save` or safetensors). Nothing is guessed: a weight without a place, or a place
without a weight, is an error; T5's decoder and the ViT's pooler, which RAHF's maps and scores do not use, are let go.
"""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from services.perception.rahf import HeadShape, Rahf, RahfShape, VisionShape
from shared.errors import ErrorCode, MissingResource

_HEAD_WIDTH = 64
"""Of the published ViTs' attention; the weights do not tell the number of heads."""

_UNUSED = ("t5.decoder.", "t5.lm_head.", "vit.pooler.")

_RENAMED = (
    # transformers up to 4 named a ViT's modules thus; the public checkpoint is of that time.
    (re.compile(r"^vit\.encoder\.layer\."), "vit.layers."),
    (re.compile(r"\.attention\.attention\.query\."), ".attention.q_proj."),
    (re.compile(r"\.attention\.attention\.key\."), ".attention.k_proj."),
    (re.compile(r"\.attention\.attention\.value\."), ".attention.v_proj."),
    (re.compile(r"\.attention\.output\.dense\."), ".attention.o_proj."),
    (re.compile(r"^(vit\.layers\.\d+)\.intermediate\.dense\."), r"\1.mlp.fc1."),
    (re.compile(r"^(vit\.layers\.\d+)\.output\.dense\."), r"\1.mlp.fc2."),
)


def load_rahf(path: Path, vision_heads: int | None = None) -> Rahf:
    """The network of a state dict file, in evaluation mode on the CPU.

    Args:
        path: a `.safetensors` file, or one that `torch.save` wrote.
        vision_heads: attention heads of the ViT; None for 64 channels each, as all published ViTs have.

    Raises:
        MissingResource: MISSING_CHECKPOINT, the file is not there, damaged, or not a RAHF state dict.
    """
    if not path.is_file():
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the RAHF state dict is not at {path.resolve()}: download it from the RichHF project "
            "(github.com/youweiliang/RichHF, CC BY-NC 4.0) and name its path in the profile",
        )
    return rahf_of(_read(path), str(path), vision_heads)


def rahf_of(state: Mapping[str, Tensor], source: str, vision_heads: int | None = None) -> Rahf:
    """The network of a state dict.

    Args:
        state: the weights under their public names.
        source: what to call them in an error.
        vision_heads: as `load_rahf`.

    Raises:
        MissingResource: MISSING_CHECKPOINT, weights are missing, left over, or of another shape.
    """
    named = {_name(key): value for key, value in state.items() if not key.startswith(_UNUSED)}
    try:
        shape = shape_of(named, vision_heads)
        with torch.device("meta"):
            network = Rahf(shape)
        network.load_state_dict(named, strict=True, assign=True)
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        line = " ".join(str(error).split())[:400]
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"{source} is not a RAHF state dict ({line}): take the weights of github.com/youweiliang/RichHF",
        ) from error
    network.train(False)
    return network.requires_grad_(False)


def shape_of(state: Mapping[str, Tensor], vision_heads: int | None = None) -> RahfShape:
    """The network's shape, read off its weights.

    Raises:
        KeyError: a weight that tells is missing.
        ValueError: the shapes make no network.
    """
    patch = state["vit.embeddings.patch_embeddings.projection.weight"]
    width, patch_px = int(patch.shape[0]), int(patch.shape[-1])
    positions = int(state["vit.embeddings.position_embeddings"].shape[1]) - 1
    grid = round(positions**0.5)
    if grid * grid != positions:
        raise ValueError(f"{positions} patches are no square")
    heads = vision_heads or width // _HEAD_WIDTH
    if heads < 1 or width % heads:
        raise ValueError(f"a ViT of width {width} does not divide into {heads} heads")
    vision = VisionShape(
        image_size_px=grid * patch_px,
        patch_px=patch_px,
        width=width,
        depth=_count(state, r"vit\.layers\.(\d+)\."),
        heads=heads,
        mlp=int(state["vit.layers.0.mlp.fc1.weight"].shape[0]),
    )
    return RahfShape(vision=vision, text=_text_table(state), heads=_head_shape(state))


def _text_table(state: Mapping[str, Tensor]) -> dict[str, Any]:
    first = "t5.encoder.block.0.layer."
    gated = f"{first}1.DenseReluDense.wi_0.weight" in state
    vocab, width = (int(length) for length in state["t5.shared.weight"].shape)
    buckets, heads = (int(length) for length in state[f"{first}0.SelfAttention.relative_attention_bias.weight"].shape)
    return {
        "vocab_size": vocab,
        "d_model": width,
        "d_kv": int(state[f"{first}0.SelfAttention.q.weight"].shape[0]) // heads,
        "d_ff": int(state[f"{first}1.DenseReluDense.{'wi_0' if gated else 'wi'}.weight"].shape[0]),
        "num_layers": _count(state, r"t5\.encoder\.block\.(\d+)\."),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu" if gated else "relu",
    }


def _head_shape(state: Mapping[str, Tensor]) -> HeadShape:
    per_task = "heatmap_predictor.implausibility.last_conv2.weight" in state
    heat = "heatmap_predictor.implausibility." if per_task else "heatmap_predictor."
    score = "score_predictor.plausibility." if per_task else "score_predictor."
    stages = _count(state, re.escape(heat) + r"deconv_layers\.(\d+)\.")
    convs = _count(state, re.escape(score) + r"conv_layers\.(\d+)\.weight", step=3)
    return HeadShape(
        heat_entry=(_out(state, f"{heat}conv_layers.0"), _out(state, f"{heat}conv_layers.3")),
        # A transposed convolution's weight is (in, out, 3, 3).
        heat_stages=tuple(int(state[f"{heat}deconv_layers.{at}.0.weight"].shape[1]) for at in range(stages)),
        heat_last=_out(state, f"{heat}last_conv1"),
        score_convs=tuple(_out(state, f"{score}conv_layers.{3 * at}") for at in range(convs)),
        score_linears=(_out(state, f"{score}linear_layers.0"), _out(state, f"{score}linear_layers.2")),
        per_task=per_task,
    )


def _out(state: Mapping[str, Tensor], module: str) -> int:
    return int(state[f"{module}.weight"].shape[0])


def _count(state: Mapping[str, Tensor], pattern: str, step: int = 1) -> int:
    """How many numbered modules there are; `step` is the distance of their numbers."""
    found = {int(match.group(1)) for key in state if (match := re.match(pattern, key)) is not None}
    if not found:
        raise KeyError(pattern)
    return max(found) // step + 1


def _name(key: str) -> str:
    for pattern, replacement in _RENAMED:
        key = pattern.sub(replacement, key) if key.startswith("vit.") else key
    return key


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError, EOFError) as error:
        line = " ".join(str(error).split())[:200]
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT, f"the RAHF state dict {path} is damaged ({line}): download it anew"
        ) from error
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT, f"{path} holds no state dict: take the weights of the RichHF project"
        )
    return loaded
