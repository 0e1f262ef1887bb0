"""Colour words: which ones a text names, and the tone that each stands for. No pixels, no models.

The eleven basic colour terms of English (Berlin and Kay 1969), and blond for hair. A tone is what a surface of that
colour in soft light looks like; pure sRGB primaries look like nothing that was ever painted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Rgb8 = tuple[int, int, int]

TONES: Mapping[str, Rgb8] = MappingProxyType(
    {
        "red": (200, 50, 47),
        "orange": (230, 130, 40),
        "yellow": (240, 200, 60),
        "green": (60, 150, 75),
        "blue": (55, 105, 190),
        "purple": (125, 75, 160),
        "pink": (235, 140, 170),
        "brown": (125, 85, 55),
        "black": (40, 40, 42),
        "white": (240, 240, 236),
        "grey": (140, 142, 145),
        "blond": (222, 190, 125),
    }
)
"""sRGB by name."""

_SPELT_OTHERWISE = {"gray": "grey", "blonde": "blond", "violet": "purple"}
_WORD = re.compile(rf"\b({'|'.join((*TONES, *_SPELT_OTHERWISE))})\b", re.IGNORECASE)
_TO = re.compile(r"\b(?:to|into)\s+(?:a\s+|be\s+)?$", re.IGNORECASE)
_NO_THING = "and|in|on|at|with|of|by|that|who|holding|wearing|standing|beside|behind"
_THING = re.compile(rf"(?:\s+(?!(?:{_NO_THING})\b)[\w-]+){{0,3}}")


@dataclass(frozen=True)
class Mention:
    """A colour word in a text: characters `start` to `end`, and the colour's name in `TONES`."""

    start: int
    end: int
    name: str


def mentions(text: str) -> tuple[Mention, ...]:
    """The colour words of a text, in order."""
    return tuple(Mention(found.start(), found.end(), _name(found[0])) for found in _WORD.finditer(text))


def renamed(text: str, mention: Mention, name: str) -> str:
    """The text with another colour's name in that place."""
    return f"{text[: mention.start]}{name}{text[mention.end :]}"


def phrase_of(text: str, mention: Mention) -> str:
    """The colour word and what it is said of: `red` of "a red paper kite on a beach" is "red paper kite"."""
    thing = _THING.match(text, mention.end)
    return text[mention.start : thing.end() if thing else mention.end]


def change_asked(instruction: str) -> tuple[str | None, str | None]:
    """Which colour an imperative wants changed, and into which; None for what it does not say.

    "change the ball from yellow to red" is (yellow, red), "make the hat blue" (None, blue). What follows "to" or "into"
    is asked for; else the last colour named.
    """
    named = mentions(instruction)
    if not named:
        return None, None
    asked = next((one for one in named if _TO.search(instruction[: one.start])), named[-1])
    others = [one.name for one in named if one.name != asked.name]
    return (others[0] if others else None), asked.name


def _name(word: str) -> str:
    lower = word.lower()
    return _SPELT_OTHERWISE.get(lower, lower)
