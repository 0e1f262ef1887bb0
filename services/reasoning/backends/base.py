"""The port to a vision-language model: questions about one image's regions in, replies out. Knows no transport."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.errors import RetoucherError


@dataclass(frozen=True)
class Picture:
    """An encoded picture and what it is: `image/png`, `image/jpeg`."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Question:
    """What is asked of one region, in the order in which a model reads it."""

    system: str
    whole: Picture
    prompt: str
    crop: Picture
    region: str


@dataclass(frozen=True)
class Said:
    """The model's text, unchecked; `complete` is False where it was stopped in the middle."""

    text: str
    complete: bool = True


@dataclass(frozen=True)
class NotUnderstood:
    """There was an answer, and nothing that a model said in it. The reason follows "the answer"."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """There was no answer; the error is what a stage raises."""

    error: RetoucherError


Reply = Said | NotUnderstood | Failed


class Backend(Protocol):
    """Asks one model."""

    @property
    def model(self) -> str:
        """The model's name, for the record."""
        ...

    def warm_up(self) -> None:
        """Loads what asking needs here, so that the first job does not wait for it.

        Raises:
            MissingResource: it is not there.
        """
        ...

    def ask(self, questions: Sequence[Question], within_s: float | None = None) -> Sequence[Reply]:
        """A reply to each question, in order; one that fails does not touch the others.

        Args:
            questions: all of one image, asked at once.
            within_s: seconds after which no answer is of use any more.
        """
        ...
