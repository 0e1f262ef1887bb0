"""How mask-guided pipelines of diffusers are called: the crop, its mask, and words for what belongs there."""

from typing import Any

from services.action.tools.diffusion import Inputs, Sampling


def paint(pipeline: Any, inputs: Inputs, sampling: Sampling, **more: Any) -> Any:
    """Paints into the masks of a batch; `more` goes to the pipeline as it is."""
    return pipeline(
        prompt=inputs.words,
        image=inputs.images,
        mask_image=inputs.masks,
        height=inputs.side_px,
        width=inputs.side_px,
        strength=sampling.strength,
        num_inference_steps=sampling.steps,
        guidance_scale=sampling.guidance,
        generator=inputs.generators,
        output_type="np",
        **more,
    )


def paint_with_negatives(pipeline: Any, inputs: Inputs, sampling: Sampling) -> Any:
    """As `paint`, for pipelines that are also told what is not to be drawn."""
    return paint(pipeline, inputs, sampling, negative_prompt=inputs.negatives)
