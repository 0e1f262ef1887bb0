"""What a reader yields, and how it is written in the project's schema. Knows no published data set.

The folder appears whole or not at all: it is written beside its place and renamed at the end. Layout as the
benchmark's: `images/`, `visible/` and `metadata.jsonl`; there are no clean twins, so a repair mask is the visible one.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from services.datasets.schema import METADATA, BlemishRecord, QualityScores, RegionTruth, row
from shared.contracts.base import BoxXYXY
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask, mask_box
from shared.images import Rgb, decode_upload, encode_png


@dataclass(frozen=True)
class SourceRegion:
    """A blemish as published.

    Attributes:
        mask: `(H, W)` bool of the image's size, with at least one pixel.
        kind: the data set's own label.
        inconsistency, instruction: as in `RegionTruth`; empty where a data set has none.
    """

    mask: Mask
    category: Category
    kind: str
    description: str
    inconsistency: str = ""
    instruction: str = ""


@dataclass(frozen=True)
class SourceImage:
    """An image as published; without regions it is a healthy one.

    Attributes:
        split: of the data set, where it has any.
    """

    image: Rgb
    prompt: str
    regions: tuple[SourceRegion, ...] = ()
    scores: QualityScores = field(default_factory=QualityScores)
    prompt_contradicts: bool = False
    split: str = ""


class Reader(Protocol):
    """One published data set, opened and found to be in the expected shape.

    Attributes:
        source: the data set's name; with the split, it is written into every record.
        notes: sentences on how the data set was understood, for whoever uses the result.
        left_out: filled while the images are read: how often something was left out, by a clause that says what.
    """

    @property
    def source(self) -> str:
        """See the class."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """See the class."""
        ...

    @property
    def left_out(self) -> Counter[str]:
        """See the class."""
        ...

    def images(self) -> Iterator[SourceImage]:
        """The images in the data set's order."""
        ...


@dataclass(frozen=True)
class Converted:
    """What a conversion wrote, and what it left out."""

    images: int
    healthy: int
    regions: int
    without_prompt: int
    notes: tuple[str, ...]
    left_out: Counter[str]


def readable_image(data: bytes, left_out: Counter[str], what: str = "images") -> Rgb | None:
    """The pixels, the right way up; a file that is no whole PNG, JPEG or WebP is counted."""
    try:
        return decode_upload(data).rgb
    except BadInput as error:
        left_out[f"{what} that cannot be read ({error.code.value})"] += 1
        return None


def read_bytes(path: Path) -> bytes:
    """A file of the data set.

    Raises:
        BadInput: FILE_NOT_READABLE.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"{path} cannot be read ({error.strerror}): check it, or fetch it again"
        ) from error


def check_source(source: Path, name: str) -> None:
    """Refuses what is not there; a reader's own checks come after.

    Raises:
        BadInput: FILE_NOT_READABLE.
    """
    if not source.exists():
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"there is no {source}: give the folder that {name} was downloaded to"
        )


def write_converted(reader: Reader, out: Path, on_image: Callable[[int], None] | None = None) -> Converted:
    """Writes every image of the reader into `out`, which must be new or empty.

    Args:
        reader: an opened data set.
        out: appears when all is written.
        on_image: told how many images are written, after each.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE; MISSING_DATA where not one image could be converted; what the reader raises.
    """
    _check_free(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise _not_writable(out, error) from error
    try:
        work.chmod(0o755)  # mkdtemp's folders are the owner's alone
        found = _write_all(reader, work, on_image)
        if not found.images:
            reasons = "; ".join(f"{count} {what}" for what, count in found.left_out.items()) or "it is empty"
            raise BadInput(
                ErrorCode.MISSING_DATA, f"not one image of {reader.source} could be converted ({reasons}): see --help"
            )
        try:
            if out.exists():
                out.rmdir()
            work.rename(out)
        except OSError as error:
            raise _not_writable(out, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)  # gone already where it was renamed
    return found


def _check_free(out: Path) -> None:
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise BadInput(ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} is not an empty folder: give a new one as --out")
    except OSError as error:
        raise _not_writable(out, error) from error


def _not_writable(out: Path, error: OSError) -> BadInput:
    code = ErrorCode.DISK_FULL if error.errno == 28 else ErrorCode.OUTPUT_NOT_WRITABLE
    return BadInput(code, f"{out} cannot be written ({error.strerror}): give another --out")


def _write_all(reader: Reader, folder: Path, on_image: Callable[[int], None] | None) -> Converted:
    for name in ("images", "visible"):
        (folder / name).mkdir()
    images = healthy = regions = without_prompt = 0
    with (folder / METADATA).open("w", encoding="utf-8") as lines:
        for image in reader.images():
            try:
                lines.write(row(_write(folder, images, image, reader.source)))
            except OSError as error:
                raise _not_writable(folder, error) from error
            images += 1
            healthy += not image.regions
            regions += len(image.regions)
            without_prompt += not image.prompt
            if on_image is not None:
                on_image(images)
    return Converted(images, healthy, regions, without_prompt, reader.notes, reader.left_out)


def _write(folder: Path, index: int, image: SourceImage, source: str) -> BlemishRecord:
    name = f"{index:06d}"
    (folder / "images" / f"{name}.png").write_bytes(encode_png(image.image))
    masks: list[str] = []
    for number, region in enumerate(image.regions):
        path = f"visible/{name}_{number}.png"
        (folder / path).write_bytes(encode_png(region.mask.astype("uint8") * 255))
        masks.append(path)
    h, w = image.image.shape[:2]
    return BlemishRecord(
        file_name=f"images/{name}.png",
        visible_mask_file_names=tuple(masks),
        repair_mask_file_names=tuple(masks),
        prompt=image.prompt,
        size_hw=(h, w),
        healthy=not image.regions,
        prompt_contradicts=image.prompt_contradicts,
        source=f"{source}/{image.split}" if image.split else source,
        scores=image.scores,
        regions=tuple(_truth(region) for region in image.regions),
    )


def _truth(region: SourceRegion) -> RegionTruth:
    rows, columns = region.mask.nonzero()
    return RegionTruth(
        category=region.category,
        kind=region.kind,
        description=region.description,
        inconsistency=region.inconsistency,
        instruction=region.instruction,
        centre_xy_px=(float(columns.mean()) + 0.5, float(rows.mean()) + 0.5),
        box_xyxy_px=_box(region.mask),
        visible_share=float(region.mask.mean()),
    )


def _box(mask: Mask) -> BoxXYXY:
    box = mask_box(mask)
    if box is None:
        raise ValueError("a reader yielded a region without a pixel")
    return box
