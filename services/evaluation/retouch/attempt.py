"""One picture through one way of retouching: what is compared in the tables has this shape.

The result is what the way itself handed out, as PNG bytes, so that a check of untouched pixels can be made on files.
"""

from dataclasses import dataclass, field
from typing import Protocol

from services.evaluation.retouch.cases import ToolCount
from services.evaluation.retouch.pictures import Picture
from shared.images import encode_png


@dataclass(frozen=True)
class Attempt:
    """What came of it.

    Attributes:
        result_png: the picture as handed out.
        mask_png: where it says that a pixel may differ; None where it promises nothing.
        outcome, iterations, seconds, stage_seconds, tools, note: see `ImageCase`.
    """

    result_png: bytes
    mask_png: bytes | None
    outcome: str
    seconds: float
    iterations: int = 0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    tools: tuple[ToolCount, ...] = ()
    note: str = ""


class Arm(Protocol):
    """A way of retouching."""

    @property
    def name(self) -> str:
        """The row's name in the report: `loop`, `alone:retype`."""
        ...

    def __call__(self, picture: Picture, seed: int) -> Attempt:
        """The picture retouched; a failure of the way is an attempt that changes nothing, and says so."""
        ...


def untouched(picture: Picture, outcome: str, seconds: float, note: str) -> Attempt:
    """Nothing was changed."""
    return Attempt(encode_png(picture.image), None, outcome, seconds, note=note)
