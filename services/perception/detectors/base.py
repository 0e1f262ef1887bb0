"""The Detector Protocol and what goes through it. Pixels and words only: no store, no job, no other agent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from services.perception.saliency.pairs import Laid, Sight
from shared.contracts.base import BoxXYXY
from shared.contracts.loop import Thresholds
from shared.contracts.values import ColourFault, Region, TextReading
from shared.geometry import Mask
from shared.images import Rgb


@dataclass(frozen=True)
class Scene:
    """What a detector may look at: `(H, W, 3)` RGB, the prompt, and the words the caller says must be there."""

    image: Rgb
    prompt: str
    expected_text: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A place that looks distorted. `mask` has the box's size; evidence in [0, 1], higher is worse."""

    box_xyxy_px: BoxXYXY
    mask: Mask
    evidence: float
    reading: TextReading | None = None

    def whole(self, size_hw: tuple[int, int]) -> Mask:
        """`(H, W)` bool: the mask in an image of that size."""
        placed = np.zeros(size_hw, np.bool_)
        x0, y0, x1, y1 = self.box_xyxy_px
        placed[y0:y1, x0:x1] = self.mask
        return placed


@dataclass(frozen=True)
class Detection:
    """All that a detector says of one scene.

    Attributes:
        findings: distorted places, worst first.
        saliency: `(H, W)` float32 in [0, 1]; None where the detector draws no map.
        any_distortion: calibrated probability that anything is distorted; None without such a head.
        in_domain: False where the detector's checkpoint does not know such images.
        thresholds: what the checkpoint was calibrated to; None without one.
        scores: of the image as a whole, in [0, 1], higher is better: those of plausibility, alignment, aesthetics and
            overall that the detector can give.
        sight: what the detector's verifier looks at; None without one.
        warnings: sentences for the record (an expected word that has no place to go, say).
    """

    findings: tuple[Finding, ...] = ()
    saliency: npt.NDArray[np.float32] | None = None
    any_distortion: float | None = None
    in_domain: bool = True
    thresholds: Thresholds | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    sight: Sight | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def doubts(self) -> bool:
        """Whether the image is one that it knows, and reaches the gate of its checkpoint; False without a gate."""
        if self.thresholds is None or self.any_distortion is None:
            return False
        return self.in_domain and self.any_distortion >= self.thresholds.tau_any


class Detector(Protocol):
    """Finds distortions, and says how badly it thinks of places it is asked about."""

    @property
    def name(self) -> str:
        """A constant, lower case: `text`, `saliency`."""
        ...

    def detect(self, scene: Scene) -> Detection:
        """What is distorted here."""
        ...

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        """Evidence in [0, 1] at each region, in order, given this scene's own `detection`.

        For the detector's own regions it is the criterion of repair (the text detector reads the region again and
        compares with `reading.expected`); for another detector's it is the worst that it finds there.
        """
        ...


@runtime_checkable
class Explains(Protocol):
    """A detector that may also know of a region that its colour is what is wrong."""

    def colour_faults(self, scene: Scene, detection: Detection, masks: Sequence[Mask]) -> Sequence[ColourFault | None]:
        """For each of its regions, `(H, W)` bool, the colour seen and asked for; None where it cannot say.

        Args:
            scene: that it looked at.
            detection: its own, on this scene.
            masks: not empty.
        """
        ...


@runtime_checkable
class Verifies(Protocol):
    """A detector that can also say whether a patch is a repair."""

    def verify(self, before: Scene, after: Detection, patches: Sequence[Laid]) -> Sequence[float | None]:
        """For each patch the probability, in [0, 1], that it is a repair; None where the detector cannot tell.

        Args:
            before: the scene without any of the patches.
            after: this detector's own detection on the scene with all of them.
            patches: none of which touches another.
        """
        ...
