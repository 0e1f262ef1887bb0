"""From what detectors find, and what the caller marks, to regions: masks in the store, ids that stay.

Knows geometry and the image store; nothing of what a finding means.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.perception.detectors.base import Finding
from shared.contracts.base import BoxXYXY
from shared.contracts.values import Region
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask, box_area, intersection, iou, mask_box
from shared.images import encode_png
from shared.ports import ImageStore

USER = "user"
"""Name in `Region.detector` of what the caller marked."""

_SAME_REGION_IOU = 0.5
_COVERED_SHARE = 0.5
_SPECK_PX = 16


@dataclass(frozen=True)
class Candidate:
    """A place that is to become a region: a detector's finding or the caller's own mark."""

    detector: str
    finding: Finding


def user_candidates(boxes: Sequence[BoxXYXY], mask: Mask | None, size_hw: tuple[int, int]) -> list[Candidate]:
    """The caller's boxes, and each connected part of the caller's mask, as candidates of full evidence.

    Parts below 16 pixels are dropped as specks.

    Raises:
        BadInput: a box lies outside the picture (BAD_REGION), or the mask has another size (MASK_SIZE_MISMATCH) or
            marks nothing (EMPTY_MASK).
    """
    h, w = size_hw
    candidates = []
    for box in boxes:
        cut = intersection(box, (0, 0, w, h))
        if box_area(cut) == 0:
            raise BadInput(ErrorCode.BAD_REGION, f"the region {box} lies outside the {w}x{h} image: correct the box")
        shape = (cut[3] - cut[1], cut[2] - cut[0])
        candidates.append(Candidate(USER, Finding(cut, np.ones(shape, np.bool_), 1.0)))
    if mask is not None:
        candidates += [Candidate(USER, finding) for finding in _parts(mask, size_hw)]
    return candidates


def _parts(mask: Mask, size_hw: tuple[int, int]) -> list[Finding]:
    if mask.shape != size_hw:
        raise BadInput(
            ErrorCode.MASK_SIZE_MISMATCH,
            f"the regions mask is {mask.shape[1]}x{mask.shape[0]}, the image {size_hw[1]}x{size_hw[0]}: "
            "send a mask of the image's size",
        )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    parts = []
    for number in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[number])
        if area >= _SPECK_PX:
            parts.append(Finding((x, y, x + w, y + h), np.asarray(labels[y : y + h, x : x + w] == number), 1.0))
    if not parts:
        raise BadInput(ErrorCode.EMPTY_MASK, "the regions mask marks nothing: paint the regions white")
    return parts


def without_covered_marks(marks: Sequence[Candidate], explained: Sequence[BoxXYXY]) -> list[Candidate]:
    """The caller's marks, less those that mostly share their place with words that were read there, now or before.

    The reading knows what is wrong; the mark only says where. So does a finding that is no reading, and it may be too
    weak to be edited: beside it the mark stays. `explained` are the readings' boxes.
    """
    return [mark for mark in marks if not any(_is_covered(mark.finding.box_xyxy_px, box) for box in explained)]


def _is_covered(mark: BoxXYXY, finding: BoxXYXY) -> bool:
    least = min(box_area(mark), box_area(finding))
    return box_area(intersection(mark, finding)) > _COVERED_SHARE * least


@dataclass(frozen=True)
class RegionWriter:
    """Makes regions of candidates and writes their masks.

    Attributes:
        store: where masks go.
        prefix: of the refs it writes, such as `job_…/s3-d1`.
        protected: `(H, W)` bool, the caller's protected area; None without one.
        saliency: `(H, W)` float32 in [0, 1]; None without a saliency detector.
    """

    store: ImageStore
    prefix: str
    protected: Mask | None
    saliency: npt.NDArray[np.float32] | None

    def write(self, candidates: Sequence[Candidate], known: Sequence[Region]) -> tuple[Region, ...]:
        """Regions in the candidates' order; one that lies where the same detector saw one before keeps its id."""
        free = list(known)
        number = highest_number(region.id for region in known)
        regions = []
        for candidate in candidates:
            earlier = _earlier(candidate, free)
            if earlier is None:
                number += 1
                region_id = f"r{number}"
            else:
                free.remove(earlier)
                region_id = earlier.id
            regions.append(self._region(candidate, region_id))
        return tuple(regions)

    def _region(self, candidate: Candidate, region_id: str) -> Region:
        finding = candidate.finding
        x0, y0, x1, y1 = finding.box_xyxy_px
        ref = self.store.put(f"{self.prefix}/{region_id}.mask.png", encode_png(finding.mask.astype(np.uint8) * 255))
        protected = None if self.protected is None else self.protected[y0:y1, x0:x1][finding.mask]
        salient = None if self.saliency is None else self.saliency[y0:y1, x0:x1][finding.mask]
        return Region(
            id=region_id,
            box_xyxy_px=finding.box_xyxy_px,
            mask_ref=ref,
            detector=candidate.detector,
            evidence=finding.evidence,
            saliency_mean=None if salient is None else float(salient.mean()),
            saliency_peak=None if salient is None else float(salient.max()),
            reading=finding.reading,
            protected_share=0.0 if protected is None else float(protected.mean()),
        )


def highest_number(ids: Iterable[str]) -> int:
    """The highest N among ids `r<N>`; 0 where there is none."""
    return max((int(i[1:]) for i in ids if i[:1] == "r" and i[1:].isdigit()), default=0)


def _earlier(candidate: Candidate, known: Sequence[Region]) -> Region | None:
    """The known region of the same detector that overlaps most, where that is enough to be the same."""
    box = candidate.finding.box_xyxy_px
    same = [region for region in known if region.detector == candidate.detector]
    best = max(same, key=lambda region: iou(region.box_xyxy_px, box), default=None)
    return best if best is not None and iou(best.box_xyxy_px, box) >= _SAME_REGION_IOU else None


def tight(finding: Finding) -> Finding | None:
    """The finding with its box cut tight around its mask; None where the mask is empty."""
    inner = mask_box(finding.mask)
    if inner is None:
        return None
    x, y = finding.box_xyxy_px[:2]
    mask = finding.mask[inner[1] : inner[3], inner[0] : inner[2]]
    box = (x + inner[0], y + inner[1], x + inner[2], y + inner[3])
    return Finding(box, mask, finding.evidence, finding.reading)
