"""What a split may draw with: palettes, words, fonts, garments, poses, backdrops. Train and test share no entry
of these tables (colours share their names, not their tones).
"""

from dataclasses import dataclass, replace

from services.datasets.benchmark.colour import Named, Rgb01, hexed
from shared.fonts import FONTS, HELDOUT_FONTS, Typeface


@dataclass(frozen=True)
class ArmPose:
    """Angles of the arm at the viewer's right, as `frame.polar` takes them; `raised` hands show their palm."""

    name: str
    upper: tuple[float, float]
    fore: tuple[float, float]
    raised: bool
    holding: bool = False


@dataclass(frozen=True)
class Place:
    """A backdrop with its phrase, the horizon's range, colours per palette tone, and whether its ground is a table."""

    kind: str
    phrase: str
    horizon: tuple[float, float]
    colours: tuple[tuple[Rgb01, Rgb01, Rgb01], ...]
    table: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """All of a split's choices; `invented` is the share of signs whose word is none of `words` but invented anew."""

    palettes: tuple[tuple[Named, ...], ...]
    words: tuple[str, ...]
    fonts: tuple[Typeface, ...]
    tops: tuple[tuple[str, float], ...]
    bottoms: tuple[tuple[str, float], ...]
    patterns: tuple[str, ...]
    poses: tuple[ArmPose, ...]
    places: tuple[Place, ...]
    hairstyles: tuple[str, ...]
    invented: float = 0.0


def _palette(**codes: str) -> tuple[Named, ...]:
    return tuple(Named(name, hexed(code)) for name, code in codes.items())


def _tones(*triples: str) -> tuple[tuple[Rgb01, Rgb01, Rgb01], ...]:
    result = []
    for triple in triples:
        a, b, c = triple.split()
        result.append((hexed(a), hexed(b), hexed(c)))
    return tuple(result)


_TRAIN_PALETTES = (
    _palette(
        red="c43b34", blue="3a64b4", green="3f9150", yellow="e3b53a", white="efe9df", purple="7a4b9c", orange="dd7a33"
    ),
    _palette(
        red="a8323c", blue="2c4a7c", green="5a7a3c", yellow="d9a83c", brown="7b5235", grey="8b8d90", pink="d98a9c"
    ),
    _palette(
        red="d9544d", blue="5b92d4", green="67b06b", yellow="f0cf62", white="f7f3ea", pink="ef9fb4", purple="9d7cc4"
    ),
    _palette(
        red="8f2a2a", blue="34587a", green="35634c", orange="c9682c", brown="5e3f2b", white="e8dfcf", yellow="cf9f2f"
    ),
    _palette(
        red="cc3d5a", blue="2f7fc2", green="2f9a7c", yellow="f2c230", grey="6d737c", orange="ee8b3e", white="f4f1ec"
    ),
)
_TEST_PALETTES = (
    _palette(
        red="b5302a", blue="4a55c4", green="4c8a3e", yellow="ecc84f", brown="8a6448", pink="e285a8", white="f1ede2"
    ),
    _palette(
        red="e0473e", blue="3d86a8", green="7aa23c", orange="e8923f", grey="767b78", purple="6a3f88", yellow="d8b648"
    ),
    _palette(
        red="9c3a44", blue="547ab0", green="4e7f66", yellow="e5c27a", brown="6c4a38", orange="c8743c", white="ece5d8"
    ),
)
_TRAIN_WORDS = (
    "BAKERY", "MARKET", "COFFEE", "HOTEL", "MUSIC", "FLOWERS", "LIBRARY", "OPEN", "PARKING", "WELCOME", "CINEMA",
    "GARDEN", "SCHOOL", "STATION", "PHARMACY", "FRESH", "BREAD", "TICKETS", "MUSEUM", "SUMMER", "WINTER", "DANCE",
    "RIVER", "HARBOUR", "BICYCLE", "PIZZA", "BURGER", "TAXI", "POLICE", "POST", "BANK", "BOOKS", "FISH", "FRUIT",
    "THEATRE", "STREET", "NORTH", "SOUTH", "SALE", "TODAY", "SPECIAL", "LEMON", "ORANGE", "GALLERY", "TEA", "ROOM",
    "KITCHEN", "FARM", "MILK", "CHEESE", "HONEY", "WATER", "PLEASE", "CAREFUL", "DANGER", "STOP", "EXIT", "ENTRY",
    "SLOW", "BRIDGE", "CASTLE", "FOREST", "ISLAND", "VILLAGE", "SQUARE", "TOWER", "CLOSED",
)  # fmt: skip
_TEST_WORDS = (
    "ANTIQUES", "BARBER", "CHOCOLATE", "DENTIST", "ELECTRIC", "FERRY", "GROCERY", "HOSPITAL", "ICECREAM", "JEWELRY",
    "KARAOKE", "LAUNDRY", "MOUNTAIN", "NEWSPAPER", "OCEAN", "PLANTS", "QUIET", "RECORDS", "SANDWICH", "TRAVEL",
    "UNIVERSITY", "VINTAGE", "WORKSHOP", "YOGHURT", "SUNRISE", "CARAVAN", "PICNIC", "ORCHARD", "SHELTER", "LANTERN",
    "COMPASS", "MEADOW",
)  # fmt: skip
_TRAIN_POSES = (
    ArmPose("hanging", (168, 176), (172, 186), raised=False),
    ArmPose("relaxed", (158, 168), (176, 200), raised=False),
    ArmPose("waving", (118, 138), (8, 28), raised=True),
    ArmPose("reaching out", (112, 128), (84, 112), raised=False),
    ArmPose("showing", (150, 162), (20, 40), raised=True),
    ArmPose("holding", (150, 164), (2, 22), raised=True, holding=True),
    ArmPose("swinging", (140, 156), (150, 170), raised=False),
    ArmPose("reaching down", (120, 134), (140, 160), raised=False),
    ArmPose("stretching out", (92, 108), (74, 96), raised=False),
    ArmPose("lifting", (84, 97), (-4, 20), raised=True),
    ArmPose("stretching up", (38, 54), (2, 20), raised=True),
    ArmPose("stopping", (126, 146), (42, 66), raised=True),
    ArmPose("holding", (118, 132), (-6, 18), raised=True, holding=True),
)
_TEST_POSES = (
    ArmPose("hanging", (161, 166), (162, 171), raised=False),
    ArmPose("greeting", (98, 112), (-8, 6), raised=True),
    ArmPose("raising", (58, 76), (14, 30), raised=True),
    ArmPose("pointing away", (132, 146), (118, 134), raised=False),
    ArmPose("offering", (165, 175), (44, 60), raised=True),
    ArmPose("holding", (138, 149), (-10, 1), raised=True, holding=True),
)
_INVENTED = _tones("b4b4ac 8c8074 7c6c74", "d0c8bc a89478 5c6c74", "8c98a4 746c5c a07c5c")
"""Where the colours of an invented backdrop begin; most go far from here."""
_TRAIN_PLACES = (
    Place(
        "studio",
        "in front of a plain backdrop",
        (0.62, 0.74),
        _tones("9fb4c2 c9d2d6 7a8fa0", "c9b6a2 d9cdbf a08a78", "a9b59c cdd4c2 7f8f70", "8f8aa8 bdb8cc 6a6488"),
    ),
    Place(
        "room",
        "in a living room",
        (0.64, 0.74),
        _tones("c7b299 9a6b45 7a4a3c", "9fb3a8 8a6a4c 3f6a5c", "b8a6b4 7a5a48 8a5a78", "a8b8c8 b08a60 4a6a8c"),
    ),
    Place(
        "kitchen",
        "in a kitchen",
        (0.56, 0.64),
        _tones("a9c0c4 b98a5c 4a7a84", "d9cdb4 8a6a50 a8663c", "b4c4a4 caa67a 5c7a4c"),
        table=True,
    ),
    Place(
        "cafe",
        "in a cafe",
        (0.56, 0.64),
        _tones("a8705a 8a5f40 5a3a30", "9a8878 6f5040 4a4038", "8c6a6a 9c7450 4a2f34"),
        table=True,
    ),
    Place("library", "in a library", (0.66, 0.74), _tones("8a4a3c 9a7048 3c5a6a", "5c6a4c 8a6040 8a6a3c")),
    Place(
        "park", "in a park", (0.6, 0.72), _tones("8fc0e4 7aa650 c98a4a", "a8cfe0 8fae5c a84a3c", "b8c8d8 6f9458 c8a04a")
    ),
    Place(
        "street",
        "on a street",
        (0.62, 0.72),
        _tones("a9cbe4 b8aea0 a86a54", "c8d4dc a8a8a8 6a7a8c", "e4c8a4 b09a88 8c5a4a"),
    ),
    Place(
        "beach",
        "on a beach",
        (0.5, 0.58),
        _tones("7fbfe8 e4cf9c 2f8ca0", "a8d4e8 dcc48c 3c7aa8", "f0c49c d8b88a 5a6a98"),
    ),
    *(
        Place("interior", phrase, (0.6, 0.76), _INVENTED)
        for phrase in (
            "in a hallway",
            "in an office",
            "in a lobby",
            "in a workshop",
            "in a shop",
            "in a bedroom",
        )
    ),
    *(
        Place("view", phrase, (0.52, 0.72), _INVENTED)
        for phrase in (
            "in a garden",
            "near a wood",
            "at a fair",
            "in a field",
            "on a town square",
            "by a farm",
        )
    ),
    *(
        Place("counter", phrase, (0.52, 0.66), _INVENTED, table=True)
        for phrase in ("on a counter", "on a workbench", "on a desk", "at a market stall", "in a dining room")
    ),
)
_TEST_PLACES = (
    Place("gallery", "in an art gallery", (0.66, 0.74), _tones("d4cfc4 a08060 a84a4a", "c4ccd4 8a7460 3c6a8c")),
    Place("classroom", "in a classroom", (0.66, 0.74), _tones("d8c49c a88858 4a7a5c", "b4c8cc 9a8468 6a5a48")),
    Place("mountains", "by a mountain lake", (0.56, 0.64), _tones("8fb8dc a49a88 5a5a7a", "c4b8cc 948c80 7a5a6a")),
    Place("village", "in a snowy village", (0.62, 0.7), _tones("9ab4d0 e4ecf4 8c4a3c", "c8b8c8 e8e8f0 5a4a6a")),
    Place("desert", "in a desert", (0.58, 0.68), _tones("8cc4e4 dcae74 a85a3c", "f0c8a0 cf9a64 8c4a4a")),
    Place("night", "in a city at night", (0.6, 0.7), _tones("5a6a9c 8c8a9c c87a5a", "6a5a8c 8a9098 5a9aa8")),
    Place(
        "tabletop",
        "on a table in a sunroom",
        (0.54, 0.62),
        _tones("b4ccd4 a87c58 6a8c5c", "dcc8a8 c49a70 a8584a"),
        table=True,
    ),
)

TRAIN = Vocabulary(
    palettes=_TRAIN_PALETTES,
    words=_TRAIN_WORDS,
    fonts=FONTS,
    tops=(
        ("T-shirt", 0.3),
        ("sweater", 1.0),
        ("shirt", 1.0),
        ("hoodie", 1.0),
        ("jacket", 1.0),
        ("tunic", 0.55),
        ("jersey", 0.8),
    ),
    bottoms=(("trousers", 1.0), ("jeans", 1.0), ("skirt", 0.55), ("shorts", 0.4), ("breeches", 0.85)),
    patterns=("plain", "plain", "plain", "plain", "striped", "dotted", "pinstriped", "hatched"),
    poses=_TRAIN_POSES,
    places=_TRAIN_PLACES,
    hairstyles=("short", "parted", "long", "bun", "curly", "bald", "ponytail"),
    invented=0.5,
)
TEST = Vocabulary(
    palettes=_TEST_PALETTES,
    words=_TEST_WORDS,
    fonts=HELDOUT_FONTS,
    tops=(("polo shirt", 0.38), ("coat", 1.0), ("blouse", 0.75), ("pullover", 1.0)),
    bottoms=(("slacks", 1.0), ("long skirt", 0.9), ("bermudas", 0.5)),
    patterns=("plain", "checked"),
    poses=_TEST_POSES,
    places=_TEST_PLACES,
    hairstyles=("bob", "wavy", "cap", "short", "bald", "parted"),
)
SKINS: tuple[Rgb01, ...] = tuple(
    hexed(c) for c in ("f1cbb0", "e6b592", "d39a74", "b87c56", "93613f", "704730", "553524")
)
HAIRS = (Named("brown", hexed("593820")), Named("black", hexed("211c1b")), Named("blond", hexed("d4ad66")),
    Named("red", hexed("a5502c")),
         Named("grey", hexed("a5a3a1")), Named("brown", hexed("6f4a2e")), Named("white", hexed("dcdad6")))  # fmt: skip
IRISES: tuple[Rgb01, ...] = tuple(hexed(c) for c in ("4f84b4", "5c3b22", "557d4c", "7a5a34", "6a7f8c"))
SHOES: tuple[Rgb01, ...] = tuple(hexed(c) for c in ("2c2827", "5b3a28", "e4e0d8", "7a2f2f", "34495e"))
FURS = (Named("brown", hexed("8a5c38")), Named("black", hexed("3a3534")), Named("orange", hexed("d08a48")),
    Named("grey", hexed("94918d")),
        Named("white", hexed("e9e4da")))  # fmt: skip

_UNSEEN: dict[str, tuple[str, ...]] = {
    "unseen-backdrops": ("places",),
    "unseen-poses": ("poses",),
    "unseen-garments": ("tops", "bottoms", "patterns"),
    "unseen-hair": ("hairstyles",),
    "unseen-words": ("words", "fonts", "invented"),
    "unseen-palettes": ("palettes",),
}
"""Splits that take some tables of the test split, the others of the training split: what costs a model how much."""
_VOCABULARIES: dict[str, Vocabulary] = {
    "train": TRAIN,
    "test": TEST,
    "test-kinds": TEST,
    **{split: replace(TRAIN, **{table: getattr(TEST, table) for table in tables}) for split, tables in _UNSEEN.items()},
}
SPLITS = tuple(_VOCABULARIES)


def vocabulary_of(split: str) -> Vocabulary:
    """What a split draws with.

    Raises:
        KeyError: no such split.
    """
    return _VOCABULARIES[split]
