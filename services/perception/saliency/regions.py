"""From a saliency map to regions (paper 4.2): binarise, dilate, connected components, merge, drop specks, order.

Pixels alone: knows no network and no detector.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from shared.contracts.base import BoxXYXY
from shared.geometry import Mask, box_area, dilate, intersection, mask_box

SaliencyMap = npt.NDArray[np.float32]

_OVERLAP = 0.5
_BRIGHTEST = 0.05


@dataclass(frozen=True)
class RegionSettings:
    """How regions are cut; lengths are relative to the image, so that any size gives the same regions.

    Attributes:
        tau: the map is binarised at this value.
        dilation_of_height: radius of the dilation, in image heights.
        min_area_share: what covers less of the image before dilation is a speck.
        max_side_px: a larger map is cut at this size and the masks are scaled up: regions are coarse.
    """

    tau: float
    dilation_of_height: float = 1 / 64
    min_area_share: float = 2e-4
    max_side_px: int = 1024


@dataclass(frozen=True)
class SalientRegion:
    """A region of the map: its box, its `(h, w)` mask of the box's size, and how salient it is."""

    box_xyxy_px: BoxXYXY
    mask: Mask
    evidence: float


def salient_regions(saliency: SaliencyMap, settings: RegionSettings) -> tuple[SalientRegion, ...]:
    """The regions of a `(H, W)` map in [0, 1], most salient first."""
    size_hw = saliency.shape[0], saliency.shape[1]
    scale = min(1.0, settings.max_side_px / max(size_hw))
    working = saliency if scale == 1.0 else cv2.resize(saliency, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    masks = _merged(_components(_binary(np.asarray(working, np.float32), settings)))
    regions = []
    for mask in masks:
        full = mask if scale == 1.0 else _raised(mask, size_hw)
        box = mask_box(full)
        if box is not None:
            inside = full[box[1] : box[3], box[0] : box[2]].copy()
            regions.append(SalientRegion(box, inside, evidence_in(saliency, box)))
    return tuple(sorted(regions, key=lambda region: (-region.evidence, region.box_xyxy_px)))


def evidence_in(saliency: SaliencyMap, box: BoxXYXY) -> float:
    """How badly the map thinks of a box: the mean of its brightest twentieth, in [0, 1]; 0 outside the image.

    Less noisy than the peak, and unlike the mean it does not fade with the box's size. Reported and verified evidence
    are this one number, so that a repair is judged by what the region was found by.
    """
    x0, y0, x1, y1 = intersection(box, (0, 0, saliency.shape[1], saliency.shape[0]))
    if box_area((x0, y0, x1, y1)) == 0:
        return 0.0
    values = saliency[y0:y1, x0:x1].ravel()
    count = max(1, round(values.size * _BRIGHTEST))
    brightest = np.partition(values, values.size - count)[values.size - count :]
    return float(np.clip(brightest.mean(dtype=np.float64), 0.0, 1.0))


def _binary(saliency: SaliencyMap, settings: RegionSettings) -> Mask:
    """Binarised, without specks, dilated."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(
        (saliency >= settings.tau).astype(np.uint8), connectivity=8
    )
    large = statistics[:, cv2.CC_STAT_AREA] >= max(1.0, settings.min_area_share * saliency.size)
    large[0] = False
    kept: Mask = large[labels] if count > 1 else np.zeros(saliency.shape, np.bool_)
    return dilate(kept, round(saliency.shape[0] * settings.dilation_of_height))


def _components(binary: Mask) -> list[Mask]:
    count, labels = cv2.connectedComponents(binary.astype(np.uint8), connectivity=8)
    return [np.asarray(labels == label) for label in range(1, count)]


def _merged(masks: list[Mask]) -> list[Mask]:
    """Joins masks whose boxes overlap by half of the smaller: an editor would repair them twice."""
    pending = [(mask, box) for mask in masks if (box := mask_box(mask)) is not None]
    done: list[tuple[Mask, BoxXYXY]] = []
    while pending:
        mask, box = pending.pop()
        rival = next((at for at, (_, other) in enumerate(done) if _overlap(box, other) >= _OVERLAP), None)
        if rival is None:
            done.append((mask, box))
            continue
        joined = mask | done.pop(rival)[0]
        joined_box = mask_box(joined)
        if joined_box is not None:
            pending.append((joined, joined_box))  # larger now: it may overlap one that it did not before
    return [mask for mask, _ in done]


def _overlap(a: BoxXYXY, b: BoxXYXY) -> float:
    return box_area(intersection(a, b)) / max(1, min(box_area(a), box_area(b)))


def _raised(mask: Mask, size_hw: tuple[int, int]) -> Mask:
    return np.asarray(cv2.resize(mask.astype(np.uint8), (size_hw[1], size_hw[0]), interpolation=cv2.INTER_NEAREST)) > 0
