"""Drawn training pictures, varied: other backdrops, tones, grain and, where nothing is written, mirrored.

The benchmark's training split has few backdrops and tones; a network learns them by heart and is lost on others. What
a prompt names keeps its colour, near enough; the backdrop, whose colours no prompt names, takes any. Shadows stay
where they lie, for what floats is known by them. The same generator state gives twins the same variation.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.datasets.benchmark.parts import LabelMaps
from shared.geometry import Mask
from shared.images import Rgb

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ToneRange:
    """How far tones may be varied: hues turned by so many degrees either way, and factors and exponents drawn from."""

    turn_degrees: float
    saturation: tuple[float, float]
    gamma: tuple[float, float]


BACKDROP = ToneRange(180.0, (0.2, 1.6), (0.65, 1.5))
SHOWN = ToneRange(6.0, (0.75, 1.3), (0.8, 1.25))
TINT = 0.93, 1.07
"""Factors of red, green and blue."""
LUMA = 0.299, 0.587, 0.114
"""Rec. 601 weights of red, green and blue."""
_MOST_SHAPES = 10
_FRINGE_PX = 0.7
"""Sigma of the soft border between what is shown and the backdrop, about the drawing's own anti-aliasing."""


@dataclass(frozen=True)
class Variation:
    """One sample's variation, to be laid over its picture and its twin alike.

    Attributes:
        backdrop, shown: `(3, 3)` colour matrices for linear combinations of channels.
        gammas: exponents of the backdrop and of what is shown.
        field: `(H, W, 3)` factors of the backdrop, near 1.
        grain: `(H, W, 3)` added at the end, in levels.
        mirrored: left and right change places.
    """

    backdrop: Floats
    shown: Floats
    gammas: tuple[float, float]
    field: Floats
    grain: Floats
    mirrored: bool

    def apply(self, image: Rgb, labels: LabelMaps) -> tuple[Rgb, LabelMaps]:
        """The picture `(H, W, 3)` and its label maps, varied."""
        level = np.asarray(image, np.float32) / np.float32(255)
        behind = _toned(level, self.backdrop, self.gammas[0]) * self.field
        front = _toned(level, self.shown, self.gammas[1])
        share = cv2.GaussianBlur((labels[0] > 0).astype(np.float32), (0, 0), _FRINGE_PX)[..., None]
        mixed = (front * share + behind * (1 - share)) * 255 + self.grain
        varied = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        if self.mirrored:
            return np.ascontiguousarray(varied[:, ::-1]), np.ascontiguousarray(labels[..., ::-1])
        return varied, labels

    def apply_to_mask(self, mask: Mask) -> Mask:
        """A mask of the picture."""
        return np.ascontiguousarray(mask[:, ::-1]) if self.mirrored else mask


def draw_variation(rng: np.random.Generator, size_hw: tuple[int, int], *, may_mirror: bool) -> Variation:
    """A variation for pictures of that size; without `may_mirror` words stay readable."""
    return Variation(
        backdrop=_colours(rng, BACKDROP),
        shown=_colours(rng, SHOWN),
        gammas=(float(rng.uniform(*BACKDROP.gamma)), float(rng.uniform(*SHOWN.gamma))),
        field=_field(rng, size_hw),
        grain=rng.normal(0, rng.uniform(0, 5), (*size_hw, 3)).astype(np.float32),
        mirrored=bool(may_mirror and rng.random() < 0.5),
    )


def _colours(rng: np.random.Generator, tones: ToneRange) -> Floats:
    """Turns hues around grey, scales saturation, tints a little."""
    angle = np.deg2rad(rng.uniform(-tones.turn_degrees, tones.turn_degrees))
    axis = np.full(3, 3**-0.5)
    cross = np.asarray([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)
    strength = rng.uniform(*tones.saturation)
    grey = np.tile(np.asarray(LUMA, np.float32), (3, 1))
    tint = np.diag(rng.uniform(*TINT, 3))
    return np.asarray(tint @ (strength * np.eye(3) + (1 - strength) * grey) @ rotation, np.float32)


def _toned(level: Floats, matrix: Floats, gamma: float) -> Floats:
    turned = np.clip(level @ matrix.T, 0.0, 1.0)
    return np.asarray(cv2.pow(turned, gamma), np.float32)


def _field(rng: np.random.Generator, size_hw: tuple[int, int]) -> Floats:
    """Smooth unevenness, and in half of the pictures shapes: as factors, so that shadows show through."""
    height, width = size_hw
    knots = rng.uniform(0.75, 1.25, (4, 4, 3)).astype(np.float32)
    field = np.asarray(cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    if rng.random() < 0.5:
        return field
    shapes = np.ones((height, width, 3), np.float32)
    for _ in range(int(rng.integers(1, _MOST_SHAPES + 1))):
        factor = tuple(rng.uniform(0.5, 1.5, 3).tolist())
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = (int(rng.integers(4, max(5, side // 2))) for side in (width, height))
        if rng.random() < 0.5:
            cv2.rectangle(shapes, (x - w // 2, y - h // 2), (x + w // 2, y + h // 2), factor, -1)
        else:
            cv2.ellipse(shapes, (x, y), (w // 2, h // 2), float(rng.uniform(0, 180)), 0, 360, factor, -1)
    sigma = rng.uniform(0.3, 4.0)
    return np.asarray(field * cv2.GaussianBlur(shapes, (0, 0), sigma), np.float32)
