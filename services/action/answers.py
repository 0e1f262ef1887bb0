"""Makes a patch of what a tool answered, or says in a sentence why none can be made of it.

An answer is held against its contract (size, numbers), an instruction editor's is laid over the crop first, all are
blended, and one whose border would still show is refused.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from services.action.blend import Blended, blend, has_own_matte
from services.action.detail import with_own_detail
from services.action.registration import NotRegistered, register
from services.action.tools.base import EditRequest, EditResult, ToolKind
from shared.images import Rgb


@dataclass(frozen=True)
class Unusable:
    """Why an answer makes no patch; `by_chance` where another seed may well do better."""

    reason: str
    by_chance: bool = False


@dataclass(frozen=True)
class Usable:
    """A patch's pixels in the crop, and what was done to make them, for the record."""

    blended: Blended
    settings: dict[str, JsonValue]


def usable(
    request: EditRequest, answer: EditResult, kind: ToolKind, max_seam: float, side_px: int | None = None
) -> Usable | Unusable:
    """The patch in the answer.

    Args:
        request: what the tool was sent.
        answer: what it returned.
        kind: of the tool; only an instruction editor's picture may have another size, and is moved.
        side_px: of the square that the tool saw the crop in; None where it saw it at its own size.
        max_seam: the most that a border may show, as `shared.appearance.seam_measure` has it.
    """
    fault = _fault(request, answer, kind)
    if fault is not None:
        return fault
    result, settings = answer, {}
    if kind is ToolKind.INSTRUCTION and not has_own_matte(answer.alpha, request.mask):
        laid = register(request.crop, answer.image, request.mask)
        if isinstance(laid, NotRegistered):
            return Unusable(laid.reason, by_chance=True)
        detailed = with_own_detail(
            request.crop, laid.image, request.mask, side_px or max(answer.image.shape), request.seed
        )
        result = EditResult(detailed.image, answer.alpha, answer.settings, answer.notes)
        settings = {
            **_registration(laid.shift_xy_px, laid.zoom_xy, laid.agreement),
            "edited_share": round(detailed.edited_share, 3),
            "grain": round(detailed.grain, 2),
        }
    blended = blend(request.crop, result, request.mask)
    if not (blended.alpha > 0).any():
        return Unusable("it changed nothing")
    if blended.method != "matte" and blended.seam > max_seam:
        reason = f"its border still shows after blending: a seam of {blended.seam:.1f}, more than {max_seam:.1f}"
        return Unusable(reason, by_chance=True)
    return Usable(blended, {**settings, "blend": blended.method, "seam": round(blended.seam, 3)})


def _fault(request: EditRequest, answer: EditResult, kind: ToolKind) -> Unusable | None:
    """What is wrong with the arrays, whatever their type says: they come out of models and over the network."""
    image: Rgb = answer.image
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        return Unusable(f"it answered an array of shape {image.shape}, which is no picture")
    if image.dtype != np.uint8:
        finite = bool(np.isfinite(image).all())
        return Unusable("it answered pixels that are no numbers" if not finite else f"it answered {image.dtype} pixels")
    if answer.alpha.shape != request.mask.shape:
        return Unusable(f"it answered an alpha of {_size(answer.alpha.shape)} for {_size(request.mask.shape)}")
    if kind is ToolKind.MASK and image.shape != request.crop.shape:
        return Unusable(f"it answered a picture of {_size(image.shape)} for a crop of {_size(request.crop.shape)}")
    return None


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}" if len(shape) > 1 else str(shape)


def _registration(shift: tuple[float, float], zoom: tuple[float, float], agreement: float) -> dict[str, JsonValue]:
    return {
        "registered_shift_px": [round(value, 2) for value in shift],
        "registered_zoom": [round(value, 4) for value in zoom],
        "registered_agreement": round(agreement, 3),
    }
