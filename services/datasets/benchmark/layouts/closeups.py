"""Close-ups: one or two hands, a hand that grips something, one or two portraits."""

from services.datasets.benchmark.frame import Point
from services.datasets.benchmark.graph import CloseHand, Person, Scene
from services.datasets.benchmark.make import Maker
from services.datasets.benchmark.style import style_for
from services.datasets.benchmark.vocabulary import SKINS


def hands(maker: Maker) -> Scene:
    """One large hand, or two side by side."""
    rng = maker.rng
    both = rng.random() < 0.55
    skin = rng.choice(SKINS)
    sleeve = maker.garment(maker.words.tops, (skin,))
    size = rng.uniform(0.4, 0.52) if both else rng.uniform(0.48, 0.66)
    spots: list[Point] = [
        (rng.uniform(0.24, 0.28), rng.uniform(0.7, 0.8)),
        (rng.uniform(0.72, 0.76), rng.uniform(0.7, 0.8)),
    ]
    if not both:
        spots = [(rng.uniform(0.4, 0.6), rng.uniform(0.78, 0.88))]
    view = rng.choice(("back", "palm"))
    items = []
    for i, at in enumerate(spots):
        shape = rng.choice(("open", "open", "open", "relaxed", "fist", "pointing", "victory", "thumbs-up"))
        mirrored = (i == 1) == (view == "back") if both else rng.random() < 0.5
        side = "palm" if shape in ("fist", "victory") else "back" if shape == "thumbs-up" else view
        hand = maker.hand(shape, side, mirrored, skin)
        items.append(CloseHand(f"hand {i}", at, size, rng.uniform(-12, 12), hand, sleeve))
    return Scene("hands", maker.place(), tuple(items), style_for(rng, str(rng.random())))


def grips(maker: Maker) -> Scene:
    """A large hand around a thing; sometimes two."""
    rng = maker.rng
    both = rng.random() < 0.4
    skin = rng.choice(SKINS)
    sleeve = maker.garment(maker.words.tops, (skin,))
    items = []
    for i in range(2 if both else 1):
        size = rng.uniform(0.3, 0.37) if both else rng.uniform(0.38, 0.5)
        kind = rng.choice(("cup", "glass", "bottle", "phone", "book", "apple", "ball"))
        tall = {"cup": 0.5, "glass": 0.62, "bottle": 1.05, "phone": 0.72, "book": 0.72, "apple": 0.45, "ball": 0.5}[
            kind
        ]
        held = maker.held(f"thing {i}", kind, tall * size * rng.uniform(0.9, 1.1), skin)
        mirrored = i == 0 if both else rng.random() < 0.5
        x = (0.22, 0.78)[i] if both else (0.42 if mirrored else 0.58) + rng.uniform(-0.05, 0.05)
        at = (x, rng.uniform(0.68, 0.8))
        items.append(
            CloseHand(
                f"hand {i}", at, size, rng.uniform(-6, 6), maker.hand("grip", "back", mirrored, skin, held), sleeve
            )
        )
    return Scene("grips", maker.place(), tuple(items), style_for(rng, str(rng.random())))


def portraits(maker: Maker) -> Scene:
    """One head with shoulders, or two."""
    rng = maker.rng
    both = rng.random() < 0.45
    people: list[Person] = []
    for i in range(2 if both else 1):
        size = rng.uniform(1.82, 1.95) if both else rng.uniform(2.8, 3.6)
        x = ((0.25, 0.75)[i] if both else 0.5) + rng.uniform(-0.02, 0.02)
        people.append(
            maker.person(f"person {i}", (x, rng.uniform(0.12, 0.18) + size * 1.005), size, True, ("hanging", "hanging"))
        )
    return Scene("portraits", maker.place(), tuple(people), style_for(rng, str(rng.random())))


LAYOUTS = {"hands": hands, "grips": grips, "portraits": portraits}
