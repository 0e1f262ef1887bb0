"""The images and captions of Pick-a-Pic v1 that another data set refers to by name, from a local folder.

Either files (`<uid>.png`, .jpg, .jpeg, .webp anywhere below, with the prompt in `<uid>.txt` beside it), or the parquet
shards as published, with the columns `caption`, `image_0_uid`, `jpg_0`, `image_1_uid`, `jpg_1`. Downloads nothing.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from services.datasets.readers.source import read_bytes
from shared.errors import BadInput, ErrorCode, MissingResource

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp"))
COLUMNS = ("caption", "image_0_uid", "jpg_0", "image_1_uid", "jpg_1")


@dataclass(frozen=True)
class PickedImage:
    """An encoded image; the prompt is empty where none is known."""

    uid: str
    data: bytes
    prompt: str


def picked_images(folder: Path, wanted: Set[str]) -> Iterator[PickedImage]:
    """The images whose uid is wanted, each once: files in order of their path, then shards in theirs.

    Raises:
        BadInput: FILE_NOT_READABLE, no such folder, or an unreadable file; BAD_OPTION, a shard with other columns.
        MissingResource: MISSING_PACKAGE, there are shards and pyarrow is not installed.
    """
    if not folder.is_dir():
        raise BadInput(ErrorCode.FILE_NOT_READABLE, f"there is no folder {folder}: give that of Pick-a-Pic as --images")
    left = set(wanted)
    paths = sorted(folder.rglob("*"))
    for path in paths:
        if path.suffix.lower() in SUFFIXES and path.stem in left:
            left.discard(path.stem)
            yield PickedImage(path.stem, read_bytes(path), beside(path))
    for path in paths:
        if path.suffix == ".parquet" and left:
            yield from _shard(path, left)


def beside(image: Path) -> str:
    """The prompt that lies beside an image as `<stem>.txt`; empty where there is none."""
    text = image.with_suffix(".txt")
    return " ".join(read_bytes(text).decode("utf-8", errors="replace").split()) if text.is_file() else ""


def _shard(path: Path, left: set[str]) -> Iterator[PickedImage]:
    """Takes from `left` what the shard holds. Pixels are read only from row groups that hold something wanted."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingResource(
            ErrorCode.MISSING_PACKAGE, f"{path} needs pyarrow: pip install pyarrow, or give the images as files"
        ) from error
    try:
        shard = parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE, f"{path} is no readable parquet ({error}): fetch it again"
        ) from error
    with shard:
        names = shard.schema_arrow.names
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"{path} has the columns {', '.join(names)}, not {', '.join(missing)}: give shards of Pick-a-Pic v1",
            )
        for group in range(shard.num_row_groups):
            uids = shard.read_row_group(group, columns=["image_0_uid", "image_1_uid"]).to_pydict()
            if left.isdisjoint(uids["image_0_uid"]) and left.isdisjoint(uids["image_1_uid"]):
                continue
            for found in shard.read_row_group(group, columns=list(COLUMNS)).to_pylist():
                for side in (0, 1):
                    uid = found[f"image_{side}_uid"]
                    if uid in left:
                        left.discard(uid)
                        yield PickedImage(uid, found[f"jpg_{side}"] or b"", " ".join((found["caption"] or "").split()))
