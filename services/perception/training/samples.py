"""What training asks of a data set: samples by index, whether rendered on the fly or read from a folder.

Protocols and numpy; knows no torch and no particular data set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from services.datasets.benchmark.parts import LabelMaps
from services.perception.saliency.configuration import SCORE_NAMES
from shared.geometry import Mask
from shared.images import Rgb


class BlemishSample(Protocol):
    """An image with its prompt and what is wrong with it under that prompt."""

    @property
    def image(self) -> Rgb:
        """`(H, W, 3)` uint8."""
        ...

    @property
    def clean(self) -> Rgb | None:
        """The same scene without its blemishes; None where the data set has no twin."""
        ...

    @property
    def prompt(self) -> str:
        """The words that the image is judged by."""
        ...

    @property
    def visible_masks(self) -> Sequence[Mask]:
        """`(H, W)` bool, one per visible blemish; none on a healthy image."""
        ...

    @property
    def prompt_contradicts(self) -> bool:
        """Whether the prompt was changed to say other than the scene shows: the blemish is then what it denies."""
        ...

    @property
    def labels(self) -> LabelMaps | None:
        """What is seen where in the image; None where the data set does not know."""
        ...

    @property
    def clean_labels(self) -> LabelMaps | None:
        """The same of the twin."""
        ...

    @property
    def other_prompt(self) -> str | None:
        """Under it the image is right and `clean` wrong at the same place; None where no prompt makes that so."""
        ...

    @property
    def spoilt(self) -> tuple[Rgb, Mask] | None:
        """The twin with one place as a bad repair leaves it, and that place; None where the data set has none."""
        ...

    @property
    def scores(self) -> Mapping[str, float]:
        """Those of RichHF's four scores that are known, in [0, 1]."""
        ...


class SampleSource(Protocol):
    """A data set: the same index gives the same sample, in any order and process."""

    @property
    def label_counts(self) -> tuple[int, ...]:
        """How many values each of a sample's K label maps has; empty where there are none."""
        ...

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, index: int) -> BlemishSample:
        """The sample.

        Raises:
            IndexError: the index is not within the length.
        """
        ...


@dataclass(frozen=True)
class FirstOf:
    """The first `count` samples of a source, or all where it has fewer."""

    source: SampleSource
    count: int

    @property
    def label_counts(self) -> tuple[int, ...]:
        """As the source's."""
        return self.source.label_counts

    def __len__(self) -> int:
        return min(self.count, len(self.source))

    def __getitem__(self, index: int) -> BlemishSample:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return self.source[index]


def union_mask(sample: BlemishSample) -> Mask:
    """`(H, W)` bool, all that is visibly wrong; all False on a healthy image."""
    mask = np.zeros(sample.image.shape[:2], np.bool_)
    for one in sample.visible_masks:
        mask |= one
    return mask


def score_targets(sample: BlemishSample) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """`(4,)` float32 in the order of the score head; NaN where the data set does not know the score."""
    return np.asarray([sample.scores.get(name, float("nan")) for name in SCORE_NAMES], np.float32)
