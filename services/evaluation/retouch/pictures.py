"""A benchmark folder as pictures to retouch: image, prompt, clean twin, and the place of every blemish."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.datasets.files import read_mask, read_picture
from services.datasets.schema import BlemishRecord
from services.datasets.sources import ToldSamples
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask
from shared.images import Rgb


@dataclass(frozen=True)
class TrueBlemish:
    """One blemish: `(H, W)` bool masks of what is seen to be wrong, and of all that its repair has to change."""

    category: Category
    visible: Mask
    repair: Mask


@dataclass(frozen=True)
class Picture:
    """One image of the benchmark.

    Attributes:
        file: its name in the folder.
        image: `(H, W, 3)` RGB.
        clean: its twin without blemishes; None where the data set has none.
        prompt: what it was asked to show.
        blemishes: none of a healthy image.
    """

    file: str
    image: Rgb
    clean: Rgb | None
    prompt: str
    blemishes: tuple[TrueBlemish, ...] = ()

    @property
    def stem(self) -> str:
        """A name for files of its own: `images/000012.png` is `000012`."""
        return Path(self.file).stem

    @property
    def healthy(self) -> bool:
        """Whether it should be left alone."""
        return not self.blemishes


def folder_pictures(folder: Path, records: Sequence[BlemishRecord]) -> Iterator[Picture]:
    """The folder's images in order, each read when it is asked for.

    Raises:
        BadInput: an image or mask cannot be read, or masks and regions do not agree.
    """
    for record in records:
        names = record.visible_mask_file_names, record.repair_mask_file_names or record.visible_mask_file_names
        if any(len(each) != len(record.regions) for each in names):
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"{record.file_name} of {folder} has {len(record.regions)} regions and another number of masks: "
                "convert the data set anew",
            )
        image = read_picture(folder, record.file_name)
        size_hw = (image.shape[0], image.shape[1])
        blemishes = tuple(
            TrueBlemish(region.category, read_mask(folder, seen, size_hw), read_mask(folder, wrong, size_hw))
            for region, seen, wrong in zip(record.regions, *names, strict=True)
        )
        clean = read_picture(folder, record.clean_file_name) if record.clean_file_name is not None else None
        yield Picture(record.file_name, image, clean, record.prompt, blemishes)


def drawn_twins(samples: ToldSamples, first: int = 0) -> Iterator[Picture]:
    """Drawn samples from `first` on without their blemishes, named by their index: nothing is to be repaired there."""
    for index in range(first, len(samples)):
        sample = samples[index]
        yield healthy_twin(Picture(f"images/{index:06d}.png", sample.image, sample.clean, sample.prompt))


def healthy_twin(picture: Picture) -> Picture:
    """The clean twin as a picture of its own, at which nothing is to be repaired; a healthy picture is its own."""
    return picture if picture.clean is None else replace(picture, image=picture.clean, clean=None, blemishes=())
