"""The distortion saliency network (paper 4.2): image and prompt in, a saliency map and whole-image heads out.

A ViT and a T5 encode image and text; their tokens are concatenated and fused by self-attention; a light attention
refines the multi-scale features; a gated decoder draws the map. Losses live with the training, not here.
Deviates from the paper: heads for "any distortion" and RichHF's four scores, and features for a domain check. Where the
training data knows what is seen at each pixel, the features also learn to say that; `agreement` makes use of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, T5Config, T5EncoderModel
from transformers.utils.generic import ModelOutput

from services.perception.saliency.blocks import FusionBlock, GatedDecoder, ImageHeads, ScaleAttention
from services.perception.saliency.configuration import SCORE_NAMES, DistortionSaliencyConfig
from services.perception.saliency.encoders import as_grid, as_tokens, build_encoder
from services.perception.saliency.pooling import pixel_statistics, pooled_statistics, texture_statistics

_PRIOR_LOGIT = -3.0
"""A fresh map begins near the mean of truth maps, about 0.05: without it the first steps only darken it."""


@dataclass
class SaliencyOutput(ModelOutput):
    """What the network says, in float32.

    Attributes:
        map_logits: `(B, H/4, W/4)`; their sigmoid is the saliency map.
        any_logit: `(B,)`, of "there is a distortion".
        score_logits: `(B, 4)`; their sigmoid is plausibility, alignment, aesthetics, overall.
        label_logits: per label map `(B, count, H/4, W/4)`, while training a network that has learnt any; else None.
        fine: `(B, C, H/4, W/4)` features of the decoder, for the verifier; None while training.
        features: `(B, F)` statistics of the image alone, for the domain check; None while training, which has no use
            for them.
    """

    map_logits: Tensor | None = None
    any_logit: Tensor | None = None
    score_logits: Tensor | None = None
    label_logits: tuple[Tensor, ...] | None = None
    fine: Tensor | None = None
    features: Tensor | None = None


class DistortionSaliencyModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    """The network; `save_pretrained` and `from_pretrained` as every transformers model."""

    config: DistortionSaliencyConfig
    config_class = DistortionSaliencyConfig
    main_input_name = "pixel_values"
    base_model_prefix = ""

    def __init__(self, config: DistortionSaliencyConfig) -> None:
        super().__init__(config)
        if config.text is None:
            raise ValueError("the configuration has no `text` table")
        self.image_encoder = build_encoder(config)
        self.text_encoder = T5EncoderModel(T5Config(**config.text))
        widths, width = self.image_encoder.widths, config.fusion_width
        self.image_projection = nn.Linear(widths[-1], width)
        self.text_projection = nn.Linear(self.text_encoder.config.d_model, width)
        self.kind_embedding = nn.Parameter(torch.zeros(2, width))
        self.fusion = nn.ModuleList(FusionBlock(width, config.fusion_heads) for _ in range(config.fusion_blocks))
        self.fusion_norm = nn.LayerNorm(width)
        self.lateral = nn.ModuleList(nn.Conv2d(one, config.pyramid_width, 1) for one in (*widths[:-1], width))
        self.refinement = (
            ScaleAttention(config.pyramid_width, config.fusion_heads, len(widths))
            if config.attention_refinement
            else None
        )
        self.decoder = GatedDecoder(config.pyramid_width, len(widths))
        self.map_head = nn.Conv2d(config.pyramid_width, 1, 1)
        self.label_head = nn.Conv2d(config.pyramid_width, sum(config.label_counts), 1) if config.label_counts else None
        self.heads = ImageHeads(width, config.pyramid_width, len(SCORE_NAMES))
        self.post_init()  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Truncated normal for projections, as ViT; convolutions keep torch's He initialisation."""
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if module is self.map_head and self.map_head.bias is not None:
            nn.init.constant_(self.map_head.bias, _PRIOR_LOGIT)

    def forward(self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor) -> SaliencyOutput:
        """Looks at a batch.

        Args:
            pixel_values: `(B, 3, H, W)` normalised, H = W = `image_size_px`; float32 whatever the network's dtype is,
                for the domain check measures detail that bfloat16 would round away.
            input_ids: `(B, T)` int64 tokens of the prompts.
            attention_mask: `(B, T)`, 0 at padding.
        """
        pyramid = self.image_encoder(pixel_values.to(self.dtype))
        output = self.read(pyramid, input_ids, attention_mask)
        if not self.training:
            output.features = _features(pixel_values, pyramid)
        return output

    def read(self, pyramid: Sequence[Tensor], input_ids: Tensor, attention_mask: Tensor) -> SaliencyOutput:
        """What is said of encoded images under prompts; one image may be read under several, and is encoded once.

        Args:
            pyramid: of the image encoder, finest first; `(B, C, h, w)`, or `(1, C, h, w)` of one image for all prompts.
            input_ids: as `forward` takes them.
            attention_mask: likewise.
        """
        pyramid = [level.expand(len(input_ids), -1, -1, -1) for level in pyramid]
        text = self.text_encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        grid, text_summary = self._fuse(pyramid[-1], text, attention_mask.bool())
        levels = tuple(project(level) for project, level in zip(self.lateral, (*pyramid[:-1], grid), strict=True))
        if self.refinement is not None:
            levels = self.refinement(levels)
        fine = self.decoder(levels)
        map_logits = self.map_head(fine).squeeze(1).float()
        any_logit, score_logits = self.heads(grid, text_summary, fine, map_logits)
        return SaliencyOutput(
            map_logits=map_logits,
            any_logit=any_logit.float(),
            score_logits=score_logits.float(),
            label_logits=self._labels(fine),
            fine=None if self.training else fine.float(),
        )

    def agreement(self, fine: Tensor) -> Tensor | None:
        """`(B,)` in [0, 1]: how likely what is seen is what is meant, on the mean of all cells.

        None for a network that has learnt no label maps. The first half of them says what is seen, the other what would
        be seen were nothing wrong.

        Args:
            fine: `(B, C, h, w)` features of the decoder.
        """
        if self.label_head is None:
            return None
        maps = self._split(self.label_head(fine.to(self.dtype)))
        chances, half = [one.softmax(dim=1) for one in maps], len(maps) // 2
        both = [(seen * meant).sum(dim=1) for seen, meant in zip(chances[:half], chances[half:], strict=True)]
        return torch.stack(both).prod(dim=0).mean(dim=(1, 2))

    def _labels(self, fine: Tensor) -> tuple[Tensor, ...] | None:
        if self.label_head is None or not self.training:
            return None
        return self._split(self.label_head(fine))

    def _split(self, labels: Tensor) -> tuple[Tensor, ...]:
        """What the label head says, by label map, in float32."""
        maps: tuple[Tensor, ...] = torch.split(labels.float(), list(self.config.label_counts), dim=1)
        return maps

    def _fuse(self, grid: Tensor, text: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        image_tokens = self.image_projection(as_tokens(grid)) + self.kind_embedding[0]
        text_tokens = self.text_projection(text) + self.kind_embedding[1]
        count = image_tokens.shape[1]
        mask = torch.cat([text_mask.new_ones(text_mask.shape[0], count), text_mask], dim=1)
        tokens = torch.cat([image_tokens, text_tokens], dim=1)
        for block in self.fusion:
            tokens = block(tokens, mask)
        tokens = self.fusion_norm(tokens)
        share = (text_mask / text_mask.sum(dim=1, keepdim=True).clamp(min=1)).to(tokens.dtype)
        summary = torch.einsum("btc,bt->bc", tokens[:, count:], share)
        return as_grid(tokens[:, :count], grid.shape[-2], grid.shape[-1]), summary


def _features(pixels: Tensor, pyramid: tuple[Tensor, ...]) -> Tensor:
    with torch.no_grad():
        of_pixels = [pixel_statistics(pixels), texture_statistics(pixels)]
        return torch.cat([*of_pixels, *map(pooled_statistics, pyramid)], dim=1)
