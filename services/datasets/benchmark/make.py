"""Makes the scene graph's items: healthy hands, heads, people, things and signs, chosen from a split's vocabulary."""

import random
from dataclasses import dataclass, field, replace

from services.datasets.benchmark.colour import BLACK, WHITE, Named, Rgb01, darker, distance, hexed, lighter, luma, mix
from services.datasets.benchmark.frame import Point
from services.datasets.benchmark.graph import (
    Arm,
    Backdrop,
    Feature,
    Finger,
    Garment,
    Hand,
    Head,
    Leg,
    Letter,
    Person,
    Sign,
    Thing,
)
from services.datasets.benchmark.vocabulary import FURS, HAIRS, IRISES, SHOES, SKINS, ArmPose, Place, Vocabulary
from services.datasets.benchmark.words import invented_word

FINGERS = (
    Finger("index finger", (-0.135, -0.5), -8, 0.41, 0.054),
    Finger("middle finger", (-0.045, -0.53), -1.5, 0.455, 0.056),
    Finger("ring finger", (0.05, -0.515), 5, 0.42, 0.053),
    Finger("little finger", (0.14, -0.455), 14, 0.335, 0.046),
    Finger("thumb", (-0.165, -0.24), -42, 0.36, 0.062),
)
CURLS: dict[str, tuple[float, ...]] = {
    "open": (0, 0, 0, 0, 0), "relaxed": (0.12, 0.16, 0.2, 0.22, 0.1), "fist": (1, 1, 1, 1, 0), "pointing": (0, 1, 1,
        1, 0),
    "victory": (0, 0, 1, 1, 0), "thumbs-up": (1, 1, 1, 1, 0), "grip": (0, 0, 0, 0, 0),
}  # fmt: skip
ANIMALS = ("cat", "dog", "rabbit", "duck")
OUTSIDE = ("park", "street", "beach", "view", "mountains", "village", "desert", "night")
HOLDABLE = {"cup": 0.055, "glass": 0.07, "bottle": 0.13, "phone": 0.085, "apple": 0.045}
"""Height over that of a person."""


@dataclass
class Maker:
    """Draws at random from one vocabulary. `palette` is chosen once, so that a scene's colours agree."""

    rng: random.Random
    words: Vocabulary
    palette: tuple[Named, ...] = ()
    used_colours: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.palette = self.rng.choice(self.words.palettes)

    def colour(self, away_from: tuple[Rgb01, ...] = ()) -> Named:
        """A colour of the palette, not close to any of `away_from` where that can be had."""
        free = [c for c in self.palette if all(distance(c.rgb, other) > 0.22 for other in away_from)]
        return self.rng.choice(free or list(self.palette))

    def place(self, table: bool = False, outside: bool | None = None) -> Backdrop:
        """A backdrop; `table` asks for one whose ground is a table top."""
        free = [
            p for p in self.words.places if p.table == table and (outside is None or outside == (p.kind in OUTSIDE))
        ]
        chosen: Place = self.rng.choice(free)
        rng = self.rng
        blur = rng.choice((0.0, rng.uniform(0.004, 0.009), rng.uniform(0.008, 0.018)))
        return Backdrop(
            chosen.kind,
            str(rng.random()),
            rng.choice(chosen.colours),
            rng.uniform(*chosen.horizon),
            blur,
            chosen.phrase,
        )

    def hand(self, shape: str, view: str, mirrored: bool, skin: Rgb01, held: Thing | None = None) -> Hand:
        """A healthy hand with five fingers."""
        rng = self.rng
        spread = rng.uniform(0.55, 1.35) if shape in ("open", "victory") else rng.uniform(0.4, 0.7)
        fingers = []
        for base, curl in zip(FINGERS, CURLS[shape], strict=True):
            thumb = base.name == "thumb"
            angle = base.angle * (rng.uniform(0.75, 1.25) if thumb else spread) + rng.uniform(-1.5, 1.5)
            if shape == "thumbs-up" and thumb:
                angle = rng.uniform(-16, -4)
            bends = (rng.uniform(-3, 3), rng.uniform(-3, 3)) if not thumb else (rng.uniform(4, 14), 0.0)
            fingers.append(
                replace(base, angle=angle, length=base.length * rng.uniform(0.95, 1.05), curl=curl, bends=bends)
            )
        nails = rng.choice((None, None, None, hexed("b8303f"), hexed("8a2f6a")))
        return Hand(tuple(fingers), shape, view, mirrored, skin, held, nails=nails)

    def head(self, noun: str, skin: Rgb01) -> Head:
        """A healthy face with hair that suits the noun."""
        rng = self.rng
        woman, child = noun in ("woman", "girl"), noun in ("girl", "boy")
        long_styles = ("long", "bun", "ponytail", "bob", "wavy")
        styles = [s for s in self.words.hairstyles if (s in long_styles) == woman or s in ("curly", "cap")]
        style = rng.choice([s for s in styles if s != "bald" or not child])
        free = [h for h in HAIRS if not child or h.name not in ("grey", "white")]
        hair = rng.choice([h for h in free if distance(h.rgb, skin) > 0.18] or free)
        old = rng.uniform(0.5, 1.0) if hair.name in ("grey", "white") else 0.0
        lips = mix(skin, hexed("b03f48"), rng.uniform(0.3, 0.75) if woman else rng.uniform(0.2, 0.38))
        eye = 0.3 + rng.uniform(-0.015, 0.015)
        size = rng.uniform(1.08, 1.18) if child else rng.uniform(0.92, 1.08)
        level = 0.06 if child else rng.uniform(-0.03, 0.02)
        features = (
            Feature("eye", "left eye", (-eye, level), size),
            Feature("eye", "right eye", (eye, level), size),
            Feature("nose", "nose", (0, 0.3 + level), rng.uniform(0.85, 1.1) * (0.8 if child else 1.0)),
            Feature(
                "mouth",
                "mouth",
                (0, 0.6 + level * 0.5),
                rng.uniform(0.88, 1.08),
                openness=rng.choice((1.0, 1.0, rng.uniform(1.3, 1.9))),
            ),
        )
        beard = "" if woman or child else rng.choice(("", "", "full", "stubble", "moustache"))
        return Head(
            features, skin, hair, style, rng.choice(IRISES), lips, smile=rng.uniform(-0.1, 0.9),
            jaw=rng.uniform(0.62, 0.7) if woman or child else rng.uniform(0.7, 0.78), turn=rng.uniform(-0.8, 0.8),
            tilt=rng.uniform(-5, 5), beard=beard, glasses=rng.random() < 0.16, old=old, width=rng.uniform(0.84, 0.92),
        )  # fmt: skip

    def garment(
        self, choices: tuple[tuple[str, float], ...], away: tuple[Rgb01, ...], patterned: bool = True
    ) -> Garment:
        """One of the vocabulary's garments in a colour that stands off the skin."""
        kind, cut = self.rng.choice(choices)
        colour = self.colour(away)
        pattern = self.rng.choice(self.words.patterns) if patterned else "plain"
        second = lighter(colour.rgb, 0.75) if luma(colour.rgb) < 0.6 else darker(colour.rgb, 0.4)
        return Garment(kind, colour, cut, pattern, second)

    def person(self, name: str, at: Point, size: float, half: bool, poses: tuple[str, str] | None = None) -> Person:
        """A healthy person; `poses` names the pose of the arm at the viewer's left and right."""
        rng = self.rng
        noun = rng.choice(("woman", "man", "woman", "man", "girl", "boy"))
        skin = rng.choice(SKINS)
        head = self.head(noun, skin)
        top = self.garment(self.words.tops, (skin, head.hair.rgb))
        bottoms = tuple(b for b in self.words.bottoms if "skirt" not in b[0] or noun in ("woman", "girl"))
        bottom = self.garment(bottoms, (top.colour.rgb, skin), patterned=False)
        child = noun in ("girl", "boy")
        arms = tuple(self._arm(name, side, poses[(side + 1) // 2] if poses else None, skin, size) for side in (-1, 1))
        stance = rng.uniform(0, 4)
        foot = rng.choice((0, 0, 1, -1))
        legs = tuple(
            Leg(f"{n} leg", s, 180 - s * (stance + rng.uniform(0, 2)), 180 - s * rng.uniform(0, 2), foot)
            for n, s in (("left", -1), ("right", 1))
        )
        return Person(
            name, noun, at, size, rng.uniform(0.92, 1.1), head, arms, legs, top, bottom, rng.choice(SHOES),
            half=half, head_scale=1.14 if child else 1.0,
        )  # fmt: skip

    def _arm(self, owner: str, side: int, pose_name: str | None, skin: Rgb01, size: float) -> Arm:
        rng = self.rng
        free = [p for p in self.words.poses if (p.name == pose_name if pose_name else True)]
        pose: ArmPose = rng.choice(free)
        upper, fore = rng.uniform(*pose.upper) * side, rng.uniform(*pose.fore) * side
        mirrored = (side > 0) != pose.raised
        word = "left" if side < 0 else "right"
        if pose.holding:
            kind = rng.choice(tuple(HOLDABLE))
            held = self.held(f"{owner} {word} thing", kind, HOLDABLE[kind] * size * rng.uniform(1.15, 1.35), skin)
            hand = self.hand("grip", "back", side < 0, skin, held)
        elif pose.raised:
            hand = self.hand(rng.choice(("open", "open", "victory", "fist", "pointing")), "palm", mirrored, skin)
        else:
            hand = self.hand(rng.choice(("relaxed", "open", "open")), rng.choice(("back", "palm")), mirrored, skin)
        return Arm(f"{word} arm", side, upper, fore, hand, hand_angle=rng.uniform(-6, 6))

    def held(self, name: str, kind: str, size: float, skin: Rgb01) -> Thing:
        """A thing for a grip."""
        return Thing(name, kind, (0, 0), size, self.colour((skin,)), variant=self.rng.randrange(12), support="hand")

    def thing(
        self, name: str, kind: str, at: Point, size: float, support: str = "ground", away: tuple[Rgb01, ...] = ()
    ) -> Thing:
        """A thing or an animal that stands at `at`."""
        fur = kind in ANIMALS
        colour = self.rng.choice(FURS) if fur else self.colour(away)
        return Thing(
            name, kind, at, size, colour, flip=self.rng.random() < 0.5, variant=self.rng.randrange(12), support=support
        )

    def signs_words(self, count: int) -> list[str]:
        """Words for so many signs, all different: of the vocabulary, or invented in their place."""
        words = self.rng.sample(self.words.words, count)
        if not self.words.invented:
            return words
        return [invented_word(self.rng) if self.rng.random() < self.words.invented else word for word in words]

    def sign(
        self, name: str, at: Point, size: tuple[float, float], mount: str, foot: float, word: str | None = None
    ) -> Sign:
        """A sign with a word of the vocabulary, or an invented one."""
        rng = self.rng
        text = word or self.signs_words(1)[0]
        face = rng.choice([f for f in self.words.fonts if f.covers(text)])
        board = self.colour()
        dark = luma(board.rgb) < 0.52
        ink = mix(WHITE, hexed("f7e9b8"), rng.random()) if dark else mix(BLACK, darker(board.rgb, 0.8), rng.random())
        return Sign(
            name, at, size, tuple(Letter(c) for c in text), face.path, board, ink, mount,
            angle=rng.uniform(-3, 3) if mount in ("wall", "held") else 0.0, foot=foot,
            frame=rng.choice(("rounded", "square", "wooden", "bolted")),
        )  # fmt: skip
