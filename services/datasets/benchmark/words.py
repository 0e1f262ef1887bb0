"""English for numbers, plurals and articles, as far as the prompts need them; and words that nobody knows."""

import random

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PLURALS = {"box": "boxes", "glass": "glasses"}
_ONSETS = (*"BCDFGHJKLMNPRSTVWXYZ", "BR", "CH", "CL", "DR", "FL", "GR", "PL", "QU", "SH", "SP", "ST", "TH", "TR")
_VOWELS = (*"AEIOUY", "AI", "EA", "EE", "IO", "OO", "OU")
_CODAS = ("", "", "", *"DKLMNRST", "CK", "LL", "ND", "NG", "RT", "SS", "ST")


def number(count: int) -> str:
    """In words up to nine."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def plural(noun: str, count: int) -> str:
    """The noun as it follows a number."""
    if count == 1:
        return noun
    return _PLURALS.get(noun, noun + "s")


def article(phrase: str) -> str:
    """With `a` or `an`."""
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def invented_word(rng: random.Random) -> str:
    """A word of two or three syllables in capitals that can be said and is not looked up anywhere."""
    syllables = rng.choice((2, 2, 3))
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(syllables))[:9]
