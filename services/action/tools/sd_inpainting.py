"""The tool `sd-inpainting`: draws what the words say into the mask (Rombach et al. 2022, inpainting weights)."""

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
    name="sd-inpainting",
    kind=ToolKind.MASK,
    pipelines=("StableDiffusionInpaintPipeline",),
    native_size_px=512,
    size_multiple_px=8,
    max_batch=8,
    memory_mb=7000,
    sampling=Sampling(steps=30, guidance=7.5),
    large_parts=("unet",),
    call=_call,
)
