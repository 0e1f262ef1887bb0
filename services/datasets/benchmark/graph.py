"""The scene graph: frozen values that say what is in a picture. A blemish is a change of these values.

Knows nothing of drawing. Lengths are in the unit square unless an attribute says in whose local unit; parts are named
by paths such as `p1/left arm/hand/index finger`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from services.datasets.benchmark.colour import Named, Rgb01
from services.datasets.benchmark.frame import Point


@dataclass(frozen=True)
class Finger:
    """In units of the hand: wrist at (0, 0), straight middle finger's tip near (0, -1), thumb on the left.

    Attributes:
        curl: 0 straight to 1 folded into the palm.
        swell: relative thickness beyond the first joint.
        bends: degrees at the second and third joint, in the plane of the picture.
    """

    name: str
    base: Point
    angle: float
    length: float
    radius: float
    curl: float = 0.0
    swell: float = 1.0
    bends: tuple[float, float] = (0.0, 0.0)
    webbed: bool = False


@dataclass(frozen=True)
class WarpSpec:
    """A deformation: `wave`, `melt`, `bend` or `pinch`, and how strongly, in heights of the thing."""

    kind: str
    strength: float
    phase: float = 0.0


@dataclass(frozen=True)
class Thing:
    """An object or an animal, standing with the middle of its base at `at`.

    Attributes:
        size: height in scene units.
        extras: anatomy or build that differs: `second handle`, `missing leg`, `second tail`, …
        support: `ground`, `table`, `hand`, `wall` or `hanging`.
        lift: how far its base is above its support; the shadow stays below.
        halo: strength of the contact shadow in [0, 1].
    """

    id: str
    kind: str
    at: Point
    size: float
    colour: Named
    flip: bool = False
    angle: float = 0.0
    variant: int = 0
    warp: WarpSpec | None = None
    extras: tuple[str, ...] = ()
    support: str = "ground"
    lift: float = 0.0
    halo: float = 1.0
    stretch: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Hand:
    """Five fingers on a palm; `held` is drawn inside the grip, moved off it by `slip` in units of the hand.

    Attributes:
        shape: what a prompt may call it: `open`, `fist`, `pointing`, `victory`, `thumbs-up`, `grip`, `relaxed`.
        view: `back` or `palm`.
    """

    fingers: tuple[Finger, ...]
    shape: str
    view: str
    mirrored: bool
    skin: Rgb01
    held: Thing | None = None
    slip: Point = (0.0, 0.0)
    nails: Rgb01 | None = None
    pierced: bool = False


@dataclass(frozen=True)
class Garment:
    """`kind` is the word for it, `cut` how far sleeves or legs reach in [0, 1]."""

    kind: str
    colour: Named
    cut: float = 1.0
    pattern: str = "plain"
    second: Rgb01 = (1.0, 1.0, 1.0)

    @property
    def is_skirt(self) -> bool:
        """One piece around both legs, whatever its length is called."""
        return "skirt" in self.kind


@dataclass(frozen=True)
class CloseHand:
    """A hand that fills a good part of the picture; `at` is the wrist, `size` the length of a hand."""

    id: str
    at: Point
    size: float
    angle: float
    hand: Hand
    sleeve: Garment


@dataclass(frozen=True)
class Feature:
    """`eye`, `nose` or `mouth`, in units of half the head's height around the middle of the head."""

    kind: str
    name: str
    at: Point
    size: float = 1.0
    angle: float = 0.0
    openness: float = 1.0


@dataclass(frozen=True)
class Head:
    """A face and what frames it; `turn` in [-1, 1] shifts the features for a three-quarter view."""

    features: tuple[Feature, ...]
    skin: Rgb01
    hair: Named
    hairstyle: str
    iris: Rgb01
    lips: Rgb01
    smile: float = 0.3
    jaw: float = 0.72
    turn: float = 0.0
    tilt: float = 0.0
    beard: str = ""
    glasses: bool = False
    old: float = 0.0
    width: float = 1.0


@dataclass(frozen=True)
class Arm:
    """Angles in degrees as `frame.polar` takes them; lengths relative to a healthy arm's."""

    name: str
    side: int
    upper: float
    fore: float
    hand: Hand | None
    hand_angle: float = 0.0
    upper_length: float = 1.0
    fore_length: float = 1.0
    girth: float = 1.0
    shift: Point = (0.0, 0.0)
    behind: bool = False
    gap: float = 0.0


@dataclass(frozen=True)
class Leg:
    """As `Arm`; `foot` points to -1 left, 1 right or 0 towards the viewer."""

    name: str
    side: int
    upper: float
    lower: float
    foot: int = 0
    upper_length: float = 1.0
    lower_length: float = 1.0
    girth: float = 1.0
    shift: Point = (0.0, 0.0)


@dataclass(frozen=True)
class Person:
    """`at` is the middle between the feet (below the frame in a half-length view), `size` the height."""

    id: str
    noun: str
    at: Point
    size: float
    build: float
    head: Head
    arms: tuple[Arm, ...]
    legs: tuple[Leg, ...]
    top: Garment
    bottom: Garment
    shoes: Rgb01
    torso_scale: float = 1.0
    neck_scale: float = 1.0
    head_scale: float = 1.0
    waist_shift: float = 0.0
    head_shift: Point = (0.0, 0.0)
    half: bool = False


@dataclass(frozen=True)
class Letter:
    """One place in a word. `other` overlays a second letter's lower half: the look of a garbled glyph."""

    char: str
    mirrored: bool = False
    flipped: bool = False
    angle: float = 0.0
    rise: float = 0.0
    scale: float = 1.0
    other: str = ""
    blank: bool = False


@dataclass(frozen=True)
class Sign:
    """A board with one word, centred at `at`; `size` is its width and height."""

    id: str
    at: Point
    size: tuple[float, float]
    letters: tuple[Letter, ...]
    font: Path
    board: Named
    lettering: Rgb01
    mount: str
    angle: float = 0.0
    foot: float = 1.0
    frame: str = "rounded"

    @property
    def word(self) -> str:
        """What a reader reads."""
        return "".join(letter.char for letter in self.letters if not letter.blank)


Item = Person | CloseHand | Thing | Sign


@dataclass(frozen=True)
class Backdrop:
    """`kind` names a drawing of `draw.backdrops`; `horizon` is where the ground begins; `blur` a depth of field."""

    kind: str
    seed: str
    colours: tuple[Rgb01, ...]
    horizon: float
    blur: float
    phrase: str


@dataclass(frozen=True)
class Style:
    """Everything that happens to a picture regardless of what it shows; the same for both twins."""

    seed: str
    light: Point
    contrast: float
    ink: float
    grain: float
    blur: float
    vignette: float
    warmth: float
    gamma: float
    saturation: float
    paper: float
    jpeg_quality: int


@dataclass(frozen=True)
class Scene:
    """Items in the order in which they are painted."""

    layout: str
    backdrop: Backdrop
    items: tuple[Item, ...]
    style: Style

    def item(self, item_id: str) -> Item:
        """The item of that id, which must be there."""
        return next(i for i in self.items if i.id == item_id)

    def person(self, item_id: str) -> Person:
        """The person of that id.

        Raises:
            TypeError: it is something else.
        """
        item = self.item(item_id)
        if not isinstance(item, Person):
            raise TypeError(f"{item_id} is not a person")
        return item

    def with_item(self, item: Item) -> "Scene":
        """The scene with the item of the same id replaced."""
        return replace(self, items=tuple(item if i.id == item.id else i for i in self.items))

    def without(self, item_id: str) -> "Scene":
        """The scene without that item."""
        return replace(self, items=tuple(i for i in self.items if i.id != item_id))

    def adding(self, item: Item, after: str | None = None) -> "Scene":
        """The scene with one more item, painted right after another or last."""
        if after is None:
            return replace(self, items=(*self.items, item))
        at = [i.id for i in self.items].index(after) + 1
        return replace(self, items=(*self.items[:at], item, *self.items[at:]))
