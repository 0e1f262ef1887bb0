"""Samples as training examples, and examples as batches of tensors. Deterministic: no random state.

Variety is the source's: it knows what may be varied without mirroring words or contradicting prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from services.datasets.benchmark.parts import LabelMaps
from services.perception.metrics import truth_map
from services.perception.saliency.configuration import PYRAMID_STRIDE, DistortionSaliencyConfig
from services.perception.saliency.preprocess import Placement, place, to_square
from services.perception.saliency.tokens import tokenise
from services.perception.training.samples import BlemishSample, SampleSource, score_targets, union_mask
from shared.geometry import Mask
from shared.images import Rgb

Item = TypeVar("Item")

LABEL_NAMES = ("truth", "distorted", "scores", "fixations")
"""Keys of a batch that are ground truth, in the order in which the trainer's evaluation hands them on."""


@dataclass(frozen=True)
class Example:
    """One sample in the network's square.

    Attributes:
        square: `(S, S, 3)` uint8.
        prompt: its words.
        fixations: `(S, S)` bool, the visible blemishes.
        truth: `(S/4, S/4)` float32 in [0, 1], their truth map.
        scores: `(4,)` float32, NaN where unknown.
        labels: `(2 K, S/4, S/4)` uint8, what is seen at the middle of each of the map's cells, and then what is seen
            there where nothing is wrong; None where unknown.
        is_twin: it is the clean twin of the example before it.
    """

    square: Rgb
    prompt: str
    fixations: Mask
    truth: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8] | None = None
    is_twin: bool = False


class _Samples(Dataset[Item]):
    """A source's samples, fitted into the network's square.

    Args:
        source: the samples.
        config: gives the square's side and the colour around an image.
    """

    def __init__(self, source: SampleSource, config: DistortionSaliencyConfig) -> None:
        self._source = source
        self._side = config.image_size_px
        self._mean = config.image_mean

    def __len__(self) -> int:
        return len(self._source)


class SaliencyDataset(_Samples[Example]):
    """Each sample of a source as one example."""

    def __getitem__(self, index: int) -> Example:
        return _example(self._source[index], self._side, self._mean)


class TwinnedDataset(_Samples[tuple[Example, ...]]):
    """Each sample of a source, and what it is to be told from.

    A blemished one is followed by its clean twin under the same prompt. Where all that is wrong is for the prompt to
    decide, so are both once more under the other prompt, their parts exchanged: the pictures alone then say nothing.
    The last may be the twin with one place spoilt.
    """

    def __getitem__(self, index: int) -> tuple[Example, ...]:
        sample = self._source[index]
        example = _example(sample, self._side, self._mean)
        if sample.clean is None or not (example.fixations.any() or sample.spoilt is not None):
            return (example,)
        placement = place((sample.image.shape[0], sample.image.shape[1]), self._side)
        # The scores of others are left unknown: a data set may have them for the blemished image alone.
        unscored = replace(example, scores=np.full_like(example.scores, np.nan))
        seen, meant = (None, None) if example.labels is None else np.split(example.labels, 2)
        sound = replace(
            unscored,
            square=to_square(sample.clean, placement, self._mean),
            fixations=np.zeros_like(example.fixations),
            truth=np.zeros_like(example.truth),
            labels=_stacked(meant, meant),
        )
        found = [example]
        if example.fixations.any():
            found.append(replace(sound, is_twin=True))
            if sample.other_prompt is not None:
                here, there = replace(unscored, prompt=sample.other_prompt), replace(sound, prompt=sample.other_prompt)
                found.append(replace(here, square=sound.square, labels=_stacked(meant, seen)))
                found.append(replace(there, square=example.square, labels=_stacked(seen, seen), is_twin=True))
        if sample.spoilt is not None:
            found.append(_spoilt(sample.spoilt, sound, sample.clean_labels, placement, self._mean))
        return tuple(found)


@dataclass(frozen=True)
class SaliencyCollator:
    """Examples to the tensors that the network and its loss take."""

    tokenizer: PreTrainedTokenizerBase
    config: DistortionSaliencyConfig

    def __call__(self, items: Sequence[Example | tuple[Example, ...]]) -> dict[str, Tensor]:
        """A batch: squares, input_ids, attention_mask, and what `LABEL_NAMES` lists; twins side by side.

        `squares` `(B, S, S, 3)` and `label_maps` stay uint8: a quarter and an eighth of what is to be carried to a
        GPU. `twin_of` `(B,)` int64 is, for a clean twin, the index of its blemished image, else -1; with `label_maps`
        `(B, 2 K, S/4, S/4)` where every example has them.
        """
        examples = [one for item in items for one in (item if isinstance(item, tuple) else (item,))]
        twin_of = [at - 1 if example.is_twin else -1 for at, example in enumerate(examples)]
        squares = np.stack([example.square for example in examples])
        ids, mask = tokenise(self.tokenizer, [example.prompt for example in examples], self.config.max_text_tokens)
        labels = [example.labels for example in examples if example.labels is not None]
        all_known = len(labels) == len(examples)
        known = {"label_maps": torch.from_numpy(np.stack(labels))} if all_known else {}
        return known | {
            "squares": torch.from_numpy(squares),
            "input_ids": ids,
            "attention_mask": mask,
            "twin_of": torch.tensor(twin_of),
            "truth": torch.from_numpy(np.stack([example.truth for example in examples])),
            "distorted": torch.tensor([float(example.fixations.any()) for example in examples]),
            "scores": torch.from_numpy(np.stack([example.scores for example in examples])),
            "fixations": torch.from_numpy(np.stack([example.fixations for example in examples])),
        }


def _example(sample: BlemishSample, side: int, mean: Sequence[float]) -> Example:
    placement = place((sample.image.shape[0], sample.image.shape[1]), side)
    fixations = mask_in_square(union_mask(sample), placement)
    return Example(
        square=to_square(sample.image, placement, mean),
        prompt=sample.prompt,
        fixations=fixations,
        truth=coarse_truth(fixations, side // PYRAMID_STRIDE),
        scores=score_targets(sample),
        labels=_coarse_labels(sample.labels, sample.clean_labels, placement),
    )


def _spoilt(
    spoilt: tuple[Rgb, Mask], sound: Example, labels: LabelMaps | None, placement: Placement, mean: Sequence[float]
) -> Example:
    image, place_spoilt = spoilt
    fixations = mask_in_square(place_spoilt, placement)
    return replace(
        sound,
        square=to_square(image, placement, mean),
        fixations=fixations,
        truth=coarse_truth(fixations, len(sound.truth)),
        labels=_coarse_labels(None if labels is None else labels * ~place_spoilt, labels, placement),
    )


def _stacked(seen: npt.NDArray[np.uint8] | None, meant: npt.NDArray[np.uint8] | None) -> npt.NDArray[np.uint8] | None:
    """Coarse maps of what is seen and of what is meant, as an example has them."""
    return None if seen is None or meant is None else np.concatenate([seen, meant])


def label_counts(source: SampleSource) -> tuple[int, ...]:
    """How many values each of an example's label maps has.

    They tell what is seen, and what would be seen were nothing wrong: to say the latter a network must read the prompt
    and know how hands are made, and a blemish is where the two differ.
    """
    return 2 * source.label_counts


def _coarse_labels(
    seen: LabelMaps | None, meant: LabelMaps | None, placement: Placement
) -> npt.NDArray[np.uint8] | None:
    """Label maps at the network's own resolution; around the image lies backdrop."""
    if seen is None or meant is None:
        return None
    labels = np.concatenate([seen, meant])
    grid = placement.side // PYRAMID_STRIDE
    square = np.zeros((len(labels), placement.side, placement.side), np.uint8)
    rows = slice(placement.top, placement.top + placement.height)
    columns = slice(placement.left, placement.left + placement.width)
    for number, one in enumerate(labels):
        size = (placement.width, placement.height)
        square[number, rows, columns] = cv2.resize(one, size, interpolation=cv2.INTER_NEAREST)
    middle = PYRAMID_STRIDE // 2
    return np.ascontiguousarray(square[:, middle::PYRAMID_STRIDE, middle::PYRAMID_STRIDE][:, :grid, :grid])


def coarse_truth(mask: Mask, grid: int) -> npt.NDArray[np.float32]:
    """The truth map of a square mask at the network's own resolution: `(grid, grid)` float32 in [0, 1]."""
    return np.asarray(cv2.resize(truth_map(mask), (grid, grid), interpolation=cv2.INTER_AREA), np.float32)


def mask_in_square(mask: Mask, placement: Placement) -> Mask:
    """A mask scaled and placed like its image, `(S, S)` bool.

    A blemish of a few pixels stays a pixel at least: what vanished in scaling would make its image look healthy.
    """
    square = np.zeros((placement.side, placement.side), np.bool_)
    if not mask.any():
        return square
    inner = cv2.resize(mask.astype(np.float32), (placement.width, placement.height), interpolation=cv2.INTER_AREA)
    threshold = min(0.5, float(inner.max()))
    rows = slice(placement.top, placement.top + placement.height)
    square[rows, placement.left : placement.left + placement.width] = inner >= threshold
    return square
