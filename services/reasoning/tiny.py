"""Builds the `tiny` reasoner's untrained folder: Qwen2.5-VL's architecture at a few million parameters, from nothing.

The folder is what `save_pretrained` writes for the large ones, so that transformers, TRL and vLLM read it as they read
those: the same classes, chat template and special tokens. Only sizes and the tokenizer's pieces are its own; bytes that
no piece covers stand for themselves, so every text has tokens. Needs torch: import it late.
"""

import itertools
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from services.reasoning.processors import for_pictures, save_processor

END_OF_TEXT = "<|endoftext|>"
END_OF_TURN = "<|im_end|>"
IMAGE_PLACE = "<|image_pad|>"
VIDEO_PLACE = "<|video_pad|>"
VISION_START, VISION_END = "<|vision_start|>", "<|vision_end|>"

SPECIAL_TOKENS = (
    END_OF_TEXT,
    "<|im_start|>",
    END_OF_TURN,
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    VISION_START,
    VISION_END,
    "<|vision_pad|>",
    IMAGE_PLACE,
    VIDEO_PLACE,
)
"""Qwen2.5-VL's, in its order."""

# Qwen2.5-VL's own (Apache-2.0), without the options that number the pictures.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}"
    "{{ message['content'] }}<|im_end|>\n"
    "{% else %}"
    "{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif content['type'] == 'video' or 'video' in content %}"
    "<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_NEIGHBOURS = (
    ((0, -1), (0, 1), (-1, 0), (1, 0)),
    ((1, 1), (1, -1), (-1, 1), (-1, -1)),
    ((0, -2), (0, 2), (-2, 0), (2, 0)),
)
"""Where the heads of the first layers look to begin with, in patches down and to the right."""
_NEARNESS = 2.0
"""What one of the products that an attention's logit is the sum of is at most."""
_ROTARY_BASE = 10_000.0


@dataclass(frozen=True)
class TinySizes:
    """Sizes of the network; the defaults give about 2.4 million parameters.

    Attributes:
        pieces: of the tokenizer at most, the 256 bytes included, the special tokens not.
        width, layers, heads, key_heads, inner: of the language model.
        vision_width, vision_layers, vision_heads, vision_inner: of the picture encoder.
        patch_px: side of a patch; four are a token, so that a square picture of 84 px in patches of 7 takes 36.
        picture_px: a picture has at most this many pixels squared.
        context_tokens: most of a question and its answer.
    """

    pieces: int = 2000
    width: int = 128
    layers: int = 4
    heads: int = 2
    key_heads: int = 1
    inner: int = 384
    vision_width: int = 128
    vision_layers: int = 5
    vision_heads: int = 4
    vision_inner: int = 384
    patch_px: int = 7
    picture_px: int = 112
    context_tokens: int = 2048


TINY_SIZES = {
    "small": TinySizes(),
    "large": TinySizes(
        width=192, layers=6, heads=3, inner=512, vision_width=192, vision_layers=6, vision_heads=6, vision_inner=512
    ),
}
"""By name; `large` has some 6 million parameters, which a CPU is too slow to teach."""


def build_tiny(folder: Path, texts: Iterable[str], sizes: TinySizes = TinySizes(), seed: int = 0) -> None:
    """Writes an untrained reasoner with its tokenizer and picture processor.

    Args:
        folder: is made.
        texts: what the tokenizer's pieces are learned from: the prompt's words, requests and answers.
        sizes: of the network.
        seed: of the weights; the caller's random state stays as it is.

    Raises:
        OSError: the folder cannot be written.
    """
    tokenizer = _tokenizer(texts, sizes)
    image_processor = Qwen2VLImageProcessorPil(size=_pixels(sizes), patch_size=sizes.patch_px)
    processor = for_pictures(Qwen2_5_VLProcessor)(image_processor, tokenizer, chat_template=CHAT_TEMPLATE)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(_config(tokenizer, sizes))
        look_nearby(model)
    ids = tokenizer.get_added_vocab()
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=ids[END_OF_TEXT],
        pad_token_id=ids[END_OF_TEXT],
        eos_token_id=[ids[END_OF_TURN], ids[END_OF_TEXT]],
        do_sample=False,
    )
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    save_processor(processor, folder)


def look_nearby(model: Qwen2_5_VLForConditionalGeneration) -> None:
    """Lets each head of the picture encoder's first layers begin by looking at one neighbour of a patch.

    So begun it works like a stack of convolutions, and need not first find out that near patches belong together: from
    random weights that took it two to three times as many pictures (Zheng et al. 2024, "Structured initialization for
    attention in vision transformers", has masks of attention for it). Here the constant part of a query and of a key
    does it: rotary positions turn both, so that their product is highest where the key stands at the offset.

    Args:
        model: its encoder's biases of queries and keys are set; training may change them.
    """
    config: Any = model.config.vision_config
    width, heads = config.hidden_size, config.num_heads
    size = width // heads
    frequencies = _ROTARY_BASE ** -(torch.arange(size // 4) / (size // 4))
    strength = math.sqrt(_NEARNESS * math.sqrt(size))
    with torch.no_grad():
        for block, offsets in zip(model.model.visual.blocks, _NEIGHBOURS, strict=False):
            for head, (down, right) in zip(range(heads), itertools.cycle(offsets)):
                turn = torch.cat([-down * frequencies, -right * frequencies])
                query, key = (block.attn.qkv.bias[at + head * size :][:size] for at in (0, width))
                query.copy_(torch.cat([torch.ones_like(turn), torch.zeros_like(turn)]) * strength)
                key.copy_(torch.cat([turn.cos(), turn.sin()]) * strength)


def _pixels(sizes: TinySizes) -> dict[str, int]:
    """Least and most pixels of a picture; it is scaled between them, at least four tokens."""
    return {"shortest_edge": (4 * sizes.patch_px) ** 2, "longest_edge": sizes.picture_px**2}


def _tokenizer(texts: Iterable[str], sizes: TinySizes) -> Qwen2Tokenizer:
    """Byte pairs learned from the texts, split as Qwen splits."""
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.NFC()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=sizes.pieces,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    model = json.loads(learner.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],  # type: ignore[misc]  # pairs, whatever is annotated
        eos_token=END_OF_TURN,
        pad_token=END_OF_TEXT,
        model_max_length=sizes.context_tokens,
    )
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    return tokenizer


def _config(tokenizer: Qwen2Tokenizer, sizes: TinySizes) -> Qwen2_5_VLConfig:
    """Every layer of the picture encoder sees the whole picture: windows save nothing at this size."""
    ids = tokenizer.get_added_vocab()
    half = sizes.width // sizes.heads // 2
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": sizes.width,
            "intermediate_size": sizes.inner,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "num_key_value_heads": sizes.key_heads,
            "max_position_embeddings": sizes.context_tokens,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": _ROTARY_BASE,
                "mrope_section": [half - 2 * (3 * half // 8), 3 * half // 8, 3 * half // 8],
            },
            "bos_token_id": ids[END_OF_TEXT],
            "eos_token_id": ids[END_OF_TURN],
            "pad_token_id": ids[END_OF_TEXT],
            "tie_word_embeddings": True,
        },
        vision_config={
            "patch_size": sizes.patch_px,
            "depth": sizes.vision_layers,
            "hidden_size": sizes.vision_width,
            "intermediate_size": sizes.vision_inner,
            "num_heads": sizes.vision_heads,
            "out_hidden_size": sizes.width,
            "fullatt_block_indexes": list(range(sizes.vision_layers)),
        },
        image_token_id=ids[IMAGE_PLACE],
        video_token_id=ids[VIDEO_PLACE],
        vision_start_token_id=ids[VISION_START],
        vision_end_token_id=ids[VISION_END],
        tie_word_embeddings=True,
        architectures=["Qwen2_5_VLForConditionalGeneration"],
    )
