"""The tool `flux-fill`: draws what the words say into the mask (FLUX.1 Fill, a rectified-flow transformer).

Its guidance is distilled into the network: there is no negative prompt, and the number means another thing than in
Stable Diffusion's.
"""

from services.action.tools.base import ToolKind
from services.action.tools.diffusion import Recipe, Sampling
from services.action.tools.painting import paint

RECIPE = Recipe(
    name="flux-fill",
    kind=ToolKind.MASK,
    pipelines=("FluxFillPipeline",),
    native_size_px=1024,
    size_multiple_px=16,
    max_batch=2,
    memory_mb=38000,
    sampling=Sampling(steps=30, guidance=30.0),
    large_parts=("transformer", "text_encoder_2"),
    call=paint,
)
