"""RAHF, the public RichHF predictor (Liang et al. 2024), as an implementation of its own that takes its state dict.

A ViT's tokens are projected to the width of a T5, go through its encoder before the prompt's, and convolutional heads
read heat maps and scores off the image tokens. Deviates: T5's decoder, which only writes sentences, is left out.
Knows tensors; what is done with a heat map is the detector's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase, T5Config, T5EncoderModel

HEAT_MAPS = ("implausibility", "misalignment")
SCORES = ("plausibility", "alignment", "aesthetics", "overall")

_EPSILON = 1e-8
_VIT_EPSILON = 1e-12


@dataclass(frozen=True)
class VisionShape:
    """Of the ViT: `mlp` is the width of its hidden layer."""

    image_size_px: int
    patch_px: int
    width: int
    depth: int
    heads: int
    mlp: int

    @property
    def grid(self) -> int:
        """Patches per side."""
        return self.image_size_px // self.patch_px


@dataclass(frozen=True)
class HeadShape:
    """Channels of the heads' layers, in order.

    Attributes:
        heat_entry: of the two convolutions before upsampling.
        heat_stages: of each upsampling stage.
        heat_last: of the convolution before the one that draws the map.
        score_convs: of the score heads' convolutions.
        score_linears: of their hidden linear layers.
        per_task: each heat map and score has a head of its own; else one of each kind serves all, and the text says
            which is meant.
    """

    heat_entry: tuple[int, int]
    heat_stages: tuple[int, ...]
    heat_last: int
    score_convs: tuple[int, ...]
    score_linears: tuple[int, int]
    per_task: bool


@dataclass(frozen=True)
class RahfShape:
    """The whole network; `text` are fields of `T5Config`."""

    vision: VisionShape
    text: Mapping[str, Any]
    heads: HeadShape


@dataclass(frozen=True)
class RahfOutput:
    """`(B, S, S)` heat maps and `(B,)` scores by name, in [0, 1]; a higher score is better, a hotter place worse."""

    heat_maps: Mapping[str, Tensor]
    scores: Mapping[str, Tensor]


class ChannelNorm(nn.Module):
    """x * rsqrt(mean over channels of x^2 + 1e-8) * scale, `(B, C, h, w)`; `scale` is `(C, 1, 1)`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        """The features, of unit mean square over channels before scaling."""
        return features * torch.rsqrt(features.square().mean(dim=1, keepdim=True) + _EPSILON) * self.scale


class SelfAttention(nn.Module):
    """A ViT's self-attention, with biases."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, tokens: Tensor) -> Tensor:
        """`(B, N, C)` to the same shape."""
        batch, count, width = tokens.shape
        q, k, v = (
            project(tokens).reshape(batch, count, self.heads, width // self.heads).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        merged: Tensor = self.o_proj(mixed)
        return merged


class VitBlock(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, shape: VisionShape) -> None:
        super().__init__()
        self.layernorm_before = nn.LayerNorm(shape.width, eps=_VIT_EPSILON)
        self.attention = SelfAttention(shape.width, shape.heads)
        self.layernorm_after = nn.LayerNorm(shape.width, eps=_VIT_EPSILON)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(shape.width, shape.mlp), "fc2": nn.Linear(shape.mlp, shape.width)})

    def forward(self, tokens: Tensor) -> Tensor:
        """`(B, N, C)` to the same shape."""
        tokens = tokens + self.attention(self.layernorm_before(tokens))
        hidden = functional.gelu(self.mlp["fc1"](self.layernorm_after(tokens)))
        refined: Tensor = tokens + self.mlp["fc2"](hidden)
        return refined


class PatchProjection(nn.Module):
    """One linear map of each patch."""

    def __init__(self, shape: VisionShape) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, shape.width, shape.patch_px, stride=shape.patch_px)

    def forward(self, pixels: Tensor) -> Tensor:
        """`(B, 3, S, S)` to `(B, N, C)`."""
        return torch.flatten(self.projection(pixels), 2).transpose(1, 2)


class VitEmbeddings(nn.Module):
    """Patches, a class token before them, and positions."""

    def __init__(self, shape: VisionShape) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 1 + shape.grid**2, shape.width))
        self.patch_embeddings = PatchProjection(shape)

    def forward(self, pixels: Tensor) -> Tensor:
        """`(B, 3, S, S)` to `(B, 1 + N, C)`."""
        patches = self.patch_embeddings(pixels)
        return torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1) + self.position_embeddings


class Vit(nn.Module):
    """The ViT of Dosovitskiy et al. 2021 without its pooler."""

    def __init__(self, shape: VisionShape) -> None:
        super().__init__()
        self.embeddings = VitEmbeddings(shape)
        self.layers = nn.ModuleList(VitBlock(shape) for _ in range(shape.depth))
        self.layernorm = nn.LayerNorm(shape.width, eps=_VIT_EPSILON)

    def forward(self, pixels: Tensor) -> Tensor:
        """`(B, 3, S, S)` to `(B, 1 + N, C)`."""
        tokens = self.embeddings(pixels)
        for layer in self.layers:
            tokens = layer(tokens)
        normed: Tensor = self.layernorm(tokens)
        return normed


class HeatMapHead(nn.Module):
    """Convolutions, then upsampling stages with a residual pair each, then one sigmoid channel."""

    def __init__(self, channels: int, shape: HeadShape) -> None:
        super().__init__()
        first, second = shape.heat_entry
        self.conv_layers = nn.Sequential(
            nn.Conv2d(channels, first, 3, padding=1),
            nn.ReLU(),
            ChannelNorm(first),
            nn.Conv2d(first, second, 3, padding=1),
            nn.ReLU(),
            ChannelNorm(second),
        )
        self.deconv_layers, self.conv_layers2 = nn.ModuleList(), nn.ModuleList()
        before = second
        for width in shape.heat_stages:
            raising = nn.ConvTranspose2d(before, width, 3, stride=2, padding=1, output_padding=1)
            self.deconv_layers.append(nn.Sequential(raising, ChannelNorm(width), nn.ReLU()))
            self.conv_layers2.append(
                nn.Sequential(
                    nn.Conv2d(width, width, 3, padding=1),
                    ChannelNorm(width),
                    nn.ReLU(),
                    nn.Conv2d(width, width, 3, padding=1),
                    ChannelNorm(width),
                )
            )
            before = width
        self.last_conv1 = nn.Conv2d(before, shape.heat_last, 3, padding=1)
        self.last_conv2 = nn.Conv2d(shape.heat_last, 1, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """`(B, C, g, g)` to `(B, S, S)` in [0, 1]."""
        features = self.conv_layers(features)
        for raising, pair in zip(self.deconv_layers, self.conv_layers2, strict=True):
            features = raising(features)
            features = functional.relu(features + pair(features))
        drawn: Tensor = self.last_conv2(functional.relu(self.last_conv1(features)))
        return drawn.sigmoid().squeeze(1)


class ScoreHead(nn.Module):
    """Narrowing convolutions over the grid, flattened into three linear layers and a sigmoid."""

    def __init__(self, channels: int, cells: int, shape: HeadShape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for width in shape.score_convs:
            layers += [nn.Conv2d(before, width, 3, padding=1), ChannelNorm(width), nn.ReLU()]
            before = width
        self.conv_layers = nn.Sequential(*layers)
        first, second = shape.score_linears
        self.linear_layers = nn.Sequential(
            nn.Linear(before * cells, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """`(B, C, g, g)` to `(B,)` in [0, 1]."""
        scored: Tensor = self.linear_layers(self.conv_layers(features).flatten(1))
        return scored.sigmoid().squeeze(1)


class Rahf(nn.Module):
    """The network; its parameters bear the public checkpoint's names (see `services.perception.rahf_state`)."""

    def __init__(self, shape: RahfShape) -> None:
        super().__init__()
        self.shape = shape
        self.vit = Vit(shape.vision)
        self.t5 = T5EncoderModel(T5Config(**shape.text))
        width = int(shape.text["d_model"])
        self.visual_token_projection = nn.Linear(shape.vision.width, width)
        cells = shape.vision.grid**2
        heads = shape.heads
        self.heatmap_predictor: nn.Module
        self.score_predictor: nn.Module
        if heads.per_task:
            self.heatmap_predictor = nn.ModuleDict({name: HeatMapHead(width, heads) for name in HEAT_MAPS})
            self.score_predictor = nn.ModuleDict({name: ScoreHead(width, cells, heads) for name in SCORES})
        else:
            self.heatmap_predictor = HeatMapHead(width, heads)
            self.score_predictor = ScoreHead(width, cells, heads)

    def forward(self, pixels: Tensor, prompts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> RahfOutput:
        """Looks at a batch.

        Args:
            pixels: `(B, 3, S, S)` in [-1, 1], RGB.
            prompts: one for each image.
            tokenizer: T5's. Padding is attended to, as in training: batch prompts of one length, or one at a time.
        """
        visual = self.visual_token_projection(self.vit(pixels))
        heat, scores = self.heatmap_predictor, self.score_predictor
        if isinstance(heat, nn.ModuleDict) and isinstance(scores, nn.ModuleDict):
            grid = self._grid(visual, prompts, tokenizer)
            return RahfOutput(
                {name: head(grid) for name, head in heat.items()}, {name: head(grid) for name, head in scores.items()}
            )
        grids = {
            name: self._grid(visual, [f"<output> {kind}: {name} </output> {prompt}" for prompt in prompts], tokenizer)
            for kind, names in (("SCORE", SCORES), ("HEATMAP", HEAT_MAPS))
            for name in names
        }
        return RahfOutput(
            {name: heat(grids[name]) for name in HEAT_MAPS}, {name: scores(grids[name]) for name in SCORES}
        )

    def _grid(self, visual: Tensor, prompts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> Tensor:
        """Image tokens after T5's encoder saw them with the text, `(B, C, g, g)`; the class token is dropped."""
        encoded = tokenizer(list(prompts), return_tensors="pt", padding=True, truncation=True)
        ids = torch.as_tensor(encoded["input_ids"]).to(visual.device)
        tokens = torch.cat([visual, self.t5.encoder.embed_tokens(ids)], dim=1)
        hidden: Tensor = self.t5(inputs_embeds=tokens).last_hidden_state[:, 1 : visual.shape[1]]
        side = self.shape.vision.grid
        return hidden.transpose(1, 2).reshape(len(prompts), -1, side, side)
