"""Configuration of the distortion saliency network, and the two shapes it ships in: `tiny` and `vit`.

Sub-configurations are kept as plain tables, so that a checkpoint loads in every transformers version that knows a ViT
and a T5. Knows no torch.
"""

from typing import Any, ClassVar

from transformers import PreTrainedConfig

SCORE_NAMES = ("plausibility", "alignment", "aesthetics", "overall")
"""The four scores of RichHF-18K, in the order of the score head."""

PYRAMID_STRIDE = 4
"""Stride of the finest features, and of the predicted map, for either encoder."""

FUSION_BLOCKS = 2
"""From scratch; a network that has learnt to look may be given more."""

MAX_TEXT_TOKENS = 160
"""Of a prompt, all of which must be read to be contradicted: longer than any of the benchmark's, whose rarer words are
spelt letter by letter."""


class DistortionSaliencyConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """What the network is made of.

    Attributes:
        encoder: `hybrid`, a convolutional stem of three stages before ViT blocks, or `vit`, a plain ViT.
        image_size_px: side of the square that images are fitted into.
        image_mean, image_std: per channel, of images in [0, 1].
        stem_widths: channels after each stage of the hybrid's stem (strides 4, 8, 16).
        vision: fields of `ViTConfig`; the hybrid's counts a stem cell as a patch of 1.
        text: fields of `T5Config`; only the encoder is used.
        max_text_tokens: a longer prompt is cut.
        fusion_width, fusion_heads, fusion_blocks: of the self-attention over image and text tokens.
        pyramid_width: channels of the multi-scale features and of the decoder.
        attention_refinement: the light attention over scales (paper 4.2); False is the ablation of Table 5.
        label_counts: values of each label map that the network also learns to draw; empty for none.
    """

    model_type = "distortion_saliency"
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["fine", "features"]

    encoder: str = "hybrid"
    image_size_px: int = 256
    image_mean: tuple[float, float, float] | list[float] = (0.5, 0.5, 0.5)
    image_std: tuple[float, float, float] | list[float] = (0.5, 0.5, 0.5)
    stem_widths: tuple[int, ...] | list[int] = (64, 96, 160)
    vision: dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    max_text_tokens: int = MAX_TEXT_TOKENS
    fusion_width: int = 160
    fusion_heads: int = 4
    fusion_blocks: int = FUSION_BLOCKS
    pyramid_width: int = 64
    attention_refinement: bool = True
    label_counts: tuple[int, ...] | list[int] = ()


def tiny_config(
    vocab_size: int,
    *,
    width: int = 160,
    image_size_px: int = 256,
    fusion_blocks: int = FUSION_BLOCKS,
    attention_refinement: bool = True,
    label_counts: tuple[int, ...] = (),
) -> DistortionSaliencyConfig:
    """The shape of the shipped checkpoint, trained from scratch: 4.3M parameters at a width of 160 and 2000 pieces.

    Args:
        vocab_size: pieces of the tokenizer.
        width: channels of tokens, a multiple of 40; all other widths follow.
        image_size_px: side of the square, a multiple of 32.
        fusion_blocks: of self-attention over image and prompt.
        attention_refinement: False is the ablation.
        label_counts: of the label maps that its training data has.
    """
    unit, heads = width // 5, max(4, width // 40)
    return DistortionSaliencyConfig(
        encoder="hybrid",
        image_size_px=image_size_px,
        stem_widths=(2 * unit, 3 * unit, width),
        vision=vision_table(
            width=width, blocks=4, heads=heads, image_size_px=image_size_px // 16, patch_px=1, channels=width
        ),
        text=text_table(vocab_size, width=width, layers=2, heads=heads),
        fusion_width=width,
        fusion_heads=heads,
        fusion_blocks=fusion_blocks,
        pyramid_width=2 * unit,
        attention_refinement=attention_refinement,
        label_counts=label_counts,
    )


def vision_table(
    *, width: int, blocks: int, heads: int, image_size_px: int, patch_px: int, channels: int = 3
) -> dict[str, Any]:
    """Fields of a `ViTConfig` without dropout: repeatable, and small data is augmented by rendering more of it."""
    return {
        "hidden_size": width,
        "num_hidden_layers": blocks,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "image_size": image_size_px,
        "patch_size": patch_px,
        "num_channels": channels,
    }


def text_table(vocab_size: int, *, width: int, layers: int, heads: int) -> dict[str, Any]:
    """Fields of a `T5Config` of version 1.1 (gated GELU) without dropout."""
    return {
        "vocab_size": vocab_size,
        "d_model": width,
        "d_kv": width // heads,
        "d_ff": 2 * width,
        "num_layers": layers,
        "num_heads": heads,
        "dropout_rate": 0.0,
        "feed_forward_proj": "gated-gelu",
    }
