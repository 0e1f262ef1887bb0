"""The tool `sdxl-inpainting`: draws what the words say into the mask, at a megapixel (Podell et al. 2023)."""

from typing import Any

from services.action.tools.base import ToolKind
from services.action.tools.diffusion import Inputs, Recipe, Sampling


def _call(pipeline: Any, inputs: Inputs, sampling: Sampling) -> Any:
    return pipeline(
        prompt=inputs.words,
        image=inputs.images,
        mask_image=inputs.masks,
        negative_prompt=inputs.negatives,
        height=inputs.side_px,
        width=inputs.side_px,
        strength=sampling.strength,
        num_inference_steps=sampling.steps,
        guidance_scale=sampling.guidance,
        generator=inputs.generators,
        output_type="np",
    )


RECIPE = Recipe(
    name="sdxl-inpainting",
    kind=ToolKind.MASK,
    pipelines=("StableDiffusionXLInpaintPipeline",),
    native_size_px=1024,
    size_multiple_px=8,
    max_batch=4,
    memory_mb=16000,
    # Its inpainting weights leave what they were given nearly as it is at 1: they were trained with less noise.
    sampling=Sampling(steps=30, guidance=7.5, strength=0.99),
    large_parts=("unet",),
    call=_call,
)
