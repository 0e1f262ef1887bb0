"""Places spoilt as a bad repair spoils them: blurred, filled with their mean, erased, or overlaid with something else.

No picture of the benchmark looks so; a network that is to judge repairs has to have seen them fail.
"""

from collections.abc import Callable

import cv2
import numpy as np

from services.datasets.benchmark.masks import LEAST_CONTRAST, LEAST_SHARE, SEEN_LEVELS, difference
from services.datasets.benchmark.parts import PARTS, LabelMaps
from shared.geometry import Mask, dilate
from shared.images import Rgb

_MOST_SHARE = 0.12
"""Of the picture; a larger part is spoilt in a disc alone."""
_MARGIN_PX = 2
_DISC_SHARE = 0.4
"""So many places are discs whatever they hold, the others are parts."""
_RADIUS = 0.016, 0.1
"""Of a disc, by the picture's side."""
_INPAINT_RADIUS_PX = 5
_WHOLES = (
    ("hand", "thumb", "index finger", "middle finger", "ring finger", "little finger"),
    ("head", "hair", "ear", "eye", "mouth", "nose", "beard"),
)
_WHOLE = {PARTS.index(part): [PARTS.index(p) for p in whole] for whole in _WHOLES for part in whole}
"""Parts that are spoilt together half of the time, by each of them."""


def spoil(image: Rgb, labels: LabelMaps, rng: np.random.Generator) -> tuple[Rgb, Mask] | None:
    """The picture with one place of what it shows spoilt, and the mask of where one sees it.

    Args:
        image: `(H, W, 3)` uint8.
        labels: what is seen where in it.
        rng: of place and kind.

    Returns:
        `(H, W, 3)` and `(H, W)` bool; None where nothing is shown, or what was done cannot be seen.
    """
    place = _place(labels[0], rng)
    if place is None:
        return None
    spoilt = image.copy()
    pixels = _KINDS[int(rng.integers(len(_KINDS)))](image, place, rng)
    spoilt[place] = pixels[place]
    changed = difference(image, spoilt)
    seen = place & (cv2.morphologyEx((changed >= SEEN_LEVELS).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5))) > 0)
    if seen.mean() < LEAST_SHARE or changed[seen].mean() < LEAST_CONTRAST:
        return None
    return spoilt, seen


def _place(parts: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], rng: np.random.Generator) -> Mask | None:
    """A part, or a disc on what is shown; every kind of part is as likely as another, however small."""
    present = np.unique(parts[parts > 0])
    if not len(present):
        return None
    part = int(rng.choice(present))
    ys, xs = np.nonzero(parts == part)
    at = int(rng.integers(len(ys)))
    y, x = int(ys[at]), int(xs[at])
    if rng.random() >= _DISC_SHARE:
        together = _WHOLE.get(part, [part]) if rng.random() < 0.5 else [part]
        _, numbers = cv2.connectedComponents(np.isin(parts, together).astype(np.uint8))
        whole = np.asarray(numbers == numbers[y, x], np.bool_)
        if whole.mean() <= _MOST_SHARE:
            return dilate(whole, _MARGIN_PX)
    disc = np.zeros(parts.shape, np.uint8)
    low, high = (share * min(parts.shape) for share in _RADIUS)
    axes = tuple(max(2, round(float(r))) for r in rng.uniform(low, high, 2))
    cv2.ellipse(disc, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return disc > 0


def _blurred(image: Rgb, place: Mask, rng: np.random.Generator) -> Rgb:
    sigma = max(3.0, float(rng.uniform(0.08, 0.25)) * float(np.sqrt(place.sum())))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _filled(image: Rgb, place: Mask, rng: np.random.Generator) -> Rgb:
    return _grained(np.broadcast_to(image[place].mean(axis=0), image.shape), rng)


def _erased(image: Rgb, place: Mask, rng: np.random.Generator) -> Rgb:
    """Continued from around it, as if nothing had stood there."""
    if rng.random() < 0.3:
        ring = dilate(place, 6) & ~place
        if ring.any():
            return _grained(np.broadcast_to(np.median(image[ring], axis=0), image.shape), rng)
    method = cv2.INPAINT_NS if rng.random() < 0.5 else cv2.INPAINT_TELEA
    return _grained(cv2.inpaint(image, place.astype(np.uint8), _INPAINT_RADIUS_PX, method), rng)


def _overlaid(image: Rgb, place: Mask, rng: np.random.Generator) -> Rgb:
    """Something else of the picture, in the size of the place."""
    rows, columns = (np.nonzero(place.any(axis=axis))[0] for axis in (1, 0))
    height, width = int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)
    scale = float(rng.uniform(0.6, 1.6))
    h, w = (min(limit, max(4, round(size * scale))) for limit, size in zip(image.shape, (height, width), strict=False))
    y, x = int(rng.integers(0, image.shape[0] - h + 1)), int(rng.integers(0, image.shape[1] - w + 1))
    result = image.copy()
    result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = cv2.resize(
        image[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_AREA
    )
    return result


def _grained(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], rng: np.random.Generator) -> Rgb:
    noise = rng.normal(0, rng.uniform(0, 4), values.shape)
    return np.clip(np.rint(np.asarray(values, np.float32) + noise), 0, 255).astype(np.uint8)


_KINDS: tuple[Callable[[Rgb, Mask, np.random.Generator], Rgb], ...] = (
    _blurred, _filled, _erased, _erased, _erased, _overlaid,
)  # fmt: skip
"""All equally likely: what was erased well is the hardest to see."""
