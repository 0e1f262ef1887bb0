"""A question as chat messages with places for its pictures, the form that chat templates and TRL's columns share.

Training and serving in process both build it here, so that a model is asked as it was taught. Knows no model.
"""

import io
from typing import Literal, NotRequired, TypedDict

from PIL import Image

from services.reasoning.backends.base import Picture, Question


class Part(TypedDict):
    """A text, or the place of the next picture."""

    type: Literal["text", "image"]
    text: NotRequired[str]


class Message(TypedDict):
    """One turn."""

    role: Literal["system", "user"]
    content: list[Part]


def messages(question: Question, system: bool = True) -> list[Message]:
    """The turns of a question: what is the same for every region of an image comes first.

    Args:
        question: of one region.
        system: the task has a turn of its own; else it stands before the first picture.
    """
    task: Part = {"type": "text", "text": question.system}
    asked: list[Part] = [
        {"type": "image"},
        {"type": "text", "text": question.prompt},
        {"type": "image"},
        {"type": "text", "text": question.region},
    ]
    if not system:
        return [{"role": "user", "content": [task, *asked]}]
    return [{"role": "system", "content": [task]}, {"role": "user", "content": asked}]


def pictures(question: Question) -> list[Image.Image]:
    """The pictures in the order of their places, RGB."""
    return [_decoded(question.whole), _decoded(question.crop)]


def _decoded(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data), formats=["PNG", "JPEG"]).convert("RGB")
