"""A crop shown to a tool as in a mirror: an editor that has one answer to a crop, whatever its seed, has another to it.

What is drawn is turned back before anybody looks at it, so that only the tool sees the mirror image.
"""

import re
from dataclasses import replace
from typing import TypeVar

import numpy as np

from services.action.tools.base import EditRequest, EditResult
from shared.geometry import Mask
from shared.images import Gray, Rgb

Pixels = TypeVar("Pixels", Rgb, Gray, Mask)

MIRRORED = "mirrored"
"""The setting of a plan that does so."""

_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


def names_a_side(words: str) -> bool:
    """Whether the words may speak of left or right, which a mirror exchanges; `right` may mean correct, too."""
    return _SIDES.search(words) is not None


def mirrored(request: EditRequest) -> EditRequest:
    """The request with crop and mask turned about their vertical middle; the region stays in the canvas' frame."""
    return replace(request, crop=_turned(request.crop), mask=_turned(request.mask))


def turned_back(result: EditResult) -> EditResult:
    """The answer to `mirrored` as the picture has it. Arrays that are no pictures stay: whoever uses them says so."""
    return replace(result, image=_turned(result.image), alpha=_turned(result.alpha))


def _turned(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1]) if pixels.ndim > 1 else pixels
