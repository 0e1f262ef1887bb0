"""Quoted passages of a prompt: any kind of quotation mark, apostrophes told apart. Knows strings only."""

import re
from dataclasses import dataclass

_PAIRS = {"“": "”“", "„": "“”", "«": "»", "‹": "›", "「": "」", "『": "』", "‘": "’", '"': '"', "`": "`", "'": "'"}
_SINGLE = "'‘"
_LONGEST = 240
_APOSTROPHE_WORDS = frozenset({"n", "em", "til", "tis", "twas", "cause"})


@dataclass(frozen=True)
class Quote:
    """A quoted passage; `start` and `end` are offsets of the marks in the prompt, half-open."""

    text: str
    start: int
    end: int


def find_quotes(prompt: str) -> tuple[Quote, ...]:
    """All balanced quotations, left to right; an opening mark without a closing one is left alone."""
    quotes: list[Quote] = []
    position = 0
    while position < len(prompt):
        end = _closing(prompt, position) if prompt[position] in _PAIRS else None
        if end is None:
            position += 1
            continue
        text = " ".join(prompt[position + 1 : end].split())
        if text and any(c.isalnum() for c in text):
            quotes.append(Quote(text, position, end + 1))
        position = end + 1
    return tuple(quotes)


def _closing(prompt: str, start: int) -> int | None:
    mark = prompt[start]
    before = prompt[start - 1] if start else " "
    after = prompt[start + 1 : start + 2]
    upright = mark in "\"'`‘"
    if upright and (before.isalnum() or not after or after.isspace()):
        return None
    for end in range(start + 1, min(len(prompt), start + 1 + _LONGEST)):
        if prompt[end] not in _PAIRS[mark]:
            continue
        following = prompt[end + 1 : end + 2]
        if mark in _SINGLE and following.isalnum():
            continue  # don't, Joe's
        if upright and (following.isalnum() or prompt[end - 1].isspace()):
            continue
        inside = prompt[start + 1 : end].strip()
        if mark in _SINGLE and (inside.lower() in _APOSTROPHE_WORDS or _is_decade(prompt, start)):
            return None  # rock 'n' roll, the '90s
        return end
    return None


def _is_decade(prompt: str, start: int) -> bool:
    return re.match(r"['‘]\d0s\b", prompt[start : start + 5]) is not None
