"""The rectified frame: a flat, level view of a line of letters, and the way back to the crop.

Points follow the contracts: (0, 0) is the outer corner of the top left pixel. OpenCV puts integers at pixel centres;
the half-pixel shift is kept inside this file. Knows nothing of ink or letters.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.action.tools.base import ToolDeclined

Float = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

BODY_PX = 80.0
"""Height that the line's quadrilateral gets in the frame where the crop's is smaller; capitals are then about 64 px."""
MAX_BODY_PX = 128.0
MAX_WIDTH_PX = 1800.0


@dataclass(frozen=True)
class Box:
    """A box in frame pixels, half-open."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def height(self) -> float:
        """In frame pixels."""
        return self.y1 - self.y0

    @property
    def width(self) -> float:
        """In frame pixels."""
        return self.x1 - self.x0


@dataclass(frozen=True)
class Frame:
    """A rectified view.

    Attributes:
        from_crop: `(3, 3)` homography, crop points to frame points.
        size_hw: of the frame in pixels.
        line: where the line's quadrilateral lies in the frame.
        scale: frame pixels per crop pixel at the line's centre.
    """

    from_crop: Matrix
    size_hw: tuple[int, int]
    line: Box
    scale: float

    def to_frame(self, points: npt.ArrayLike) -> Matrix:
        """`(n, 2)` crop points as frame points."""
        return _apply(self.from_crop, points)

    def to_crop(self, points: npt.ArrayLike) -> Matrix:
        """`(n, 2)` frame points as crop points."""
        return _apply(inverse(self.from_crop), points)

    def view(self, image: npt.NDArray[np.generic], outside: float = 0.0) -> Float:
        """The crop's `(h, w)` or `(h, w, C)` pixels in the frame as float32; `outside` where the crop has none."""
        source: Float = image.astype(np.float32)
        if self.scale < 1.0:
            source = np.asarray(cv2.GaussianBlur(source, (0, 0), 0.4 / self.scale), np.float32)
        h, w = self.size_hw
        return warp(source, self.from_crop, (h, w), cv2.INTER_CUBIC if self.scale > 1.0 else cv2.INTER_LINEAR, outside)

    def valid(self, crop_hw: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """`(H, W)` bool, True where the frame looks at a pixel of the crop."""
        ones = np.ones(crop_hw, np.float32)
        return warp(ones, self.from_crop, self.size_hw, cv2.INTER_NEAREST, 0.0) > 0.5

    def back(self, field: Float, crop_hw: tuple[int, int], outside: float | None = 0.0) -> Float:
        """A frame-sized field as the crop sees it; `outside=None` continues the field's border."""
        source = field
        if self.scale > 1.3:
            source = np.asarray(cv2.GaussianBlur(field, (0, 0), 0.4 * self.scale), np.float32)
        return warp(source, inverse(self.from_crop), crop_hw, cv2.INTER_LINEAR, outside)

    def valid_back(self, crop_hw: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """`(h, w)` bool, True for crop pixels that the frame shows."""
        return self.back(np.ones(self.size_hw, np.float32), crop_hw) > 0.99

    def moved(self, field: Float, step: Matrix) -> Float:
        """A crop-sized field with what lies on it moved by `step`, a `(3, 3)` map of frame points."""
        matrix = inverse(self.from_crop) @ step @ self.from_crop
        return np.clip(warp(field, matrix, (field.shape[0], field.shape[1]), cv2.INTER_CUBIC, 0.0), 0.0, 1.0)

    def sheared(self, slope: float) -> "Frame":
        """The frame in which a line that rose or fell by `slope` (dy/dx, frame) lies level."""
        centre = (self.line.x0 + self.line.x1) / 2
        level = np.array([[1.0, 0.0, 0.0], [-slope, 1.0, slope * centre], [0.0, 0.0, 1.0]])
        return Frame(from_crop=level @ self.from_crop, size_hw=self.size_hw, line=self.line, scale=self.scale)


def inverse(matrix: Matrix) -> Matrix:
    """The way back of a homography."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def warp(image: Float, matrix: Matrix, size_hw: tuple[int, int], how: int, outside: float | None) -> Float:
    """`image` under a homography of points; pixels outside are `outside`, or the border's where that is None."""
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    centres = inverse(half) @ matrix @ half
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    fill = 0.0 if outside is None else outside
    value = (fill, fill, fill, fill)
    result = cv2.warpPerspective(image, centres, size_hw[::-1], flags=how, borderMode=border, borderValue=value)
    return np.asarray(result, np.float32)


def rectify(quad: Float, longer_by: int = 0) -> Frame:
    """The frame of a line's quadrilateral `(4, 2)` in crop pixels, with room around it for neighbours.

    `longer_by` letters more than now stand there must find room beside it, too.

    Raises:
        ToolDeclined: the quadrilateral has no area or is folded.
    """
    top, bottom = quad[1] - quad[0], quad[2] - quad[3]
    left, right = quad[3] - quad[0], quad[2] - quad[1]
    width = float(np.linalg.norm(top) + np.linalg.norm(bottom)) / 2
    height = float(np.linalg.norm(left) + np.linalg.norm(right)) / 2
    turns = [
        float(a[0] * b[1] - a[1] * b[0]) for a, b in ((top, right), (right, -bottom), (-bottom, -left), (-left, top))
    ]
    if min(width, height) < 2.0 or min(turns) <= 0.0:
        raise ToolDeclined("the outline of the words is folded or has no area, so they cannot be seen level")
    body = min(max(height, BODY_PX), MAX_BODY_PX)
    scale = min(body / height, MAX_WIDTH_PX / width)
    body, span = height * scale, width * scale
    margin_x, margin_y = (1.2 + 0.65 * longer_by) * body, 0.7 * body
    line = Box(margin_x, margin_y, margin_x + span, margin_y + body)
    corners = np.array([[line.x0, line.y0], [line.x1, line.y0], [line.x1, line.y1], [line.x0, line.y1]], np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(quad.astype(np.float32), corners), np.float64)
    size = (int(np.ceil(line.y1 + margin_y)), int(np.ceil(line.x1 + margin_x)))
    return Frame(from_crop=matrix, size_hw=size, line=line, scale=scale)


def _apply(matrix: Matrix, points: npt.ArrayLike) -> Matrix:
    flat = np.asarray(points, np.float64).reshape(-1, 2)
    lifted = np.concatenate([flat, np.ones((len(flat), 1))], axis=1) @ matrix.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)
