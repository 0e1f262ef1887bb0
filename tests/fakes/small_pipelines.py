"""diffusers' pipelines of their real classes at the smallest sizes, with random weights, in evaluation mode."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxFillPipeline,
    FluxTransformer2DModel,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
    StableDiffusionInpaintPipeline,
    StableDiffusionInstructPix2PixPipeline,
    StableDiffusionXLInpaintPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLProcessor,
    T5Config,
    T5EncoderModel,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from services.action.training.build import build_tokenizer
from services.perception.saliency.tokens import build_tokenizer as t5_tokenizer
from services.reasoning.processors import for_pictures
from services.reasoning.tiny import TinySizes, build_tiny

SIDE_PX = 32
WORDS = ("repair the hand with five fingers", "a woman in a park", "remove the second handle")
TOKENIZER = build_tokenizer(WORDS)


def _vae(latents: int = 4) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=latents,
        norm_num_groups=4,
        sample_size=SIDE_PX,
    )


def _text(width: int = 16, projected: bool = False) -> Any:
    config = CLIPTextConfig(
        vocab_size=len(TOKENIZER),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=24,
        projection_dim=width,
        bos_token_id=TOKENIZER.bos_token_id,
        eos_token_id=TOKENIZER.eos_token_id,
        pad_token_id=TOKENIZER.pad_token_id,
    )
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)


def _unet(channels: int, width: int = 16, **more: Any) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=SIDE_PX // 2,
        in_channels=channels,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=width,
        attention_head_dim=2,
        **more,
    )


def _ready(pipeline: Any) -> Any:
    """Dropout and the like off: parts that are built from a configuration are in training mode."""
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def sd(kind: type = StableDiffusionInpaintPipeline) -> Any:
    torch.manual_seed(0)
    channels = 9 if kind is StableDiffusionInpaintPipeline else 8
    return _ready(
        kind(
            vae=_vae(),
            text_encoder=_text(),
            tokenizer=TOKENIZER,
            unet=_unet(channels),
            scheduler=DDIMScheduler(clip_sample=False, steps_offset=1),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    )


def pix2pix() -> Any:
    return sd(StableDiffusionInstructPix2PixPipeline)


def sdxl() -> Any:
    torch.manual_seed(0)
    more = {"addition_embed_type": "text_time", "addition_time_embed_dim": 4}
    unet = _unet(9, 32, **more, projection_class_embeddings_input_dim=6 * 4 + 16)
    return _ready(
        StableDiffusionXLInpaintPipeline(
            vae=_vae(),
            text_encoder=_text(),
            text_encoder_2=_text(projected=True),
            tokenizer=TOKENIZER,
            tokenizer_2=TOKENIZER,
            unet=unet,
            scheduler=DDIMScheduler(clip_sample=False, steps_offset=1),
            add_watermarker=False,
        )
    )


def flux() -> Any:
    torch.manual_seed(0)
    tokenizer = t5_tokenizer(WORDS, vocab_size=600)
    config = T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4, dropout_rate=0)
    vae = AutoencoderKL(
        sample_size=SIDE_PX,
        block_out_channels=(4,),
        layers_per_block=1,
        latent_channels=2,
        norm_num_groups=1,
        use_quant_conv=False,
        use_post_quant_conv=False,
        shift_factor=0.06,
        scaling_factor=1.5,
    )
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=20,  # 4 cells of 2 latents, of 2 of the masked picture, of 1 of the mask
        out_channels=8,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=True,
    )
    return _ready(
        FluxFillPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=vae,
            text_encoder=_text(32),
            tokenizer=TOKENIZER,
            text_encoder_2=T5EncoderModel(config),
            tokenizer_2=tokenizer,
            transformer=transformer,
        )
    )


def qwen(folder: Path, kind: type = QwenImageEditPipeline) -> Any:
    """With a small Qwen2.5-VL in `folder`. Its processor lacks the part for videos, which needs torchvision."""
    sizes = TinySizes(
        pieces=300, width=32, layers=1, heads=2, key_heads=1, inner=32, vision_width=32, vision_layers=1,
        vision_heads=2, vision_inner=32, patch_px=14, picture_px=56,
    )  # fmt: skip
    if not (folder / "config.json").is_file():
        build_tiny(folder, WORDS, sizes)
    tokenizer = Qwen2Tokenizer.from_pretrained(folder)
    pictures = Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 56 * 56})
    torch.manual_seed(0)
    transformer = QwenImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(8, 4, 4),
    )
    vae = AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 2, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    return _ready(
        kind(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=vae,
            text_encoder=Qwen2_5_VLForConditionalGeneration.from_pretrained(folder),
            tokenizer=tokenizer,
            processor=for_pictures(Qwen2VLProcessor)(pictures, tokenizer),
            transformer=transformer,
        )
    )


def qwen_plus(folder: Path) -> Any:
    return qwen(folder, QwenImageEditPlusPipeline)
