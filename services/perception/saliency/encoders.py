"""The pluggable image encoders: a pretrained or plain ViT, and a convolutional stem before ViT blocks.

Both give a pyramid of features: strides 4 and 8, and the ViT's token grid. Know nothing of text or of distortions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import ViTConfig, ViTModel

from services.perception.saliency.configuration import DistortionSaliencyConfig

_GROUPS = 8


class ConvBlock(nn.Module):
    """Two 3x3 convolutions with group normalisation and a residual path, `(B, C, h, w)` to the same size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(_GROUPS, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(_GROUPS, width),
        )

    def forward(self, features: Tensor) -> Tensor:
        """The features, refined."""
        return nn.functional.silu(features + self.body(features))


class HybridEncoder(nn.Module):
    """A convolutional stem of three stages, each halving the size, then ViT blocks over the last stage's cells.

    From scratch a stem learns several times faster than patches of 16 pixels do (Xiao et al. 2021, "Early
    convolutions help transformers see better"). Pixels enter folded 2x2 into channels, which loses nothing; a stage at
    half the image's size would cost a quarter of the time.
    """

    def __init__(self, stem_widths: Sequence[int], vision: Mapping[str, Any]) -> None:
        super().__init__()
        config = ViTConfig(**vision)
        if config.num_channels != stem_widths[-1]:
            raise ValueError(f"the ViT reads {config.num_channels} channels, the stem gives {stem_widths[-1]}")
        self.fold = nn.PixelUnshuffle(2)
        self.stages = nn.ModuleList()
        before = 12
        for width in stem_widths:
            self.stages.append(
                nn.Sequential(
                    nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
                    nn.GroupNorm(_GROUPS, width),
                    nn.SiLU(),
                    ConvBlock(width),
                )
            )
            before = width
        self.vit = ViTModel(config, add_pooling_layer=False)
        self.widths = (stem_widths[0], stem_widths[1], config.hidden_size)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Features `(B, C, h, w)` at strides 4, 8 and 16 of `(B, 3, H, W)` normalised pixels."""
        fine, middle, coarse = self.stem(pixels)
        tokens = self.vit(pixel_values=coarse).last_hidden_state[:, 1:]
        return fine, middle, as_grid(tokens, coarse.shape[-2], coarse.shape[-1])

    def stem(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """What the convolutions see, at strides 4, 8 and 16: of pictures of any size that 16 divides."""
        pyramid: list[Tensor] = []
        features = self.fold(pixels)
        for stage in self.stages:
            features = stage(features)
            pyramid.append(features)
        return tuple(pyramid)


class PlainViT(nn.Module):
    """A ViT whose hidden states at one and two thirds of its depth are scaled up to strides 4 and 8.

    A plain ViT has one scale; deconvolving inner layers makes a pyramid of it (as ViTDet and DPT do).
    """

    def __init__(self, vision: Mapping[str, Any]) -> None:
        super().__init__()
        config = ViTConfig(**vision)
        width = config.hidden_size
        if config.patch_size != 16 or not isinstance(config.image_size, int):
            raise ValueError(
                f"patches of 16 pixels are needed for strides 4, 8 and 16 of a square image, not of {config.patch_size}"
            )
        self.vit = ViTModel(config, add_pooling_layer=False)
        self.grid = config.image_size // 16
        depth = config.num_hidden_layers
        self.taps = (max(1, depth // 3), max(1, 2 * depth // 3))
        fine = max(_GROUPS, width // 4 // _GROUPS * _GROUPS)
        middle = max(_GROUPS, width // 2 // _GROUPS * _GROUPS)
        self.to_stride4 = nn.Sequential(
            nn.ConvTranspose2d(width, middle, 2, stride=2),
            nn.GroupNorm(_GROUPS, middle),
            nn.SiLU(),
            nn.ConvTranspose2d(middle, fine, 2, stride=2),
        )
        self.to_stride8 = nn.ConvTranspose2d(width, middle, 2, stride=2)
        self.widths = (fine, middle, width)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """As `HybridEncoder.forward`."""
        output = self.vit(pixel_values=pixels, output_hidden_states=True)
        first, second = (as_grid(output.hidden_states[tap][:, 1:], self.grid, self.grid) for tap in self.taps)
        last = as_grid(output.last_hidden_state[:, 1:], self.grid, self.grid)
        return self.to_stride4(first), self.to_stride8(second), last


def build_encoder(config: DistortionSaliencyConfig) -> HybridEncoder | PlainViT:
    """The encoder that the configuration names.

    Raises:
        ValueError: there is no such encoder.
    """
    if config.vision is None:
        raise ValueError("the configuration has no `vision` table")
    if config.encoder == "hybrid":
        return HybridEncoder(config.stem_widths, config.vision)
    if config.encoder == "vit":
        return PlainViT(config.vision)
    raise ValueError(f"there is no encoder {config.encoder!r}: choose `hybrid` or `vit`")


def as_grid(tokens: Tensor, height: int, width: int) -> Tensor:
    """`(B, height * width, C)` tokens as `(B, C, height, width)`."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, height, width)


def as_tokens(grid: Tensor) -> Tensor:
    """`(B, C, h, w)` as `(B, h * w, C)` tokens."""
    return torch.flatten(grid, 2).transpose(1, 2)
