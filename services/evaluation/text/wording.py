"""What signs say, and how users ask for it: sign texts and prompts that name them, in the many ways people write.

Texts are lines of words. A prompt names every word of the sign in reading order, in one of the notations that users
have for it, or (for the healthy pictures that need it) none.
"""

from collections.abc import Callable

import numpy as np

from services.evaluation.text.corruptions import Lines
from services.evaluation.text.surfaces import Surface

ONE_LINE = (
    "FRESH COFFEE", "MAIN STREET", "OPEN DAILY", "FARMERS MARKET", "Book Shop", "Happy Birthday", "HOTEL CALIFORNIA",
    "Green Tea House", "NO PARKING", "BIKE RENTAL", "Welcome Home", "GRAND OPENING", "Flower Shop", "BEACH ROAD",
    "Sunday Brunch", "CITY LIBRARY", "JAZZ NIGHT", "Local Honey", "BAKERY", "PHARMACY", "Dream Big", "LAST CHANCE",
    "Old Town Tavern", "STATION 12", "CAFÉ ROUGE",
)  # fmt: skip
MORE_LINES = (
    "OPEN DAILY/SINCE 1952", "Farmers Market/every Saturday", "FRESH BREAD/BAKED HERE", "THE BLUE/DOOR CAFE",
    "Garden Party/Friday at noon", "SUMMER SALE/50 PERCENT OFF", "PLEASE KEEP/OFF THE GRASS",
    "Today's Special/Tomato Soup",
    "WORLD TOUR/LONDON PARIS", "Reserved for/Mary and Tom", "LOST DOG/CALL ANNA/REWARD", "Thank You/for visiting",
)  # fmt: skip

THINGS = {
    Surface.BOARD: "painted sign",
    Surface.STREET: "street sign",
    Surface.CARD: "paper card",
    Surface.WOOD: "wooden sign",
    Surface.CHALK: "chalkboard",
    Surface.AWNING: "shop awning",
    Surface.PAINTED: "lettering",
}


def pick_lines(rng: np.random.Generator, roomy: bool) -> Lines:
    """A sign's text; several lines only where the sign is `roomy`."""
    pool = (*ONE_LINE, *MORE_LINES) if roomy else ONE_LINE
    return tuple(tuple(line.split()) for line in pool[int(rng.integers(len(pool)))].split("/"))


def _joined(lines: Lines) -> str:
    return " ".join(" ".join(line) for line in lines)


def _says(scene: str, thing: str, lines: Lines) -> str:
    return f'a photo of {scene} with a {thing} that says "{_joined(lines)}"'


def _curly(scene: str, thing: str, lines: Lines) -> str:
    return f"{scene}, a {thing} reading “{_joined(lines)}”, natural light, 35mm"


def _single(scene: str, thing: str, lines: Lines) -> str:
    return f"A {thing} with the words '{_joined(lines)}' on it, {scene}"


def _guillemets(scene: str, thing: str, lines: Lines) -> str:
    return f"{scene}, {thing}: «{_joined(lines)}», photorealistic"


def _colon(scene: str, thing: str, lines: Lines) -> str:
    return f'{scene}, detailed photo, {thing}, text: "{_joined(lines)}"'


def _labelled(scene: str, thing: str, lines: Lines) -> str:
    return f'{scene} next to a {thing} labelled "{_joined(lines)}", high quality'


def _by_line(scene: str, thing: str, lines: Lines) -> str:
    quoted = ['"' + " ".join(line) + '"' for line in lines]
    return f"a photo of {scene} and a {thing} that says {' and below it '.join(quoted)}"


NOTATIONS: tuple[Callable[[str, str, Lines], str], ...] = (
    _says, _curly, _single, _guillemets, _colon, _labelled, _by_line,
)  # fmt: skip


def prompt_with_words(scene: str, surface: Surface, lines: Lines, rng: np.random.Generator) -> str:
    """A prompt that asks for these words."""
    usable = [each for each in NOTATIONS if each is not _single or "'" not in _joined(lines)]
    return usable[int(rng.integers(len(usable)))](scene, THINGS[surface], lines)


def prompt_without_words(scene: str, surface: Surface | None, rng: np.random.Generator) -> str:
    """A prompt that speaks of the scene (and perhaps of the sign), not of any words."""
    if surface is not None and rng.random() < 0.5:
        return f"a photo of {scene} with a {THINGS[surface]}"
    return f"a photo of {scene}"
