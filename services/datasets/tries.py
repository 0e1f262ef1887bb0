"""A folder of tries: `tries.jsonl`, one line per patch, beside the images and the patches, with what each was worth.
`pictures.jsonl` has one line per picture, those included at which nothing was tried.

The verifier learns from it what a repair looks like. Knows pixels, nothing of who made the patches.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import ValidationError

from services.datasets.files import read_gray, read_picture
from shared.contracts.base import BoxXYXY, Contract
from shared.errors import BadInput, ErrorCode
from shared.images import Gray, Rgb, encode_png

TRIES = "tries.jsonl"
PICTURES = "pictures.jsonl"
Line = TypeVar("Line", bound=Contract)

_FOLDERS = ("images", "pixels", "alphas")


class TryRecord(Contract):
    """One patch on one image.

    Attributes:
        file_name: of the image; lines of one image stand together.
        prompt: what the image was asked to show.
        kind: `attempt` of a tool, or the name of a sabotage.
        tool: that made it.
        box_xyxy_px: of the patch.
        region_box_xyxy_px: of the region that it was made for.
        pixels_file_name, alpha_file_name: RGB and alpha of the box's size.
        right: it is a repair.
        gain_db: by which the PSNR of the flaw's place rose; None where it touches no flaw.
    """

    schema_version: Literal[1] = 1
    file_name: str
    prompt: str
    kind: str
    tool: str
    box_xyxy_px: BoxXYXY
    region_box_xyxy_px: BoxXYXY
    pixels_file_name: str
    alpha_file_name: str
    right: bool
    gain_db: float | None


class PictureRecord(Contract):
    """A picture that was to be tried, and whether it should have been left alone."""

    file_name: str
    healthy: bool
    tries: int


@dataclass(frozen=True)
class Try:
    """One patch: `(h, w, 3)` RGB and `(h, w)` alpha of its box, and what it was worth (see `TryRecord`)."""

    kind: str
    tool: str
    box: BoxXYXY
    region_box: BoxXYXY
    pixels: Rgb
    alpha: Gray
    right: bool
    gain_db: float | None


@dataclass(frozen=True)
class TriedImage:
    """An `(H, W, 3)` image with all patches tried on it, each alone. A healthy one should have been left alone."""

    file_name: str
    image: Rgb
    prompt: str
    healthy: bool
    tries: Sequence[Try]


class TriesWriter:
    """Adds images to a folder, one after the other; a line is written when its files are.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        with _writing(out):
            if (out / TRIES).exists():
                raise BadInput(ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} holds tries already: choose a new folder")
            for name in _FOLDERS:
                (out / name).mkdir(parents=True, exist_ok=True)
            self._file = (out / TRIES).open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, tried: TriedImage) -> None:
        """Writes one image with its tries; of one without any, that there was none."""
        with _writing(self._out):
            self._write(tried)

    def _write(self, tried: TriedImage) -> None:
        seen = PictureRecord(file_name=tried.file_name, healthy=tried.healthy, tries=len(tried.tries))
        with (self._out / PICTURES).open("a", encoding="utf-8") as pictures:
            pictures.write(seen.model_dump_json() + "\n")
        if not tried.tries:
            return
        stem = Path(tried.file_name).stem
        image_name = f"images/{stem}.png"
        (self._out / image_name).write_bytes(encode_png(tried.image))
        lines = []
        for number, one in enumerate(tried.tries):
            pixels, alpha = f"pixels/{stem}-{number:02}.png", f"alphas/{stem}-{number:02}.png"
            (self._out / pixels).write_bytes(encode_png(one.pixels))
            (self._out / alpha).write_bytes(encode_png(one.alpha))
            record = TryRecord(
                file_name=image_name,
                prompt=tried.prompt,
                kind=one.kind,
                tool=one.tool,
                box_xyxy_px=one.box,
                region_box_xyxy_px=one.region_box,
                pixels_file_name=pixels,
                alpha_file_name=alpha,
                right=one.right,
                gain_db=one.gain_db,
            )
            lines.append(record.model_dump_json() + "\n")
        self._file.write("".join(lines))
        self._file.flush()


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"cannot write to {out}: {error.strerror}: choose another folder"
        ) from error


def read_try_records(folder: Path) -> tuple[TryRecord, ...]:
    """All tries of a folder.

    Raises:
        BadInput: FILE_NOT_READABLE, with the line that is not one.
    """
    return _lines(folder / TRIES, TryRecord)


def read_picture_records(folder: Path) -> tuple[PictureRecord, ...]:
    """All pictures of a folder, tried at or not.

    Raises:
        BadInput: FILE_NOT_READABLE, with the line that is not one.
    """
    return _lines(folder / PICTURES, PictureRecord)


def _lines(path: Path, of: type[Line]) -> tuple[Line, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE,
            f"{path} cannot be read ({error.strerror}): write it by `retoucher dataset collect-tries`",
        ) from error
    records: list[Line] = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(of.model_validate(json.loads(line)))
        except (ValidationError, ValueError) as error:
            raise BadInput(ErrorCode.FILE_NOT_READABLE, f"{path}, line {number}: {error}") from error
    return tuple(records)


@dataclass(frozen=True)
class Tried:
    """An `(H, W, 3)` image as it was read back, with its tries."""

    image: Rgb
    prompt: str
    tries: Sequence[Try]


def read_tries(folder: Path, records: Sequence[TryRecord]) -> Iterator[Tried]:
    """The images of consecutive records, each read when it is asked for.

    Raises:
        BadInput: FILE_NOT_READABLE, a file is missing or damaged, or a patch does not fit its box.
    """
    start = 0
    while start < len(records):
        first = records[start]
        end = start
        while end < len(records) and records[end].file_name == first.file_name:
            end += 1
        tries = tuple(_read(folder, record) for record in records[start:end])
        yield Tried(read_picture(folder, first.file_name), first.prompt, tries)
        start = end


def _read(folder: Path, record: TryRecord) -> Try:
    box = record.box_xyxy_px
    size_hw = (box[3] - box[1], box[2] - box[0])
    pixels = read_picture(folder, record.pixels_file_name)
    if pixels.shape[:2] != size_hw:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE,
            f"{folder / record.pixels_file_name} is {pixels.shape[:2]}, its box {size_hw}: collect the tries anew",
        )
    return Try(
        kind=record.kind,
        tool=record.tool,
        box=box,
        region_box=record.region_box_xyxy_px,
        pixels=pixels,
        alpha=read_gray(folder, record.alpha_file_name, size_hw),
        right=record.right,
        gain_db=record.gain_db,
    )
