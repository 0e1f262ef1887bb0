"""Blemishes with people's words, by sample: the procedural benchmark, drawn when asked for, or a folder.

Both give the same sample for the same index in any process, so that loaders may work side by side.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from services.datasets.benchmark.parts import LABEL_COUNTS, PARTS, LabelMaps, label_maps
from services.datasets.benchmark.render import Renderer
from services.datasets.benchmark.retelling import retellings
from services.datasets.benchmark.sample import Sample, make_sample
from services.datasets.benchmark.spoils import spoil
from services.datasets.benchmark.variation import draw_variation
from services.datasets.benchmark.writer import truth_of
from services.datasets.files import read_mask, read_picture
from services.datasets.schema import BlemishRecord, QualityScores, RegionTruth
from shared.geometry import Mask
from shared.images import Rgb

Mix = Literal["balanced", "paper", "prompts", "hard"]


def measured_on(mix: Mix) -> Literal["balanced", "paper"]:
    """The mix of a training's validation samples: `prompts` and `hard` are to learn from alone."""
    return "paper" if mix == "paper" else "balanced"


@dataclass(frozen=True)
class Retold:
    """A prompt that denies what a sound picture shows inside `mask`, `(H, W)` bool, and what is to be said of it."""

    prompt: str
    mask: Mask
    truth: RegionTruth


@dataclass(frozen=True)
class ToldSample:
    """An image with its prompt and what is to be said of each of its blemishes.

    Attributes:
        image, clean: `(H, W, 3)` uint8; `clean` is the same scene without its blemishes, None where there is none.
        visible_masks: `(H, W)` bool, one per visible blemish; none on a healthy image.
        truths: what is to be said, in the order of the masks.
        prompt_contradicts: the prompt was changed to say other than the scene shows: the blemish is what it denies.
        scores: those of RichHF's four scores that are known, in [0, 1].
        labels, clean_labels: what is seen where in either; None where the data set does not know.
        other_prompt: what the image shows, where all that is wrong is for the prompt to decide: under it the image is
            right, and `clean` wrong at the same place. Else None.
        spoilt: `clean` with one place as a bad repair leaves it, and the `(H, W)` bool mask of that place.
        retold: prompts under which `clean` is wrong.
    """

    image: Rgb
    clean: Rgb | None
    prompt: str
    visible_masks: Sequence[Mask]
    truths: Sequence[RegionTruth]
    prompt_contradicts: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)
    labels: LabelMaps | None = None
    clean_labels: LabelMaps | None = None
    other_prompt: str | None = None
    spoilt: tuple[Rgb, Mask] | None = None
    retold: Sequence[Retold] = ()


class ToldSamples(Protocol):
    """A data set by index."""

    def __len__(self) -> int:
        """How many samples there are."""
        ...

    def __getitem__(self, index: int) -> ToldSample:
        """The sample.

        Raises:
            IndexError: the index is not within the length.
        """
        ...


@dataclass(frozen=True)
class DrawnSamples:
    """The benchmark's samples, drawn when they are asked for.

    `labelled` ones come with their label maps; `varied` ones, which must be labelled, in other tones and on other
    backdrops than the split has (`services.datasets.benchmark.variation`). Of labelled ones the share `spoilt` also
    shows what a bad repair looks like (`services.datasets.benchmark.spoils`). `retold` is how many prompts at most deny
    what a sound picture shows (`services.datasets.benchmark.retelling`).
    """

    count: int
    seed: int
    size: int = 256
    mix: Mix = "balanced"
    split: str = "train"
    labelled: bool = False
    varied: bool = False
    spoilt: float = 0.0
    retold: int = 0

    def __post_init__(self) -> None:
        if (self.varied or self.spoilt) and not self.labelled:
            raise ValueError("only labelled samples can be varied or spoilt: what is backdrop is in their label maps")

    @property
    def label_counts(self) -> tuple[int, ...]:
        """Of parts and of colours."""
        return LABEL_COUNTS if self.labelled else ()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> ToldSample:
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        sample = make_sample(self.seed, index, self.split, self.mix, self.size)
        labels = clean_labels = None
        if self.labelled:
            renderer = Renderer(self.size)
            labels = label_maps(renderer, sample.shown)
            clean_labels = labels if sample.healthy else label_maps(renderer, sample.sound)
        told = ToldSample(
            image=sample.image,
            clean=sample.clean,
            prompt=sample.prompt,
            visible_masks=tuple(region.visible for region in sample.regions),
            truths=tuple(truth_of(region) for region in sample.regions),
            prompt_contradicts=any(region.prompt_fault for region in sample.regions),
            scores=_known(sample.scores),
            labels=labels,
            clean_labels=clean_labels,
            other_prompt=sample.other_prompt,
            retold=self._retold(sample, index) if self.retold else (),
        )
        rng = np.random.default_rng([self.seed, index])
        told = _varied(told, rng) if self.varied else told
        return _spoilt(told, rng) if rng.random() < self.spoilt else told

    def _retold(self, sample: Sample, index: int) -> tuple[Retold, ...]:
        rng = random.Random(f"{self.seed}/{index}/retold")
        found = retellings(Renderer(self.size), sample.sound, self.split, rng, self.retold)
        return tuple(Retold(one.prompt, one.region.visible, truth_of(one.region)) for one in found)


@dataclass(frozen=True)
class FolderSamples:
    """A folder's samples, read when they are asked for."""

    folder: Path
    records: tuple[BlemishRecord, ...]

    @property
    def label_counts(self) -> tuple[int, ...]:
        """None: a folder holds no label maps."""
        return ()

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> ToldSample:
        if not 0 <= index < len(self.records):
            raise IndexError(f"sample {index} of {len(self.records)}")
        record = self.records[index]
        image = read_picture(self.folder, record.file_name)
        size_hw = image.shape[0], image.shape[1]
        clean = read_picture(self.folder, record.clean_file_name) if record.clean_file_name is not None else None
        masks = tuple(read_mask(self.folder, name, size_hw) for name in record.visible_mask_file_names)
        return ToldSample(
            image, clean, record.prompt, masks, record.regions, record.prompt_contradicts, _known(record.scores)
        )


def _varied(sample: ToldSample, rng: np.random.Generator) -> ToldSample:
    if sample.labels is None or sample.clean_labels is None or sample.clean is None:
        return sample
    written = np.isin(sample.labels[0], [PARTS.index("board"), PARTS.index("letter")]).any()
    height, width = sample.image.shape[:2]
    variation = draw_variation(rng, (height, width), may_mirror=not written)
    image, labels = variation.apply(sample.image, sample.labels)
    clean, clean_labels = variation.apply(sample.clean, sample.clean_labels)
    masks = tuple(variation.apply_to_mask(mask) for mask in sample.visible_masks)
    retold = tuple(replace(one, mask=variation.apply_to_mask(one.mask)) for one in sample.retold)
    return replace(
        sample,
        image=image,
        clean=clean,
        visible_masks=masks,
        labels=labels,
        clean_labels=clean_labels,
        retold=retold,
    )


def _spoilt(sample: ToldSample, rng: np.random.Generator) -> ToldSample:
    if sample.clean is None or sample.clean_labels is None:
        return sample
    return replace(sample, spoilt=spoil(sample.clean, sample.clean_labels, rng))


def _known(scores: QualityScores) -> dict[str, float]:
    """The scores that a data set has, by name."""
    return {name: value for name, value in scores.model_dump().items() if value is not None}
