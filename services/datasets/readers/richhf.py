"""RichHF-18K (google-research-datasets/richhf-18k): TFRecords with scores and two heat maps, images from Pick-a-Pic v1.

A heat map is the mean of what the annotators marked. A region is a connected component where at least half of them
agree. RichHF names no category: `CATEGORIES` gives the nearest one to each map, and `kind` keeps the map's name.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from services.datasets.readers.pickapic import picked_images
from services.datasets.readers.source import SourceImage, SourceRegion, check_source, readable_image
from services.datasets.readers.tfrecord import Values, parse_example, read_tfrecord
from services.datasets.schema import QualityScores
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask
from shared.images import Rgb

NAME = "RichHF-18K"
SCORES: Mapping[str, str] = {
    "artifact_score": "plausibility",
    "misalignment_score": "alignment",
    "aesthetics_score": "aesthetics",
    "overall_score": "overall",
}
"""RichHF's scores are in [0, 1], higher is better, also the first two."""
MAPS: Mapping[str, str] = {"artifact_map": "implausibility", "misalignment_map": "misalignment"}
CATEGORIES: Mapping[str, Category] = {
    "implausibility": Category.OBJECT_DEFORMATION,
    "misalignment": Category.ATTRIBUTE,
}
DESCRIPTIONS: Mapping[str, str] = {
    "implausibility": "annotators marked this as implausible",
    "misalignment": "annotators marked this as at odds with the prompt",
}
NOTE = f"{NAME} names no categories: " + " and ".join(
    f"{kind} is written as {category.value}" for kind, category in CATEGORIES.items()
)
AGREEMENT = 0.5
"""The share of the map's full scale from which a pixel belongs to a region."""
LEAST_SHARE = 0.0002
"""A component below this share of the image (52 pixels of 512 x 512) is a speck."""


@dataclass(frozen=True)
class _Labels:
    """One example without its image; the maps are still encoded."""

    split: str
    scores: QualityScores
    maps: Mapping[str, bytes]


class RichHf:
    """Opens the TFRecords, one file or all of a folder.

    Raises:
        BadInput: no TFRecord, other features than the published ones, a score outside [0, 1], no `--images`.
    """

    def __init__(self, source: Path, images: Path | None) -> None:
        check_source(source, NAME)
        if images is None:
            raise BadInput(
                ErrorCode.BAD_OPTION, f"{NAME} holds labels alone: give the folder of Pick-a-Pic v1 as --images"
            )
        files = sorted(source.rglob("*.tfrecord")) if source.is_dir() else [source]
        if not files:
            raise BadInput(ErrorCode.MISSING_DATA, f"{source} holds no *.tfrecord: give the folder of {NAME}")
        self.source = NAME
        self.notes: tuple[str, ...] = (NOTE,)
        self.left_out: Counter[str] = Counter()
        self._images = images
        self._labels: dict[str, _Labels] = {}
        for path in files:
            for number, data in enumerate(read_tfrecord(path)):
                uid, labels = _labels(data, path.stem, f"{path}, record {number}")
                self._labels[uid] = labels

    def images(self) -> Iterator[SourceImage]:
        """In the order of the images' folder."""
        missing = set(self._labels)
        for picked in picked_images(self._images, self._labels.keys()):
            missing.discard(picked.uid)
            image = readable_image(picked.data, self.left_out)
            if image is not None:
                found = self._image(image, picked.uid, picked.prompt)
                if found is not None:
                    yield found
        if missing:
            self.left_out[f"images that are not in {self._images}"] += len(missing)

    def _image(self, image: Rgb, uid: str, prompt: str) -> SourceImage | None:
        """None where something is marked and no region is agreed upon: neither healthy nor blemished."""
        labels = self._labels[uid]
        regions: list[SourceRegion] = []
        marked = False
        for kind, encoded in labels.maps.items():
            heat = _heat(encoded, image.shape[:2], f"{kind} of {uid}")
            marked |= bool(heat.any())
            regions += [SourceRegion(mask, CATEGORIES[kind], kind, DESCRIPTIONS[kind]) for mask in agreed_regions(heat)]
        if marked and not regions:
            self.left_out["images whose marks make no region (under half of the annotators agree, or specks)"] += 1
            return None
        return SourceImage(
            image=image,
            prompt=prompt,
            regions=tuple(regions),
            scores=labels.scores,
            prompt_contradicts=any(region.kind == "misalignment" for region in regions),
            split=labels.split,
        )


def agreed_regions(heat: npt.NDArray[np.float32]) -> list[Mask]:
    """Connected components (8 neighbours) of `heat >= AGREEMENT` without specks, the largest first.

    Args:
        heat: `(H, W)` float32 in [0, 1].
    """
    agreed = (heat >= AGREEMENT).astype(np.uint8)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(agreed, connectivity=8)
    areas = [(int(stats[number, cv2.CC_STAT_AREA]), number) for number in range(1, count)]
    least = LEAST_SHARE * heat.size
    return [numbers == number for area, number in sorted(areas, reverse=True) if area >= least]


def _heat(encoded: bytes, size_hw: tuple[int, ...], what: str) -> npt.NDArray[np.float32]:
    """The map at the image's size, in [0, 1]; published as 512 x 512, 8 bits, grey."""
    decoded = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE) if encoded else None
    if decoded is None:
        raise BadInput(ErrorCode.NOT_AN_IMAGE, f"the {what} is no image: fetch {NAME} again")
    h, w = size_hw[:2]
    resized = cv2.resize(np.asarray(decoded, np.float32) / 255.0, (w, h), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.float32)


def _labels(data: bytes, split: str, where: str) -> tuple[str, _Labels]:
    """The image's uid and its labels."""
    try:
        features = parse_example(data)
    except (ValueError, KeyError) as error:
        raise BadInput(ErrorCode.BAD_OPTION, f"{where} is no tf.train.Example ({error}): give {NAME}") from error
    name = _one(features, "filename", bytes, where)
    scores: dict[str, float] = {}
    for feature, score in SCORES.items():
        scores[score] = value = _one(features, feature, float, where)
        if not 0.0 <= value <= 1.0:
            raise BadInput(ErrorCode.BAD_OPTION, f"{where}: {feature} is {value}, outside [0, 1]: give {NAME} as it is")
    maps = {kind: _one(features, feature, bytes, where) for feature, kind in MAPS.items()}
    return Path(name.decode("utf-8", errors="replace")).stem, _Labels(split, QualityScores(**scores), maps)


_Value = TypeVar("_Value", bytes, float)


def _one(features: Mapping[str, Values], name: str, kind: type[_Value], where: str) -> _Value:
    values = features.get(name, ())
    if len(values) == 1 and isinstance(values[0], kind):
        return values[0]
    found = ", ".join(f"{key} ({_shape(features[key])})" for key in sorted(features)) or "nothing"
    raise BadInput(
        ErrorCode.BAD_OPTION,
        f"{where} has no feature {name} of one {'float' if kind is float else 'bytes'}; found {found}: "
        f"expected those of {NAME} (filename, {', '.join((*SCORES, *MAPS))})",
    )


def _shape(values: Values) -> str:
    return f"{len(values)} {type(values[0]).__name__}" if values else "empty"
