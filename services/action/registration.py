"""Lays an instruction editor's answer exactly over its crop: such tools shift, zoom and squeeze what they return.

The way from crop to answer is found on what surrounds the mask, where nothing was to change: coarsely by phase
correlation over a few zooms, then finely by the enhanced correlation coefficient (ECC, Evangelidis and Psarakis 2008).
What would have to be moved further than the limits, or what does not show the same surroundings any more, is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from shared.geometry import Mask, dilate
from shared.images import Rgb

Floats = npt.NDArray[np.float32]

COARSE_SIDE_PX, FINE_SIDE_PX = 128, 512
ZOOMS = (1.0, 0.97, 1.03, 0.94, 1.06, 0.9, 1.1, 0.86, 1.16)
"""Tried for each axis; 1 first, so that it wins a tie."""

MOST_SHIFT = 0.12  # of the longer side
LEAST_ZOOM, MOST_ZOOM = 0.85, 1.18
MOST_TURN = 0.03  # off-diagonal terms: a turn or slant of about two degrees
LEAST_AGREEMENT = 0.6  # correlation of the surroundings once they lie over each other
MOST_UNSEEN = 0.02  # of the mask's pixels may lie beyond the answer's edge
STILL_PX = 0.3  # moved by less than this nowhere, the answer is left as it is: resampling would soften it
LEAST_TEXTURE = 1.5  # levels of standard deviation; less cannot be registered, and need not be
SAME_LEVELS = 8.0  # mean difference at which textureless surroundings are the same
LEAST_SURROUNDINGS = 0.05  # of the crop; with less of it outside the mask, all of it is compared
MARGIN_PX = 2


@dataclass(frozen=True)
class Registered:
    """The answer as it lies over the crop, and how it was moved.

    Attributes:
        image: `(h, w, 3)` of the crop's size.
        shift_xy_px: of the crop's middle, in the crop's pixels.
        zoom_xy: of the answer; 1 is none.
        agreement: correlation of the surroundings afterwards, in [-1, 1].
    """

    image: Rgb
    shift_xy_px: tuple[float, float]
    zoom_xy: tuple[float, float]
    agreement: float


@dataclass(frozen=True)
class NotRegistered:
    """Why the answer cannot be used: a sentence's end."""

    reason: str


def register(crop: Rgb, answer: Rgb, mask: Mask) -> Registered | NotRegistered:
    """Finds the crop's surroundings in the answer.

    Args:
        crop: `(h, w, 3)` what the tool was sent.
        answer: `(H, W, 3)` what it returned, in any size: a stretch to another shape is part of what is undone.
        mask: `(h, w)` bool, what was to change.

    Returns:
        The answer laid over the crop, bit for bit the answer where it needs no moving; or why not.
    """
    h, w = mask.shape
    sized: Rgb = answer if answer.shape == crop.shape else np.asarray(_resized(answer, (h, w)), np.uint8)
    known = ~dilate(mask, MARGIN_PX)
    if known.mean() < LEAST_SURROUNDINGS:
        known = np.ones_like(mask)
    before, after = _luma(crop), _luma(sized)
    if float(before[known].std()) < LEAST_TEXTURE:
        return _plain(sized, before, after, known)
    warp = _found(before, after, known)
    if warp is None:
        return NotRegistered("it does not show the crop's surroundings any more")
    refusal = _beyond_limits(warp, (h, w))
    if refusal is not None:
        return NotRegistered(refusal)
    return _laid(sized, before, warp, mask, known)


def _plain(sized: Rgb, before: Floats, after: Floats, known: Mask) -> Registered | NotRegistered:
    """Surroundings without texture look alike wherever they lie."""
    apart = float(np.abs(before[known] - after[known]).mean())
    if apart > SAME_LEVELS:
        return NotRegistered(f"its plain surroundings differ by {apart:.0f} levels, so it cannot be laid over the crop")
    return Registered(sized, (0.0, 0.0), (1.0, 1.0), 1.0)


def _laid(sized: Rgb, before: Floats, warp: Floats, mask: Mask, known: Mask) -> Registered | NotRegistered:
    h, w = mask.shape
    moved = _largest_move(warp, (h, w)) > STILL_PX
    image, seen = sized, np.ones_like(mask)
    if moved:
        image = np.asarray(_warped(sized, warp, (h, w), cv2.INTER_CUBIC), np.uint8)
        seen = _warped(np.ones((h, w), np.float32), warp, (h, w), cv2.INTER_LINEAR) > 0.99
        unseen = float((mask & ~seen).sum()) / max(1, int(mask.sum()))
        if unseen > MOST_UNSEEN:
            return NotRegistered(f"{unseen:.0%} of what was to change lies beyond its edge")
        image[~seen] = sized[~seen]
    agreement = _correlation(before, _luma(image), known & seen)
    if agreement < LEAST_AGREEMENT:
        return NotRegistered(
            f"its surroundings agree with the crop's by {agreement:.2f} alone, less than {LEAST_AGREEMENT:.2f}"
        )
    shift, zoom = (_shift(warp, (h, w)), _zoom(warp)) if moved else ((0.0, 0.0), (1.0, 1.0))
    return Registered(image, shift, zoom, agreement)


def _found(before: Floats, after: Floats, known: Mask) -> Floats | None:
    """`(2, 3)` affine map from the crop's pixels to the answer's; None where ECC finds nothing alike."""
    h, w = before.shape
    warp: Floats | None = None
    for side in (COARSE_SIDE_PX, FINE_SIDE_PX):
        scale = min(1.0, side / max(h, w))
        size = (max(8, round(h * scale)), max(8, round(w * scale)))
        small_before, small_after, part = (_resized(one, size) for one in (before, after, known.astype(np.float32)))
        small_known = part > 0.5
        start = _coarse(small_before, small_after, small_known) if warp is None else _at_size(warp, (h, w), size)
        found = _refined(small_before, small_after, small_known, start)
        if found is None:
            return None
        warp = _at_size(found, size, (h, w))
        if scale == 1.0:
            break
    return warp


def _coarse(before: Floats, after: Floats, known: Mask) -> Floats:
    """The best of a few zooms by phase correlation, as an affine map."""
    h, w = before.shape
    window = cv2.createHanningWindow((w, h), cv2.CV_32F) * known
    level = float(before[known].mean())
    best, best_score = _centred(1.0, 1.0, 0.0, 0.0, (h, w)), -2.0
    for zoom_x, zoom_y in _zooms():
        trial = _centred(zoom_x, zoom_y, 0.0, 0.0, (h, w))
        warped = _warped(after, trial, (h, w), cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        (x, y), _ = cv2.phaseCorrelate((before - level) * window, (warped - float(warped[known].mean())) * window)
        shifted = _centred(zoom_x, zoom_y, zoom_x * x, zoom_y * y, (h, w))
        for candidate in (trial, shifted):
            seen = _warped(np.ones_like(after), candidate, (h, w), cv2.INTER_NEAREST) > 0.5
            laid = _warped(after, candidate, (h, w), cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
            score = _correlation(before, laid, known & seen)
            if score > best_score + 1e-6:
                best, best_score = candidate, score
    return best


def _zooms() -> Iterator[tuple[float, float]]:
    """The same for both axes first; then one axis alone, for an answer that was squeezed into another shape."""
    yield from ((zoom, zoom) for zoom in ZOOMS)
    for zoom in ZOOMS[1:]:
        yield zoom, 1.0
        yield 1.0, zoom


def _refined(before: Floats, after: Floats, known: Mask, start: Floats) -> Floats | None:
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-5)
    template_mask = known.astype(np.uint8) * np.uint8(255)
    everything = np.full(after.shape, 255, np.uint8)
    try:
        _, warp = cv2.findTransformECCWithMask(
            before, after, template_mask, everything, start.copy(), cv2.MOTION_AFFINE, criteria, 5
        )
    except cv2.error:  # it does not converge: there is nothing alike to find
        return None
    return np.asarray(warp, np.float32) if np.isfinite(warp).all() else None


def _beyond_limits(warp: Floats, size_hw: tuple[int, int]) -> str | None:
    zoom_x, zoom_y = _zoom(warp)
    if not all(LEAST_ZOOM <= zoom <= MOST_ZOOM for zoom in (zoom_x, zoom_y)):
        return f"it is zoomed by {zoom_x:.2f} across and {zoom_y:.2f} down, beyond {LEAST_ZOOM} to {MOST_ZOOM}"
    turn = max(abs(float(warp[0, 1])), abs(float(warp[1, 0])))
    if turn > MOST_TURN:
        return f"it is turned or slanted by {turn:.2f}, more than {MOST_TURN}"
    x, y = _shift(warp, size_hw)
    share = max(abs(x), abs(y)) / max(size_hw)
    if share > MOST_SHIFT:
        return f"it is shifted by {share:.0%} of the crop, more than {MOST_SHIFT:.0%}"
    return None


def _centred(zoom_x: float, zoom_y: float, x: float, y: float, size_hw: tuple[int, int]) -> Floats:
    """The map that zooms about the middle and shifts."""
    middle_x, middle_y = (size_hw[1] - 1) / 2, (size_hw[0] - 1) / 2
    return np.array(
        [[zoom_x, 0, middle_x * (1 - zoom_x) + x], [0, zoom_y, middle_y * (1 - zoom_y) + y]], dtype=np.float32
    )


def _zoom(warp: Floats) -> tuple[float, float]:
    return float(warp[0, 0]), float(warp[1, 1])


def _shift(warp: Floats, size_hw: tuple[int, int]) -> tuple[float, float]:
    """Where the crop's middle lies in the answer, less where it was."""
    middle = np.array([(size_hw[1] - 1) / 2, (size_hw[0] - 1) / 2, 1.0])
    x, y = warp.astype(np.float64) @ middle - middle[:2]
    return float(x), float(y)


def _largest_move(warp: Floats, size_hw: tuple[int, int]) -> float:
    """Of the crop's corners, in pixels."""
    h, w = size_hw
    corners = np.array([[0, 0, 1], [w - 1, 0, 1], [0, h - 1, 1], [w - 1, h - 1, 1]], np.float64)
    return float(np.abs(corners @ warp.astype(np.float64).T - corners[:, :2]).max())


def _at_size(warp: Floats, old_hw: tuple[int, int], new_hw: tuple[int, int]) -> Floats:
    """The same map between the same pictures at another size; pixel centres count from a half."""
    scale = np.diag([new_hw[1] / old_hw[1], new_hw[0] / old_hw[0], 1.0])
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    whole = np.vstack([warp.astype(np.float64), [0, 0, 1]])
    to_units = half @ whole @ np.linalg.inv(half)
    there = scale @ to_units @ np.linalg.inv(scale)
    return np.asarray((np.linalg.inv(half) @ there @ half)[:2], np.float32)


def _warped(
    image: Rgb | Floats, warp: Floats, size_hw: tuple[int, int], how: int, border: int = cv2.BORDER_CONSTANT
) -> Floats:
    """The image as the map finds it; 8-bit pixels stay whole numbers."""
    size = (size_hw[1], size_hw[0])
    warped = cv2.warpAffine(image, warp, size, flags=how | cv2.WARP_INVERSE_MAP, borderMode=border)
    return np.asarray(warped, np.float32)


def _resized(image: Rgb | Floats, size_hw: tuple[int, int]) -> Floats:
    if image.shape[:2] == size_hw:
        return np.asarray(image, np.float32)
    smaller = size_hw[0] < image.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size_hw[1], size_hw[0]), interpolation=how), np.float32)


def _luma(image: Rgb) -> Floats:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)


def _correlation(a: Floats, b: Floats, where: Mask) -> float:
    """Pearson's, in [-1, 1]; -1 where there is nothing to compare."""
    if int(where.sum()) < 16:
        return -1.0
    x, y = a[where].astype(np.float64), b[where].astype(np.float64)
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / spread if spread > 0 else -1.0
