"""The tool `sd-inpainting`: draws what the words say into the mask (Rombach et al. 2022, inpainting weights)."""

from services.action.tools.base import ToolKind
from services.action.tools.diffusion import Recipe, Sampling
from services.action.tools.painting import paint_with_negatives

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
    call=paint_with_negatives,
)
