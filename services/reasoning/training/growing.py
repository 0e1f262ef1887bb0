"""A model that has learned what its size can, made larger: what is added changes nothing until it learns.

New layers pass the residual stream on as it is, for both of their outputs are 0, and new cells inside a layer weigh
nothing in what leaves it; the gradient reaches those outputs at once, and through them all the rest
(Chen et al. 2016, "Net2Net", with zeros in place of copies).
"""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, Qwen2_5_VLForConditionalGeneration

from shared.errors import BadInput, ErrorCode


@dataclass(frozen=True)
class Growth:
    """How large a model is afterwards; None as it is.

    Attributes:
        vision_layers: of the picture encoder.
        layers: of the language model.
        inner: cells inside each layer of both, between its `up_proj` and its `down_proj`.
    """

    vision_layers: int | None = None
    layers: int | None = None
    inner: int | None = None


def grow(model: PreTrainedModel, growth: Growth) -> None:
    """Grows a model of Qwen2.5-VL's architecture in place; its picture encoder has no windows.

    Raises:
        BadInput: BAD_OPTION, the model is of another kind, or larger already.
    """
    if not isinstance(model, Qwen2_5_VLForConditionalGeneration):
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"a {type(model).__name__} cannot grow: leave out --vision-layers, --layers and --inner",
        )
    visual: Any = model.model.visual
    language: Any = model.model.language_model
    if growth.vision_layers is not None:
        _deepen_encoder(visual, growth.vision_layers)
    if growth.layers is not None:
        _deepen_language_model(language, growth.layers)
    if growth.inner is not None:
        _widen(visual.blocks, visual.config, growth.inner)
        _widen(language.layers, language.config, growth.inner)


def _deepen_encoder(visual: Any, layers: int) -> None:
    config = visual.config
    if set(visual.fullatt_block_indexes) != set(range(config.depth)):
        raise BadInput(
            ErrorCode.BAD_OPTION, "a picture encoder with windows cannot be deepened: leave out --vision-layers"
        )
    _check(layers, config.depth, "the picture encoder", "layers", "--vision-layers")
    for _ in range(config.depth, layers):
        added = copy.deepcopy(visual.blocks[-1])
        _silence(added.attn.proj, added.mlp.down_proj)
        visual.blocks.append(added)
    config.depth = layers
    config.fullatt_block_indexes = visual.fullatt_block_indexes = list(range(layers))


def _deepen_language_model(language: Any, layers: int) -> None:
    config = language.config
    _check(layers, config.num_hidden_layers, "the language model", "layers", "--layers")
    for index in range(config.num_hidden_layers, layers):
        added = copy.deepcopy(language.layers[-1])
        _silence(added.self_attn.o_proj, added.mlp.down_proj)
        added.self_attn.layer_idx = index
        language.layers.append(added)
        config.layer_types = [*config.layer_types, config.layer_types[-1]]
    config.num_hidden_layers = layers


def _widen(layers: Any, config: Any, inner: int) -> None:
    _check(inner, config.intermediate_size, "a layer", "inner cells", "--inner")
    for layer in layers:
        for name in ("gate_proj", "up_proj"):
            setattr(layer.mlp, name, _taller(getattr(layer.mlp, name), inner, config.initializer_range))
        layer.mlp.down_proj = _wider(layer.mlp.down_proj, inner)
        layer.mlp.intermediate_size = inner
    config.intermediate_size = inner


def _check(wanted: int, own: int, who: str, what: str, option: str) -> None:
    if wanted < own:
        raise BadInput(ErrorCode.BAD_OPTION, f"{who} has {own} {what} already: give {option} {own} or more")


def _silence(*outputs: nn.Linear) -> None:
    for output in outputs:
        for weight in output.parameters():
            nn.init.zeros_(weight)


@torch.no_grad()
def _taller(linear: nn.Linear, rows: int, deviation: float) -> nn.Linear:
    """With random rows below its own, whose biases are 0."""
    grown = _like(linear, linear.in_features, rows)
    nn.init.normal_(grown.weight, std=deviation)
    grown.weight[: linear.out_features] = linear.weight
    if linear.bias is not None:
        nn.init.zeros_(grown.bias)
        grown.bias[: linear.out_features] = linear.bias
    return grown


@torch.no_grad()
def _wider(linear: nn.Linear, columns: int) -> nn.Linear:
    """With columns of 0 beside its own."""
    grown = _like(linear, columns, linear.out_features)
    nn.init.zeros_(grown.weight)
    grown.weight[:, : linear.in_features] = linear.weight
    if linear.bias is not None:
        grown.bias.copy_(linear.bias)
    return grown


def _like(linear: nn.Linear, inputs: int, outputs: int) -> nn.Linear:
    weight = linear.weight
    return nn.Linear(inputs, outputs, linear.bias is not None, device=weight.device, dtype=weight.dtype)
