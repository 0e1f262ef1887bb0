"""The photographs that words are set into, and the places in each where a sign could really stand.

Those of scikit-image ship inside its wheel; those of a sibling folder of the checkout are used where it exists.
Places are shares of width and height, in reading order, hand-picked so that a sign looks at home there.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import skimage
from PIL import Image

from services.evaluation.text.surfaces import Materials, Surface
from shared.errors import ErrorCode, MissingResource
from shared.images import Rgb

SHIPPED = Path(skimage.__file__).parent / "data"
SIBLING = Path(__file__).resolve().parents[3].parent / "shared" / "images"

HUNG = (Surface.BOARD, Surface.STREET, Surface.WOOD, Surface.CHALK, Surface.CARD)
LAID = (Surface.CARD, Surface.WOOD, Surface.BOARD, Surface.CHALK)
WALL = (*HUNG, Surface.AWNING, Surface.PAINTED)
LABEL = (Surface.BOARD, Surface.CARD, Surface.STREET)
STANDING = (Surface.BOARD, Surface.STREET, Surface.WOOD, Surface.CHALK)

Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Place:
    """Where a sign may stand: corners as shares of the picture, what it may be, whether it lies or stands on posts."""

    corners: Corners
    surfaces: tuple[Surface, ...]
    lying: bool = False
    posts: bool = False


@dataclass(frozen=True)
class Photograph:
    """One photograph.

    Attributes:
        name: also its file's name without the ending.
        path: the file.
        scene: what a prompt would say of it.
        licence: as the source states it.
        places: where signs go; empty where none would look at home.
        tint: colour that a black-and-white texture is given, as factors; None leaves the file's colours.
        turned: rotated by 90 degrees first.
        worded: the photograph itself shows words.
        garbled: it shows garbled ones, so that it cannot stand for a healthy picture.
    """

    name: str
    path: Path
    scene: str
    licence: str
    places: tuple[Place, ...] = ()
    tint: tuple[float, float, float] | None = None
    turned: bool = False
    worded: bool = False
    garbled: bool = False

    def load(self, long_side_px: int | None = None) -> Rgb:
        """`(H, W, 3)` RGB, scaled so that the longer side has `long_side_px`; None keeps the file's size."""
        image = np.asarray(Image.open(self.path).convert("RGB"))
        if self.turned:
            image = np.rot90(image)
        if self.tint is not None:
            image = _tinted(image, self.tint)
        if long_side_px is not None:
            scale = long_side_px / max(image.shape[:2])
            size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
            way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            image = np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=way), np.uint8)
        return np.ascontiguousarray(image)


def _tinted(grey: Rgb, tint: tuple[float, float, float]) -> Rgb:
    """Colours a black-and-white texture: the tint in full in the darks, fading to grey in the lights (mortar)."""
    share = np.clip((215.0 - grey.astype(np.float32)) / 110.0, 0.0, 1.0)
    factor = 1 + (np.asarray(tint, np.float32) - 1) * share
    return np.asarray(np.clip(grey.astype(np.float32) * factor, 0, 255), np.uint8)


def _box(x0: float, y0: float, x1: float, y1: float, lean: float = 0.0) -> Corners:
    """A box whose right side is `lean` lower than its left."""
    return (x0, y0), (x1, y0 + lean), (x1, y1 + lean), (x0, y1)


CC0 = "CC0-1.0"

FROM_SKIMAGE: tuple[Photograph, ...] = (
    Photograph(
        "coffee", SHIPPED / "coffee.png", "an espresso cup on a wooden table",
        "CC0-1.0 (Rachel Michetti, Pikolo Espresso Bar)",
        (
            Place(((0.04, 0.68), (0.42, 0.73), (0.41, 0.95), (0.03, 0.89)), LAID),
            Place(((0.66, 0.04), (0.985, 0.03), (0.985, 0.27), (0.66, 0.25)), LAID),
            Place(((0.60, 0.80), (0.97, 0.72), (0.99, 0.90), (0.63, 0.98)), LAID, lying=True),
        ),
    ),
    Photograph(
        "motorcycle_left", SHIPPED / "motorcycle_left.png", "a red motorcycle in a garage",
        "not stated (Middlebury 2014 stereo benchmark, in scikit-image)",
        (
            Place(((0.45, 0.02), (0.98, 0.03), (0.98, 0.20), (0.45, 0.17)), (*HUNG, Surface.AWNING)),
            Place(((0.10, 0.83), (0.60, 0.84), (0.66, 0.97), (0.05, 0.97)), (Surface.PAINTED,), lying=True),
            Place(((0.02, 0.52), (0.24, 0.56), (0.23, 0.80), (0.02, 0.80)), STANDING),
        ),
        worded=True,
    ),
    Photograph(
        "rocket", SHIPPED / "rocket.jpg", "a rocket on its launch pad at dusk", "public domain (SpaceX)",
        (
            Place(((0.55, 0.58), (0.95, 0.61), (0.95, 0.86), (0.55, 0.85)), STANDING, posts=True),
            Place(((0.15, 0.06), (0.85, 0.06), (0.85, 0.25), (0.15, 0.25)), (Surface.PAINTED,)),
        ),
    ),
    Photograph(
        "astronaut", SHIPPED / "astronaut.png", "a portrait of a smiling astronaut", "public domain (NASA)",
        (
            Place(((0.06, 0.81), (0.62, 0.83), (0.62, 0.98), (0.06, 0.96)), LABEL),
        ),
        worded=True,
    ),
    Photograph(
        "chelsea", SHIPPED / "chelsea.png", "a close-up of a tabby cat", "CC0-1.0 (Stefan van der Walt)",
        (Place(((0.02, 0.76), (0.47, 0.79), (0.47, 0.985), (0.02, 0.965)), LAID),),
    ),
    Photograph(
        "camera", SHIPPED / "camera.png", "a black and white photo of a cameraman on a lawn", "CC0-1.0 (Lav Varshney)",
        (
            Place(((0.60, 0.56), (0.99, 0.57), (0.99, 0.72), (0.60, 0.73)), (Surface.BOARD, Surface.CHALK), posts=True),
            Place(((0.04, 0.015), (0.96, 0.015), (0.96, 0.115), (0.04, 0.115)), (Surface.PAINTED,)),
        ),
    ),
    Photograph(
        "brick", SHIPPED / "brick.png", "a brick wall", CC0,
        (
            Place(_box(0.10, 0.22, 0.90, 0.62), WALL),
            Place(((0.12, 0.30), (0.85, 0.18), (0.87, 0.52), (0.12, 0.68)), WALL),
            Place(((0.14, 0.20), (0.88, 0.30), (0.88, 0.66), (0.14, 0.56)), WALL),
        ),
        tint=(1.35, 0.78, 0.62), turned=True,
    ),
    Photograph(
        "grass", SHIPPED / "grass.png", "a meadow", CC0,
        (
            Place(((0.16, 0.30), (0.84, 0.32), (0.92, 0.66), (0.08, 0.64)), LAID, lying=True),
            Place(((0.20, 0.22), (0.86, 0.30), (0.80, 0.62), (0.14, 0.52)), LAID, lying=True),
        ),
        tint=(0.70, 0.86, 0.42),
    ),
    Photograph(
        "gravel", SHIPPED / "gravel.png", "a gravel path", CC0,
        (
            Place(((0.14, 0.26), (0.86, 0.30), (0.90, 0.62), (0.10, 0.60)), LAID, lying=True),
            Place(((0.16, 0.40), (0.82, 0.28), (0.88, 0.60), (0.20, 0.72)), LAID, lying=True),
        ),
        tint=(1.06, 1.0, 0.92),
    ),
    Photograph(
        "hubble_deep_field", SHIPPED / "hubble_deep_field.jpg", "a poster of distant galaxies", "public domain (NASA)",
        (
            Place(_box(0.12, 0.08, 0.88, 0.30), (Surface.PAINTED,)),
            Place(_box(0.15, 0.66, 0.85, 0.92), (Surface.PAINTED, Surface.BOARD)),
        ),
    ),
    Photograph(
        "page", SHIPPED / "page.png", "a photographed page of a book", "not stated (in scikit-image)", worded=True,
    ),
)  # fmt: skip

FROM_SIBLING: tuple[Photograph, ...] = (
    Photograph(
        "bench_bowl", SIBLING / "bench_bowl.png", "a green bench and a blue bowl", "MIT (repository)",
        (
            Place(_box(0.12, 0.10, 0.88, 0.42), (*HUNG, Surface.PAINTED)),
            Place(((0.18, 0.16), (0.82, 0.10), (0.82, 0.40), (0.18, 0.42)), HUNG),
        ),
    ),
    Photograph(
        "bench_cake", SIBLING / "bench_cake.png", "a blue bench and a green cake", "MIT (repository)",
        (Place(_box(0.05, 0.02, 0.70, 0.14), (Surface.PAINTED, Surface.BOARD)),
         Place(((0.52, 0.70), (0.97, 0.73), (0.97, 0.90), (0.52, 0.86)), LAID)),
        garbled=True,
    ),
    Photograph(
        "hand_1", SIBLING / "hand_1.jpg", "a man facing the camera, making a hand gesture, indoor", "MIT (repository)",
        (Place(_box(0.24, 0.04, 0.74, 0.22), (*HUNG, Surface.PAINTED)),),
    ),
    Photograph(
        "hand_3", SIBLING / "hand_3.jpg", "a man facing the camera, making a hand gesture, indoor", "MIT (repository)",
        (Place(_box(0.03, 0.06, 0.54, 0.30), (*HUNG, Surface.PAINTED)),),
    ),
    Photograph(
        "hand_5", SIBLING / "hand_5.jpg", "a woman facing the camera, making a hand gesture", "MIT (repository)",
        (Place(((0.04, 0.06), (0.70, 0.04), (0.70, 0.28), (0.04, 0.34)), (*HUNG, Surface.PAINTED)),),
    ),
    Photograph("guitar", SIBLING / "guitar.jpg", "a young man on a bed, playing an acoustic guitar", "Apache-2.0"),
    Photograph("old_man", SIBLING / "old_man.png", "portrait of an old man holding his hand to his face", "MIT"),
)  # fmt: skip


def photographs() -> tuple[Photograph, ...]:
    """All that lie on this machine."""
    return tuple(photo for photo in (*FROM_SKIMAGE, *FROM_SIBLING) if photo.path.is_file())


def photograph(name: str) -> Photograph:
    """The photograph of that name.

    Raises:
        MissingResource: it does not lie on this machine.
    """
    for photo in photographs():
        if photo.name == name:
            return photo
    raise MissingResource(
        ErrorCode.MISSING_DATA, f"the photograph {name!r} is missing: reinstall scikit-image with its sample images"
    )


def skipped() -> tuple[str, ...]:
    """Sentences about the photographs that are not here."""
    absent = [photo.path.name for photo in (*FROM_SKIMAGE, *FROM_SIBLING) if not photo.path.is_file()]
    return (f"skipped, not on this machine: {', '.join(absent)}",) if absent else ()


@cache
def materials() -> Materials:
    """Wood cut from the table of the coffee photograph."""
    table = np.asarray(Image.open(SHIPPED / "coffee.png").convert("RGB"))
    corners = np.asarray([(470, 40), (598, 0), (598, 300), (490, 320)], np.float32)
    target = np.asarray([(0, 120), (0, 0), (320, 0), (320, 120)], np.float32)
    warp = cv2.getPerspectiveTransform(corners, target)
    plank = cv2.warpPerspective(table, warp, (320, 120), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return Materials(wood=np.asarray(plank, np.uint8))
