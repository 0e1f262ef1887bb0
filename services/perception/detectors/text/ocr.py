"""The one file that knows RapidOCR (PP-OCRv4 in ONNX): finds lines, turns them upright, reads them.

The package's own pipeline is not called: it scales large pictures down, decides directions by a classifier alone and
throws the probabilities away. Its networks and its text-pixel grouping are used as they are. Knows nothing of what
ought to be written.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from services.perception.detectors.text.line_finding import (
    FoundLine,
    Quads,
    find_lines,
    find_overlooked,
    line_height,
    long_side_first,
)
from services.perception.detectors.text.reading import CtcReading, Line
from services.perception.recall import Recall, digest
from shared.contracts.base import QuadXY
from shared.errors import ErrorCode, MissingResource
from shared.geometry import quad_array
from shared.images import Rgb

_HEIGHT_PX = 48
_STEP_PX = 8
_PADDING_PX = 160
_WIDEST_PX = 2560
_DIRECTION_BATCH = 6
_READINGS_BYTES = 48 * 2**20
_MARKS_BYTES = 4 * 2**20
_SURE = 0.92
_KEPT_PROBABILITY = 1e-4
MOST_LINES = 400


@dataclass(frozen=True)
class _Networks:
    """The package's sessions; calling one is thread-safe."""

    mark: Any
    group: Any
    direction: Any
    read: Any
    alphabet: tuple[str, ...]


class OcrReader:
    """Finds and reads lines. Safe to share between threads; the same pixels always read the same.

    Answers to the same pixels are kept (52 MB at the most): a second look at a picture costs what has changed.

    Args:
        threads: of one network call.
    """

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: _Networks | None = None
        self._readings: Recall[CtcReading] = Recall(_READINGS_BYTES)
        self._marks: Recall[tuple[Quads, npt.NDArray[np.float32]]] = Recall(_MARKS_BYTES)

    @property
    def _networks(self) -> _Networks:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._threads)
            return self._loaded

    def can_write(self, character: str) -> bool:
        """Whether the reader has a label for this character."""
        return character in self._networks.alphabet

    def read(self, image: Rgb, least_height_px: float = 0.0) -> tuple[Line, ...]:
        """All lines of `(H, W, 3)` RGB, any angle, in no particular order; those that read as nothing included.

        Args:
            image: the picture.
            least_height_px: lines less tall are left out unread.

        Raises:
            MissingResource: RapidOCR or its models are not installed.
        """
        found = [line for line in find_lines(image, self._mark_lines) if line_height(line.quad) >= least_height_px]
        found.sort(key=lambda line: -abs(float(cv2.contourArea(line.quad))))
        return tuple(self._upright(image, found[:MOST_LINES]))

    def read_overlooked(self, image: Rgb, lines: Sequence[Line]) -> tuple[Line, ...]:
        """Lines that only show at another scale, and that none of `lines` covers.

        For when something ought to be there that a first look did not find: large letters escape it now and then.
        """
        known = [FoundLine(quad_array(line.quad_px), line.detection) for line in lines if line.text.strip()]
        found = find_overlooked(image, self._mark_lines, known)
        return tuple(self._upright(image, found[:MOST_LINES]))

    def read_line(self, image: Rgb, quad: QuadXY) -> CtcReading:
        """What stands in the quadrilateral, read along its first side."""
        return self.read_lines(image, [quad])[0]

    def read_lines(self, image: Rgb, quads: Sequence[QuadXY]) -> list[CtcReading]:
        """`read_line` of each, in order."""
        return self.read_crops([rectify(image, quad) for quad in quads])

    def read_crops(self, crops: Sequence[Rgb]) -> list[CtcReading]:
        """Readings of upright crops `(h, w, 3)` RGB, in order. A crop's reading does not depend on the others."""
        return [self._read_fitted(_fit(crop)) for crop in crops]

    def _read_fitted(self, fitted: Rgb) -> CtcReading:
        """One crop at a time: on a CPU a batch takes longer for each, for want of cache."""
        key = digest(fitted)
        known = self._readings.get(key)
        if known is not None:
            return known
        width = -(-fitted.shape[1] // _PADDING_PX) * _PADDING_PX
        batch = np.zeros((1, 3, _HEIGHT_PX, width), np.float32)
        batch[0, :, :, : fitted.shape[1]] = _normalised(fitted)
        networks = self._networks
        reading = _decode(networks.read.session(batch)[0][0], fitted.shape[1], networks.alphabet)
        self._readings.put(key, reading, 2 * reading.log_probs.nbytes)  # its folded form comes on top
        return reading

    def _mark_lines(self, image: Rgb) -> tuple[Quads, npt.NDArray[np.float32]]:
        key = digest(image)
        known = self._marks.get(key)
        if known is not None:
            return known
        networks = self._networks
        marked = networks.mark(_normalised(image)[None])[0]
        boxes, scores = networks.group(marked, image.shape[:2])
        quads = np.asarray(boxes, np.float32).reshape(-1, 4, 2)
        answer = quads, np.asarray(scores, np.float32)
        self._marks.put(key, answer, quads.nbytes + answer[1].nbytes)
        return answer

    def _upright(self, image: Rgb, found: Sequence[FoundLine]) -> list[Line]:
        """Each line with its corners in reading order: the direction in which it reads best.

        The likeliest direction is read first; the others where that reads badly, the line is steep, or the
        package's direction network calls it upside down.
        """
        corners = [_as_quad(long_side_first(line.quad)) for line in found]
        crops = [rectify(image, quad) for quad in corners]
        readings = self.read_crops(crops)
        turned = self._upside_down(crops)
        doubtful: list[tuple[int, int]] = []
        for i, quad in enumerate(corners):
            (x0, y0), (x1, y1) = quad[0], quad[1]
            steep = abs(y1 - y0) > abs(x1 - x0)
            if turned[i] or steep or readings[i].confidence < _SURE:
                turns = (2,) if _ratio(quad) >= 1.5 else (1, 2, 3)
                doubtful += [(i, turn) for turn in turns]
        others = self.read_lines(image, [_turn(corners[i], turn) for i, turn in doubtful])
        best = [(reading_score(reading), 0, reading) for reading in readings]
        for (i, turn), reading in zip(doubtful, others, strict=True):
            score = reading_score(reading) - (0.0 if turned[i] and turn == 2 else 0.08)
            if score > best[i][0]:
                best[i] = (score, turn, reading)
        return [
            Line(_turn(quad, turn), reading, line.score)
            for line, quad, (_, turn, reading) in zip(found, corners, best, strict=True)
        ]

    def _upside_down(self, crops: Sequence[Rgb]) -> list[bool]:
        if not crops:
            return []
        batch = np.zeros((len(crops), 3, _HEIGHT_PX, 192), np.float32)
        for row, crop in enumerate(crops):
            fitted = _fit(crop, widest=192)
            batch[row, :, :, : fitted.shape[1]] = _normalised(fitted)
        probabilities = np.concatenate(
            [
                self._networks.direction(batch[i : i + _DIRECTION_BATCH])[0]
                for i in range(0, len(batch), _DIRECTION_BATCH)
            ]
        )
        return [bool(p[1] > 0.9) for p in probabilities]


def reading_score(reading: CtcReading) -> float:
    """How much a reading looks like writing: its confidence, less for very few letters; in [0, 1]."""
    letters = sum(c.isalnum() for c in reading.text)
    return reading.confidence * min(1.0, 0.55 + 0.15 * letters) if letters else 0.0


def rectify(image: Rgb, quad: QuadXY, tallest_px: int = 2 * _HEIGHT_PX) -> Rgb:
    """`(h, w, 3)` RGB: the quadrilateral pulled straight, its first corner top left.

    Large ones are scaled down with the mean of the pixels that fall together, so that fine strokes do not vanish.
    """
    corners = quad_array(quad)
    width = max(1.0, float(max(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3]))))
    height = max(1.0, float(max(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1]))))
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + 2
    window = image[y0:y1, x0:x1]
    if not window.size:
        return np.zeros((round(height), round(width), 3), np.uint8)
    shrink = min(1.0, tallest_px / height)
    local = (corners - np.asarray((x0, y0), np.float32)).astype(np.float32)
    if shrink < 1.0:
        size = (max(1, round(window.shape[1] * shrink)), max(1, round(window.shape[0] * shrink)))
        scale = np.asarray((size[0] / window.shape[1], size[1] / window.shape[0]), np.float32)
        window, local = np.asarray(cv2.resize(window, size, interpolation=cv2.INTER_AREA), np.uint8), local * scale
    w, h = max(1, round(width * shrink)), max(1, round(height * shrink))
    target = np.asarray([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    # Corners are of pixels' outer edges, the warp counts from their centres.
    matrix = cv2.getPerspectiveTransform(local - 0.5, target - 0.5)
    warped = cv2.warpPerspective(window, matrix, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def _load(threads: int) -> _Networks:
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError as error:
        raise MissingResource(
            ErrorCode.MISSING_PACKAGE,
            f"the text detector needs RapidOCR ({error}): pip install 'agentic-retoucher[perception]'",
        ) from error
    engine = RapidOCR(intra_op_num_threads=threads, inter_op_num_threads=1)
    return _Networks(
        mark=engine.text_det.infer,
        group=engine.text_det.postprocess_op,
        direction=engine.text_cls.infer,
        read=engine.text_rec,
        alphabet=("", *engine.text_rec.postprocess_op.character[1:]),
    )


def _normalised(rgb: Rgb) -> npt.NDArray[np.float32]:
    """`(3, H, W)` float32 in [-1, 1], BGR as the networks were trained on."""
    return rgb[..., ::-1].transpose(2, 0, 1).astype(np.float32) / 127.5 - 1.0


def _fit(crop: Rgb, widest: int = _WIDEST_PX) -> Rgb:
    h, w = crop.shape[:2]
    width = int(np.clip(round(w * _HEIGHT_PX / h), _STEP_PX, widest))
    interpolation = cv2.INTER_AREA if h > _HEIGHT_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (width, _HEIGHT_PX), interpolation=interpolation), np.uint8)


def _decode(probabilities: npt.NDArray[np.float32], width_px: int, alphabet: tuple[str, ...]) -> CtcReading:
    """Greedy decoding; of the matrix, the steps within the crop and the labels that have any weight are kept."""
    steps = min(probabilities.shape[0], max(1, -(-width_px // _STEP_PX)))
    inside = probabilities[:steps]
    best = inside.argmax(axis=1)
    characters: list[str] = []
    centres: list[float] = []
    sure: list[float] = []
    start = 0
    for step in range(1, steps + 1):
        if step < steps and best[step] == best[start]:
            continue
        if best[start] != 0:
            characters.append(alphabet[best[start]])
            weights = inside[start:step, best[start]]
            middle = float(np.average(np.arange(start, step), weights=weights)) + 0.5
            centres.append(min(1.0, middle * _STEP_PX / width_px))
            sure.append(float(weights.max()))
        start = step
    kept = np.flatnonzero(inside.max(axis=0) > _KEPT_PROBABILITY)
    kept = np.union1d(kept, [0])
    return CtcReading(
        log_probs=np.log(np.maximum(inside[:, kept], 1e-7)).astype(np.float32),
        alphabet=tuple(alphabet[i] for i in kept),
        text="".join(characters),
        confidence=float(np.mean(sure)) if sure else 0.0,
        centres=tuple(centres),
        probabilities=tuple(min(1.0, p) for p in sure),
    )


def _as_quad(corners: npt.NDArray[np.float32]) -> QuadXY:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return a, b, c, d


def _turn(quad: QuadXY, quarter_turns: int) -> QuadXY:
    a, b, c, d = (quad[(i + quarter_turns) % 4] for i in range(4))
    return a, b, c, d


def _ratio(quad: QuadXY) -> float:
    corners = quad_array(quad)
    return float(np.linalg.norm(corners[1] - corners[0]) / max(1e-6, float(np.linalg.norm(corners[3] - corners[0]))))
