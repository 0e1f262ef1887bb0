"""Building blocks after the encoders: fusion by self-attention, light attention over scales, gated decoder.

Know shapes alone: nothing of images, prompts or losses.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.perception.saliency.encoders import ConvBlock, as_grid, as_tokens


class Attention(nn.Module):
    """Multi-head attention of queries over memory, both `(B, N, C)`; a bool mask `(B, M)` is True where it counts."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"a width of {width} does not divide into {heads} heads")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, memory: Tensor, memory_mask: Tensor | None = None) -> Tensor:
        """`(B, N, C)`, what each query gathers."""
        q = self._split(self.query(queries))
        k, v = (self._split(part) for part in self.key_value(memory).chunk(2, dim=-1))
        mask = None if memory_mask is None else memory_mask[:, None, None, :]
        gathered = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        merged: Tensor = self.out(gathered.transpose(1, 2).flatten(2))
        return merged

    def _split(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        return tokens.reshape(batch, count, self.heads, width // self.heads).transpose(1, 2)


class FusionBlock(nn.Module):
    """A pre-norm transformer block over the concatenated image and text tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """`(B, N, C)` tokens; `mask` `(B, N)` is False at padding."""
        normed = self.norm_attention(tokens)
        tokens = tokens + self.attention(normed, normed, mask)
        refined: Tensor = tokens + self.mlp(self.norm_mlp(tokens))
        return refined

    @torch.no_grad()
    def begin_as_identity(self) -> None:
        """Zeroes what it adds, so that a trained network may be given it and says what it said."""
        for last in (self.attention.out, self.mlp[-1]):
            for weights in last.parameters():
                weights.zero_()


class ScaleAttention(nn.Module):
    """The light attention refinement over multi-scale features (paper 4.2).

    Each cell of the coarse grid looks at every scale, pooled to that grid at the most; what it gathers then gates the
    channels of each finer scale, so that fine detail passes where the whole image makes it suspect.
    """

    def __init__(self, width: int, heads: int, scales: int) -> None:
        super().__init__()
        self.norm_query = nn.LayerNorm(width)
        self.norm_memory = nn.LayerNorm(width)
        self.scale_embedding = nn.Parameter(torch.zeros(scales, width))
        self.attention = Attention(width, heads)
        self.gates = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(scales - 1))

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The pyramid, finest first, each `(B, C, h, w)`, refined; sizes stay."""
        coarse = pyramid[-1]
        size = coarse.shape[-2], coarse.shape[-1]
        memory = [
            as_tokens(
                functional.adaptive_avg_pool2d(level, (size[0] // 2, size[1] // 2) if at + 1 < len(pyramid) else size)
            )
            + self.scale_embedding[at]
            for at, level in enumerate(pyramid)
        ]
        gathered = self.attention(self.norm_query(as_tokens(coarse)), self.norm_memory(torch.cat(memory, dim=1)))
        context = coarse + as_grid(gathered, size[0], size[1])
        refined = []
        for level, gate in zip(pyramid[:-1], self.gates, strict=True):
            weights = functional.interpolate(gate(context), size=level.shape[-2:], mode="bilinear", align_corners=False)
            refined.append(level * 2 * torch.sigmoid(weights))  # 1 where the gate is undecided
        return *refined, context


class GatedDecoder(nn.Module):
    """From the coarse grid up to the finest scale; a gate decides how much of each finer level enters."""

    def __init__(self, width: int, scales: int) -> None:
        super().__init__()
        steps = scales - 1
        self.gates = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for _ in range(steps))
        self.blocks = nn.ModuleList(ConvBlock(width) for _ in range(steps))

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """`(B, C, h, w)` features at the finest scale of the pyramid, which is given finest first."""
        features = pyramid[-1]
        for skip, gate, block in zip(reversed(pyramid[:-1]), self.gates, self.blocks, strict=True):
            raised = functional.interpolate(features, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            share = torch.sigmoid(gate(torch.cat([raised, skip], dim=1)))
            features = block(raised + share * skip)
        return features


class ImageHeads(nn.Module):
    """What is said of the image as a whole: the logit of "any distortion", and logits of four scores.

    Reads the fused grid on average and where the map is brightest, the finest features at their strongest, the text,
    and the map itself: a small flaw leaves no trace in an average.
    """

    def __init__(self, fused_width: int, fine_width: int, scores: int) -> None:
        super().__init__()
        entering = 3 * fused_width + 2 * fine_width + 2
        self.norm = nn.LayerNorm(entering)
        self.any_distortion = nn.Sequential(nn.Linear(entering, fused_width), nn.GELU(), nn.Linear(fused_width, 1))
        self.scores = nn.Sequential(nn.Linear(entering, fused_width), nn.GELU(), nn.Linear(fused_width, scores))
        self.trust = nn.Parameter(torch.ones(()))

    def forward(self, grid: Tensor, text: Tensor, fine: Tensor, map_logits: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `(B,)` and `(B, 4)` of `(B, C, h, w)` grid, `(B, C)` text, `(B, F, H, W)` fine, `(B, H, W)` map."""
        flat = map_logits.flatten(1).float()
        suspicion = flat.softmax(dim=1).to(fine.dtype)
        at_map = torch.einsum("bcn,bn->bc", fine.flatten(2), suspicion)
        coarse = functional.adaptive_avg_pool2d(map_logits[:, None].float(), (grid.shape[-2], grid.shape[-1])).flatten(
            1
        )
        at_grid = torch.einsum("bcn,bn->bc", grid.flatten(2), coarse.softmax(dim=1).to(grid.dtype))
        brightest = flat.topk(max(1, flat.shape[1] // 200), dim=1).values.mean(dim=1)
        # The map learns from its own loss: through these two numbers the heads could only push it up or down whole.
        numbers = torch.stack([flat.amax(dim=1), brightest], dim=1).detach().to(fine.dtype)
        pooled = torch.cat([grid.mean(dim=(2, 3)), at_grid, text, at_map, fine.amax(dim=(2, 3)), numbers], dim=1)
        normed = self.norm(pooled)
        # The head begins by believing the map: what it has to learn is when not to.
        any_logit = self.any_distortion(normed).squeeze(1) + self.trust * numbers[:, 1]
        return any_logit, self.scores(normed)
