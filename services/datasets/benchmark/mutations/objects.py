"""Objects: warped, melted, bent, pinched or incomplete ones; doubled things and parts that there should be once."""

import random
from collections.abc import Callable
from dataclasses import replace

from services.datasets.benchmark.draw.things import WIDTHS
from services.datasets.benchmark.graph import Scene, Thing, WarpSpec
from services.datasets.benchmark.make import ANIMALS
from services.datasets.benchmark.mutations.base import STILLS, Change, Kind, Telling, thing_words, things_of
from shared.contracts.categories import Category

_DO = Callable[[Scene, str, random.Random], Change | None]


def _of(*kinds: str) -> Callable[[Scene], list[str]]:
    return lambda scene: [t.id for t in things_of(scene, kinds)]


def _objects(scene: Scene) -> list[str]:
    return [t.id for t in things_of(scene) if t.kind not in ("ball",)]


def _find(scene: Scene, path: str) -> Thing:
    return next(t for t in things_of(scene) if t.id == path)


def _warped(kind: str, low: float, high: float, says: str, do: str) -> _DO:
    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        thing = _find(scene, path)
        sign = rng.choice((-1, 1)) if kind == "bend" else 1
        spec = WarpSpec(kind, sign * rng.uniform(low, high), rng.uniform(0, 6))
        words = thing_words(thing)
        telling = Telling(says.format(t=words), f"a {thing.kind} keeps its rigid shape", do.format(t=words))
        return Change(scene.with_item(replace(thing, warp=spec)), telling, (path,))

    return apply


def _extra(extra: str, says: str, clash: str, do: str, part: str = "", gone: str = "") -> _DO:
    """Adds a word to the thing's `extras`; `part` is what to look at, `gone` what has vanished."""

    def apply(scene: Scene, path: str, rng: random.Random) -> Change | None:
        thing = _find(scene, path)
        words = {"t": thing_words(thing), "k": thing.kind}
        telling = Telling(says.format(**words), clash.format(**words), do.format(**words))
        changed = scene.with_item(replace(thing, extras=(*thing.extras, extra)))
        return Change(changed, telling, (f"{path}/{part}",) if part else (), (f"{path}/{gone}",) if gone else ())

    return apply


def _duplicated(scene: Scene, path: str, rng: random.Random) -> Change | None:
    thing = _find(scene, path)
    width = WIDTHS[thing.kind] * thing.size
    side = rng.choice((-1, 1))
    at = (thing.at[0] + side * width * rng.uniform(0.35, 0.5), thing.at[1] - rng.uniform(0.0, 0.006))
    if not 0.03 + width / 2 < at[0] < 0.97 - width / 2:
        at = (thing.at[0] - side * width * 0.42, at[1])
    twin = replace(thing, id=f"{path} twin", at=at)
    index = [i.id for i in scene.items].index(path)
    items = (*scene.items[:index], twin, *scene.items[index:])
    words = thing_words(thing)
    telling = Telling(
        f"the {words} is doubled, and its copy merges with the original",
        "two solid things do not share one place",
        f"remove the copy that merges with the {words}",
    )
    return Change(replace(scene, items=items), telling, (twin.id,))


_LEGGED = ("chair", "stool", *ANIMALS)
_HANDLED = ("cup", "teapot", "bucket", "suitcase")
KINDS = (
    Kind("warped", Category.OBJECT_DEFORMATION, STILLS, _objects, _warped(
        "wave", 0.06, 0.09, "the outline of the {t} is warped into wavy, irregular curves",
        "redraw the {t} with straight, regular lines"), 10),
    Kind("melted", Category.OBJECT_DEFORMATION, STILLS, _objects, _warped(
        "melt", 0.3, 0.42, "the {t} has slumped downwards as though it were melting",
        "redraw the {t} in its solid shape"), 10),
    Kind("bent", Category.OBJECT_DEFORMATION, STILLS, _objects, _warped(
        "bend", 0.12, 0.18, "the {t} is bent over to one side like rubber", "straighten the {t}"), 10),
    Kind("missing leg", Category.OBJECT_DEFORMATION, ("figures", "signs"), _of("chair", "stool"), _extra(
        "missing leg", "the {t} lacks one of its front legs and still stands", "a {k} needs all of its legs",
        "add the missing leg to the {t}", gone="front leg"), 20),
    Kind("pinched", Category.OBJECT_DEFORMATION, STILLS, _objects, _warped(
        "pinch", 0.16, 0.22, "the middle of the {t} is pinched to a thin waist", "restore the full width of the {t}"),
        10, heldout=True),
    Kind("duplicated", Category.OBJECT_REDUNDANCY, STILLS, _objects, _duplicated, 10),
    Kind("second handle", Category.OBJECT_REDUNDANCY, ("table", "figures", "animals"), _of(*_HANDLED), _extra(
        "second handle", "the {t} has a second handle that serves no purpose", "a {k} has only one handle",
        "remove the second handle of the {t}", part="second handle"), 20),
    Kind("extra leg", Category.OBJECT_REDUNDANCY, ("animals", "figures", "signs"), _of(*_LEGGED), _extra(
        "extra leg", "the {t} has one leg too many, right between the others", "a {k} does not have so many legs",
        "remove the additional leg of the {t}", part="extra leg"), 20),
    Kind("second tail", Category.OBJECT_REDUNDANCY, ("animals", "figures"), _of(*ANIMALS), _extra(
        "second tail", "the {t} has two tails that grow out beside each other", "a {k} has one tail",
        "remove the second tail of the {t}", part="second tail"), 20, heldout=True),
)  # fmt: skip
