"""Colour words in prompts and imperatives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.colours import TONES, change_asked, mentions, phrase_of, renamed

PROMPT = "a girl with brown hair in a Pink jersey holding a green cup, a gray paper kite and a redwood desk"


def test_colour_words_are_found_whole_and_by_one_name() -> None:
    assert [(one.name, PROMPT[one.start : one.end]) for one in mentions(PROMPT)] == [
        ("brown", "brown"),
        ("pink", "Pink"),
        ("green", "green"),
        ("grey", "gray"),
    ]


def test_a_phrase_ends_with_the_thing() -> None:
    assert [phrase_of(PROMPT, one) for one in mentions(PROMPT)] == [
        "brown hair",
        "Pink jersey",
        "green cup",
        "gray paper kite",
    ]


@pytest.mark.parametrize(
    ("instruction", "change"),
    [
        ("change the colour of the ball from yellow to red", ("yellow", "red")),
        ("change it to a blue one instead of red", ("red", "blue")),
        ("make the hat blue", (None, "blue")),
        ("paint the Gray car into green", ("grey", "green")),
        ("straighten the leg", (None, None)),
    ],
)
def test_what_an_imperative_asks_for(instruction: str, change: tuple[str | None, str | None]) -> None:
    assert change_asked(instruction) == change


@given(words=st.lists(st.sampled_from(("a", "cup,", "Red", "blue", "and", "grey-ish", "blonde")), max_size=8))
def test_to_rename_a_colour_changes_its_word_alone(words: list[str]) -> None:
    text = " ".join(words)
    for mention in mentions(text):
        for name in TONES:
            other = renamed(text, mention, name)
            assert other.startswith(text[: mention.start] + name) and other.endswith(text[mention.end :])
            assert [one.name for one in mentions(other)] == [
                name if one == mention else one.name for one in mentions(text)
            ]
