"""What two writings must share to count as the same words: letters and digits, without case, accents or spaces.

The reader loses spaces, drops accents and cannot write most scripts; comparing folded letters keeps that from ever
becoming an alarm. Knows strings only.
"""

import unicodedata
from functools import lru_cache

_LIGATURES = {
    "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l",
    "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ı": "i", "ſ": "s",
}  # fmt: skip

_ONE_STROKE = frozenset("Il1|i!")
"""Characters that are one upright stroke in many typefaces."""

_ROUND = frozenset("ODQ")
"""Capitals that are one round stroke by hand."""


@lru_cache(maxsize=16384)
def fold_character(character: str) -> str:
    """Lower case, accents stripped; empty for whatever is neither letter nor digit; ligatures give two letters."""
    if character in _LIGATURES:
        return _LIGATURES[character]
    plain = unicodedata.normalize("NFKD", character)
    kept = "".join(c for c in plain if unicodedata.category(c)[0] in "LN" and not unicodedata.combining(c))
    return kept.casefold()


def fold(text: str) -> str:
    """All letters and digits of `text`, folded, in order."""
    return "".join(fold_character(character) for character in text)


def as_read(text: str) -> tuple[str, ...]:
    """The spellings under which the reader may report `text`: it has no sharp s and writes a B for it."""
    if "ß" in text or "ẞ" in text:
        return text, text.replace("ß", "B").replace("ẞ", "B")
    return (text,)


def is_latin(folded: str) -> bool:
    """Whether every folded letter is one of a to z or 0 to 9, which the reader knows well."""
    return all(c.isascii() for c in folded)


def is_cjk(character: str) -> bool:
    """Whether this is a Han ideograph."""
    return "\u3400" <= character <= "\u9fff"


@lru_cache(maxsize=16384)
def looks_alike(read: str, expected: str) -> bool:
    """Whether a typeface may draw both characters alike, so that reading one for the other is no misspelling.

    Args:
        read: one character as read, in its own case.
        expected: one character in the case in which the sign sets it.
    """
    if fold_character(read) == fold_character(expected):
        return True
    if {read, expected} <= set("0OoQ") and "0" in (read, expected):
        return True
    return read in _ONE_STROKE and expected in "Il1|i"


def alike_by_hand(read: str, expected: str) -> bool:
    """Whether handwriting may draw the two words alike: they part in round capitals alone, an O for a D, say.

    Args:
        read: letters as read.
        expected: letters in the case in which the sign sets them.
    """
    pairs = list(zip(read, expected, strict=False))
    apart = [pair for pair in pairs if fold_character(pair[0]) != fold_character(pair[1])]
    return len(read) == len(expected) and bool(apart) and all(set(pair) <= _ROUND for pair in apart)


def case_like(expected: str, read: str) -> str:
    """`expected` in the case in which `read` is set: all capitals, all small letters, or as it is.

    A sign in capitals expects capitals: it keeps a retyped word in the style of its line.
    """
    letters = [c for c in read if c.isalpha() and c.upper() != c.lower()]
    if len(letters) < 2:
        return expected
    capitals = sum(c.isupper() for c in letters) / len(letters)
    if capitals > 0.7:
        return "".join(c if c == "ß" else c.upper() for c in expected)
    if capitals == 0.0 and not any(c.isupper() for c in expected[1:]):
        return expected.lower()
    return expected
