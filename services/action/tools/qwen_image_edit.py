"""The tool `qwen-image-edit`: edits a crop by an instruction (Qwen-Image-Edit, and its later Edit-2509 and -2511).

The first takes batches; the later ones (`QwenImageEditPlusPipeline`) one picture a call. Both bring what they are given
to about a megapixel, whatever is asked: its square is a megapixel from the start.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.action.tools.base import ToolKind
from services.action.tools.diffusion import Inputs, Recipe, Sampling

ONE_AT_A_TIME = "QwenImageEditPlusPipeline"


@dataclass(frozen=True)
class Pictures:
    """What several calls gave: `(B, S, S, 3)` float in [0, 1]."""

    images: npt.NDArray[np.floating[Any]]


def _call(pipeline: Any, inputs: Inputs, sampling: Sampling) -> Any:
    if type(pipeline).__name__ != ONE_AT_A_TIME:
        return _ask(pipeline, inputs, sampling)
    single = [_ask(pipeline, one, sampling).images for one in inputs.singly()]
    return Pictures(np.concatenate(single))


def _ask(pipeline: Any, inputs: Inputs, sampling: Sampling) -> Any:
    guided = sampling.guidance > 1
    return pipeline(
        image=inputs.images,
        prompt=inputs.words,
        # A blank one switches guidance on; without guidance there must be none.
        negative_prompt=[text or " " for text in inputs.negatives] if guided else None,
        true_cfg_scale=sampling.guidance,
        height=inputs.side_px,
        width=inputs.side_px,
        num_inference_steps=sampling.steps,
        generator=inputs.generators,
        output_type="np",
    )


RECIPE = Recipe(
    name="qwen-image-edit",
    kind=ToolKind.INSTRUCTION,
    pipelines=("QwenImageEditPipeline", ONE_AT_A_TIME),
    native_size_px=1024,
    size_multiple_px=16,
    max_batch=1,
    memory_mb=62000,
    sampling=Sampling(steps=40, guidance=4.0),
    large_parts=("transformer", "text_encoder"),
    call=_call,
)
