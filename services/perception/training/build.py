"""The network that a run begins with: from scratch, from pretrained encoders, or from another checkpoint."""

from collections.abc import Iterable
from typing import Any

import torch
from safetensors import SafetensorError
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedTokenizerBase, T5EncoderModel, ViTConfig, ViTModel

from services.perception.saliency.blocks import FusionBlock
from services.perception.saliency.checkpoint import Network, load_network
from services.perception.saliency.configuration import (
    FUSION_BLOCKS,
    MAX_TEXT_TOKENS,
    DistortionSaliencyConfig,
    tiny_config,
)
from services.perception.saliency.encoders import PlainViT, as_grid, as_tokens
from services.perception.saliency.modelling import DistortionSaliencyModel
from services.perception.saliency.tokens import build_tokenizer
from services.perception.training.options import PretrainedEncoders, TrainingOptions
from shared.errors import BadInput, ErrorCode, MissingResource

_LABEL_HEAD = "label_head."


def build_network(
    options: TrainingOptions,
    *,
    prompts: Iterable[str] = (),
    tokenizer: PreTrainedTokenizerBase | None = None,
    label_counts: tuple[int, ...] = (),
) -> Network:
    """The network before its first step; torch's seed is to be set already.

    Args:
        options: the run.
        prompts: of training samples; the `tiny` tokenizer learns its pieces from them.
        tokenizer: of the same run, where it is resumed; else it is built or loaded.
        label_counts: of the training data's label maps; pretrained encoders do without.

    Raises:
        MissingResource: a checkpoint or encoder is not there.
        BadInput: BAD_OPTION, a switch contradicts the checkpoint that the run begins from.
    """
    if options.init_from is not None:
        network = load_network(options.init_from)
        if bool(network.model.config.attention_refinement) != options.attention_refinement:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"the checkpoint in {options.init_from} {'has' if network.model.refinement else 'lacks'} the attention "
                "refinement, unlike this run: choose another --init-from or the other switch",
            )
        size = options.image_size_px or network.model.config.image_size_px
        return _carried_over(network, size, label_counts, options.fusion_blocks)
    if options.encoders is not None:
        return pretrained_network(options.encoders, options.attention_refinement)
    tokenizer = tokenizer or build_tokenizer(prompts, options.vocab_size)
    config = tiny_config(
        len(tokenizer),
        width=options.width,
        image_size_px=options.image_size_px or 256,
        fusion_blocks=options.fusion_blocks or FUSION_BLOCKS,
        attention_refinement=options.attention_refinement,
        label_counts=label_counts,
    )
    return Network(DistortionSaliencyModel(config), tokenizer, "cpu")


def _carried_over(
    network: Network, image_size_px: int, label_counts: tuple[int, ...], fusion_blocks: int | None
) -> Network:
    """The same network for squares of another size, longer prompts, other label maps, whose head then begins anew.

    Positions of the ViT's cells are interpolated (as ViT does); further fusion blocks begin as the identity.

    Raises:
        BadInput: BAD_OPTION, fewer fusion blocks than there are.
    """
    before = network.model.config
    blocks = fusion_blocks or before.fusion_blocks
    if blocks < before.fusion_blocks:
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"the checkpoint has {before.fusion_blocks} fusion blocks and cannot do with {blocks}: leave out "
            "--fusion-blocks, or ask for more",
        )
    network.tokenizer.model_max_length = max(before.max_text_tokens, MAX_TEXT_TOKENS)
    vision = dict(before.vision or {})
    vision["image_size"] = vision["image_size"] * image_size_px // before.image_size_px
    changed = {
        "image_size_px": image_size_px, "vision": vision, "label_counts": label_counts, "fusion_blocks": blocks,
        "max_text_tokens": network.tokenizer.model_max_length,
    }  # fmt: skip
    model = DistortionSaliencyModel(DistortionSaliencyConfig(**{**before.to_dict(), **changed}))
    weights = network.model.state_dict()
    for at, block in enumerate(model.fusion):
        if at >= before.fusion_blocks and isinstance(block, FusionBlock):
            block.begin_as_identity()
            weights |= {f"fusion.{at}.{name}": value for name, value in block.state_dict().items()}
    if before.image_size_px != image_size_px:
        name = "image_encoder.vit.embeddings.position_embeddings"
        table = weights[name]
        side = round((table.shape[1] - 1) ** 0.5)
        now = side * image_size_px // before.image_size_px
        grid = functional.interpolate(as_grid(table[:, 1:], side, side), size=(now, now), mode="bicubic")
        weights[name] = torch.cat([table[:, :1], as_tokens(grid)], dim=1)
    if tuple(before.label_counts) != label_counts:
        fresh = model.state_dict()
        weights = {name: value for name, value in weights.items() if not name.startswith(_LABEL_HEAD)}
        weights |= {name: value for name, value in fresh.items() if name.startswith(_LABEL_HEAD)}
    model.load_state_dict(weights)
    return Network(model, network.tokenizer, network.device)


def pretrained_network(encoders: PretrainedEncoders, attention_refinement: bool) -> Network:
    """A fresh network around a pretrained ViT and T5; everything after them is untrained.

    Raises:
        MissingResource: MISSING_CHECKPOINT, an encoder cannot be had.
    """
    vision: Any = _loaded(ViTModel, encoders.vision, encoders.vision_revision, add_pooling_layer=False)
    text: Any = _loaded(T5EncoderModel, encoders.text, encoders.text_revision)
    tokenizer: PreTrainedTokenizerBase = _loaded(AutoTokenizer, encoders.text, encoders.text_revision)
    config = DistortionSaliencyConfig(
        encoder="vit",
        image_size_px=vision.config.image_size,
        vision=_table(vision.config),
        text=_table(text.config),
        max_text_tokens=128,
        fusion_width=vision.config.hidden_size,
        fusion_heads=vision.config.num_attention_heads,
        pyramid_width=128 if vision.config.hidden_size % 128 == 0 else vision.config.hidden_size // 2,
        attention_refinement=attention_refinement,
    )
    model = DistortionSaliencyModel(config)
    if not isinstance(model.image_encoder, PlainViT):
        raise TypeError("pretrained encoders are plain ViTs")
    model.image_encoder.vit.load_state_dict(vision.state_dict())
    model.text_encoder.load_state_dict(text.state_dict())
    return Network(model, tokenizer, "cpu")


def _loaded(kind: Any, name: str, revision: str | None, **arguments: Any) -> Any:
    try:
        return kind.from_pretrained(name, revision=revision, **arguments)
    except (OSError, ValueError, SafetensorError) as error:
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the encoder {name!r} cannot be loaded ({' '.join(str(error).split())[:200]}): "
            "give a hub id that can be reached or a folder with its files",
        ) from error


def _table(config: Any) -> dict[str, Any]:
    """A configuration's fields, less those that name the file it came from."""
    left_out = {"transformers_version", "architectures", "model_type", "dtype", "_name_or_path"}
    table: dict[str, Any] = {key: value for key, value in config.to_diff_dict().items() if key not in left_out}
    if isinstance(config, ViTConfig):
        table.update(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    else:
        table["dropout_rate"] = 0.0
    return table
