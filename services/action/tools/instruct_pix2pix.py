"""The tool `instruct-pix2pix`: edits a crop by an instruction (Brooks et al. 2023); sees no mask."""

from typing import Any

from services.action.tools.base import ToolKind
from services.action.tools.diffusion import Inputs, Recipe, Sampling


def _call(pipeline: Any, inputs: Inputs, sampling: Sampling) -> Any:
    return pipeline(
        prompt=inputs.words,
        image=inputs.images,
        negative_prompt=inputs.negatives,
        num_inference_steps=sampling.steps,
        guidance_scale=sampling.guidance,
        image_guidance_scale=sampling.image_guidance,
        generator=inputs.generators,
        output_type="np",
    )


RECIPE = Recipe(
    name="instruct-pix2pix",
    kind=ToolKind.INSTRUCTION,
    pipelines=("StableDiffusionInstructPix2PixPipeline",),
    native_size_px=512,
    size_multiple_px=8,
    max_batch=8,
    memory_mb=7000,
    sampling=Sampling(steps=30, guidance=7.0, image_guidance=1.5),
    large_parts=("unet",),
    call=_call,
)
