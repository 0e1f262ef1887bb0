"""The Tool Protocol: what repairs a crop. A tool knows pixels, masks and words; nothing of jobs, stores or planning."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from shared.contracts.base import BoxXYXY
from shared.contracts.values import Diagnosis, Region
from shared.geometry import Mask
from shared.images import Gray, Rgb


class ToolKind(StrEnum):
    """How a tool is told what to do."""

    MASK = "mask"
    INSTRUCTION = "instruction"


class ToolDeclined(Exception):
    """This case is not one the tool can do well; the message is a sentence for the caller. Not a failure."""


@dataclass(frozen=True)
class EditRequest:
    """One edit on a crop.

    Attributes:
        crop: `(h, w, 3)` RGB with context around the mask.
        mask: `(h, w)` bool, what may change.
        crop_box_xyxy_px: where the crop lies in the canvas; region coordinates are in the canvas' frame.
        region, diagnosis: what is wrong.
        instruction: what to do, or for a mask tool what should be there.
        seed: of this try.
        settings: the planner's choices for this tool (`extent`, `steps`, `strength`, `guidance`, …); equal for all
            requests of a call.
        negative: what must not be there; the defect's name. Tools without a negative prompt leave it.
    """

    crop: Rgb
    mask: Mask
    crop_box_xyxy_px: BoxXYXY
    region: Region
    diagnosis: Diagnosis
    instruction: str
    seed: int
    settings: dict[str, JsonValue] = field(default_factory=dict)
    negative: str = ""


@dataclass(frozen=True)
class EditResult:
    """What came of it: pixels of the crop's size, and how much of each to use.

    Attributes:
        image: `(h, w, 3)` RGB.
        alpha: `(h, w)` uint8, 0 wherever the tool did not mean to change anything.
        settings: all that replays the call bit for bit.
        notes: sentences for the record.
    """

    image: Rgb
    alpha: Gray
    settings: dict[str, JsonValue] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Tool(Protocol):
    """A repair tool."""

    @property
    def name(self) -> str:
        """A constant: `retype`, `opencv`, `sd-inpainting`."""
        ...

    @property
    def kind(self) -> ToolKind:
        """Mask-guided or instruction-driven."""
        ...

    @property
    def native_size_px(self) -> int | None:
        """Side of the square that the tool sees each crop in (`fitting.fit`); None where any size will do."""
        ...

    @property
    def size_multiple_px(self) -> int:
        """What the sides of a picture must be multiples of, in the tool's own frame; 1 where any will do."""
        ...

    @property
    def max_batch(self) -> int:
        """Edits per call."""
        ...

    @property
    def memory_mb(self) -> int:
        """What weights and one call take at most on their device, in MiB; 0 where that is next to nothing."""
        ...

    @property
    def licence(self) -> str:
        """SPDX id of the code or weights that do the work."""
        ...

    @property
    def third_party(self) -> str | None:
        """Whom it sends pixels to, as the record names them; None where they stay in the process."""
        ...

    def warm_up(self) -> None:
        """Loads what the first call would load.

        Raises:
            MissingResource: weights, a package or a device are not there.
        """
        ...

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        """One answer for each request, in order; a case it cannot do well is answered with `ToolDeclined`.

        Raises:
            MissingResource: as `warm_up`.
            StageError: the tool itself failed: no memory left for a single crop, say.
        """
        ...


class Weightless:
    """What the mask tools have in common that work with no weights, at any size, on one CPU core, in this process."""

    kind = ToolKind.MASK
    native_size_px: int | None = None
    size_multiple_px = 1
    max_batch = 16
    memory_mb = 0
    licence = "Apache-2.0"
    third_party: str | None = None

    def warm_up(self) -> None:
        """There is nothing to load."""
