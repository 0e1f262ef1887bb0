"""Scene graphs to pixels, and to region numbers. Both twins share the backdrop's pixels and every seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatch

import cv2
import numpy as np
import numpy.typing as npt

from services.datasets.benchmark.draw.backdrops import draw_backdrop
from services.datasets.benchmark.draw.hands import draw_close_hand
from services.datasets.benchmark.draw.pen import Look, Pen, Surface
from services.datasets.benchmark.draw.people import draw_person
from services.datasets.benchmark.draw.signs import draw_sign
from services.datasets.benchmark.draw.things import draw_thing
from services.datasets.benchmark.graph import CloseHand, Item, Person, Scene, Sign, Thing
from shared.images import Rgb


@singledispatch
def _draw(item: Item, pen: Pen) -> None:
    raise TypeError(f"no drawing for {type(item).__name__}")


@_draw.register
def _(item: Person, pen: Pen) -> None:
    draw_person(pen, item)


@_draw.register
def _(item: Thing, pen: Pen) -> None:
    draw_thing(pen, item)


@_draw.register
def _(item: Sign, pen: Pen) -> None:
    draw_sign(pen, item)


@_draw.register
def _(item: CloseHand, pen: Pen) -> None:
    draw_close_hand(pen, item)


def look_of(scene: Scene) -> Look:
    """Light and ink of the scene's style."""
    return Look(scene.style.light, scene.style.contrast, scene.style.ink)


@dataclass(frozen=True)
class Ground:
    """A rendered backdrop with the items that both twins begin with."""

    rgb: Rgb
    items_done: int


class Renderer:
    """Draws scenes of one size; keeps its surface between calls, so one renderer belongs to one thread."""

    def __init__(self, size_px: int) -> None:
        self._surface = Surface(size_px)
        self._numbers = Surface(size_px)

    @property
    def size_px(self) -> int:
        """Side length of the pictures."""
        return self._surface.size_px

    def ground(self, scene: Scene, shared_items: int = 0) -> Ground:
        """The backdrop, out of focus as the scene has it, and the first items."""
        # Where two bands of a backdrop meet within a pixel, what was drawn before would show through.
        self._surface.load(np.zeros((self.size_px, self.size_px, 3), np.uint8))
        pen = Pen(self._surface, look_of(scene))
        draw_backdrop(pen, scene.backdrop)
        if scene.backdrop.blur:
            sigma = scene.backdrop.blur * self.size_px
            blurred = cv2.GaussianBlur(self._surface.rgb(), (0, 0), sigma)
            self._surface.load(np.asarray(blurred, np.uint8))
        for item in scene.items[:shared_items]:
            _draw(item, pen)
        return Ground(self._surface.rgb(), shared_items)

    def draw(self, scene: Scene, ground: Ground) -> Rgb:
        """`(H, W, 3)` uint8 before any style."""
        self._surface.load(ground.rgb)
        pen = Pen(self._surface, look_of(scene))
        for item in scene.items[ground.items_done :]:
            _draw(item, pen)
        return self._surface.rgb()

    def numbers(self, scene: Scene, parts: Mapping[str, int]) -> npt.NDArray[np.uint8]:
        """`(H, W)` uint8: at each pixel the number of the part that is seen there, 0 for all others.

        Args:
            scene: the graph.
            parts: number by path; a part without one of its own has that of the part around it.
        """

        def number(path: str) -> int:
            while path:
                if path in parts:
                    return parts[path]
                path = path.rpartition("/")[0]
            return 0

        owners = {path.partition("/")[0] for path in parts}
        first = next((i for i, item in enumerate(scene.items) if item.id in owners), 0)
        return self.labelled(scene, number, first)  # what lies behind the first numbered item cannot hide it

    def labelled(self, scene: Scene, number: Callable[[str], int], first: int = 0) -> npt.NDArray[np.uint8]:
        """`(H, W)` uint8: at each pixel the number of what is seen there, 0 on the backdrop.

        Args:
            scene: the graph.
            number: of a part's path, in [0, 255]; asked for every part of the items.
            first: index of the first item that is drawn.
        """
        self._numbers.load(np.zeros((self.size_px, self.size_px, 3), np.uint8))
        pen = Pen(self._numbers, look_of(scene), number)
        for item in scene.items[first:]:
            _draw(item, pen)
        return self._numbers.pixels[..., 0].copy()


def shared_prefix(a: Scene, b: Scene) -> int:
    """How many items both scenes begin with."""
    count = 0
    for x, y in zip(a.items, b.items, strict=False):
        if x != y:
            break
        count += 1
    return count
