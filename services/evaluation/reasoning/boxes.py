"""Table 3's rows of vision-language models: asked for boxes of what is wrong, the boxes drawn as a map and measured.

The map is 1 inside boxes, softened by the Gaussian of the truth maps. No box gives an even map. An answer that cannot
be read counts as one without a box; how many could be read is told beside.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel, ValidationError

from services.datasets.sources import ToldSamples
from services.evaluation.reasoning.figures import BoxesRow
from services.perception.metrics import mean_metrics, saliency_metrics
from shared.contracts.base import BoxXYXY
from shared.geometry import box_area, intersection
from shared.images import Rgb

REQUEST = (
    "This picture of {width} x {height} pixels was made by a text-to-image model from the prompt {prompt!r}. Mark "
    "every place where something is wrong: anatomy, objects, text, or what contradicts the prompt. Answer with one "
    'JSON object and nothing else: {{"boxes": [[x0, y0, x1, y1], ...]}} in pixels from the top left corner, an empty '
    "list if nothing is wrong."
)
SIGMA_OF_HEIGHT = 1 / 64


class BoxAsker(Protocol):
    """Asks a model in words about pictures."""

    def __call__(self, pictures: Sequence[Image.Image], requests: Sequence[str]) -> Sequence[str]:
        """What it writes of each picture after the request."""
        ...


class _Boxes(BaseModel):
    boxes: list[tuple[float, float, float, float]]


def read_boxes(text: str, size_hw: tuple[int, int]) -> list[BoxXYXY] | None:
    """The boxes of an answer, cut at the picture's border, empty ones left out; None where there is no such JSON."""
    begin, end = text.find("{"), text.rfind("}")
    try:
        given = _Boxes.model_validate_json(text[begin : end + 1]).boxes
        boxes = [(int(x0), int(y0), round(x1), round(y1)) for x0, y0, x1, y1 in given]
    except (ValidationError, ValueError, OverflowError):
        return None
    cut = [intersection(box, (0, 0, size_hw[1], size_hw[0])) for box in boxes]
    return [box for box in cut if box_area(box)]


def rasterised(boxes: Sequence[BoxXYXY], size_hw: tuple[int, int]) -> npt.NDArray[np.float32]:
    """`(H, W)` float32 in [0, 1]: the boxes, softened; 0.5 everywhere without one."""
    if not boxes:
        return np.full(size_hw, 0.5, np.float32)
    saliency = np.zeros(size_hw, np.float32)
    for x0, y0, x1, y1 in boxes:
        saliency[y0:y1, x0:x1] = 1.0
    soft = cv2.GaussianBlur(saliency, (0, 0), size_hw[0] * SIGMA_OF_HEIGHT)
    return np.asarray(soft, np.float32).clip(0.0, 1.0)


def boxes_row(
    model: str,
    samples: ToldSamples,
    ask: BoxAsker,
    *,
    limit: int,
    batch: int = 8,
    advance: Callable[[int], None] = lambda count: None,
) -> BoxesRow | None:
    """The model's row over the first blemished samples; None where there is none.

    Args:
        model: its name.
        samples: a data set.
        ask: the model.
        limit: blemished images at most.
        batch: pictures at once.
        advance: called with the number of images done since the last call.
    """
    metrics, readable = [], 0
    for part in _parts(samples, limit, batch):
        images = [image for image, _, _ in part]
        requests = [
            REQUEST.format(width=image.shape[1], height=image.shape[0], prompt=prompt) for image, prompt, _ in part
        ]
        texts = ask([Image.fromarray(image) for image in images], requests)
        for (image, _, mask), text in zip(part, texts, strict=True):
            size_hw = image.shape[0], image.shape[1]
            boxes = read_boxes(text, size_hw)
            readable += boxes is not None
            metrics.append(saliency_metrics(rasterised(boxes or (), size_hw), mask))
        advance(len(part))
    if not metrics:
        return None
    return BoxesRow(model=model, images=len(metrics), readable=readable / len(metrics), **vars(mean_metrics(metrics)))


_Truth = tuple[Rgb, str, npt.NDArray[np.bool_]]


def _parts(samples: ToldSamples, limit: int, batch: int) -> Iterator[list[_Truth]]:
    """Blemished images with prompt and union of masks, in lists of `batch`."""
    part: list[_Truth] = []
    taken = 0
    for index in range(len(samples)):
        sample = samples[index]
        if sample.visible_masks and taken < limit:
            taken += 1
            part.append((sample.image, sample.prompt, np.any(np.stack(list(sample.visible_masks)), axis=0)))
        if len(part) == batch:
            yield part
            part = []
        if taken == limit:
            break
    if part:
        yield part
