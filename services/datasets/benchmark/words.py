"""English for numbers, plurals and articles, as far as the prompts need them."""

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PLURALS = {"box": "boxes", "glass": "glasses"}


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
