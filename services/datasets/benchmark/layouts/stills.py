"""Without people: things on a table (several alike, to be counted), signs in a street, animals with their toys."""

from dataclasses import replace

from services.datasets.benchmark.graph import Item, Scene
from services.datasets.benchmark.layouts.crowds import ANIMAL_HEIGHTS, SEATS, STANDING
from services.datasets.benchmark.layouts.placing import aloft, placed
from services.datasets.benchmark.make import ANIMALS, OUTSIDE, Maker
from services.datasets.benchmark.style import style_for

ON_TABLE = {"cup": 0.17, "glass": 0.2, "bottle": 0.4, "vase": 0.36, "teapot": 0.2, "apple": 0.13, "pear": 0.17,
    "book": 0.3, "plant": 0.34,
            "lamp": 0.5, "gift": 0.2, "clock": 0.24}  # fmt: skip
"""Height in scene units, in the middle of the table."""


def table(maker: Maker) -> Scene:
    """Three to seven things on a table; one kind comes two to four times."""
    rng = maker.rng
    backdrop = maker.place(table=True)
    many, *others = rng.sample(tuple(ON_TABLE), 4)
    scale = rng.uniform(0.8, 1.0)
    copies = rng.choice((2, 3, 3, 4)) if ON_TABLE[many] < 0.25 else 2
    model = maker.thing("model", many, (0, 0), ON_TABLE[many] * scale, "table")
    items: list[Item] = []
    for i in range(copies):

        def copy(i: int = i) -> Item:
            flip = model.flip if rng.random() < 0.6 else not model.flip
            return replace(
                model, id=f"thing {i}", at=_spot(maker), size=model.size * rng.uniform(0.95, 1.05), flip=flip
            )

        items = placed(items, copy)
    for i, kind in enumerate(others[: rng.choice((1, 2, 2, 3))], start=copies):

        def other(i: int = i, kind: str = kind) -> Item:
            size = ON_TABLE[kind] * scale * rng.uniform(0.9, 1.05)
            return maker.thing(f"thing {i}", kind, _spot(maker), size, "table", (model.colour.rgb,))

        items = placed(items, other)
    return Scene("table", backdrop, tuple(sorted(items, key=lambda t: t.at[1])), style_for(rng, str(rng.random())))


def _spot(maker: Maker) -> tuple[float, float]:
    return maker.rng.uniform(0.08, 0.92), maker.rng.uniform(0.68, 0.95)


def _at_the_foot(maker: Maker, items: list[Item]) -> list[Item]:
    """One or two things and perhaps an animal, below the signs."""
    rng = maker.rng
    for i in range(rng.choice((1, 2, 2))):

        def thing(i: int = i) -> Item:
            kind = rng.choice([*(k for k in STANDING if STANDING[k] < 0.45), *SEATS])
            return maker.thing(
                f"thing {i}",
                kind,
                (rng.uniform(0.1, 0.9), rng.uniform(0.84, 0.96)),
                STANDING[kind] * rng.uniform(0.5, 0.65),
            )

        items = placed(items, thing)
    if rng.random() < 0.5:

        def animal() -> Item:
            kind = rng.choice(ANIMALS)
            return maker.thing(
                "animal",
                kind,
                (rng.uniform(0.15, 0.85), rng.uniform(0.86, 0.96)),
                ANIMAL_HEIGHTS[kind] * rng.uniform(0.6, 0.75),
            )

        items = placed(items, animal)
    return items


def signs(maker: Maker) -> Scene:
    """One to three signs of different mounts, things at their feet."""
    rng = maker.rng
    backdrop = maker.place(table=False)
    items: list[Item] = []
    count = rng.choice((1, 2, 2, 3))
    mounts = ("pole", "hanging", "easel") if backdrop.kind in OUTSIDE else ("wall", "wall", "hanging", "easel", "pole")
    for i, word in enumerate(maker.signs_words(count)):

        def sign(i: int = i, word: str = word) -> Item:
            width = rng.uniform(0.5, 0.72) if count == 1 else rng.uniform(0.32, 0.43)
            x = 0.5 if count == 1 else ((0.27, 0.73) if count == 2 else (0.26, 0.74, 0.5))[i]
            y = rng.uniform(0.2, 0.42) if count < 3 else (0.2, 0.24, 0.5)[i] + rng.uniform(-0.04, 0.04)
            mount = rng.choice(mounts) if i < 2 else "easel"
            size = (width, width * rng.uniform(0.28, 0.42))
            return maker.sign(f"sign {i}", (x + rng.uniform(-0.03, 0.03), y), size, mount, rng.uniform(0.8, 0.9), word)

        items = placed(items, sign)
    items = _at_the_foot(maker, items)
    if rng.random() < 0.4:
        items = aloft(maker, items, backdrop)
    return Scene("signs", backdrop, tuple(items), style_for(rng, str(rng.random())))


def animals(maker: Maker) -> Scene:
    """Two to four animals, some alike, with balls and boxes."""
    rng = maker.rng
    backdrop = maker.place(table=False)
    kinds = rng.sample(ANIMALS, 2)
    scale = rng.uniform(0.95, 1.2)
    twins = rng.choice((1, 2, 2, 3))
    items: list[Item] = []
    model = maker.thing("model", kinds[0], (0, 0), ANIMAL_HEIGHTS[kinds[0]] * scale)

    def spot() -> tuple[float, float]:
        shore = 0.15 if backdrop.kind in ("beach", "mountains") else 0.08  # nothing stands in the water
        return rng.uniform(0.12, 0.88), rng.uniform(backdrop.horizon + shore, 0.95)

    for i in range(twins):

        def twin(i: int = i) -> Item:
            return replace(
                model, id=f"animal {i}", at=spot(), size=model.size * rng.uniform(0.94, 1.06), flip=rng.random() < 0.5
            )

        items = placed(items, twin)
    items = placed(items, lambda: maker.thing(f"animal {twins}", kinds[1], spot(), ANIMAL_HEIGHTS[kinds[1]] * scale))
    for i in range(rng.choice((1, 2, 2))):

        def thing(i: int = i) -> Item:
            kind = rng.choice(("ball", "box", "bucket", "plant", "gift", "stool"))
            return maker.thing(f"thing {i}", kind, spot(), STANDING[kind] * rng.uniform(0.55, 0.75))

        items = placed(items, thing)
    if rng.random() < 0.5:
        items = aloft(maker, items, backdrop)
    return Scene("animals", backdrop, tuple(sorted(items, key=lambda t: t.at[1])), style_for(rng, str(rng.random())))


LAYOUTS = {"table": table, "signs": signs, "animals": animals}
