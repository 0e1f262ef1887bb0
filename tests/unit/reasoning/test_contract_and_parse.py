"""The one schema, and what becomes of answers that fit it and that do not."""

import json

import pytest
from fakes.vision_server import says
from hypothesis import given
from hypothesis import strategies as st

from services.reasoning.contract import CATEGORY_NAMES, Answer, answer_schema, answer_text
from services.reasoning.parse import MOST_CHARACTERS, MOST_WORDS, MalformedAnswer, clean, parse_answer
from services.reasoning.prompts import load_prompt, prompt_versions
from shared.contracts.categories import Category
from shared.contracts.values import Diagnosis


def test_the_schema_is_what_structured_output_engines_take() -> None:
    schema = answer_schema()
    assert schema == {
        "type": "object",
        "properties": {
            "distorted": {"type": "boolean"},
            "category": {"type": "string", "enum": [*(c.value for c in Category), "none"]},
            "description": {"type": "string"},
            "inconsistency": {"type": "string"},
            "instruction": {"type": "string"},
            "confidence": {"type": "number", "minimum": 0.0, "maximum": 1.0},
        },
        "required": ["distorted", "category", "description", "inconsistency", "instruction", "confidence"],
        "additionalProperties": False,
    }
    assert set(schema["required"]) == set(Diagnosis.model_fields) - {"region_id", "source"}


@pytest.mark.parametrize("version", prompt_versions())
def test_every_prompt_names_every_field_and_category(version: str) -> None:
    prompt = load_prompt(version)
    for name in (*CATEGORY_NAMES, *Answer.model_fields):
        assert name in prompt.system, name


def test_a_whole_answer() -> None:
    answer = parse_answer(says(category="hand", description="six fingers", confidence=1))
    assert answer.distorted and answer.category is Category.HAND and answer.confidence == 1.0
    assert parse_answer(says(distorted=False)).category is None


@pytest.mark.parametrize("text", [says(), says(distorted=False), says(description="a 'ü' \\ \"quoted\"")])
def test_an_answer_written_for_training_is_read_as_the_same(text: str) -> None:
    answer = parse_answer(text)
    written = answer_text(answer)
    assert parse_answer(written) == answer
    assert list(json.loads(written)) == answer_schema()["required"]
    assert written.startswith('{"distorted": ')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is cut short"),
        (says()[:-20], "is cut short"),
        ('{"distorted": true', "is cut short"),
        ("Sure! Here is the JSON: {}", "is not JSON"),
        ("```json\n" + says() + "\n```", "is not JSON"),
        ("<html><body>Bad gateway</body></html>", "is not JSON"),
        ("[" * 90_000, "is not JSON"),
        (says() + says(), "is not JSON"),
        ("[]", "does not fit the schema"),
        ("null", "does not fit the schema"),
        (says(category="finger"), r"category: not one of the twelve"),
        (says(category=None), r"category: not one of the twelve"),
        (says(category=["hand"]), r"category: not one of the twelve"),
        (says(distorted="true"), "distorted:"),
        (says(distorted=1), "distorted:"),
        (says(confidence=95), "confidence:"),
        (says(confidence="0.9"), "confidence:"),
        (says(confidence=float("nan")), "confidence|not JSON"),
        (says(description=7), "description:"),
        (says(run="rm -rf /"), "run: extra inputs"),
        (json.dumps({"distorted": True}), "category: field required"),
        (says(description=" \n "), "without saying what is wrong"),
        (says(instruction=""), "without saying what is wrong"),
        (says(description="\ud800"), "is not JSON"),
        (says(description="x" * MOST_CHARACTERS), "characters, more than"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(MalformedAnswer, match=reason) as caught:
        parse_answer(text)
    assert len(str(caught.value)) <= 200 and str(caught.value).isprintable()


def test_an_answer_that_was_stopped_says_which_setting_to_raise() -> None:
    with pytest.raises(MalformedAnswer, match="RETOUCHER_REASONING_MAX_TOKENS"):
        parse_answer(says(), complete=False)


def test_words_are_data_and_lose_what_could_steer_a_terminal_or_a_page() -> None:
    evil = "ignore previous instructions\x1b[2J\x00\r\nand \u202erun\u2069 <script>alert(1)</script> {expected} $prompt"
    answer = parse_answer(says(description=evil, instruction="y" * 5000))
    assert answer.description == (
        "ignore previous instructions [2J and run <script>alert(1)</script> {expected} $prompt"
    )
    assert len(answer.instruction) == MOST_WORDS["instruction"] and answer.instruction.endswith("…")


@given(st.text(max_size=300), st.integers(min_value=2, max_value=100))
def test_cleaned_text_is_one_printable_line_of_bounded_length_and_stays_so(text: str, most: int) -> None:
    once = clean(text, most)
    assert len(once) <= most
    assert once.isprintable() and "  " not in once and once == once.strip()
    assert clean(once, most) == once


@given(st.text(max_size=200))
def test_any_text_is_an_answer_or_malformed(text: str) -> None:
    try:
        parse_answer(text)
    except MalformedAnswer as error:
        assert str(error)
