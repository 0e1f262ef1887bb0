"""The project's data-set schema: one JSON line per image in `metadata.jsonl` of a Hugging Face imagefolder.

Every reader converts into it and the benchmark writes it. Columns that end in `file_name` or `file_names` are images
for `datasets.load_dataset("imagefolder", ...)`. Knows pydantic and paths, nothing of pixels.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from shared.contracts.base import BoxXYXY, Contract, PointXY, UnitFloat
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode

METADATA = "metadata.jsonl"


class RegionTruth(Contract):
    """One blemish.

    Attributes:
        kind: the finer name within the category; empty where a data set has none.
        centre_xy_px: of the visible blemish.
        box_xyxy_px: around the visible blemish.
        visible_share: area of the visible blemish over the image's.
    """

    category: Category
    kind: str = ""
    description: str
    inconsistency: str = ""
    instruction: str = ""
    centre_xy_px: PointXY
    box_xyxy_px: BoxXYXY
    visible_share: UnitFloat


class QualityScores(Contract):
    """As in RichHF, in [0, 1], higher is better; None where a data set has no such score."""

    plausibility: UnitFloat | None = None
    alignment: UnitFloat | None = None
    aesthetics: UnitFloat | None = None
    overall: UnitFloat | None = None


class BlemishRecord(Contract):
    """One image. Masks lie in the order of `regions`; a healthy image has none.

    Attributes:
        file_name: of the image, relative to the metadata.
        clean_file_name: of the twin without blemishes; None where there is none.
        visible_mask_file_names: what one sees to be wrong, for saliency.
        repair_mask_file_names: all that differs from the clean twin, for editing; as the visible ones without a twin.
        prompt_contradicts: a region is at odds with the prompt alone.
        source: the data set, the benchmark's split or the reader's name.
    """

    schema_version: Literal[1] = 1
    file_name: str
    clean_file_name: str | None = None
    visible_mask_file_names: tuple[str, ...] = ()
    repair_mask_file_names: tuple[str, ...] = ()
    prompt: str
    size_hw: tuple[int, int]
    healthy: bool
    prompt_contradicts: bool = False
    layout: str = ""
    source: str
    scores: QualityScores = QualityScores()
    regions: tuple[RegionTruth, ...] = Field(default=())


def read_records(folder: Path) -> Iterator[BlemishRecord]:
    """The rows of a folder's metadata, in order.

    Raises:
        BadInput: no metadata (FILE_NOT_READABLE), or a row in another shape (BAD_OPTION), with its line number.
    """
    path = folder / METADATA
    if not path.is_file():
        raise BadInput(ErrorCode.FILE_NOT_READABLE, f"{path} is not there: give a folder that `benchmark make` wrote")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield BlemishRecord.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"]) or "the row"
                raise BadInput(
                    ErrorCode.BAD_OPTION, f"{path}, line {number}: {where}: {first['msg']}: convert the data set first"
                ) from error


def row(record: BlemishRecord) -> str:
    """The record's line, with keys in a fixed order."""
    return json.dumps(record.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")) + "\n"
