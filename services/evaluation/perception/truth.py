"""What is true of an image under evaluation, read from a folder or drawn, one image at a time.

Knows the data sets, not the network. The foreground, for its oracle, comes from drawing the benchmark's sample anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from services.datasets.benchmark.graph import Scene
from services.datasets.benchmark.render import Renderer
from services.datasets.benchmark.sample import make_sample
from services.datasets.benchmark.writer import OPTIONS
from services.datasets.schema import BlemishRecord
from services.datasets.sources import FolderSamples
from services.perception.metrics import disc_mask
from shared.contracts.base import Contract, PointXY
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask
from shared.images import Rgb

SAME_DRAWING_LEVELS = 2.0
"""Mean difference up to which two drawings are the same scene: other builds of libjpeg differ by less, others by 30."""


@dataclass(frozen=True)
class TrueRegion:
    """One blemish: `(H, W)` bool visible mask, its centre in pixels, and what to do about it, where that is known."""

    category: Category
    mask: Mask
    centre_xy_px: PointXY
    instruction: str = ""


@dataclass(frozen=True)
class TrueImage:
    """An image, its prompt, and what is wrong with it.

    Attributes:
        image: `(H, W, 3)` uint8 RGB.
        prompt: that it is judged by.
        regions: none on a healthy image.
        foreground: `(H, W)` bool, every drawn thing, blind to blemishes; None where that is not known.
    """

    image: Rgb
    prompt: str
    regions: tuple[TrueRegion, ...] = ()
    foreground: Mask | None = None

    @property
    def categories(self) -> frozenset[Category]:
        """Those of its blemishes."""
        return frozenset(region.category for region in self.regions)

    def mask(self, category: Category | None = None) -> Mask:
        """`(H, W)` bool, the union of the visible masks, of one category's where it is given."""
        union = np.zeros(self.image.shape[:2], np.bool_)
        for region in self.regions:
            if category is None or region.category is category:
                union |= region.mask
        return union

    def with_discs(self) -> "TrueImage":
        """The same with the paper's discs (3.2) as masks."""
        size_hw = self.image.shape[0], self.image.shape[1]
        return replace(
            self,
            regions=tuple(replace(one, mask=disc_mask([one.centre_xy_px], size_hw)) for one in self.regions),
        )


def folder_images(folder: Path, records: Sequence[BlemishRecord]) -> Iterator[TrueImage]:
    """The folder's images in order, each read when it is asked for.

    Raises:
        BadInput: an image or a mask cannot be read, or a mask has another size.
    """
    source = FolderSamples(folder, tuple(records))
    options = _drawing_options(folder)
    renderer = Renderer(options.size) if options else None
    for index, record in enumerate(records):
        loaded = source[index]
        if len(loaded.visible_masks) != len(record.regions):
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"{record.file_name} of {folder} has {len(record.regions)} regions and {len(loaded.visible_masks)} "
                "visible masks: convert the data set anew",
            )
        regions = tuple(
            TrueRegion(region.category, mask, region.centre_xy_px, region.instruction)
            for region, mask in zip(record.regions, loaded.visible_masks, strict=True)
        )
        foreground = _redrawn(options, renderer, record, loaded.image) if options and renderer else None
        yield TrueImage(loaded.image, loaded.prompt, regions, foreground)


def drawn_images(seed: int, count: int, split: str, size: int, mix: str = "balanced") -> Iterator[TrueImage]:
    """The benchmark's samples 0 to `count` - 1, drawn when they are asked for.

    Raises:
        BadInput: BAD_OPTION, the benchmark does not draw such samples.
    """
    renderer = Renderer(size)
    for index in range(count):
        sample = make_sample(seed, index, split, mix, size)
        regions = tuple(TrueRegion(one.category, one.visible, one.centre_xy_px) for one in sample.regions)
        yield TrueImage(sample.image, sample.prompt, regions, foreground_of(renderer, sample.shown))


def foreground_of(renderer: Renderer, scene: Scene) -> Mask:
    """`(H, W)` bool: where any item of the scene is seen, as it is shown; all but the backdrop."""
    return renderer.numbers(scene, {item.id: 255 for item in scene.items}) > 0


class DrawingOptions(Contract):
    """What `benchmark make` keeps beside the images it drew."""

    seed: int
    size: int
    split: str
    mix: str
    schema_version: int


def _drawing_options(folder: Path) -> DrawingOptions | None:
    """How the benchmark drew the folder; None where it did not.

    Raises:
        BadInput: FILE_NOT_READABLE, the file that says so is damaged.
    """
    path = folder / OPTIONS
    if not path.is_file():
        return None
    try:
        return DrawingOptions.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"{path} is damaged: remove it to go without the foreground oracle"
        ) from error


def _redrawn(options: DrawingOptions, renderer: Renderer, record: BlemishRecord, stored: Rgb) -> Mask | None:
    """The foreground of a drawn image; None where drawing it anew gives another picture.

    That happens where another version of the generator wrote the folder: its scene graphs are lost then.
    """
    stem = Path(record.file_name).stem
    if not stem.isdecimal():
        return None
    sample = make_sample(options.seed, int(stem), options.split, options.mix, options.size)
    if sample.image.shape != stored.shape:
        return None
    if np.abs(sample.image.astype(np.int16) - stored).mean() > SAME_DRAWING_LEVELS:
        return None
    return foreground_of(renderer, sample.shown)
