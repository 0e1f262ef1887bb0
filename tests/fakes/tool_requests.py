"""Requests as a tool gets them, over a drawn crop."""

import numpy as np
from fakes.agents import diagnosis

from services.action.tools.base import EditRequest
from shared.contracts.values import Region, TextReading
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


def a_text_request(image: Rgb, mask: np.ndarray, reading: TextReading, **settings: str | int) -> EditRequest:
    """About words on the whole of an image."""
    h, w = image.shape[:2]
    region = Region(id="r1", box_xyxy_px=(0, 0, w, h), mask_ref="m", detector="text", evidence=0.9, reading=reading)
    return EditRequest(image, mask > 0, (0, 0, w, h), region, diagnosis("r1"), "", 5, dict(settings))
