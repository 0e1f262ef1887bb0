"""Where training samples come from: the procedural benchmark, rendered on the fly, or a folder in the project's schema.

Both give the same sample for the same index in any process, so that loaders may work side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.datasets.benchmark.parts import LABEL_COUNTS, PARTS, label_maps
from services.datasets.benchmark.render import Renderer
from services.datasets.benchmark.sample import make_sample
from services.datasets.schema import BlemishRecord, QualityScores, read_records
from services.datasets.sources import FolderSamples, Mix
from services.perception.training.run import TrainingData
from services.perception.training.samples import LabelMaps
from services.perception.training.variation import draw_variation
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask
from shared.images import Rgb

_VALIDATION_SEED = 10_000
"""Added to a rendering's seed for its validation samples."""

_HELD_OUT = 0.1


@dataclass(frozen=True)
class LoadedSample:
    """A sample in memory, as `services.perception.training.samples.BlemishSample` asks for it."""

    image: Rgb
    clean: Rgb | None
    prompt: str
    visible_masks: Sequence[Mask]
    prompt_contradicts: bool
    scores: Mapping[str, float]
    labels: LabelMaps | None = None
    clean_labels: LabelMaps | None = None


@dataclass(frozen=True)
class RenderedSource:
    """The benchmark's samples, drawn when they are asked for.

    `labelled` ones come with their label maps; `varied` ones, which must be labelled, in other tones and on other
    backdrops than the split has (`services.perception.training.variation`).
    """

    count: int
    seed: int
    size: int = 256
    mix: Mix = "balanced"
    split: str = "train"
    labelled: bool = False
    varied: bool = False

    def __post_init__(self) -> None:
        if self.varied and not self.labelled:
            raise ValueError("only labelled samples can be varied: what is backdrop is in their label maps")

    @property
    def label_counts(self) -> tuple[int, ...]:
        """Of parts and of colours."""
        return LABEL_COUNTS if self.labelled else ()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> LoadedSample:
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        sample = make_sample(self.seed, index, self.split, self.mix, self.size)
        labels = clean_labels = None
        if self.labelled:
            renderer = Renderer(self.size)
            labels = label_maps(renderer, sample.shown)
            clean_labels = labels if sample.healthy else label_maps(renderer, sample.sound)
        loaded = LoadedSample(
            image=sample.image,
            clean=sample.clean,
            prompt=sample.prompt,
            visible_masks=tuple(region.visible for region in sample.regions),
            prompt_contradicts=any(region.prompt_fault for region in sample.regions),
            scores=known_scores(sample.scores),
            labels=labels,
            clean_labels=clean_labels,
        )
        return _varied(loaded, np.random.default_rng([self.seed, index])) if self.varied else loaded


@dataclass(frozen=True)
class FolderSource:
    """A folder's samples, read when they are asked for."""

    folder: Path
    records: tuple[BlemishRecord, ...]

    @property
    def label_counts(self) -> tuple[int, ...]:
        """None: a folder holds no label maps."""
        return ()

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> LoadedSample:
        told, record = FolderSamples(self.folder, self.records)[index], self.records[index]
        return LoadedSample(
            told.image,
            told.clean,
            told.prompt,
            told.visible_masks,
            record.prompt_contradicts,
            known_scores(record.scores),
        )


def _varied(sample: LoadedSample, rng: np.random.Generator) -> LoadedSample:
    if sample.labels is None or sample.clean_labels is None or sample.clean is None:
        return sample
    written = np.isin(sample.labels[0], [PARTS.index("board"), PARTS.index("letter")]).any()
    height, width = sample.image.shape[:2]
    variation = draw_variation(rng, (height, width), may_mirror=not written)
    image, labels = variation.apply(sample.image, sample.labels)
    clean, clean_labels = variation.apply(sample.clean, sample.clean_labels)
    masks = tuple(variation.apply_to_mask(mask) for mask in sample.visible_masks)
    return replace(sample, image=image, clean=clean, visible_masks=masks, labels=labels, clean_labels=clean_labels)


def rendered_data(
    count: int, validation_count: int, seed: int, size: int = 256, mix: Mix = "balanced", labelled: bool = True
) -> TrainingData:
    """`count` samples of the benchmark's training split, and validation samples of the same split with another seed.

    Raises:
        BadInput: BAD_OPTION, the benchmark does not draw such samples.
    """
    plain = RenderedSource(count, seed, size, mix)
    training = replace(plain, labelled=True, varied=True) if labelled else plain
    training[0]  # what the benchmark refuses is refused now, not in a loader's process
    return TrainingData(
        training,
        RenderedSource(validation_count, seed + _VALIDATION_SEED, size, mix),
        f"the procedural blemish benchmark, split train, mix {mix}, {size} px, seed {seed}, rendered on the fly "
        f"({count} samples; validation with seed {seed + _VALIDATION_SEED})"
        + (", backdrops and tones varied" if labelled else ""),
        known=plain,
    )


def folder_data(folder: Path, validation: Path | None = None) -> TrainingData:
    """A folder's samples; validation samples from another folder, or the last tenth of this one.

    Raises:
        BadInput: a folder has no metadata, another schema, or too few rows.
    """
    records = tuple(read_records(folder))
    if validation is not None:
        held_folder, kept, held = validation, records, tuple(read_records(validation))
    else:
        cut = len(records) - max(1, round(len(records) * _HELD_OUT))
        held_folder, kept, held = folder, records[: max(cut, 0)], records[max(cut, 0) :]
    if not kept or not held:
        raise BadInput(ErrorCode.MISSING_DATA, f"{folder} holds {len(records)} samples: training needs more")
    where = f"{validation.name}" if validation is not None else "its last tenth"
    sources = ", ".join(sorted({record.source for record in kept}))
    return TrainingData(
        FolderSource(folder, kept),
        FolderSource(held_folder, held),
        f"{len(kept)} samples of the folder {folder.name} ({sources}); validation on {len(held)} of {where}",
    )


def known_scores(scores: QualityScores) -> dict[str, float]:
    """The scores that a data set has, by name."""
    return {name: value for name, value in scores.model_dump().items() if value is not None}
