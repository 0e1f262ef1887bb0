"""What a vision-language model answers about one region: one JSON schema for training, serving and parsing.

It is generated from one pydantic model, and holds only what every structured-output engine takes: plain types, an enum,
all fields required, none besides. Lengths are no part of it (some servers refuse `maxLength`): `parse` caps them.
"""

import json
from typing import Annotated

from pydantic import BeforeValidator, JsonValue, WithJsonSchema

from shared.contracts.base import Contract, UnitFloat
from shared.contracts.categories import Category

NO_CATEGORY = "none"
"""What stands in place of one of the twelve, where none fits or nothing is wrong."""

CATEGORY_NAMES: tuple[str, ...] = (*(category.value for category in Category), NO_CATEGORY)


def _without_none(value: object) -> object:
    if value == NO_CATEGORY:
        return None
    if value not in CATEGORY_NAMES:
        raise ValueError("not one of the twelve categories, nor 'none'")
    return value


class Answer(Contract):
    """A diagnosis as a model gives it (paper 4.3: type, appearance, and what clashes with the whole image).

    Attributes:
        distorted: whether something is wrong here.
        category: of what is wrong; None, spelt `none` in JSON, where none of the twelve fits or nothing is wrong.
        description: what the flaw looks like.
        inconsistency: what it clashes with in the image or the prompt.
        instruction: what an editor should do, in the imperative.
        confidence: of `distorted`.
    """

    distorted: bool
    category: Annotated[
        Category | None,
        BeforeValidator(_without_none),
        WithJsonSchema({"type": "string", "enum": list(CATEGORY_NAMES)}),
    ]
    description: str
    inconsistency: str
    instruction: str
    confidence: UnitFloat


def answer_schema() -> dict[str, JsonValue]:
    """The JSON schema of `Answer`, its fields in the order in which they are to be written."""
    fields = Answer.model_json_schema()["properties"]
    properties: dict[str, JsonValue] = {
        name: {key: value for key, value in field.items() if key != "title"} for name, field in fields.items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def answer_text(answer: Answer) -> str:
    """The answer as a model is trained to write it: the schema's order, and the white space that grammars allow.

    Engines that hold a model to a schema write `", "` and `": "`, as Python does; a model that has learned other white
    space would be pushed off what it knows at every step.
    """
    fields = answer.model_dump(mode="json")
    fields["category"] = fields["category"] or NO_CATEGORY
    return json.dumps(fields, ensure_ascii=False)
