"""GenBlemish-27K (Epiphany10086/GenBlemish-27K) from a local copy, by the features that the copy itself declares.

Read by Hugging Face `datasets` (an imagefolder or parquet; nothing is fetched). Its columns are found by name and type:
one row per region or per image, regions as equally long columns or as one list of structs. What does not fit is an
error that names the features found.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from services.datasets.readers.genblemish_columns import (
    OF_REGION,
    ROLES,
    Columns,
    class_names,
    find_columns,
    regions_of,
)
from services.datasets.readers.labels import LabelTable
from services.datasets.readers.source import SourceImage, SourceRegion, check_source, read_bytes, readable_image
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode, MissingResource
from shared.images import Rgb

NAME = "GenBlemish-27K"
TABLE = LabelTable(
    NAME,
    {
        **{category.value.replace("_", " "): category for category in Category},
        "hand distortion": Category.HAND,
        "hand deformity": Category.HAND,
        "face distortion": Category.FACE,
        "limb deformity": Category.LIMB,
        "limb deformities": Category.LIMB,
        "body distortion": Category.BODY,
        "text anomaly": Category.TEXT,
        "text anomalies": Category.TEXT,
    },
)
"""The paper names limb deformities, face distortion and text anomalies (3.1); for other labels see `--labels`."""


@dataclass(frozen=True)
class _Split:
    """Streamed rows, images undecoded; `class_names` of a ClassLabel, none where labels are plain values."""

    name: str
    rows: Any
    columns: Columns
    class_names: Sequence[str]

    def label(self, value: object) -> str:
        """The label as text, whether it is stored as text or as a number."""
        if isinstance(value, int) and 0 <= value < len(self.class_names):
            return self.class_names[value]
        return str(value)


class GenBlemish:
    """Opens a local copy, every split of it.

    Raises:
        BadInput: no data, features that do not fit, or labels that no table holds.
        MissingResource: MISSING_PACKAGE, `datasets` is not installed.
    """

    def __init__(self, source: Path, labels: Path | None) -> None:
        check_source(source, NAME)
        self.source = NAME
        self.left_out: Counter[str] = Counter()
        self._table = TABLE if labels is None else TABLE.extended(labels)
        self._splits = [_split(name, rows) for name, rows in _open(source).items()]
        self.notes: tuple[str, ...] = tuple(map(_note, self._splits))
        self._table.check(self._labelled())

    def _labelled(self) -> Iterator[tuple[str, str]]:
        """(label, description) of every region, without a look at pixels."""
        for split in self._splits:
            columns = split.columns
            wanted = [columns.listed] if columns.listed else [columns.of["category"], columns.of["description"]]
            for row in _checked(split.rows.select_columns(wanted)):
                for region in regions_of(row, columns, ("category", "description")):
                    yield split.label(region["category"]), str(region["description"] or "")

    def images(self) -> Iterator[SourceImage]:
        """In the order of the splits and their rows; rows of one image, which must follow each other, are put together.

        Raises:
            BadInput: masks of another size than their image, or an image that comes again later.
        """
        for split in self._splits:
            seen: set[tuple[str, str]] = set()
            for key, rows in groupby(_checked(split.rows), key=partial(_key, split.columns)):
                if key in seen:
                    raise BadInput(
                        ErrorCode.BAD_OPTION,
                        f"an image of {NAME} with the prompt '{key[1][:60]}' has rows in two places: "
                        "sort the rows by image first",
                    )
                seen.add(key)
                found = self._image(list(rows), split)
                if found is not None:
                    yield found

    def _image(self, rows: Sequence[Mapping[str, Any]], split: _Split) -> SourceImage | None:
        columns = split.columns
        image = readable_image(_bytes(rows[0][columns.of["image"]]), self.left_out)
        if image is None:
            return None
        given = [region for row in rows for region in regions_of(row, columns, OF_REGION)]
        regions = tuple(found for region in given if (found := self._region(region, image, split)) is not None)
        if given and not regions:
            self.left_out["images whose every region is left out"] += 1
            return None
        prompt = " ".join(str(rows[0][columns.of["prompt"]] or "").split())
        return SourceImage(image=image, prompt=prompt, regions=regions, split=split.name)

    def _region(self, region: Mapping[str, Any], image: Rgb, split: _Split) -> SourceRegion | None:
        label, description = split.label(region["category"]), " ".join(str(region["description"] or "").split())
        category = self._table.category(label, description)
        if category is None:
            self.left_out["regions whose label is left out"] += 1
            return None
        if region["mask"] is None:
            self.left_out["regions without a mask"] += 1
            return None
        pixels = readable_image(_bytes(region["mask"]), self.left_out, "masks")
        if pixels is None:
            return None
        if pixels.shape != image.shape:
            raise BadInput(
                ErrorCode.MASK_SIZE_MISMATCH,
                f"a mask of {NAME} is {pixels.shape[1]}x{pixels.shape[0]}, its image "
                f"{image.shape[1]}x{image.shape[0]} ('{description[:60]}'): fetch the data set again",
            )
        level = 127 if pixels.max() > 1 else 0  # some tools store a mask as 0 and 1
        mask = np.asarray(pixels.max(axis=2) > level)
        if not mask.any():
            self.left_out["regions with an empty mask"] += 1
            return None
        return SourceRegion(mask, category, label, description)


def _open(source: Path) -> Mapping[str, Any]:
    """The splits, streamed from the local files, images undecoded."""
    try:
        import datasets
    except ImportError as error:
        raise MissingResource(
            ErrorCode.MISSING_PACKAGE, f"reading {NAME} needs the package datasets: pip install 'datasets>=5,<6'"
        ) from error
    local = datasets.DownloadConfig(local_files_only=True)
    try:
        found: Any = datasets.load_dataset(str(source.absolute()), streaming=True, download_config=local)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE,
            f"{source} is no imagefolder or parquet that datasets can read ({error}): give the local copy of {NAME}",
        ) from error
    return {str(name): _undecoded(str(name), rows) for name, rows in found.items()}


def _undecoded(name: str, rows: Any) -> Any:
    """Images as the files that they are; this needs features, which a folder of bare files does not declare."""
    if rows.features is None:
        first: Mapping[str, Any] = next(_checked(rows), {})
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"the files of the split {name} declare no features; found {', '.join(first) or 'no rows'}, expected "
            f"{', '.join(ROLES)}: give the local copy of {NAME} with its metadata",
        )
    return rows.decode(False)


def _checked(rows: Any) -> Iterator[Mapping[str, Any]]:
    """The rows; what `datasets` cannot read is an error of ours."""
    try:
        yield from rows
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"a file of {NAME} is damaged or does not fit the others ({reason}): fetch the data set again",
        ) from error


def _note(split: _Split) -> str:
    """Which column was taken for what."""
    of = split.columns.of
    taken = ", ".join(f"{role} from {of[role]}" for role in of)
    return f"{NAME}, {split.name}: read {taken}" + (f" of {split.columns.listed}" if split.columns.listed else "")


def _split(name: str, rows: Any) -> _Split:
    columns = find_columns(rows.features)
    return _Split(name, rows, columns, class_names(rows.features, columns))


def _key(columns: Columns, row: Mapping[str, Any]) -> tuple[str, str]:
    """What rows of one image have in common."""
    data = _bytes(row[columns.of["image"]])
    return hashlib.sha256(data).hexdigest(), str(row[columns.of["prompt"]] or "")


def _bytes(image: Mapping[str, Any] | None) -> bytes:
    """An undecoded image's file; empty where there is none."""
    if image is None:
        return b""
    if image.get("bytes"):
        return bytes(image["bytes"])
    return read_bytes(Path(str(image.get("path"))))
