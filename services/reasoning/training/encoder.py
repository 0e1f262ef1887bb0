"""Qwen2.5-VL's picture encoder for many small pictures at once, in training: same weights, same results, fewer calls.

The library's own attends picture by picture and finds each one's positions in Python; with some hundred pictures in a
step a GPU waits for that most of the time. Here pictures are filled up to the longest and attend in one call, and on
a CPU one that comes again, as the whole picture does beside each of its regions, is encoded once. Only an encoder
without windows is changed, and only in memory: what is saved knows nothing of it.
"""

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VisionTransformerPretrainedModel,
    apply_rotary_pos_emb_vision,
)
from transformers.vision_utils import get_vision_position_ids

_MULTIPLE = 8
"""The longest picture is rounded up to it: the GPU's fused attention wants masks so."""


@dataclass(frozen=True)
class Layout:
    """Where patches stand once pictures are filled up.

    Attributes:
        pictures, longest: how many, and of how many patches.
        where: `(N,)` int64, of each patch in `(pictures * longest)`; None where all have that many.
        mask: `(pictures, 1, 1, longest)` bool, which places are patches; None likewise.
    """

    pictures: int
    longest: int
    where: Tensor | None
    mask: Tensor | None

    @classmethod
    def of(cls, sizes: Sequence[int], device: torch.device) -> "Layout":
        """Of pictures of so many patches each, in their order."""
        longest = max(sizes)
        if min(sizes) == longest:
            return cls(len(sizes), longest, None, None)
        longest += -longest % _MULTIPLE
        counts = torch.tensor(sizes)
        there = torch.arange(longest) < counts[:, None]
        where = torch.nonzero(there.flatten()).squeeze(1)
        return cls(len(sizes), longest, where.to(device), there[:, None, None].to(device))

    def filled(self, patches: Tensor) -> Tensor:
        """`(N, heads, d)` as `(pictures, heads, longest, d)`."""
        if self.where is not None:
            space = patches.new_zeros(self.pictures * self.longest, *patches.shape[1:])
            patches = space.index_copy(0, self.where, patches)
        return patches.reshape(self.pictures, self.longest, *patches.shape[1:]).transpose(1, 2)

    def taken(self, filled: Tensor) -> Tensor:
        """`(pictures, heads, longest, d)` as `(N, heads * d)`."""
        patches = filled.transpose(1, 2).flatten(2).flatten(0, 1)
        return patches if self.where is None else patches.index_select(0, self.where)


def encode_together(model: PreTrainedModel) -> None:
    """Lets the model's picture encoder take all pictures at once; one of another kind or with windows is left alone."""
    named: Any = model
    visual = named.model.visual
    if not isinstance(visual, Qwen2_5_VisionTransformerPretrainedModel):
        return
    blocks: Any = visual.blocks
    if set(visual.fullatt_block_indexes) != set(range(len(blocks))):
        return
    changed: Any = visual
    changed.forward = functools.partial(_encode, visual, visual.forward)
    changed.patch_embed.forward = MethodType(_embed, visual.patch_embed)
    for block in blocks:
        block.attn.forward = MethodType(_attend, block.attn)


def _encode(visual: Any, own: Any, hidden_states: Tensor, grid_thw: Tensor, **more: Any) -> Any:
    """As the encoder's own forward, but for `last_hidden_state`, which nothing reads."""

    def encode(patches: Tensor, grids: Tensor) -> Any:
        return _together(visual, own, patches, grids, **more)

    if not hidden_states.is_cpu:
        return encode(hidden_states, grid_thw)
    return _once(encode, hidden_states, grid_thw, visual.spatial_merge_unit)


def _once(encode: Callable[[Tensor, Tensor], Any], patches: Tensor, grid_thw: Tensor, unit: int) -> Any:
    """What `encode` makes of pictures, each of which it is given once; a token of it stands for `unit` patches."""
    grids = grid_thw.tolist()
    pictures = torch.split(patches, [t * h * w for t, h, w in grids])
    first: dict[str, int] = {}
    kept, which = list[int](), list[int]()
    for at, (picture, grid) in enumerate(zip(pictures, grids, strict=True)):
        name = f"{grid} {hashlib.sha256(picture.numpy().tobytes()).hexdigest()}"
        if name not in first:
            first[name] = len(kept)
            kept.append(at)
        which.append(first[name])
    encoded = encode(torch.cat([pictures[at] for at in kept]), grid_thw[kept])
    parts = torch.split(encoded.pooler_output, [len(pictures[at]) // unit for at in kept])
    return type(encoded)(pooler_output=torch.cat([parts[at] for at in which]))


def _together(visual: Any, own: Any, hidden_states: Tensor, grid_thw: Tensor, **more: Any) -> Any:
    """The encoder's own forward, with all that it would find in Python picture by picture."""
    grids = [tuple(one) for one in grid_thw.tolist()]
    places = torch.cat([_places(grid, visual.spatial_merge_size) for grid in grids])
    device, counts = hidden_states.device, [t * h * w for t, h, w in grids]
    ends = torch.tensor([0, *counts]).cumsum(0).to(torch.int32)
    order = torch.arange(len(hidden_states) // visual.spatial_merge_unit, device=device)
    return own(
        hidden_states,
        grid_thw,
        position_ids=places.to(device, non_blocking=True),
        cu_seqlens=ends,  # of the loop alone, which is not gone through
        window_index=order,  # without windows any order will do
        cu_window_seqlens=ends,
        layout=Layout.of(counts, device),
        **more,
    )


@functools.lru_cache(maxsize=4096)
def _places(grid: tuple[int, int, int], merge: int) -> Tensor:
    return get_vision_position_ids(torch.tensor([grid]), merge)


def _embed(module: Any, hidden_states: Tensor) -> Tensor:
    """The convolution, which meets every pixel once: a product of matrices, much faster on a GPU."""
    weight = module.proj.weight
    return functional.linear(hidden_states.flatten(1).to(weight.dtype), weight.flatten(1))


def _attend(
    module: Any,
    hidden_states: Tensor,
    cu_seqlens: Tensor,
    position_embeddings: tuple[Tensor, Tensor],
    layout: Layout,
    **unused: Any,
) -> Tensor:
    projected: nn.Module = module.qkv
    query, key, value = projected(hidden_states).unflatten(1, (3, module.num_heads, -1)).unbind(1)
    query, key = apply_rotary_pos_emb_vision(query, key, *position_embeddings)
    attended = functional.scaled_dot_product_attention(
        layout.filled(query), layout.filled(key), layout.filled(value), attn_mask=layout.mask, scale=module.scaling
    )
    out: Tensor = module.proj(layout.taken(attended))
    return out
