"""Measures of answers: what counts as right, what an unreadable answer earns, rewards as the sum of their parts."""

from collections.abc import Sequence

import pytest
from fakes.vision_server import says

from services.reasoning.contract import Answer, answer_text
from services.reasoning.parse import parse_answer
from services.reasoning.scoring import (
    Judged,
    category_accuracy,
    description_similarity,
    distorted_recall,
    healthy_recall,
    judge,
    rewards,
    well_formed,
)

HAND = parse_answer(says(category="hand", description="six fingers"))
SOUND = parse_answer(says(distorted=False, category="none"))


def same_words(said: Sequence[str], true: Sequence[str]) -> list[float]:
    """1 for the same sentence, else 0.25."""
    return [1.0 if a == b else 0.25 for a, b in zip(said, true, strict=True)]


@pytest.mark.parametrize(
    ("text", "true", "right"),
    [
        (says(category="hand"), HAND, True),
        (says(category="face"), HAND, False),
        (says(distorted=False, category="hand"), HAND, False),
        (says(category="hand"), SOUND, False),
        (says(distorted=False, category="hand"), SOUND, True),  # the agent drops the category of a sound place
        ("{", HAND, False),
        ("", SOUND, False),
    ],
)
def test_what_is_right(text: str, true: Answer, right: bool) -> None:
    judged = judge([text], [true])
    assert category_accuracy(judged) == [float(right)]
    assert judged[0].right == right


def test_shares_and_what_an_unreadable_answer_earns() -> None:
    texts = [answer_text(HAND), says(category="face"), "no JSON", answer_text(SOUND), says(category="text"), "{}"]
    judged = judge(texts, [HAND, HAND, HAND, SOUND, SOUND, SOUND])
    assert well_formed(judged) == [1, 1, 0, 1, 1, 0]
    assert distorted_recall(judged) == pytest.approx(2 / 3)
    assert healthy_recall(judged) == pytest.approx(1 / 3)
    assert description_similarity(judged, same_words) == [1, 0.25, 0, 1, 0.25, 0]
    assert rewards(judged, same_words) == [3, 1.25, 0, 3, 1.25, 0]


def test_recalls_need_regions_of_their_sort() -> None:
    assert distorted_recall([Judged(SOUND, SOUND)]) is None
    assert healthy_recall([Judged(HAND, HAND)]) is None
