"""Whether a trained tool is worth shipping: on validation crops it must beat what costs nothing to do.

Region PSNR (dB, higher is better) against the clean twin, over the pixels that may change, after the tool's result is
laid in as the action agent lays it in. Beside it the share of crops that got better by 1 dB.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from services.action.answers import Unusable, usable
from services.action.tools.base import EditRequest, EditResult, Tool
from services.action.training.examples import Case
from shared.contracts.values import Diagnosis, Region
from shared.errors import ErrorCode, StageError
from shared.geometry import Mask, dilate
from shared.images import Rgb, compose

GATE_FILE = "gate.json"
BETTER_DB = 1.0
_HIGHEST_DB = 60.0
_RING_PX = 6
_RADIUS_PX = 5
MAX_SEAM = 3.0


@dataclass(frozen=True)
class Figures:
    """Of one way to fill the regions: mean PSNR in dB, and the share that got better than the source by 1 dB."""

    psnr_db: float
    better_share: float


@dataclass(frozen=True)
class Gate:
    """Of all ways, by name; `source` does nothing, `tool` is what is judged, `one step` the same tool in a hurry."""

    count: int
    figures: dict[str, Figures]

    @property
    def passed(self) -> bool:
        """Whether the tool beats every other way by PSNR."""
        own = self.figures["tool"].psnr_db
        return all(own > other.psnr_db for name, other in self.figures.items() if name != "tool")

    def save(self, folder: Path) -> None:
        """Writes `gate.json` into a checkpoint's folder."""
        table = {name: vars(one) for name, one in self.figures.items()}
        text = json.dumps({"count": self.count, "passed": self.passed, "figures": table}, indent=2)
        (folder / GATE_FILE).write_text(text + "\n", encoding="utf-8")


def judge(tool: Tool, cases: Sequence[Case], steps: int) -> Gate:
    """The figures of a tool at so many steps, beside one step, mean fill, classical inpainting and doing nothing.

    Raises:
        StageError: the tool declined a crop, or there is none.
    """
    if not cases:
        raise StageError(ErrorCode.STAGE_FAILED, "there is no validation crop to judge by: give more samples")
    ways: dict[str, Callable[[Case, int], Rgb]] = {
        "source": lambda case, number: case.image,
        "mean fill": lambda case, number: mean_fill(case.image, case.mask),
        "classical": lambda case, number: classical(case.image, case.mask),
        "one step": lambda case, number: edited(tool, case, number, 1),
        "tool": lambda case, number: edited(tool, case, number, steps),
    }
    before = np.array([region_psnr_db(case.image, case.clean, case.mask) for case in cases])
    figures = {}
    for name, way in ways.items():
        after = np.array([region_psnr_db(way(case, at), case.clean, case.mask) for at, case in enumerate(cases)])
        figures[name] = Figures(round(float(after.mean()), 3), round(float((after >= before + BETTER_DB).mean()), 3))
    return Gate(len(cases), figures)


def region_psnr_db(image: Rgb, truth: Rgb, mask: Mask) -> float:
    """PSNR over the mask, in dB; at most 60, so that a perfect crop does not drown the others."""
    error = np.square(image[mask].astype(np.float64) - truth[mask].astype(np.float64)).mean()
    return float(min(_HIGHEST_DB, 10 * np.log10(255.0**2 / max(error, 1e-9))))


def mean_fill(image: Rgb, mask: Mask) -> Rgb:
    """The mask filled with the mean colour of the ring around it."""
    ring = dilate(mask, _RING_PX) & ~mask
    filled = image.copy()
    filled[mask] = (
        np.round(image[ring if ring.any() else ~mask].mean(axis=0)).astype(np.uint8) if not mask.all() else 128
    )
    return filled


def classical(image: Rgb, mask: Mask) -> Rgb:
    """Telea's inpainting (2004)."""
    return np.asarray(cv2.inpaint(image, mask.astype(np.uint8), _RADIUS_PX, cv2.INPAINT_TELEA), np.uint8)


def edited(tool: Tool, case: Case, seed: int, steps: int) -> Rgb:
    """The crop with the tool's result laid in; as it was where the agent would refuse the result."""
    request = _request(case, seed, steps)
    answer = tool.edit([request])[0]
    if not isinstance(answer, EditResult):
        raise StageError(ErrorCode.STAGE_FAILED, f"{tool.name} declined a validation crop ({answer}): train it longer")
    laid_in = usable(request, answer, tool.kind, MAX_SEAM, tool.native_size_px)
    if isinstance(laid_in, Unusable):
        return case.image
    blended = laid_in.blended
    return compose(case.image, blended.image, blended.alpha, (0, 0, case.image.shape[1], case.image.shape[0]))


def _request(case: Case, seed: int, steps: int) -> EditRequest:
    h, w = case.image.shape[:2]
    region = Region(id="r1", box_xyxy_px=(0, 0, w, h), mask_ref="m", detector="gate", evidence=1.0)
    diagnosis = Diagnosis(
        region_id="r1",
        distorted=True,
        category=None,
        description="",
        inconsistency="",
        instruction=case.instruction,
        confidence=1.0,
        source="gate",
    )
    return EditRequest(case.image, case.mask, (0, 0, w, h), region, diagnosis, case.instruction, seed, {"steps": steps})
