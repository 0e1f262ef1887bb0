"""Crops of regions, and whole pictures, with what is to be told of them, patch by patch: for a picture encoder that
learns to look.

Twins are cut alike, so that they differ in the blemish alone.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import ProcessorMixin

from services.datasets.benchmark.parts import LABEL_COUNTS, LabelMaps
from services.datasets.proposals.propose import Proposal, propose
from services.datasets.sources import DrawnSamples, ToldSample
from services.reasoning.contract import CATEGORY_NAMES, NO_CATEGORY
from services.reasoning.prompts import Prompt
from services.reasoning.request import crop_box, outlined_crop, whole_picture
from services.reasoning.truth import marked
from shared.contracts.categories import Category
from shared.images import Rgb

SOUND = CATEGORY_NAMES.index(NO_CATEGORY)
UNTOLD = -100
"""Of what a picture alone does not tell: whether it agrees with its prompt."""
_OF_THE_PROMPT = frozenset({Category.ATTRIBUTE, Category.COUNT})
_ROUNDS, _MOST = 2, 6
"""How often regions of a sample are proposed, and how many are looked at: to draw a sample is dear."""
_PATCH_SHARE = 0.25
"""Of a patch that shows a blemish, so much is covered by it."""
PATCH_COUNTS = (*LABEL_COUNTS, len(CATEGORY_NAMES))
"""How many values a patch's part, colour and category have."""


@dataclass(frozen=True)
class Look:
    """A region's crop, or the whole picture, and what is to be told of it.

    Attributes:
        picture: `(h, w, 3)` uint8, as the model is shown it.
        maps: `(3, H, W)` uint8 of the cut, by pixel of the image: part, colour, category of the blemish.
        category: index into `CATEGORY_NAMES` of what is wrong, or `UNTOLD`.
        is_twin: it is the clean twin of the one before.
    """

    picture: Rgb
    maps: LabelMaps
    category: int
    is_twin: bool


class Looks(Dataset[tuple[Look, ...]]):
    """The regions proposed of each sample, each beside the same cut of the clean twin; last, the whole picture."""

    def __init__(self, samples: DrawnSamples, prompt: Prompt) -> None:
        self._samples = samples
        self._prompt = prompt

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[Look, ...]:
        """Those of one sample, or of the next of which anything is proposed: a batch is never empty.

        Raises:
            ValueError: nothing is proposed of any.
        """
        for step in range(len(self._samples)):
            looks = self._of((index + step) % len(self._samples))
            if looks:
                return looks
        raise ValueError("nothing is proposed of any sample")

    def _of(self, index: int) -> tuple[Look, ...]:
        sample = self._samples[index]
        rng = random.Random(f"{self._samples.seed}/{index}/looks")
        proposals = [one for _ in range(_ROUNDS) for one in propose(sample, rng) if not one.on_twin]
        rng.shuffle(proposals)
        maps = _maps(sample)
        crops = [look for one in proposals[:_MOST] for look in looks_at(sample, maps, one, self._prompt)]
        # Of the whole picture nothing is told as a whole, for it is no region.
        whole = Look(whole_picture(sample.image, self._prompt), maps, UNTOLD, is_twin=False)
        return (*crops, whole) if crops else ()


def looks_at(sample: ToldSample, maps: LabelMaps, proposal: Proposal, prompt: Prompt) -> list[Look]:
    """The crop and, where it shows a blemish, the same cut of the clean twin; `maps` are the sample's, as a `Look`'s.

    Raises:
        ValueError: the sample is not labelled.
    """
    if sample.clean_labels is None or sample.clean is None:
        raise ValueError("only labelled samples can be looked at")
    told = SOUND if proposal.truth is None else CATEGORY_NAMES.index(proposal.truth.category.value)
    if proposal.truth is not None and proposal.truth.category in _OF_THE_PROMPT:
        told = UNTOLD
    looks = [_look(sample.image, maps, proposal, prompt, told, is_twin=False)]
    if told not in (SOUND, UNTOLD):
        sound = np.concatenate([sample.clean_labels, np.full_like(maps[2:], SOUND)])
        looks.append(_look(sample.clean, sound, proposal, prompt, SOUND, is_twin=True))
    return looks


def _maps(sample: ToldSample) -> LabelMaps:
    if sample.labels is None:
        raise ValueError("only labelled samples can be looked at")
    wrong = np.full(sample.image.shape[:2], SOUND, np.uint8)
    for mask, truth in zip(sample.visible_masks, sample.truths, strict=True):
        if truth.category not in _OF_THE_PROMPT:
            wrong[mask] = CATEGORY_NAMES.index(truth.category.value)
    return np.concatenate([sample.labels, wrong[None]])


def _look(image: Rgb, maps: LabelMaps, proposal: Proposal, prompt: Prompt, category: int, *, is_twin: bool) -> Look:
    x0, y0, x1, y1 = crop_box(proposal.box_xyxy_px, prompt.context, (image.shape[0], image.shape[1]))
    return Look(outlined_crop(image, marked(proposal), prompt), maps[:, y0:y1, x0:x1], category, is_twin)


@dataclass(frozen=True)
class LookCollator:
    """Looks as the picture encoder takes them: its patches in its own order, and the targets in the same."""

    processor: ProcessorMixin

    def __call__(self, rows: Sequence[tuple[Look, ...]]) -> dict[str, Tensor]:
        """`pixel_values`, `image_grid_thw`; `patches` `(T, 4, 3)` int64, `category` and `twin_of` `(B,)` int64."""
        looks = [look for row in rows for look in row]
        processor: Any = self.processor
        batch: dict[str, Tensor] = dict(processor.image_processor([one.picture for one in looks], return_tensors="pt"))
        grids = batch["image_grid_thw"].tolist()
        batch["patches"] = torch.cat([_by_token(one.maps, h, w) for one, (_, h, w) in zip(looks, grids, strict=True)])
        batch["category"] = torch.tensor([one.category for one in looks])
        batch["twin_of"] = torch.tensor([at - 1 if one.is_twin else -1 for at, one in enumerate(looks)])
        return batch


def _by_token(maps: LabelMaps, height: int, width: int) -> Tensor:
    """The maps at a grid of patches, by token of four patches: `(height * width / 4, 4, 3)`."""
    size = (width, height)
    planes = [cv2.resize(one, size, interpolation=cv2.INTER_NEAREST) for one in maps]
    wrong = maps[2] != SOUND
    if wrong.any():
        covered = cv2.resize(wrong.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        # A nearest pixel may miss what covers a good part of the patch: the commonest category of the cut stands in.
        commonest = np.bincount(maps[2][wrong]).argmax()
        there = covered >= min(_PATCH_SHARE, float(covered.max()))
        planes[2] = np.where(there, np.where(planes[2] == SOUND, commonest, planes[2]), SOUND)
    grid = torch.from_numpy(np.stack(planes, axis=-1).astype(np.int64))
    return grid.reshape(height // 2, 2, width // 2, 2, len(planes)).transpose(1, 2).reshape(-1, 4, len(planes))
