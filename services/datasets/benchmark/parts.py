"""What is seen at each pixel of a scene: which part of which kind of thing, and the name of its colour.

Training reads these maps beside the blemishes: a network that is told what it sees learns far sooner what is wrong.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from services.datasets.benchmark.draw.things import DRAWINGS
from services.datasets.benchmark.graph import CloseHand, Item, Person, Scene, Sign, Thing
from services.datasets.benchmark.render import Renderer
from services.datasets.benchmark.vocabulary import FURS, HAIRS, TEST, TRAIN

_FINGERS = ("thumb", "index finger", "middle finger", "ring finger", "little finger")
_BODY = (
    "head",
    "hair",
    "ear",
    "eye",
    "mouth",
    "nose",
    "beard",
    "neck",
    "torso",
    "arm",
    "hand",
    "leg",
    "foot",
    "sleeve",
)
_BUILD = ("board", "mount", "letter", "handle", "thing's leg", "tail")

PARTS: tuple[str, ...] = ("", *_BODY, *_FINGERS, *_BUILD, *sorted(DRAWINGS))
"""The first channel's values by name; 0 is the backdrop."""

_PALETTES = (*TRAIN.palettes, *TEST.palettes, HAIRS, FURS)
COLOURS: tuple[str, ...] = ("", *sorted({colour.name for palette in _PALETTES for colour in palette}))
"""The second channel's values by name; 0 where a prompt would not name the colour."""

LABEL_COUNTS = (len(PARTS), len(COLOURS))

LabelMaps = npt.NDArray[np.uint8]
"""`(K, H, W)`: at each pixel what is seen there, by K vocabularies (its part, its colour); 0 stands for none."""

_SAME = {"palm": "hand", "sixth finger": "little finger", "forearm": "arm"}
_THING_PARTS = {"handle": "handle", "second handle": "handle", "tail": "tail", "second tail": "tail"}
_SIDES = ("left ", "right ", "third ", "second ", "extra ")


def label_maps(renderer: Renderer, scene: Scene) -> LabelMaps:
    """`(2, H, W)` uint8: at each pixel an index into `PARTS`, and one into `COLOURS`."""
    pairs: dict[tuple[str, str], int] = {("", ""): 0}
    items = {item.id: item for item in scene.items}

    def number(path: str) -> int:
        owner, _, inside = path.partition("/")
        return pairs.setdefault(_LABELS[type(items[owner])](items[owner], inside), len(pairs))

    numbers = renderer.labelled(scene, number)
    if len(pairs) > 256:
        raise ValueError(f"{len(pairs)} kinds of parts in one scene, where 256 are the most that a map can hold")
    table = np.asarray([(PARTS.index(part), COLOURS.index(colour)) for part, colour in pairs], np.uint8)
    return np.ascontiguousarray(table[numbers].transpose(2, 0, 1))


def _of_thing(item: Item, path: str) -> tuple[str, str]:
    if not isinstance(item, Thing):
        raise TypeError(f"{item.id} is no thing")
    part = _THING_PARTS.get(path, "thing's leg" if path.endswith("leg") else item.kind)
    return part, item.colour.name


def _of_sign(item: Item, path: str) -> tuple[str, str]:
    if not isinstance(item, Sign):
        raise TypeError(f"{item.id} is no sign")
    if path.startswith("letter"):
        return "letter", ""
    return ("mount", "") if path == "mount" else ("board", item.board.name)


def _of_close_hand(item: Item, path: str) -> tuple[str, str]:
    if not isinstance(item, CloseHand):
        raise TypeError(f"{item.id} is no hand")
    held = item.hand.held
    if held is not None and held.id in path.split("/"):
        return _of_thing(held, path.partition(held.id)[2].lstrip("/"))
    part = _anatomy(path or "hand")
    return part, item.sleeve.colour.name if part == "sleeve" else ""


def _of_person(item: Item, path: str) -> tuple[str, str]:
    if not isinstance(item, Person):
        raise TypeError(f"{item.id} is no person")
    for arm in item.arms:
        held = arm.hand.held if arm.hand else None
        if held is not None and held.id in path.split("/"):
            return _of_thing(held, path.partition(held.id)[2].lstrip("/"))
    part = _anatomy(path or "torso")
    colours = {"torso": item.top.colour.name, "leg": item.bottom.colour.name, "hair": item.head.hair.name}
    return part, colours.get(part, "")


def _anatomy(path: str) -> str:
    name = path.rpartition("/")[2]
    name = _SAME.get(name, name)
    for side in _SIDES:
        name = name.removeprefix(side)
    return name


_LABELS: dict[type[Item], Callable[[Item, str], tuple[str, str]]] = {
    Thing: _of_thing,
    Sign: _of_sign,
    CloseHand: _of_close_hand,
    Person: _of_person,
}
