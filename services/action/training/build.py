"""The parts of a small diffusers pipeline, from scratch or from a checkpoint: exactly the classes that its tool loads.

Deviates from Stable Diffusion in size, and in what a short run on small crops asks for: an autoencoder without
normalisation (`AutoencoderTiny`), velocity as the target, and noise that leaves nothing of the image at its last step
(Lin et al. 2024, "Common diffusion noise schedules and sample steps are flawed"), so that few steps do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from services.action.training.options import ToolTraining
from shared.errors import BadInput, ErrorCode, MissingResource

MAX_TOKENS = 24
_VOCABULARY = 1500
_TEXT_WIDTH = 64
_BEGIN, _END = "<|startoftext|>", "<|endoftext|>"

_DIFFUSERS: Any = diffusers
"""Its classes are imported lazily, behind stand-ins that tell a type checker nothing."""

PIPELINES = {
    "instruct-pix2pix": "StableDiffusionInstructPix2PixPipeline",
    "sd-inpainting": "StableDiffusionInpaintPipeline",
}


@dataclass(frozen=True)
class Parts:
    """What is trained (an `AutoencoderTiny`, a `UNet2DConditionModel`, a text encoder); the rest (DDIM) is fixed."""

    vae: Any
    unet: Any
    text_encoder: Any
    tokenizer: CLIPTokenizer
    scheduler: Any

    def pipeline(self, tool: str) -> Any:
        """The parts as the tool's own pipeline, in evaluation mode."""
        for part in (self.vae, self.unet, self.text_encoder):
            part.eval()
        made: Any = getattr(_DIFFUSERS, PIPELINES[tool])(
            vae=self.vae,
            unet=self.unet,
            text_encoder=self.text_encoder,
            tokenizer=self.tokenizer,
            scheduler=self.scheduler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        made.set_progress_bar_config(disable=True)
        return made


def build_parts(options: ToolTraining, words: Iterable[str], tokenizer: CLIPTokenizer | None = None) -> Parts:
    """The parts before the first step; torch's seed is to be set already.

    Args:
        options: the run.
        words: instructions or prompts of the training crops; the tokenizer learns from them.
        tokenizer: of the same run, where it is resumed.

    Raises:
        MissingResource: the checkpoint that the run begins with is not there.
        BadInput: it is of another tool.
    """
    if options.init_from is not None:
        return _loaded(options)
    tokenizer = tokenizer or build_tokenizer(words)
    latents = latent_channels(options)
    channels = options.unet_channels
    levels = options.latent_factor.bit_length()
    vae = _DIFFUSERS.AutoencoderTiny(
        encoder_block_out_channels=(options.vae_channels,) * levels,
        decoder_block_out_channels=(options.vae_channels,) * levels,
        num_encoder_blocks=(0,) + (1,) * (levels - 1),
        num_decoder_blocks=(1,) * levels,
        latent_channels=latents,
    )
    unet = _DIFFUSERS.UNet2DConditionModel(
        sample_size=options.side_px // options.latent_factor,
        in_channels=2 * latents if options.tool == "instruct-pix2pix" else 2 * latents + 1,
        out_channels=latents,
        block_out_channels=channels,
        layers_per_block=1,
        norm_num_groups=8,
        # Words are looked at where there are few cells: attention among a thousand would cost more than it gives.
        down_block_types=("DownBlock2D",) * (len(channels) - 1) + ("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",) + ("UpBlock2D",) * (len(channels) - 1),
        cross_attention_dim=_TEXT_WIDTH,
        attention_head_dim=4,
    )
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=_TEXT_WIDTH,
            intermediate_size=2 * _TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    scheduler = _DIFFUSERS.DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        steps_offset=1,  # of no use with trailing steps; the inpainting pipeline insists on it
    )
    return Parts(vae, unet, text_encoder, tokenizer, scheduler)


def latent_channels(options: ToolTraining) -> int:
    """The inpainting pipeline takes 4 latents and no other number."""
    return 4 if options.tool == "sd-inpainting" else options.latent_channels


def build_tokenizer(words: Iterable[str]) -> CLIPTokenizer:
    """CLIP's tokenizer over a vocabulary of the project's own words: byte pairs, so that any text can be spelt."""
    trained = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=_END))
    trained.normalizer = normalizers.Lowercase()
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=[_BEGIN, _END],
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    # CLIP splits at spaces and drops them; a byte-level pre-tokenizer alone would keep each as a letter.
    trained.train_from_iterator((word for text in words for word in text.split()), trainer)
    state = _state(trained)
    vocab: dict[str, int] = dict(state["vocab"])
    for letter in sorted(alphabet):
        vocab.setdefault(f"{letter}</w>", len(vocab))
    # Pairs, as `tokenizers` takes them; CLIPTokenizer's annotation knows the older form alone.
    merges: Any = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in state["merges"]]
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=MAX_TOKENS)


def _state(tokenizer: Tokenizer) -> dict[str, Any]:
    import json

    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    return model


def _loaded(options: ToolTraining) -> Parts:
    folder = options.init_from
    kind = PIPELINES[options.tool]
    try:
        pipeline: Any = _DIFFUSERS.DiffusionPipeline.from_pretrained(
            str(folder), local_files_only=True, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise MissingResource(
            ErrorCode.MISSING_CHECKPOINT,
            f"the checkpoint {folder} cannot be loaded ({reason}): give a folder that `retoucher train` wrote",
        ) from error
    if type(pipeline).__name__ != kind:
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"{folder} holds a {type(pipeline).__name__}, not a {kind}: choose another --init-from",
        )
    # Of convolutions and attention alone, it may go on with crops of another side.
    pipeline.unet.register_to_config(sample_size=options.side_px // pipeline.vae_scale_factor)
    return Parts(pipeline.vae, pipeline.unet, pipeline.text_encoder, pipeline.tokenizer, pipeline.scheduler)
