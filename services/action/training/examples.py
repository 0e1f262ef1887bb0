"""Crops to train and to measure on, cut as the action agent cuts them, kept as one file of bytes beside the run.

A crop holds what the tool sees, what it should make of it, and where the loss looks; several crops of each blemish,
jittered, stand for what detectors are off by.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.action.crops import LEAST_GROWTH_PX, region_crop_box
from services.action.tools.fitting import fit, fit_mask
from services.datasets.pairs import Pair, PairSource
from shared.contracts.base import BoxXYXY
from shared.geometry import Mask, dilate, mask_box
from shared.images import Rgb, crop

GENERIC = "repair this region"
"""What an instruction says where nobody looked closer (`services.reasoning.detector_diagnosis`)."""

GENERIC_SHARE = 0.2
GROWTH = 0.25
"""Of the shorter side: how far a mask reaches beyond what one sees to be wrong."""

_CROPS, _WORDS = "crops.npy", "words.json"


@dataclass(frozen=True)
class Case:
    """One crop at its own size, with what an edit of it is judged by.

    Attributes:
        image, clean: `(h, w, 3)` before, and the truth.
        mask: `(h, w)` bool, what may change.
        category, instruction: of the blemish; empty for a crop of a clean image.
    """

    image: Rgb
    clean: Rgb
    mask: Mask
    category: str
    instruction: str


@dataclass(frozen=True)
class Crops:
    """`(N, S, S, 7)` uint8: source, target, mask (255 where it is True); and N instructions."""

    pixels: npt.NDArray[np.uint8]
    words: Sequence[str]

    def __len__(self) -> int:
        return len(self.words)


def blemish_cases(pair: Pair, rng: np.random.Generator | None = None) -> Iterator[Case]:
    """A case for each blemish; with `rng` its region is off by a little, as a detector's would be."""
    for blemish in pair.blemishes:
        box = mask_box(blemish.visible)
        if box is None:
            continue
        growth = max(LEAST_GROWTH_PX, round(GROWTH * min(box[2] - box[0], box[3] - box[1])))
        if rng is not None:
            box, growth = _jittered(box, pair.image.shape[:2], rng), round(growth * float(rng.uniform(0.3, 2.0)))
        where = region_crop_box(box, growth, (pair.image.shape[0], pair.image.shape[1]))
        mask = dilate(blemish.visible, growth)
        yield Case(
            image=crop(pair.image, where),
            clean=crop(pair.clean, where),
            mask=mask[where[1] : where[3], where[0] : where[2]],
            category=blemish.category,
            instruction=blemish.instruction,
        )


def hole_cases(pair: Pair, rng: np.random.Generator, count: int) -> Iterator[Case]:
    """Crops of the clean image with random blobs as masks: their shapes must not tell what lay there."""
    h, w = pair.clean.shape[:2]
    for _ in range(count):
        side = int(rng.integers(10, max(11, min(h, w) // 3)))
        x, y = int(rng.integers(0, w - side)), int(rng.integers(0, h - side))
        blob = np.zeros((h, w), np.bool_)
        for _ in range(int(rng.integers(1, 4))):
            bw, bh = (max(3, int(side * rng.uniform(0.3, 1.0))) for _ in range(2))
            bx, by = x + int(rng.integers(0, side - bw + 1)), y + int(rng.integers(0, side - bh + 1))
            blob[by : by + bh, bx : bx + bw] = True
        blob = dilate(blob, int(rng.integers(1, 5)))
        where = region_crop_box((x, y, x + side, y + side), LEAST_GROWTH_PX, (h, w))
        clean = crop(pair.clean, where)
        yield Case(clean, clean, blob[where[1] : where[3], where[0] : where[2]], "", pair.prompt)


Cut = Callable[[Pair, np.random.Generator], Iterator[Case]]
"""Makes cases of a pair, at random."""


def blemish_cut(times: int) -> Cut:
    """So many jittered crops of each blemish; now and then an instruction is the one of somebody who did not look."""

    def cut(pair: Pair, rng: np.random.Generator) -> Iterator[Case]:
        for _ in range(times):
            for case in blemish_cases(pair, rng):
                generic = rng.random() < GENERIC_SHARE
                yield Case(case.image, case.clean, case.mask, case.category, GENERIC if generic else case.instruction)

    return cut


def hole_cut(times: int) -> Cut:
    """So many crops of each clean image, with holes."""
    return lambda pair, rng: hole_cases(pair, rng, times)


def cut_crops(
    source: PairSource, cut: Cut, side_px: int, seed: int, folder: Path, report: Callable[[str], None]
) -> Crops:
    """The crops of a source in a tool's square, made once for each run: a resumed one reads them back."""
    if (folder / _WORDS).is_file():
        return _read(folder)
    pixels, words = [], []
    for index in range(len(source)):
        rng = np.random.default_rng([seed, index])
        for case in cut(source[index], rng):
            mask = np.where(fit_mask(case.mask, side_px), 255, 0).astype(np.uint8)
            pixels.append(np.dstack([fit(case.image, side_px), fit(case.clean, side_px), mask]))
            words.append(case.instruction)
        if (index + 1) % 500 == 0:
            report(f"{len(words)} crops of {index + 1} of {len(source)} images")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / _CROPS, np.stack(pixels) if pixels else np.zeros((0, side_px, side_px, 7), np.uint8))
    (folder / _WORDS).write_text(json.dumps(words), encoding="utf-8")  # last: with it the crops are complete
    return _read(folder)


def _read(folder: Path) -> Crops:
    words: list[str] = json.loads((folder / _WORDS).read_text(encoding="utf-8"))
    return Crops(np.load(folder / _CROPS, mmap_mode="r"), words)


def _jittered(box: BoxXYXY, size_hw: tuple[int, ...], rng: np.random.Generator) -> BoxXYXY:
    """The box with its sides moved by up to a fifth of its own, cut at the image's border, never empty."""
    w, h = box[2] - box[0], box[3] - box[1]
    dx0, dx1, dy0, dy1 = rng.uniform(-0.2, 0.2, 4)
    x0, y0 = max(0, round(box[0] + dx0 * w)), max(0, round(box[1] + dy0 * h))
    x1, y1 = min(size_hw[1], round(box[2] + dx1 * w)), min(size_hw[0], round(box[3] + dy1 * h))
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)
