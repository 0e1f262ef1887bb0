"""Crops to train and to measure on, cut as the action agent cuts them, kept as one file of bytes beside the run.

A crop holds what the tool sees, what it should make of it, and where the loss looks; several crops of each blemish,
jittered, stand for what detectors are off by.
"""

import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import cv2
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

GROWTH = 0.25
"""Of the shorter side: how far a mask reaches beyond what one sees to be wrong."""

CHANNELS = 9
"""Of a crop: see `Crops`."""

_CROPS, _MIRRORS, _WORDS = "crops.npy", "mirrors.npy", "words.json"
_BLANK = 128
"""The grey of what is cut out."""
_CHUNK = 16
"""Samples that a process cuts at a time: under a second, so that a clock is heeded."""
_SAY = 50 * _CHUNK
_FRINGE_PX = 0.7
"""Sigma of the soft border between what is shown and the backdrop, about the drawing's own anti-aliasing."""
_SIDES = ("left", "right")
_NEAR, _FAR = (-0.1, 0.25), (-0.3, 0.8)
"""How far outwards a detector puts a side, in the blemish's own: three sides in four, and the others. Of the sides of
141 flaws that the saliency network found it put half between 0.02 and 0.25, and a tenth beyond 0.7 or below -0.2."""
_FAR_SHARE = 0.25


@dataclass(frozen=True)
class Case:
    """One crop at its own size, with what an edit of it is judged by.

    Attributes:
        image, clean: `(h, w, 3)` before, and the truth.
        mask: `(h, w)` bool, what may change.
        category, instruction: of the blemish; empty for a crop of a clean image.
        shown, clean_shown: `(h, w)` bool, what is no backdrop in either; None where nobody knows.
        may_mirror: its mirror image goes with its words.
    """

    image: Rgb
    clean: Rgb
    mask: Mask
    category: str
    instruction: str
    shown: Mask | None = None
    clean_shown: Mask | None = None
    may_mirror: bool = False


@dataclass(frozen=True)
class Crops:
    """Crops in the tool's square.

    Attributes:
        pixels: `(N, S, S, 9)` uint8: source, target, mask (255 where it is True), how much of a pixel is no backdrop in
            source and target (255 for all of it, and where nobody knows).
        mirrors: `(N,)` bool: may be mirrored.
        words: N instructions.
    """

    pixels: npt.NDArray[np.uint8]
    mirrors: npt.NDArray[np.bool_]
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
            shown=_part(pair.shown, where),
            clean_shown=_part(pair.clean_shown, where),
            may_mirror=_may_mirror(pair, blemish.instruction),
        )


def hole_cases(pair: Pair, rng: np.random.Generator, count: int) -> Iterator[Case]:
    """Crops of the clean image with random blobs cut out of it: their shapes must not tell what lay there.

    What was cut out is grey, so that to do nothing is no repair; the mask reaches beyond it, as the agent's does beyond
    a flaw.
    """
    h, w = pair.clean.shape[:2]
    for _ in range(count):
        side = int(rng.integers(10, max(11, min(h, w) // 3)))
        x, y = int(rng.integers(0, w - side)), int(rng.integers(0, h - side))
        blob = np.zeros((h, w), np.bool_)
        for _ in range(int(rng.integers(1, 4))):
            bw, bh = (max(3, int(side * rng.uniform(0.3, 1.0))) for _ in range(2))
            bx, by = x + int(rng.integers(0, side - bw + 1)), y + int(rng.integers(0, side - bh + 1))
            blob[by : by + bh, bx : bx + bw] = True
        grown = dilate(blob, int(rng.integers(1, 5)))
        where = region_crop_box((x, y, x + side, y + side), LEAST_GROWTH_PX, (h, w))
        clean, shown = crop(pair.clean, where), _part(pair.clean_shown, where)
        hole, mask = (one[where[1] : where[3], where[0] : where[2]] for one in (blob, grown))
        image = np.where(hole[..., None], np.uint8(_BLANK), clean)
        yield Case(image, clean, mask, "", pair.prompt, shown, shown, _may_mirror(pair, pair.prompt))


class Cut(Protocol):
    """Makes cases of a pair, at random. Travels to other processes."""

    def __call__(self, pair: Pair, rng: np.random.Generator) -> Iterator[Case]:
        """The cases of this pair."""
        ...


@dataclass(frozen=True)
class BlemishCut:
    """So many jittered crops of each blemish; the share `vague` has the instruction of somebody who did not look."""

    times: int
    vague: float = 0.2

    def __call__(self, pair: Pair, rng: np.random.Generator) -> Iterator[Case]:
        """See `Cut`."""
        for _ in range(self.times):
            for case in blemish_cases(pair, rng):
                yield replace(case, instruction=GENERIC) if rng.random() < self.vague else case


@dataclass(frozen=True)
class HoleCut:
    """So many crops of each clean image, with holes."""

    times: int

    def __call__(self, pair: Pair, rng: np.random.Generator) -> Iterator[Case]:
        """See `Cut`."""
        return hole_cases(pair, rng, self.times)


def cut_crops(
    source: PairSource,
    cut: Cut,
    side_px: int,
    seed: int,
    folder: Path,
    report: Callable[[str], None],
    workers: int = 0,
    seconds: float | None = None,
) -> Crops:
    """The crops of a source in a tool's square, made once for each run: a resumed one reads them back.

    Args:
        source: pairs; must travel to other processes where there are workers.
        cut: what it is cut by.
        side_px: of the square.
        seed: of the cutting.
        folder: where they are kept.
        report: takes lines of progress.
        workers: processes; their number changes no crop.
        seconds: crops are those of the samples, from the first on, that are done by then; at least some are.
    """
    if (folder / _WORDS).is_file():
        return _read(folder)
    begin_s, done = time.monotonic(), 0
    pixels, mirrors, words = [np.zeros((0, side_px, side_px, CHANNELS), np.uint8)], list[bool](), list[str]()
    chunks = [range(at, min(at + _CHUNK, len(source))) for at in range(0, len(source), _CHUNK)]
    with closing(_each(partial(_cut_chunk, source, cut, side_px, seed), chunks, workers)) as cuts:
        for chunk, (some, may, said) in zip(chunks, cuts, strict=True):
            pixels.append(some)
            mirrors += may
            words += said
            done += len(chunk)
            spent = time.monotonic() - begin_s
            if done % _SAY == 0 or done == len(source):
                report(f"{len(words)} crops of {done} of {len(source)} images, {spent:.0f} s")
            if seconds is not None and spent >= seconds and words:
                report(f"{len(words)} crops of {done} images: the time for drawing is over")
                break
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / _CROPS, np.concatenate(pixels))
    np.save(folder / _MIRRORS, np.array(mirrors, np.bool_))
    (folder / _WORDS).write_text(json.dumps(words), encoding="utf-8")  # last: with it the crops are complete
    return _read(folder)


_Chunk = tuple[npt.NDArray[np.uint8], list[bool], list[str]]


def _each(work: Callable[[range], _Chunk], chunks: Sequence[range], workers: int) -> Generator[_Chunk, None, None]:
    """What the work makes of each chunk, in order. Closed early, it drops what has not begun."""
    if not workers:
        yield from map(work, chunks)
        return
    # A process that is forked would inherit torch's threads and locks.
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        waiting = [pool.submit(work, chunk) for chunk in chunks]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _cut_chunk(source: PairSource, cut: Cut, side_px: int, seed: int, indices: range) -> _Chunk:
    pixels, mirrors, words = [np.zeros((0, side_px, side_px, CHANNELS), np.uint8)], [], []
    for index in indices:
        for case in cut(source[index], np.random.default_rng([seed, index])):
            pixels.append(_square(case, side_px)[None])
            mirrors.append(case.may_mirror)
            words.append(case.instruction)
    return np.concatenate(pixels), mirrors, words


def _square(case: Case, side_px: int) -> npt.NDArray[np.uint8]:
    mask = np.where(fit_mask(case.mask, side_px), 255, 0).astype(np.uint8)
    if case.shown is None or case.clean_shown is None:
        shown = np.full((side_px, side_px, 2), 255, np.uint8)
    else:
        sharp = np.where(np.dstack([case.shown, case.clean_shown, case.shown]), 255, 0).astype(np.uint8)
        soft = cv2.GaussianBlur(sharp, (0, 0), _FRINGE_PX)
        shown = fit(np.asarray(soft, np.uint8), side_px)[..., :2]
    return np.dstack([fit(case.image, side_px), fit(case.clean, side_px), mask, shown])


def _read(folder: Path) -> Crops:
    words: list[str] = json.loads((folder / _WORDS).read_text(encoding="utf-8"))
    # A copy of what is written to, and nothing writes: torch takes no array that cannot be written to.
    return Crops(np.load(folder / _CROPS, mmap_mode="c"), np.load(folder / _MIRRORS), words)


def _part(mask: Mask | None, where: BoxXYXY) -> Mask | None:
    return None if mask is None else mask[where[1] : where[3], where[0] : where[2]]


def _may_mirror(pair: Pair, words: str) -> bool:
    return not pair.written and not any(side in words.lower().split() for side in _SIDES)


def _jittered(box: BoxXYXY, size_hw: tuple[int, ...], rng: np.random.Generator) -> BoxXYXY:
    """The box with its sides moved as a detector's are, cut at the image's border, never empty."""
    w, h = box[2] - box[0], box[3] - box[1]
    left, right, up, down = (float(rng.uniform(*(_FAR if rng.random() < _FAR_SHARE else _NEAR))) for _ in range(4))
    x0, y0 = max(0, round(box[0] - left * w)), max(0, round(box[1] - up * h))
    x1, y1 = min(size_hw[1], round(box[2] + right * w)), min(size_hw[0], round(box[3] + down * h))
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)
