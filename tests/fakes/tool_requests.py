"""Requests as a tool gets them, over a drawn crop."""

import cv2
import numpy as np
from fakes.agents import diagnosis

from services.action.tools.base import EditRequest
from shared.contracts.base import QuadXY
from shared.contracts.values import Region, TextFault, TextReading
from shared.images import Rgb


def a_crop(size_hw: tuple[int, int] = (64, 64), shift: int = 0) -> np.ndarray:
    """`(h, w, 3)`: a gradient with a dark square."""
    h, w = size_hw
    y, x = np.mgrid[0:h, 0:w]
    crop = np.stack([60 + 120 * y / h + shift, 60 + 120 * x / w, np.full((h, w), 120)], axis=2).astype(np.uint8)
    crop[h // 3 : h // 2 + 1, w // 3 : w // 2 + 1] = 20
    return crop


def a_mask(size_hw: tuple[int, int] = (64, 64)) -> np.ndarray:
    h, w = size_hw
    mask = np.zeros(size_hw, np.bool_)
    mask[h // 4 : 3 * h // 4 + 1, w // 4 : 3 * w // 4 + 1] = True
    return mask


def a_request(
    seed: int = 1,
    size_hw: tuple[int, int] = (64, 64),
    instruction: str = "repair the hand",
    mask: np.ndarray | None = None,
    crop: np.ndarray | None = None,
    negative: str = "",
    **settings: float | str,
) -> EditRequest:
    crop = a_crop(size_hw) if crop is None else crop
    h, w = crop.shape[:2]
    return EditRequest(
        crop=crop,
        mask=a_mask((h, w)) if mask is None else mask,
        crop_box_xyxy_px=(0, 0, w, h),
        region=Region(id="r1", box_xyxy_px=(0, 0, w, h), mask_ref="m", detector="d", evidence=0.5),
        diagnosis=diagnosis("r1"),
        instruction=instruction,
        seed=seed,
        settings=dict(settings),
        negative=negative,
    )


def a_reading(
    quad: QuadXY, text: str, expected: str | None, fault: TextFault, line: tuple[QuadXY, str, str | None] | None = None
) -> TextReading:
    """Of a word at the quad in a line, or of one that stands alone."""
    line_quad, line_text, line_expected = line or (quad, text, expected)
    return TextReading(
        text=text,
        expected=expected,
        fault=fault,
        confidence=0.9,
        quad_px=quad,
        line_text=line_text,
        line_expected=line_expected,
        line_quad_px=line_quad,
    )


def a_line_request(
    image: Rgb, quad: QuadXY, text: str, expected: str, fault: TextFault = TextFault.MISSPELT, grow: int = 6
) -> EditRequest:
    """To set a line anew that stands alone in the quad, with so many pixels around it that may change."""
    reading = a_reading(quad, text, expected, fault)
    return a_text_request(image, a_mask_around(quad, image.shape[:2], grow), reading, extent="line")


def a_mask_around(quad: QuadXY, size_hw: tuple[int, ...], grow: int) -> np.ndarray:
    mask = np.zeros(size_hw, np.uint8)
    cv2.fillConvexPoly(mask, np.round(np.array(quad)).astype(np.int32), 1)
    return cv2.dilate(mask, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8))


def a_text_request(image: Rgb, mask: np.ndarray, reading: TextReading, **settings: str | int) -> EditRequest:
    """About words on the whole of an image."""
    h, w = image.shape[:2]
    region = Region(id="r1", box_xyxy_px=(0, 0, w, h), mask_ref="m", detector="text", evidence=0.9, reading=reading)
    return EditRequest(image, mask > 0, (0, 0, w, h), region, diagnosis("r1"), "", 5, dict(settings))
