"""People: half-length groups whose hands are seen, whole figures with things, a sign and an animal around them."""

from dataclasses import replace

from services.datasets.benchmark.graph import Item, Scene, Sign
from services.datasets.benchmark.layouts.placing import aloft, placed
from services.datasets.benchmark.make import ANIMALS, OUTSIDE, Maker
from services.datasets.benchmark.style import style_for

STANDING = {
    "chair": 0.52,
    "box": 0.28,
    "ball": 0.17,
    "suitcase": 0.4,
    "plant": 0.38,
    "stool": 0.42,
    "bucket": 0.22,
    "gift": 0.22,
    "lamp": 0.85,
}
"""Height over that of a person."""
SEATS = ("chair", "stool", "chair", "stool")
"""Drawn more often than their number suggests: only they have legs to lose."""
ANIMAL_HEIGHTS = {"cat": 0.24, "dog": 0.36, "rabbit": 0.2, "duck": 0.24}


def half_lengths(maker: Maker) -> Scene:
    """One to three people from the hips or the knees up."""
    rng = maker.rng
    count = rng.choice((1, 2, 2, 3, 3))
    xs = {1: (0.5,), 2: (0.28, 0.72), 3: (0.19, 0.5, 0.81)}[count]
    size = {1: rng.uniform(1.25, 1.6), 2: rng.uniform(1.12, 1.28), 3: rng.uniform(0.96, 1.06)}[count]
    people: list[Item] = []
    for i, x in enumerate(xs):

        def make(i: int = i, x: float = x) -> Item:
            tall = size * rng.uniform(0.95, 1.03)
            at = (x + rng.uniform(-0.02, 0.02), rng.uniform(0.1, 0.16) + tall * 1.0)
            return maker.person(f"person {i}", at, tall, True)

        people = placed(people, make)
    return Scene("half-lengths", maker.place(), tuple(people), style_for(rng, str(rng.random())))


def _around_them(maker: Maker, items: list[Item]) -> list[Item]:
    """One to three things, of which the last two are alike, and perhaps an animal."""
    rng = maker.rng
    models = [maker.thing("model", kind, (0, 0), STANDING[kind] * 0.72) for kind in rng.sample((*STANDING, *SEATS), 2)]
    for i in range(rng.choice((1, 2, 3, 3))):

        def thing(i: int = i) -> Item:
            """The second and the third are alike: real duplicates are no blemish."""
            spot = (rng.uniform(0.08, 0.92), rng.uniform(0.9, 0.97))
            model = models[min(i, 1)]
            return replace(model, id=f"thing {i}", at=spot, size=model.size * rng.uniform(0.95, 1.05))

        items = placed(items, thing)
    if rng.random() < 0.5:
        kind = rng.choice(ANIMALS)
        items = placed(
            items,
            lambda: maker.thing(
                "animal", kind, (rng.uniform(0.1, 0.9), rng.uniform(0.92, 0.97)), ANIMAL_HEIGHTS[kind] * 0.74
            ),
        )
    return items


def figures(maker: Maker) -> Scene:
    """One to three whole people, with things on the ground."""
    rng = maker.rng
    backdrop = maker.place()
    count = rng.choice((1, 1, 2, 2, 3))
    xs = {1: (rng.uniform(0.35, 0.65),), 2: (0.3, 0.7), 3: (0.2, 0.5, 0.8)}[count]
    items: list[Item] = []
    for i, x in enumerate(xs):

        def person(i: int = i, x: float = x) -> Item:
            at = (x + rng.uniform(-0.04, 0.04), rng.uniform(0.88, 0.94))
            return maker.person(f"person {i}", at, rng.uniform(0.66, 0.78), False)

        items = placed(items, person)
    items = _around_them(maker, items)
    if rng.random() < 0.6:

        def sign() -> Item:
            width = rng.uniform(0.2, 0.32)
            at = (rng.uniform(0.13, 0.87), rng.uniform(0.08, 0.24))
            mount = "hanging" if backdrop.kind in OUTSIDE else rng.choice(("wall", "hanging"))
            return maker.sign("sign 0", at, (width, width * rng.uniform(0.3, 0.42)), mount, backdrop.horizon + 0.05)

        items = placed(items, sign)
    if rng.random() < 0.35:
        items = aloft(maker, items, backdrop)
    ordered = sorted(items, key=lambda i: -1.0 if isinstance(i, Sign) else i.at[1])
    return Scene("figures", backdrop, tuple(ordered), style_for(rng, str(rng.random())))


def gathering(maker: Maker) -> Scene:
    """Two or three large figures with a sign above and things at their feet: room for many blemishes."""
    rng = maker.rng
    backdrop = maker.place(table=False)
    count = rng.choice((2, 3, 3))
    items: list[Item] = []
    for i, x in enumerate({2: (0.3, 0.7), 3: (0.2, 0.5, 0.8)}[count]):

        def person(i: int = i, x: float = x) -> Item:
            tall = rng.uniform(0.84, 0.9) if count == 3 else rng.uniform(0.86, 0.94)
            return maker.person(
                f"person {i}", (x + rng.uniform(-0.03, 0.03), rng.uniform(0.985, 1.0) + tall * 0.04), tall, False
            )

        items = placed(items, person)
    for i in range(3):

        def thing(i: int = i) -> Item:
            kind = rng.choice([k for k in (*STANDING, *SEATS, *ANIMALS) if k not in ("lamp", "plant")])
            spot = (rng.uniform(0.06, 0.94), rng.uniform(0.95, 0.985))
            return maker.thing(
                f"thing {i}", kind, spot, {**STANDING, **ANIMAL_HEIGHTS}[kind] * 0.72 * rng.uniform(0.85, 1.0)
            )

        items = placed(items, thing)

    def sign() -> Item:
        width = rng.uniform(0.18, 0.26)
        at = (rng.uniform(0.12, 0.88), rng.uniform(0.06, 0.14))
        return maker.sign("sign 0", at, (width, width * rng.uniform(0.32, 0.42)), "hanging", backdrop.horizon)

    items = placed(items, sign)
    ordered = sorted(items, key=lambda i: -1.0 if isinstance(i, Sign) else i.at[1])
    return Scene("gathering", backdrop, tuple(ordered), style_for(rng, str(rng.random())))


LAYOUTS = {"half-lengths": half_lengths, "figures": figures, "gathering": gathering}
