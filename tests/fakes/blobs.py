"""A synthetic stand-in for the benchmark: coloured noise with a red square as its blemish. Knows the protocol alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from services.datasets.benchmark.parts import LabelMaps
from shared.geometry import Mask
from shared.images import Rgb

HEALTHY_EVERY = 3


@dataclass(frozen=True)
class BlobSample:
    """As `services.perception.training.samples.BlemishSample`."""

    image: Rgb
    clean: Rgb | None
    prompt: str
    visible_masks: tuple[Mask, ...]
    prompt_contradicts: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)
    labels: LabelMaps | None = None
    clean_labels: LabelMaps | None = None
    other_prompt: str | None = None
    spoilt: tuple[Rgb, Mask] | None = None


@dataclass(frozen=True)
class BlobSource:
    """Sample `i` is the same whenever it is asked for; every third is healthy."""

    count: int
    seed: int = 0
    size_hw: tuple[int, int] = (64, 64)
    labelled: bool = False

    @property
    def label_counts(self) -> tuple[int, ...]:
        """Wall or blob."""
        return (2,) if self.labelled else ()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> BlobSample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        rng = np.random.default_rng([self.seed, index])
        height, width = self.size_hw
        clean = rng.integers(60, 140, (height, width, 3)).astype(np.uint8)
        clean[..., 0] //= 2
        image = clean.copy()
        masks: tuple[Mask, ...] = ()
        if index % HEALTHY_EVERY:
            side = int(rng.integers(8, 14))
            y, x = int(rng.integers(0, height - side)), int(rng.integers(0, width - side))
            image[y : y + side, x : x + side] = (230, 30, 30)
            mask = np.zeros(self.size_hw, np.bool_)
            mask[y : y + side, x : x + side] = True
            masks = (mask,)
        return BlobSample(
            image=image,
            clean=clean,
            prompt="grey noise on a wall" if index % 2 else "a wall of grey noise",
            visible_masks=masks,
            scores={"plausibility": 0.4 if masks else 1.0},
            labels=self._labels(masks),
            clean_labels=self._labels(()),
        )

    def _labels(self, masks: tuple[Mask, ...]) -> LabelMaps | None:
        if not self.labelled:
            return None
        labels = np.zeros((1, *self.size_hw), np.uint8)
        for mask in masks:
            labels[0][mask] = 1
        return labels
