"""What a kind of blemish is: where it can strike, what it does to the graph, and how it is told.

A `Change` names the parts that it made wrong. Parts that are no longer there are seen in the healthy graph instead.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.datasets.benchmark.draw.people import HAND, skeleton
from services.datasets.benchmark.graph import CloseHand, Hand, Item, Person, Scene, Sign, Thing
from services.datasets.benchmark.validate import meets, seen
from shared.contracts.categories import Category


@dataclass(frozen=True)
class Telling:
    """What a person would say: what is seen, what it clashes with, what to do about it."""

    description: str
    inconsistency: str
    instruction: str


@dataclass(frozen=True)
class Change:
    """The graph after it. `touched` parts are seen in it, `gone` ones only in the graph before.

    `denied` is what is to be said of a picture of the graph before, under the prompt of the one after: at the same
    parts, which that picture has to show. None where nobody could say that of it.
    """

    scene: Scene
    telling: Telling
    touched: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    denied: Telling | None = None


@dataclass(frozen=True)
class Kind:
    """One way of going wrong.

    Attributes:
        victims: paths of the parts it can strike in a scene, all equally likely.
        apply: the change, or None where this victim turns out not to allow it.
        severity: loss of plausibility per share of the image that it covers.
        prompt_fault: the picture is sound and only contradicts the prompt.
        prompt_decides: under a prompt that says what it shows the picture is right, and the sound one wrong at the
            same place.
        heldout: occurs in the split `test-kinds` alone.
        layouts: where it is likely to find victims.
    """

    name: str
    category: Category
    layouts: tuple[str, ...]
    victims: Callable[[Scene], list[str]]
    apply: Callable[[Scene, str, random.Random], Change | None]
    severity: float = 12.0
    prompt_fault: bool = False
    prompt_decides: bool = False
    heldout: bool = False


HANDS = ("hands", "grips", "half-lengths")
FACES = ("portraits", "half-lengths")
BODIES = ("half-lengths", "figures")
STILLS = ("table", "figures", "signs", "animals")


def hands_of(scene: Scene) -> dict[str, Hand]:
    """Every hand that the frame shows, by its path."""
    found: dict[str, Hand] = {}
    for item in scene.items:
        if isinstance(item, CloseHand):
            found[f"{item.id}/hand"] = item.hand
        elif isinstance(item, Person):
            joints = skeleton(item).arms
            for arm in item.arms:
                if arm.hand is not None and joints[arm.name].end[1] < 0.95:
                    found[f"{item.id}/{arm.name}/hand"] = arm.hand
    return found


def with_hand(scene: Scene, path: str, hand: Hand) -> Scene:
    """The scene with the hand at that path replaced."""
    item = scene.item(path.split("/")[0])
    if isinstance(item, CloseHand):
        return scene.with_item(replace(item, hand=hand))
    if not isinstance(item, Person):
        raise TypeError(f"{path} is no hand")
    name = path.split("/")[1]
    return scene.with_item(replace(item, arms=tuple(replace(a, hand=hand) if a.name == name else a for a in item.arms)))


def people_of(scene: Scene, half_head: float = 0.0) -> list[Person]:
    """People whose head has at least that half height, in scene units."""
    return [i for i in scene.items if isinstance(i, Person) and skeleton(i).head_size >= half_head]


def things_of(scene: Scene, kinds: tuple[str, ...] = ()) -> list[Thing]:
    """Things that stand on something, of the given kinds or of any; what flies or hangs by right is left alone."""
    standing = [i for i in scene.items if isinstance(i, Thing) and i.support in ("ground", "table")]
    return [i for i in standing if not kinds or i.kind in kinds]


def signs_of(scene: Scene) -> list[Sign]:
    """The signs."""
    return [i for i in scene.items if isinstance(i, Sign)]


def held_of(scene: Scene) -> dict[str, Thing]:
    """Things in hands, by the path of the hand."""
    return {path: hand.held for path, hand in hands_of(scene).items() if hand.held is not None}


def stands_free(scene: Scene, item: Item) -> bool:
    """Whether the changed item hides nothing and is hidden by nothing that stood in the scene before."""
    others = [extent for other in scene.items if other.id != item.id for extent in seen(other)]
    return not meets(item, others)


def call(scene: Scene, path: str) -> str:
    """A short name for a part's owner: `the woman's left hand`, `the red cup`, `the sign`."""
    item = scene.item(path.split("/")[0])
    if isinstance(item, Thing):
        return f"the {thing_words(item)}"
    if isinstance(item, Sign):
        return "the sign"
    if isinstance(item, CloseHand):
        alone = sum(isinstance(i, CloseHand) for i in scene.items) == 1
        return "the hand" if alone else f"the {'left' if item.at[0] < 0.5 else 'right'} hand"
    rest = path.split("/")[1:]
    owner = f"the {item.noun}"
    if not rest:
        return owner
    part = rest[0].replace(" arm", " hand") if "hand" in rest else rest[0]
    return f"{owner}'s {part}"


def thing_words(thing: Thing) -> str:
    """Colour and kind, as a prompt has them."""
    return f"{thing.colour.name} {thing.kind}"


def hand_length(scene: Scene, path: str) -> float:
    """Length of the hand at that path, in scene units."""
    item = scene.item(path.split("/")[0])
    if isinstance(item, CloseHand):
        return item.size
    return HAND * item.size if isinstance(item, Person) else 0.0
