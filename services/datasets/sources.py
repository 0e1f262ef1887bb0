"""Blemishes with people's words, by sample: the procedural benchmark, drawn when asked for, or a folder.

Both give the same sample for the same index in any process, so that loaders may work side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from services.datasets.benchmark.sample import make_sample
from services.datasets.benchmark.writer import truth_of
from services.datasets.files import read_mask, read_picture
from services.datasets.schema import BlemishRecord, RegionTruth
from shared.geometry import Mask
from shared.images import Rgb

Mix = Literal["balanced", "paper"]


@dataclass(frozen=True)
class ToldSample:
    """An image with its prompt and what is to be said of each of its blemishes.

    Attributes:
        image, clean: `(H, W, 3)` uint8; `clean` is the same scene without its blemishes, None where there is none.
        visible_masks: `(H, W)` bool, one per visible blemish; none on a healthy image.
        truths: what is to be said, in the order of the masks.
    """

    image: Rgb
    clean: Rgb | None
    prompt: str
    visible_masks: Sequence[Mask]
    truths: Sequence[RegionTruth]


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
    """The benchmark's samples, drawn when they are asked for."""

    count: int
    seed: int
    size: int = 256
    mix: Mix = "balanced"
    split: str = "train"

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> ToldSample:
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        sample = make_sample(self.seed, index, self.split, self.mix, self.size)
        return ToldSample(
            image=sample.image,
            clean=sample.clean,
            prompt=sample.prompt,
            visible_masks=tuple(region.visible for region in sample.regions),
            truths=tuple(truth_of(region) for region in sample.regions),
        )


@dataclass(frozen=True)
class FolderSamples:
    """A folder's samples, read when they are asked for."""

    folder: Path
    records: tuple[BlemishRecord, ...]

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
        return ToldSample(image, clean, record.prompt, masks, record.regions)
