"""Tells ink from what it lies on, in the rectified frame: a matte of the letters and the light of the background.

A pixel is taken as a mixture of a background that varies smoothly and an ink colour; the matte is where between the
two it lies. Either polarity; lettering that differs by colour alone counts too. Knows nothing of words.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.action.tools.base import ToolDeclined
from services.action.tools.retyping.frame import Box, Float, Frame, Matrix
from shared.geometry import Mask

MIN_CONTRAST = 16.0
"""RGB distance (of 441) below which letters are not told from their ground."""
_COARSER = 4
MIN_SEPARATION = 2.2
"""Contrast over the ground's own spread below which the ground is too busy."""


@dataclass(frozen=True)
class Ink:
    """What was told apart, all in the frame's pixels.

    Attributes:
        matte: `(H, W)` in [0, 1], how much ink lies on a pixel.
        ground: `(H, W, 3)` smooth background in 0..255.
        unlike: `(H, W)` bool, pixels that are not plain ground, ink or anything else.
        step: `(3,)` RGB from ground to ink, over the line.
        steps: `(H, W, 3)` the same at each pixel.
        spread: standard deviation of the ground along `step`, in RGB levels (grain and texture).
        solid: `(H, W)` bool, the letters where they were told by colour; None where half of the matte tells them.
    """

    matte: Float
    ground: Float
    unlike: Mask
    step: Float
    steps: Float
    spread: float
    solid: Mask | None = None

    @property
    def clean(self) -> bool:
        """The ground is so even beside the contrast that no ground can be taken for ink."""
        return self.unevenness < 0.06

    @property
    def contrast(self) -> float:
        """RGB distance from ground to ink."""
        return float(np.linalg.norm(self.step))

    @property
    def unevenness(self) -> float:
        """The ground's spread over the contrast."""
        return self.spread / self.contrast


def separate(view: Float, valid: Mask, frame: Frame) -> Ink:
    """Ink and ground of a `(H, W, 3)` view, judged inside the frame's line.

    Raises:
        ToolDeclined: too little contrast, or a ground as busy as the letters.
    """
    near = _window(frame.line, 0.12 * frame.line.height, frame.size_hw) & valid
    band = near & ~_window(frame.line, -0.06 * frame.line.height, frame.size_hw)
    smooth = np.asarray(cv2.GaussianBlur(view, (0, 0), max(0.6, 0.35 * frame.scale)), np.float32)
    terms = _terms(frame)
    ground = _fit_light(smooth, band if band.sum() > 200 else near, terms, rounds=6)
    ink_step = np.zeros(3, np.float32)
    plain = near
    for _ in range(3):
        ink_step, spread = _ink_step(smooth - ground, near)
        amount = (smooth - ground) @ ink_step / float(ink_step @ ink_step)
        plain = near & (np.abs(amount) < 0.3)
        if plain.sum() < 0.15 * near.sum():
            break
        ground = _fit_light(smooth, plain, terms, rounds=3)
    ground = _follow_light(smooth, ground, plain, frame)
    ink_step, spread = _ink_step(smooth - ground, near)
    contrast = float(np.linalg.norm(ink_step))
    if contrast < MIN_CONTRAST:
        raise ToolDeclined(f"the letters hardly differ from their ground (contrast {contrast:.0f} of 441)")
    if contrast < MIN_SEPARATION * spread:
        raise ToolDeclined("the ground under the letters is as busy as the letters themselves")
    matte = np.clip((view - ground) @ ink_step / float(ink_step @ ink_step), 0.0, 1.0).astype(np.float32)
    distance = np.linalg.norm(smooth - ground, axis=2)
    unlike = valid & (distance > max(0.35 * contrast, 3.0 * spread))
    matte[~valid] = 0.0
    steps = np.broadcast_to(ink_step, ground.shape)
    return Ink(matte=matte, ground=ground, unlike=unlike, step=ink_step, steps=steps, spread=spread)


def _window(box: Box, margin: float, size_hw: tuple[int, int]) -> Mask:
    mask = np.zeros(size_hw, np.bool_)
    y0, y1 = max(0, round(box.y0 - margin)), max(0, round(box.y1 + margin))
    x0, x1 = max(0, round(box.x0 - margin)), max(0, round(box.x1 + margin))
    mask[y0:y1, x0:x1] = True
    return mask


def _terms(frame: Frame) -> Float:
    h, w = frame.size_hw
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    u = np.clip((x - frame.line.x0) / frame.line.width, -0.3, 1.3) * 2 - 1
    v = np.clip((y - frame.line.y0) / frame.line.height, -0.4, 1.4) * 2 - 1
    return np.stack([np.ones_like(u), u, v, u * u, u * v], axis=2).astype(np.float32)


def _fit_light(view: Float, where: Mask, terms: Float, rounds: int) -> Float:
    """A quadratic light over the frame, fitted robustly (Tukey's biweight) to the pixels of `where`."""
    samples, colours = terms[where], view[where]
    if len(samples) > 3000:
        pick = np.linspace(0, len(samples) - 1, 3000).astype(int)
        samples, colours = samples[pick], colours[pick]
    weights = np.ones(len(samples), np.float32)
    ridge = np.diag([0.0, 1e-3, 1e-3, 3e-3, 3e-3]).astype(np.float32) * len(samples)
    centre = np.median(colours, axis=0)
    solution = np.zeros((5, 3), np.float32)
    solution[0] = centre
    for _ in range(rounds):
        error = np.linalg.norm(colours - samples @ solution, axis=1)
        scale = max(2.0, 1.5 * float(np.median(error)))
        weights = np.clip(1.0 - (error / (3.0 * scale)) ** 2, 0.0, None) ** 2
        weighted = samples * weights[:, None]
        solution = np.linalg.solve(weighted.T @ samples + ridge + 1e-3 * np.eye(5), weighted.T @ colours)
    return np.asarray(terms @ solution, np.float32)


def _follow_light(view: Float, ground: Float, plain: Mask, frame: Frame) -> Float:
    """The ground where it leaves the quadratic (a shadow's edge, say): the mean of the plain pixels around."""
    weight = np.asarray(cv2.erode(plain.astype(np.uint8), np.ones((3, 3), np.uint8)), np.float32)
    h, w = plain.shape
    small = (max(1, w // _COARSER), max(1, h // _COARSER))
    sigma = 0.3 * frame.line.height / _COARSER
    rest = cv2.resize((view - ground) * weight[..., None], small, interpolation=cv2.INTER_AREA)
    total = cv2.GaussianBlur(cv2.resize(weight, small, interpolation=cv2.INTER_AREA), (0, 0), sigma)[..., None]
    local = cv2.GaussianBlur(rest, (0, 0), sigma) / np.maximum(total, 1e-4)
    correction = cv2.resize(local * (total / (total + 0.08)), (w, h), interpolation=cv2.INTER_LINEAR)
    return np.asarray(ground + correction, np.float32)


def _ink_step(difference: Float, near: Mask) -> tuple[Float, float]:
    """The RGB step from ground to ink, and the ground's spread along it."""
    pixels = difference[near]
    if len(pixels) > 20000:
        pixels = pixels[:: len(pixels) // 20000 + 1]
    distance = np.linalg.norm(pixels, axis=1)
    strong = pixels[distance >= max(8.0, 0.5 * float(np.percentile(distance, 97)))]
    if len(strong) < 20:
        return np.full(3, 1e-3, np.float32), 1.0
    axis = np.linalg.svd(strong.T @ strong)[0][:, 0]
    along = strong @ axis
    if float((along[along > 0] ** 2).sum()) < float((along[along < 0] ** 2).sum()):
        axis, along = -axis, -along
    top = strong[along > 0.75 * np.percentile(along[along > 0], 85)]
    step = np.median(top, axis=0).astype(np.float32)
    length = float(np.linalg.norm(step)) + 1e-6
    amount = pixels @ step / length
    below = amount[amount < 0.35 * length]
    spread = 1.4826 * float(np.median(np.abs(below - np.median(below)))) if len(below) > 20 else length
    return step, spread


def connected(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Matrix]:
    """Connected parts, of which 0 is the rest.

    Returns:
        `(H, W)` labels; `(n, 5)` left, top, width, height and area; `(n, 2)` centres.
    """
    _, labels, boxes, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32), np.asarray(boxes, np.int32), np.asarray(centres, np.float64)


def edge_blur(matte: Float) -> float:
    """Standard deviation of the edges' blur, in pixels of the matte, were they Gaussian.

    A step of height 1 blurred by sigma has the slope 1 / (sigma sqrt(2 pi)) at its middle; the steep ones of the
    pixels near one half are taken, for corners, shadows and noise only make slopes shallower.
    """
    smooth = cv2.GaussianBlur(matte, (0, 0), 0.5)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    steep = np.hypot(gx, gy)[(smooth > 0.3) & (smooth < 0.7)]
    if steep.size < 12:
        return 1.0
    return float(1.0 / (max(float(np.percentile(steep, 80)), 1e-3) * np.sqrt(2 * np.pi)))
