"""A second search for lines around some that were found, enlarged or scaled down to where the finder sees best.

Knows the reader and geometry; what is sought is decided elsewhere.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from services.perception.detectors.text.ocr import OcrReader
from services.perception.detectors.text.reading import Line
from shared.contracts.base import QuadXY
from shared.geometry import expand, union
from shared.images import Rgb, crop

_BEST_HEIGHT_PX = 44.0
_MARGIN_HEIGHTS = 2.0
_LETTER_HEIGHTS = 0.7
_LARGEST_SIDE_PX = 1152


def lines_near(reader: OcrReader, image: Rgb, lines: Sequence[Line], letters: int) -> list[Line]:
    """Lines in the surroundings of `lines`, far enough for so many more `letters`; in the frame of `image`."""
    if not lines:
        return []
    height = float(np.median([line.size_px[0] for line in lines]))
    boxes = [_box(line.quad_px) for line in lines]
    around = boxes[0]
    for box in boxes[1:]:
        around = union(around, box)
    size_hw = (int(image.shape[0]), int(image.shape[1]))
    around = expand(around, round((_MARGIN_HEIGHTS + _LETTER_HEIGHTS * letters) * height), size_hw)
    window = crop(image, around)
    h, w = window.shape[:2]
    scale = min(_BEST_HEIGHT_PX / height, _LARGEST_SIDE_PX / max(h, w))
    size = (max(32, round(w * scale)), max(32, round(h * scale)))
    scaled = np.asarray(
        cv2.resize(window, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8
    )
    factor = np.asarray((w / size[0], h / size[1]))
    origin = np.asarray(around[:2], np.float64)
    found = []
    for line in reader.read(scaled):
        a, b, c, d = ((float(x), float(y)) for x, y in np.asarray(line.quad_px) * factor + origin)
        found.append(Line((a, b, c, d), line.reading, line.detection))
    return found


def _box(quad: QuadXY) -> tuple[int, int, int, int]:
    xs, ys = [p[0] for p in quad], [p[1] for p in quad]
    return int(min(xs)), int(min(ys)), int(np.ceil(max(xs))), int(np.ceil(max(ys)))
