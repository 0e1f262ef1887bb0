"""How a patch sits in its surroundings: fine detail, colour and seam, measured on pixels alone.

Verification refuses a smear, a grey patch or a mean fill by these numbers; blending and evaluation use the seam. Knows
nothing of words, tools or thresholds (`LoopPolicy` holds the limits).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from shared.contracts.base import BoxXYXY
from shared.contracts.values import AppearanceCheck, Patch
from shared.geometry import Mask, dilate, expand
from shared.images import Gray, Rgb, crop

Floats = npt.NDArray[np.float32]

# Rounding to 8 bits leaves about a quarter of a level of high-pass energy in a gradient that is meant to be smooth, so
# two featureless surfaces compare as equal and nothing is divided by zero.
GRAIN_FLOOR = 0.25
# A lightness step below this (CIELAB L, 0..100) is not a drawn shape, so its sharpness says nothing.
LEAST_CONTRAST = 12.0
# Levels per pixel: a gradient that no eye sees, and 8-bit rounding makes.
SEAM_FLOOR = 0.75
# Colours are collected in CIELAB cells of this side; two neighbours are just told apart at arm's length.
CELL = 8.0
# Two chief colours of a place differ by more than its shading and grain do.
APART = 24.0
# Per cent of a lettered patch that is paper at the least, whatever the weight of the letters.
PAPER_SHARE = 16.0
MAX_SAMPLES = 30_000
TONE = "tone_lab"
"""The setting of a patch that says which CIELAB colour it was told to bring."""


@dataclass(frozen=True)
class _Surround:
    """The window around a patch: pixels before and after, and which of them are the patch and its ring."""

    before: Rgb
    after: Rgb
    inside: Mask
    ring: Mask


def check_patch(
    before: Rgb, after: Rgb, patch_id: str, box: BoxXYXY, alpha: Gray, tone: Sequence[float] | None = None
) -> AppearanceCheck:
    """Compares a patch with the ring around it and with what was there before.

    Args:
        before: `(H, W, 3)` the canvas without the patch.
        after: `(H, W, 3)` the canvas with it.
        patch_id: repeated in the answer.
        box: where the patch lies.
        alpha: `(h, w)` uint8 of the box's size; where it is 0 nothing changed.
        tone: the CIELAB colour that the patch was told to bring, which is then at home here as the others are.

    Returns:
        `detail_ratio` (1 is as detailed as around, 0 a smear), `colour_shift` (CIELAB, 0 is none) and `seam` (1 is
        none). A patch that changes nothing is perfect: 1, 0, 1.

    Raises:
        ValueError: the images' sizes differ, or the alpha does not fit the box.
    """
    if before.shape != after.shape:
        raise ValueError(f"the images differ in size: {before.shape} and {after.shape}")
    if alpha.shape != (box[3] - box[1], box[2] - box[0]):
        raise ValueError(f"the alpha {alpha.shape} does not fit the box {box}")
    if not (alpha > 0).any():
        return AppearanceCheck(patch_id=patch_id, detail_ratio=1.0, colour_shift=0.0, seam=1.0)
    place = _surround(before, after, box, alpha)
    return AppearanceCheck(
        patch_id=patch_id,
        detail_ratio=_detail_ratio(place),
        colour_shift=_colour_shift(place, tone),
        seam=seam_measure(after, box, alpha, before),
    )


def tone_of(patch: Patch) -> tuple[float, ...] | None:
    """The CIELAB colour that a patch was told to bring; None for one that was told none."""
    tone = patch.settings.get(TONE)
    if not isinstance(tone, list) or len(tone) != 3:
        return None
    return tuple(float(value) for value in tone if isinstance(value, int | float))


def seam_measure(after: Rgb, box: BoxXYXY, alpha: Gray, before: Rgb | None = None) -> float:
    """Gradient across the alpha's border over the gradient beside it; 1 is no seam, higher is worse.

    The gradient is the lightness' along the border's normal, averaged over the two pixels at the border; beside it
    means three to six pixels outside or two to four inside, whichever is more: where the alpha follows a letter's edge,
    the border is the letter. With `before`, a line that ran along the border already is no seam either.

    Args:
        after: `(H, W, 3)` the image with the patch.
        box: where the patch lies.
        alpha: `(h, w)` uint8 of the box's size.
        before: `(H, W, 3)` the image without it, where there is one.

    Returns:
        At least 0; 1 where the alpha is empty or has no border inside the image.
    """
    window = expand(box, 12, (after.shape[0], after.shape[1]))
    support = _in_window(alpha, box, window) > 0
    if not support.any() or support.all():
        return 1.0
    distance = _signed_distance(support)
    at_border = np.abs(distance) <= 1.5
    across = _gradient_along_normal(crop(after, window), distance)
    bands = ((distance > 2.5) & (distance <= 6.5), (distance < -1.5) & (distance >= -4.5))
    references = [float(across[band].mean()) for band in bands if band.any()]
    if before is not None:
        references.append(float(_gradient_along_normal(crop(before, window), distance)[at_border].mean()))
    return (float(across[at_border].mean()) + SEAM_FLOOR) / (max(references, default=0.0) + SEAM_FLOOR)


def _surround(before: Rgb, after: Rgb, box: BoxXYXY, alpha: Gray) -> _Surround:
    """The patch with a ring about as wide as a third of its shorter side, at least 8 and at most 40 pixels."""
    width = int(np.clip(min(alpha.shape) / 3, 8, 40))
    window = expand(box, width + 4, (before.shape[0], before.shape[1]))
    weight = _in_window(alpha, box, window)
    support = weight > 0
    # Where a feathered alpha is weak the old pixels show through: they would vouch for any patch.
    inside = weight >= 128 if (weight >= 128).any() else support
    ring = dilate(support, width) & ~dilate(support, 2)
    return _Surround(crop(before, window), crop(after, window), inside, ring)


def _in_window(alpha: Gray, box: BoxXYXY, window: BoxXYXY) -> Gray:
    placed = np.zeros((window[3] - window[1], window[2] - window[0]), np.uint8)
    y, x = box[1] - window[1], box[0] - window[0]
    placed[y : y + alpha.shape[0], x : x + alpha.shape[1]] = alpha
    return placed


def _detail_ratio(place: _Surround) -> float:
    """The lesser of two ratios: grain (what lies between the strokes) and acuity (how sharp the strokes are).

    A blur loses both. Grain alone would not catch a blur of clean artwork, which has none; acuity alone would not catch
    a fill, which has no strokes. Each is compared as energy, so that half the sharpness counts as a quarter.
    """
    grain_before, grain_after = high_pass(place.before), high_pass(place.after)
    inside = quiet_level(grain_after, place.inside)
    reference = quiet_level(grain_before, place.inside)
    if place.ring.any():
        reference = min(reference, quiet_level(grain_after, place.ring))
    grain = (inside + GRAIN_FLOOR) / (reference + GRAIN_FLOOR)
    sharp_before, sharp_after = _acuity(place.before, place.inside), _acuity(place.after, place.inside)
    acuity = 1.0 if sharp_before is None or sharp_after is None else sharp_after / sharp_before
    return float(min(grain, acuity) ** 2)


def high_pass(image: Rgb) -> Floats:
    """`(h, w)` float32: absolute luma less its blur of 1.2 px, the band that a smear loses first."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(np.abs(luma - cv2.GaussianBlur(luma, (0, 0), 1.2)), np.float32)


def quiet_level(detail: Floats, where: Mask) -> float:
    """Mean of the lower 60%: the grain between edges, which an edge or two do not move."""
    values = np.sort(detail[where])
    return float(values[: max(1, int(0.6 * values.size))].mean())


def _acuity(image: Rgb, where: Mask) -> float | None:
    """Steepest lightness gradient over the lightness contrast, per pixel; None where nothing is drawn.

    A blur with sigma s caps it at 1/(s sqrt(2 pi)): the slope of a blurred unit step. Contrast that a quadratic surface
    explains is lighting and draws nothing.
    """
    light = np.ascontiguousarray(to_lab(image)[..., 0])
    low, high = np.percentile(_less_lighting(light, where), (3, 97))
    if high - low < LEAST_CONTRAST:
        return None
    across = cv2.Scharr(light, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(light, cv2.CV_32F, 0, 1, scale=1 / 32)
    return float(np.percentile(np.hypot(across, down)[where], 95) / (high - low))


def _less_lighting(light: Floats, where: Mask) -> Floats:
    """`(n,)` the lightness at `where` less its least-squares quadratic surface."""
    rows, columns = np.nonzero(where)
    y, x = 2 * rows / light.shape[0] - 1, 2 * columns / light.shape[1] - 1
    basis = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)
    values = light[where]
    return np.asarray(values - basis @ np.linalg.lstsq(basis, values, rcond=None)[0], np.float32)


def _colour_shift(place: _Surround, tone: Sequence[float] | None) -> float:
    """CIELAB distance of the patch's pixels to the nearest colour at home here, less the same before.

    At home are the chief colours of the ring and of what the patch covers. New letters in the old ink on the old sign
    use only those, however much of either they cover, which a comparison of plain medians would mistake for a shift;
    the mean of ink and paper, or any grey, is neither. What rose most counts: the median of the distances (a fill), the
    mean (letters in another ink), or the distance to the ring alone of the sixth nearest to it (a fill in the colour of
    the ink: letters leave at least that much of the paper).
    """
    lab_before, lab_after = _samples(place.before, place.inside), _samples(place.after, place.inside)
    around = _samples(place.before, place.ring)
    paper = chief_colours(around if len(around) else lab_before)
    paper = paper if tone is None else np.concatenate([paper, np.asarray([tone], np.float32)])
    home = np.concatenate([chief_colours(lab_before), paper])
    after, before = _distances_to_nearest(lab_after, home), _distances_to_nearest(lab_before, home)
    paper_after, paper_before = _distances_to_nearest(lab_after, paper), _distances_to_nearest(lab_before, paper)
    fill = float(np.median(after) - np.median(before))
    other_ink = float(after.mean() - before.mean())
    no_paper = float(np.percentile(paper_after, PAPER_SHARE) - np.percentile(paper_before, PAPER_SHARE))
    return max(0.0, fill, other_ink, no_paper)


def to_lab(image: Rgb) -> Floats:
    """`(h, w, 3)` float32 CIELAB: lightness 0..100, a and b about ±128."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB), np.float32)


def _samples(image: Rgb, where: Mask) -> Floats:
    """`(n, 3)` CIELAB of the pixels at `where`, evenly thinned to at most `MAX_SAMPLES`."""
    pixels = image[where]
    return to_lab(pixels[None, :: 1 + len(pixels) // MAX_SAMPLES])[0] if len(pixels) else np.zeros((0, 3), np.float32)


def chief_colours(lab: Floats, apart: float = APART, most: int = 4, least_share: float = 0.03) -> Floats:
    """`(k, 3)`, k at most `most`: means of the fullest CIELAB cells, each at least `apart` from the ones before.

    Cells with less than `least_share` of the pixels are no colour of the place; nor is the blend of ink and paper at
    the letters' edges, which lies near one of them or is rare.

    Args:
        lab: `(n, 3)`, at least one pixel; its axes may be weighted.
        apart: the least distance of two.
        most: of them.
        least_share: of the pixels.
    """
    cells = np.floor(lab / CELL).astype(np.int64) + 32  # lightness 0..100, a and b within ±128
    keys = (cells[:, 0] * 64 + cells[:, 1]) * 64 + cells[:, 2]
    _, members, counts = np.unique(keys, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(members, lab[:, i], len(counts)) / counts for i in range(3)], axis=1)
    chosen: list[npt.NDArray[np.float64]] = []
    for cell in np.argsort(-counts, kind="stable"):
        if chosen and (counts[cell] < least_share * len(lab) or len(chosen) == most):
            break
        if all(np.linalg.norm(means[cell] - other) >= apart for other in chosen):
            chosen.append(means[cell])
    return np.asarray(chosen, np.float32)


def _distances_to_nearest(lab: Floats, palette: Floats) -> Floats:
    """`(n,)` float32."""
    nearest = np.full(len(lab), np.inf, np.float32)
    for colour in palette:
        np.minimum(nearest, np.linalg.norm(lab - colour, axis=1), out=nearest)
    return nearest


def _signed_distance(support: Mask) -> Floats:
    """Pixels to the border of `support`: negative inside, positive outside, about 0.5 on either side of it."""
    inside = cv2.distanceTransform(support.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~support).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.where(support, 0.5 - inside, outside - 0.5), np.float32)


def _gradient_along_normal(image: Rgb, distance: Floats) -> Floats:
    """`(h, w)` float32: absolute luma gradient along the border's normal, levels per pixel."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    smooth = cv2.GaussianBlur(distance, (0, 0), 1.5)
    normal_x, normal_y = (cv2.Sobel(smooth, cv2.CV_32F, *axis, ksize=3) for axis in ((1, 0), (0, 1)))
    length = np.maximum(np.hypot(normal_x, normal_y), 1e-6)
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return np.asarray(np.abs(across * normal_x + down * normal_y) / length, np.float32)
