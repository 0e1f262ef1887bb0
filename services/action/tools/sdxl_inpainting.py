"""The tool `sdxl-inpainting`: draws what the words say into the mask, at a megapixel (Podell et al. 2023)."""

from services.action.tools.base import ToolKind
from services.action.tools.diffusion import Recipe, Sampling
from services.action.tools.painting import paint_with_negatives

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
    call=paint_with_negatives,
)
