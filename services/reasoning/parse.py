"""A model's answer as text, checked against the contract. What a model writes is data: shown, never obeyed.

Control characters and bidirectional marks are taken out, since the words end up in pages, terminals and logs, and
lengths are capped.
"""

import unicodedata

from pydantic import ValidationError

from services.reasoning.contract import Answer

MOST_CHARACTERS = 100_000
"""A longer answer is not looked at; a whole one has under two thousand."""

MOST_WORDS = {"description": 500, "inconsistency": 500, "instruction": 300}
"""Characters of each text that are kept."""

MOST_REASON = 160


class MalformedAnswer(Exception):
    """The answer does not fit the contract; `str()` is the reason, fit to follow "the answer"."""


def parse_answer(text: str, *, complete: bool = True) -> Answer:
    """The answer that `text` holds, its words cleaned.

    Args:
        text: JSON by `contract.answer_schema`, nothing around it but white space.
        complete: False where the server says that it stopped in the middle.

    Raises:
        MalformedAnswer: the text is no such JSON, or says that something is wrong and not what.
    """
    if not complete:
        raise MalformedAnswer("is cut off at the token limit (RETOUCHER_REASONING_MAX_TOKENS)")
    if len(text) > MOST_CHARACTERS:
        raise MalformedAnswer(f"has {len(text)} characters, more than {MOST_CHARACTERS}")
    try:
        answer = Answer.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise MalformedAnswer(_reason(error)) from None
    answer = answer.model_copy(update={name: clean(getattr(answer, name), most) for name, most in MOST_WORDS.items()})
    if answer.distorted and not (answer.description and answer.instruction):
        raise MalformedAnswer("calls the region distorted without saying what is wrong and what to do")
    return answer


def clean(text: str, most_characters: int) -> str:
    """On one line, without control and formatting characters, cut to `most_characters`."""
    shown = "".join(" " if unicodedata.category(c).startswith("C") else c for c in text[: 4 * most_characters])
    words = " ".join(shown.split())
    return words if len(words) <= most_characters else words[: most_characters - 1].rstrip() + "…"


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        detail = str(first.get("ctx", {}).get("error", ""))
        return "is cut short" if detail.startswith("EOF") else clean(f"is not JSON ({detail})", MOST_REASON)
    field = ".".join(str(part) for part in first["loc"]) or "answer"
    complaint = first["msg"].removeprefix("Value error, ")
    return clean(f"does not fit the schema ({field}: {complaint[:1].lower()}{complaint[1:]})", MOST_REASON)
