"""Which words a prompt wants written, over many ways to say so, and many that say nothing of the kind."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.perception.detectors.text.expected import ExpectedPhrase, expected_phrases
from services.perception.detectors.text.quotes import find_quotes

STRONG = [
    ('a sign that says "OPEN"', ["OPEN"]),
    ("a neon sign saying ‘Café Noir’ at night", ["Café Noir"]),
    ("a poster titled «Le Monde»", ["Le Monde"]),
    ("„Guten Tag“ on a sign", ["Guten Tag"]),
    ("„Guten Tag” on a sign", ["Guten Tag"]),
    ("a storefront sign 「営業中」", ["営業中"]),
    ("a chalkboard with `hello` on it", ["hello"]),
    ("“SALE” banner; “50% OFF” poster", ["SALE", "50% OFF"]),
    ("a sign that says 'A1' and a shop called 'B2'", ["A1", "B2"]),
    ("a man with 'Don't Worry' printed on his shirt", ["Don't Worry"]),
    ('a mug with "STOP" written on it', ["STOP"]),
    ("a sign that says GRAND HOTEL in gold letters", ["GRAND HOTEL"]),
    ("a sign that says Welcome to Paris in spring", ["Welcome to Paris"]),
    ("a sign that says open standing in the rain", ["open"]),
    ("a sign that says open next to a door", ["open"]),
    ("a sign saying happy birthday on a cake", ["happy birthday"]),
    ("a sign reading do not enter", ["do not enter"]),
    ("a birthday cake with the text Happy Birthday on it", ["Happy Birthday"]),
    ("the word love in neon", ["love"]),
    ("a wooden sign with the words KEEP OUT and a dog", ["KEEP OUT"]),
    ("text: Grand Opening, red letters", ["Grand Opening"]),
    ("a bottle labelled poison on a shelf", ["poison"]),
    ("a jar labeled Honey, on a table", ["Honey"]),
    ("a book titled The Long Road on a table", ["The Long Road"]),
    ("balloons spelling out LOVE over a table", ["LOVE"]),
    ('a sign that says "OPEN on a wall', ["OPEN"]),
    ('a sign, it says: "Bakery"', ["Bakery"]),
    ('two signs that say "LEFT" and "RIGHT" and again "LEFT"', ["LEFT", "RIGHT"]),
]

NOTHING = [
    "rock 'n' roll band, don't stop, the dogs' bowl",
    "a man reading a newspaper",
    "a girl saying hello to a man",
    "a letter written in ink",
    "a note written by hand",
    "the words on the page are blurry",
    "a photo of the '90s and '80s",
    'a 12" vinyl record and a 7" single',
    "a woman reading Harry Potter in bed",
    "an empty street at night",
    "the O'Neill family and the Joneses' house",
    'an unbalanced " mark',
    "",
]

WEAK = [
    ('in the style of "Blade Runner", a street', "Blade Runner"),
    ('a neon sign in the style of "Blade Runner"', "Blade Runner"),
    ('a cat named "Tom" next to a sign', "Tom"),
    ('a scene from "The Shining"', "The Shining"),
    ('a singer known as "Prince" on a stage', "Prince"),
]


@pytest.mark.parametrize(("prompt", "phrases"), STRONG)
def test_words_to_be_written(prompt: str, phrases: list[str]) -> None:
    assert expected_phrases(prompt) == tuple(ExpectedPhrase(p) for p in phrases)


@pytest.mark.parametrize("prompt", NOTHING)
def test_nothing_to_be_written(prompt: str) -> None:
    assert expected_phrases(prompt) == ()


@pytest.mark.parametrize(("prompt", "name"), WEAK)
def test_names_and_titles_are_weak(prompt: str, name: str) -> None:
    assert expected_phrases(prompt) == (ExpectedPhrase(name, weak=True),)


def test_a_name_beside_a_sign_is_weak_and_the_sign_is_not() -> None:
    found = expected_phrases('a cat named "Tom" next to a sign that says "NO CATS"')
    assert found == (ExpectedPhrase("Tom", weak=True), ExpectedPhrase("NO CATS"))


def test_the_callers_words_replace_the_prompts() -> None:
    found = expected_phrases('a sign that says "OPEN"', ("CLOSED  TODAY", "closed today", "  "))
    assert found == (ExpectedPhrase("CLOSED TODAY"),)


@given(st.text(alphabet="ab \"'“”‘’«»„「」`.,:says", max_size=60))
def test_any_prompt_is_survived_and_quotes_lie_in_order(prompt: str) -> None:
    quotes = find_quotes(prompt)
    assert all(a.end <= b.start for a, b in itertools.pairwise(quotes))
    assert all(any(c.isalnum() for c in quote.text) for quote in quotes)
    for phrase in expected_phrases(prompt):
        assert phrase.words


@given(st.lists(st.sampled_from(["OPEN", "Fresh Bread", "don't panic", "24/7"]), min_size=1, max_size=4, unique=True))
def test_every_quoted_phrase_of_a_sign_is_found_whatever_the_quotes(phrases: list[str]) -> None:
    marks = ['"{}"', "“{}”", "«{}»", "「{}」", "`{}`"]
    prompt = "signs that say " + " and ".join(marks[i % 5].format(p) for i, p in enumerate(phrases))
    assert [p.text for p in expected_phrases(prompt)] == phrases
