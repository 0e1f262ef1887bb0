"""Exact pairs for editing: an image, its clean twin, and each blemish with its masks and words.

Rendered on the fly or read from a folder in the project's schema; the same index gives the same pair in any process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from services.datasets.files import read_mask, read_picture
from services.datasets.schema import BlemishRecord, read_records
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask
from shared.images import Rgb

if TYPE_CHECKING:
    from services.datasets.benchmark.sample import Sample
    from services.datasets.sources import Mix  # needs a drawing library, which folders do not


@dataclass(frozen=True)
class Blemish:
    """`(H, W)` bool: what one sees to be wrong, and all that differs from the clean twin; what to do about it."""

    visible: Mask
    repair: Mask
    category: str
    instruction: str


@dataclass(frozen=True)
class Pair:
    """An image and its twin, equal but for the blemishes.

    Attributes:
        image, clean: `(H, W, 3)` uint8.
        shown, clean_shown: `(H, W)` bool, what is no backdrop in either; None where the data set does not know.
        written: there are words, or there may be: its mirror image is not one of the same kind.
    """

    image: Rgb
    clean: Rgb
    prompt: str
    blemishes: tuple[Blemish, ...]
    shown: Mask | None = None
    clean_shown: Mask | None = None
    written: bool = True


class PairSource(Protocol):
    """Pairs by index."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, index: int) -> Pair:
        """The pair; a healthy image has no blemish and is its own twin.

        Raises:
            IndexError: the index is not within the length.
        """
        ...


@dataclass(frozen=True)
class RenderedPairs:
    """The benchmark's samples, drawn when they are asked for; `labelled` ones say what is backdrop."""

    count: int
    seed: int
    size: int = 256
    mix: "Mix" = "balanced"
    split: str = "train"
    labelled: bool = False

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Pair:
        from services.datasets.benchmark.sample import make_sample  # needs a drawing library, which folders do not

        if not 0 <= index < self.count:
            raise IndexError(f"pair {index} of {self.count}")
        sample = make_sample(self.seed, index, self.split, self.mix, self.size)
        blemishes = tuple(Blemish(r.visible, r.repair, r.category.value, r.instruction) for r in sample.regions)
        pair = Pair(sample.image, sample.clean, sample.prompt, blemishes)
        return _labelled(pair, sample, self.size) if self.labelled else pair


def _labelled(pair: Pair, sample: "Sample", size: int) -> Pair:
    from services.datasets.benchmark.parts import PARTS, label_maps
    from services.datasets.benchmark.render import Renderer

    renderer = Renderer(size)
    parts = label_maps(renderer, sample.shown)[0]
    clean = parts if sample.healthy else label_maps(renderer, sample.sound)[0]
    written = bool(np.isin(parts, [PARTS.index("board"), PARTS.index("letter")]).any())
    return replace(pair, shown=parts > 0, clean_shown=clean > 0, written=written)


@dataclass(frozen=True)
class FolderPairs:
    """A folder's rows that have a clean twin, read when they are asked for."""

    rows: tuple[tuple[Path, BlemishRecord], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Pair:
        if not 0 <= index < len(self.rows):
            raise IndexError(f"pair {index} of {len(self.rows)}")
        folder, record = self.rows[index]
        image = read_picture(folder, record.file_name)
        clean = read_picture(folder, record.clean_file_name or record.file_name)
        if clean.shape != image.shape:
            raise BadInput(
                ErrorCode.MASK_SIZE_MISMATCH,
                f"the twin of {folder / record.file_name} has another size: convert the data set anew",
            )
        size_hw = image.shape[0], image.shape[1]
        masks = zip(record.visible_mask_file_names, record.repair_mask_file_names, record.regions, strict=True)
        blemishes = tuple(
            Blemish(
                read_mask(folder, visible, size_hw),
                read_mask(folder, repair, size_hw),
                region.category.value,
                region.instruction,
            )
            for visible, repair, region in masks
        )
        return Pair(image, clean, record.prompt, blemishes)


def folder_pairs(folders: Sequence[Path]) -> FolderPairs:
    """The pairs of several folders, one after the other.

    Raises:
        BadInput: a folder has no metadata or another schema, or none of them has a clean twin.
    """
    rows = [(folder, record) for folder in folders for record in read_records(folder)]
    paired = tuple((folder, record) for folder, record in rows if record.clean_file_name is not None)
    if not paired:
        names = ", ".join(str(folder) for folder in folders)
        raise BadInput(
            ErrorCode.MISSING_DATA,
            f"no image of {names} has a clean twin: give a folder that `retoucher benchmark make` wrote",
        )
    return FolderPairs(paired)
