"""GRPO's rewards: each calls the function of `services.reasoning.scoring` that evaluation reports, and nothing else.

TRL calls them with the batch's columns; `answer` holds what each region deserves, as a model is to write it.
"""

from collections.abc import Sequence
from typing import Any

from services.reasoning.parse import parse_answer
from services.reasoning.scoring import Judged, judge

Completions = Sequence[Sequence[dict[str, Any]]]
"""A turn or more of each answer; the text is in the last one's `content`."""


def judged(completions: Completions, answer: Sequence[str]) -> list[Judged]:
    """What was written beside what is true, in order."""
    return judge([turns[-1]["content"] for turns in completions], [parse_answer(text) for text in answer])
