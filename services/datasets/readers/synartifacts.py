"""SynArtifact-1K (Cao et al. 2024, arXiv 2402.18068): a JSON per image, with boxes, classes and captions.

Shape: `<group>/<image>` and `<group>/annotation_json_artifacts_class/<image>.json`, with `Artifacts annotation`: a list
of `artifacts_class`, `artifacts_caption`, `rect_start`, `rect_end` (corners, pixels). A region's mask is its box.
Classes may be stored as numbers whose meaning no file states: these need `--labels`.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.datasets.readers.labels import LabelTable
from services.datasets.readers.pickapic import SUFFIXES, beside
from services.datasets.readers.source import SourceImage, SourceRegion, check_source, read_bytes, readable_image
from shared.contracts.base import PointXY
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask
from shared.images import Rgb

NAME = "SynArtifact-1K"
ANNOTATIONS = "annotation_json_artifacts_class"
LIST, ELSEWHERE = "Artifacts annotation", "Other artifacts caption"
KEYS = ("artifacts_class", "artifacts_caption", "rect_start", "rect_end")
_OF_PARTS = ("distorted and deformed components", "distorted components", "duplicated components", "omitted components")
TABLE = LabelTable(
    NAME,
    {
        "illegible letters": Category.TEXT,
        "awkward facial expression": Category.FACE,
        "distorted and deformed components": Category.OBJECT_DEFORMATION,
        "distorted components": Category.OBJECT_DEFORMATION,
        "duplicated components": Category.OBJECT_REDUNDANCY,
        "omitted components": Category.OBJECT_DEFORMATION,
        "abnormal non spatial relationship": Category.INTERACTION,
        "abnormal spatial relationship": Category.PLACEMENT,
        "chromatic irregularity": Category.ATTRIBUTE,
        "abnormal texture": Category.ATTRIBUTE,
        "localized blur": Category.ATTRIBUTE,
        "luminance discrepancy": Category.ATTRIBUTE,
        "impractical luminosity": Category.ATTRIBUTE,
        "unrealistic lighting": Category.ATTRIBUTE,
    },
    frozenset(_OF_PARTS),
)
"""The paper's taxonomy. Light, texture and colour have no category of their own: they are wrong attributes."""


@dataclass(frozen=True)
class _Box:
    label: str
    caption: str
    corners: tuple[PointXY, PointXY] | None


@dataclass(frozen=True)
class _Annotation:
    """Of one image; `elsewhere` where a flaw is described that no box shows."""

    image: Path | None
    boxes: tuple[_Box, ...]
    elsewhere: bool


class SynArtifacts:
    """Opens every annotation below the folder.

    Args:
        source: the data set's folder.
        images: where the images are, if not above their annotations; found by their file name.
        labels: the user's table.

    Raises:
        BadInput: no annotations, one in another shape, or labels that no table holds.
    """

    def __init__(self, source: Path, images: Path | None, labels: Path | None) -> None:
        check_source(source, NAME)
        files = sorted(path for path in source.rglob("*.json") if path.parent.name == ANNOTATIONS)
        if not files:
            raise BadInput(
                ErrorCode.MISSING_DATA,
                f"{source} holds no {ANNOTATIONS}/*.json: give the folder of {NAME}, with all its groups",
            )
        self.source = NAME
        self.notes: tuple[str, ...] = (f"{NAME} has boxes alone: a mask is its whole box",)
        self.left_out: Counter[str] = Counter()
        self._table = TABLE if labels is None else TABLE.extended(labels)
        known = {path.stem: path for path in images.rglob("*") if path.suffix.lower() in SUFFIXES} if images else {}
        self._annotations = [_read(path, known) for path in files]
        self._table.check((box.label, box.caption) for found in self._annotations for box in found.boxes)

    def images(self) -> Iterator[SourceImage]:
        """In the order of the annotations' paths."""
        for found in self._annotations:
            if found.image is None:
                self.left_out["annotations whose image is not there"] += 1
                continue
            image = readable_image(read_bytes(found.image), self.left_out)
            if image is None:
                continue
            regions = tuple(self._regions(found, image))
            if not regions and (found.boxes or found.elsewhere):
                self.left_out["images whose flaws no usable box shows"] += 1
                continue
            yield SourceImage(image=image, prompt=beside(found.image), regions=regions)

    def _regions(self, found: _Annotation, image: Rgb) -> Iterator[SourceRegion]:
        for box in found.boxes:
            category = self._table.category(box.label, box.caption)
            mask = _filled(box.corners, image.shape[:2]) if box.corners else None
            if category is None:
                self.left_out["regions whose label is left out"] += 1
            elif mask is None or not mask.any():
                self.left_out["regions without a box inside the image"] += 1
            else:
                yield SourceRegion(mask, category, box.label, box.caption)


def _filled(corners: tuple[PointXY, PointXY], size_hw: tuple[int, ...]) -> Mask:
    """The box between two opposite corners, in whichever order they were drawn, cut at the border."""
    (xa, ya), (xb, yb) = corners
    x0, x1 = (max(0, round(x)) for x in sorted((xa, xb)))
    y0, y1 = (max(0, round(y)) for y in sorted((ya, yb)))
    mask = np.zeros(size_hw[:2], np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


def _read(path: Path, known: Mapping[str, Path]) -> _Annotation:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(ErrorCode.FILE_NOT_READABLE, f"{path} is no readable JSON ({error}): fetch it again") from error
    entries = found.get(LIST) if isinstance(found, dict) else None
    if not isinstance(entries, list):
        have = ", ".join(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise BadInput(
            ErrorCode.BAD_OPTION, f"{path} holds {have or 'nothing'}, no list '{LIST}': give {NAME} as it is"
        )
    beside_it = (path.parent.parent / (path.stem + suffix) for suffix in sorted(SUFFIXES))
    image = next((name for name in beside_it if name.is_file()), known.get(path.stem))
    elsewhere = str(found.get(ELSEWHERE) or "none").strip().casefold() not in ("", "none")
    return _Annotation(image, tuple(_box(entry, path) for entry in entries), elsewhere)


def _box(entry: object, path: Path) -> _Box:
    missing = [key for key in KEYS if not isinstance(entry, dict) or key not in entry]
    if missing or not isinstance(entry, dict):
        have = ", ".join(map(str, entry)) if isinstance(entry, dict) else type(entry).__name__
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"{path}: a region has {have or 'nothing'}, not {', '.join(missing)}: give {NAME} as it is",
        )
    start, end = _point(entry["rect_start"], path), _point(entry["rect_end"], path)
    corners = (start, end) if start and end else None
    return _Box(str(entry["artifacts_class"]), " ".join(str(entry["artifacts_caption"]).split()), corners)


def _point(value: object, path: Path) -> PointXY | None:
    """None for an empty one: the flaw was described and not drawn."""
    if value is None or value == []:
        return None
    if isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return float(value[0]), float(value[1])
    raise BadInput(ErrorCode.BAD_OPTION, f"{path}: {value!r} is no corner [x, y]: give {NAME} as it is")
