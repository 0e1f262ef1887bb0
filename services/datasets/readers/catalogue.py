"""The readers by the names that the command line takes."""

from pathlib import Path
from typing import Literal

from services.datasets.readers.source import Reader
from shared.errors import BadInput, ErrorCode

ReaderName = Literal["genblemish", "richhf", "synartifacts"]


def open_reader(name: ReaderName, source: Path, images: Path | None, labels: Path | None) -> Reader:
    """Opens a downloaded data set.

    Args:
        name: which one.
        source: its folder, or one of its files.
        images: where its images are, if they are not part of it.
        labels: a JSON file that maps labels of the data set.

    Raises:
        BadInput: what the reader raises; BAD_OPTION for an option that the data set has no use for.
    """
    if name == "richhf":
        from services.datasets.readers.richhf import RichHf

        _unused(labels, "--labels", "RichHF-18K has no labels")
        return RichHf(source, images)
    if name == "synartifacts":
        from services.datasets.readers.synartifacts import SynArtifacts

        return SynArtifacts(source, images, labels)
    from services.datasets.readers.genblemish import GenBlemish

    _unused(images, "--images", "GenBlemish-27K holds its images")
    return GenBlemish(source, labels)


def _unused(option: Path | None, name: str, why: str) -> None:
    if option is not None:
        raise BadInput(ErrorCode.BAD_OPTION, f"{why}: leave out {name}")
