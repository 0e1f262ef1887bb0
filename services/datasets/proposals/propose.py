"""The regions of one sample: on its blemishes, on the same places of its clean twin, and on sound things.

By seed: the same sample and seed give the same regions. Which blemish a region shows the matching rule alone tells.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from services.datasets.proposals.matching import Match, match
from services.datasets.proposals.shapes import Spoiling, blob, detail, moved_to, spoilt
from services.datasets.schema import RegionTruth
from services.datasets.sources import Retold, ToldSample, ToldSamples
from shared.contracts.base import BoxXYXY
from shared.geometry import Mask, dilate, mask_box
from shared.images import Rgb

Way = Literal["jittered", "too large", "too small", "merged", "twin", "sound", "detector"]

Finder = Callable[[Rgb, str], Sequence[Mask]]
"""A real detector: `(H, W)` bool masks of what it finds in an image under a prompt."""

_SPOILINGS: tuple[Spoiling, ...] = ("jittered", "too large", "too small")
_SPOILING_WEIGHTS = (5, 3, 2)
_MERGED = 0.3
"""Share of blemishes with a neighbour that are proposed as one with it."""
_MERGED_REACH = 1 / 8
"""Neighbours lie no further apart than this share of the image's longer side."""
_TWINS = 0.5
"""Share of blemishes after which the same region of the clean twin is proposed: only the blemish tells them apart."""
_SOUND = 1 / 3
"""Share of blemished images on which a sound thing is proposed. With the above, half of all regions are distorted."""
_ELSEWHERE = 0.5
"""Share of retold places that are also proposed under a prompt that denies another place."""
_TRIES = 12


@dataclass(frozen=True)
class Proposal:
    """A region of an image, and what it shows.

    Attributes:
        image: `(H, W, 3)` uint8 that it lies on: the sample's own, or its clean twin.
        on_twin: it is the latter.
        prompt: of the image.
        box_xyxy_px, mask: `mask` is `(h, w)` bool of the box's size.
        way: how it came about.
        covered: share of the blemish's pixels inside the box.
        truth: the blemish that it shows; None on a sound place.
    """

    image: Rgb
    on_twin: bool
    prompt: str
    box_xyxy_px: BoxXYXY
    mask: Mask
    way: Way
    covered: float
    truth: RegionTruth | None


class ProposalSource(Protocol):
    """The proposals of a data set, sample by sample."""

    def __len__(self) -> int:
        """How many samples there are."""
        ...

    def __getitem__(self, index: int) -> Sequence[Proposal]:
        """Those of one sample; there may be none.

        Raises:
            IndexError: the index is not within the length.
        """
        ...


@dataclass(frozen=True)
class Proposing:
    """Proposes regions of each sample when it is asked for.

    Attributes:
        samples: the data set.
        seed: of the regions.
        finder: a real detector whose regions are taken in place of spoilt masks; None for none.
        passes: how often the samples are gone through, with other regions each time.
        rounds: how often regions are proposed of a sample that is asked for: to draw one may be dearer than to learn
            from its regions.
    """

    samples: ToldSamples
    seed: int = 0
    finder: Finder | None = None
    passes: int = 1
    rounds: int = 1

    def __len__(self) -> int:
        return len(self.samples) * self.passes

    def __getitem__(self, index: int) -> Sequence[Proposal]:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        sample = self.samples[index % len(self.samples)]
        rng = random.Random(f"{self.seed}/{index}/proposals")
        if self.finder is not None:
            return tuple(found(sample, self.finder))
        return tuple(one for _ in range(self.rounds) for one in propose(sample, rng))


def propose(sample: ToldSample, rng: random.Random) -> Iterator[Proposal]:
    """Regions by chance; a twin's follows the blemish's, and that of a retold place is it under the picture's prompt.

    Raises:
        ValueError: the sample lacks a truth for one of its masks.
    """
    if len(sample.truths) != len(sample.visible_masks):
        raise ValueError(f"{len(sample.visible_masks)} masks and {len(sample.truths)} truths")
    for number in range(len(sample.visible_masks)):
        way, region = _on_blemish(sample.visible_masks, number, rng)
        shown = tuple(_proposal(sample, region, way))
        yield from shown
        if sample.clean is not None and rng.random() < _TWINS and shown and shown[0].truth is not None:
            yield from _proposal(sample, region, "twin")
    if not sample.visible_masks or rng.random() < _SOUND:
        yield from _sound(sample, rng)
    for retold in sample.retold:
        yield from _retold(sample, retold, rng)


def found(sample: ToldSample, finder: Finder) -> Iterator[Proposal]:
    """A detector's regions on the image, and on its clean twin where there is one."""
    for region in finder(sample.image, sample.prompt):
        yield from _proposal(sample, region, "detector")
    if sample.visible_masks and sample.clean is not None:
        for region in finder(sample.clean, sample.prompt):
            yield from _proposal(sample, region, "detector", on_twin=True)


def _retold(sample: ToldSample, retold: Retold, rng: random.Random) -> Iterator[Proposal]:
    """A place of the sound picture under the prompt that denies it, under its own, and under one that does not."""
    way = rng.choices(_SPOILINGS, _SPOILING_WEIGHTS)[0]
    region = spoilt(retold.mask, way, rng)
    box = mask_box(region)
    shown = None if box is None else match(box, [retold.mask])
    if box is None or sample.clean is None or shown is None or shown.blemish is None:
        return
    mask = region[box[1] : box[3], box[0] : box[2]].copy()
    denied = Proposal(sample.clean, True, retold.prompt, box, mask, way, shown.covered, retold.truth)
    yield denied
    yield replace(denied, prompt=sample.prompt, way="twin", covered=0.0, truth=None)
    others = [one for one in sample.retold if one is not retold and match(box, [one.mask]) == Match(None, 0.0)]
    if others and rng.random() < _ELSEWHERE:
        yield replace(denied, prompt=rng.choice(others).prompt, way="sound", covered=0.0, truth=None)


def _on_blemish(masks: Sequence[Mask], number: int, rng: random.Random) -> tuple[Way, Mask]:
    way = rng.choices(_SPOILINGS, _SPOILING_WEIGHTS)[0]
    neighbours = [one for at, one in enumerate(masks) if at != number and _near(masks[number], one)]
    if neighbours and rng.random() < _MERGED:
        return "merged", spoilt(masks[number] | rng.choice(neighbours), "jittered", rng)
    return way, spoilt(masks[number], way, rng)


def _near(a: Mask, b: Mask) -> bool:
    return bool((dilate(a, round(max(a.shape) * _MERGED_REACH)) & b).any())


def _sound(sample: ToldSample, rng: random.Random) -> Iterator[Proposal]:
    """One region where much is drawn and nothing is wrong, if a few tries find such a place."""
    weights = detail(sample.image).astype(np.float64) ** 2
    for mask in sample.visible_masks:
        weights[dilate(mask, round(max(mask.shape) / 24))] = 0
    total = weights.sum()
    if total <= 0:
        return
    steps = np.cumsum(weights.ravel() / total)
    width = weights.shape[1]
    for _ in range(_TRIES):
        at = int(np.searchsorted(steps, rng.random()).clip(0, steps.size - 1))
        centre = at % width, at // width
        own = rng.choice(sample.visible_masks) if sample.visible_masks and rng.random() < 0.5 else None
        region = (
            blob(centre, (weights.shape[0], width), rng)
            if own is None
            else moved_to(spoilt(own, "jittered", rng), centre, rng)
        )
        proposed = list(_proposal(sample, region, "sound"))
        if proposed and proposed[0].truth is None:
            yield from proposed
            return


def _proposal(sample: ToldSample, region: Mask, way: Way, on_twin: bool = False) -> Iterator[Proposal]:
    """The region with what it shows; nothing where the rule calls it neither."""
    on_twin = on_twin or way == "twin"
    image = sample.clean if on_twin else sample.image
    box = mask_box(region)
    if box is None or image is None:
        return
    shown = match(box, () if on_twin else sample.visible_masks)
    if shown is None:
        return
    yield Proposal(
        image=image,
        on_twin=on_twin,
        prompt=sample.prompt,
        box_xyxy_px=box,
        mask=region[box[1] : box[3], box[0] : box[2]].copy(),
        way=way,
        covered=shown.covered,
        truth=None if shown.blemish is None else sample.truths[shown.blemish],
    )
