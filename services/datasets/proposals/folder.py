"""A folder of proposed regions: `proposals.jsonl`, one line per region, beside copies of the images and the masks.

Training and evaluation read it in place of a data set, so that all models are asked about the same regions.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from services.datasets.files import read_mask, read_picture
from services.datasets.proposals.propose import Proposal, ProposalSource, Way
from services.datasets.schema import RegionTruth
from shared.contracts.base import BoxXYXY, Contract, UnitFloat
from shared.errors import BadInput, ErrorCode
from shared.images import encode_png

PROPOSALS = "proposals.jsonl"


class ProposalRecord(Contract):
    """One proposed region.

    Attributes:
        sample: number of the sample that it belongs to; lines of one sample stand together.
        file_name: of the image that it lies on, relative to this file.
        mask_file_name: of the region, of its box's size.
        covered: share of the blemish's pixels inside the box.
        truth: the blemish that it shows, as the data-set schema has it; None on a sound place.
    """

    schema_version: Literal[1] = 1
    sample: int
    file_name: str
    on_twin: bool = False
    prompt: str
    box_xyxy_px: BoxXYXY
    mask_file_name: str
    way: Way
    covered: UnitFloat
    truth: RegionTruth | None


@dataclass
class Written:
    """What a folder of proposals holds, by way and by whether there is a blemish."""

    samples: int = 0
    distorted: int = 0
    healthy: int = 0
    ways: dict[str, int] = field(default_factory=dict)

    def count(self, proposals: Sequence[Proposal]) -> None:
        """Takes one sample's."""
        self.samples += 1
        for one in proposals:
            self.distorted += one.truth is not None
            self.healthy += one.truth is None
            self.ways[one.way] = self.ways.get(one.way, 0) + 1


def write_proposals(source: ProposalSource, out: Path, advance: Callable[[int], None] = lambda count: None) -> Written:
    """Writes every region of a source.

    Args:
        source: proposes them.
        out: a folder, new or empty.
        advance: called with the number of samples done since the last call.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE.
    """
    written = Written()
    try:
        for name in ("images", "masks"):
            (out / name).mkdir(parents=True, exist_ok=True)
        if any(path.name not in ("images", "masks") for path in out.iterdir()):
            raise BadInput(ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} is not empty: give a new or an empty folder as --out")
        with (out / PROPOSALS).open("w", encoding="utf-8") as lines:
            for number in range(len(source)):
                proposals = source[number]
                for record in _write(out, number, proposals):
                    lines.write(json.dumps(record.model_dump(mode="json"), ensure_ascii=False) + "\n")
                written.count(proposals)
                advance(1)
    except OSError as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{out} cannot be written ({error.strerror}): give another --out"
        ) from error
    return written


def _write(out: Path, number: int, proposals: Sequence[Proposal]) -> list[ProposalRecord]:
    records = []
    for at, one in enumerate(proposals):
        image = f"images/{number:06d}{'_twin' if one.on_twin else ''}.png"
        mask = f"masks/{number:06d}_{at}.png"
        if not (out / image).exists():
            (out / image).write_bytes(encode_png(one.image))
        (out / mask).write_bytes(encode_png(one.mask.astype("uint8") * 255))
        records.append(
            ProposalRecord(
                sample=number,
                file_name=image,
                on_twin=one.on_twin,
                prompt=one.prompt,
                box_xyxy_px=one.box_xyxy_px,
                mask_file_name=mask,
                way=one.way,
                covered=one.covered,
                truth=one.truth,
            )
        )
    return records


@dataclass(frozen=True)
class ProposalFolder:
    """Implements `ProposalSource` over a folder; samples without a region do not occur in it."""

    folder: Path
    samples: tuple[tuple[ProposalRecord, ...], ...]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sequence[Proposal]:
        if not 0 <= index < len(self.samples):
            raise IndexError(f"sample {index} of {len(self.samples)}")
        return tuple(self._proposal(record) for record in self.samples[index])

    def _proposal(self, record: ProposalRecord) -> Proposal:
        x0, y0, x1, y1 = record.box_xyxy_px
        image = read_picture(self.folder, record.file_name)
        return Proposal(
            image=image,
            on_twin=record.on_twin,
            prompt=record.prompt,
            box_xyxy_px=record.box_xyxy_px,
            mask=read_mask(self.folder, record.mask_file_name, (y1 - y0, x1 - x0)),
            way=record.way,
            covered=record.covered,
            truth=record.truth,
        )


def read_proposals(folder: Path) -> ProposalFolder:
    """A folder that `write_proposals` wrote.

    Raises:
        BadInput: FILE_NOT_READABLE; a line in another shape (BAD_OPTION), with its number; MISSING_DATA, no line.
    """
    samples: dict[int, list[ProposalRecord]] = {}
    try:
        lines = (folder / PROPOSALS).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE,
            f"{folder / PROPOSALS} cannot be read ({error.strerror}): write it by `retoucher dataset propose-regions`",
        ) from error
    for number, line in enumerate(lines, start=1):
        try:
            record = ProposalRecord.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"{folder / PROPOSALS}, line {number}: {where}: {first['msg']}: propose the regions anew",
            ) from error
        samples.setdefault(record.sample, []).append(record)
    if not samples:
        raise BadInput(ErrorCode.MISSING_DATA, f"{folder / PROPOSALS} holds no region: propose regions of more images")
    return ProposalFolder(folder, tuple(tuple(records) for records in samples.values()))
