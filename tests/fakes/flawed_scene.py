"""A drawn scene with several flaws, and a caller's mask of where they are; of the split that training never saw."""

from dataclasses import dataclass

import numpy as np

from services.datasets.benchmark.sample import make_sample
from shared.images import encode_png


@dataclass(frozen=True)
class FlawedScene:
    """Picture and mask as PNG."""

    picture: bytes
    marks: bytes
    prompt: str


def flawed_scene() -> FlawedScene:
    """Always the same: several flaws, one of which the shipped reasoner would have removed, and then still sees."""
    sample = make_sample(31, 49, "test")
    marks = np.any([region.visible for region in sample.regions], axis=0)
    return FlawedScene(encode_png(sample.image), encode_png(marks.astype(np.uint8) * 255), sample.prompt)
