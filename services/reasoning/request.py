"""Builds the question about each region: whole picture, prompt, its crop with an outline, its box.

The whole picture and all that stands before it are the same bytes for every region of an image, so that a server that
caches prefixes reads them once. Knows no server and no model. Pillow and numpy only: the worker is a light client.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from services.reasoning.backends.base import Picture, Question
from services.reasoning.prompts import Prompt, fill
from shared.contracts.base import BoxXYXY
from shared.contracts.values import Region
from shared.images import Gray, Rgb, encode_png

JPEG_QUALITY = 95
"""With full colour resolution: blemishes are small, and this leaves them; PNG would be ten times as large."""

LEAST_CONTEXT_PX = 16
OUTLINE_RGB = (0, 255, 0)


@dataclass(frozen=True)
class Marked:
    """A region and its mask: `(h, w)` uint8 of its box, 255 inside."""

    region: Region
    mask: Gray


def questions(prompt: Prompt, image: Rgb, image_prompt: str, places: Sequence[Marked]) -> tuple[Question, ...]:
    """One question for each region, in order.

    Args:
        prompt: the words and sizes.
        image: `(H, W, 3)` of the canvas to judge, unmarked.
        image_prompt: what the image was made from.
        places: the regions.
    """
    whole = whole_picture(image, prompt)
    height, width = whole.shape[:2]
    scale = _scale(image, prompt)
    picture = Picture(_jpeg(whole), "image/jpeg")
    words = fill(prompt.prompt, width=width, height=height, prompt=quoted(image_prompt))
    return tuple(
        Question(
            system=prompt.system.strip(),
            whole=picture,
            prompt=words,
            crop=Picture(encode_png(outlined_crop(image, place, prompt)), "image/png"),
            region=_region_words(prompt, place.region.box_xyxy_px, scale),
        )
        for place in places
    )


def quoted(image_prompt: str) -> str:
    """A JSON string without `<`: a prompt cannot end a model's turn, nor stand for a picture (`<|image_pad|>`)."""
    return json.dumps(image_prompt, ensure_ascii=False).replace("<", r"\u003c")


def whole_picture(image: Rgb, prompt: Prompt) -> Rgb:
    """What is shown of the whole picture: `(h, w, 3)` uint8, its longer side at most `prompt.whole_px`."""
    scale = _scale(image, prompt)
    if scale == 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def _scale(image: Rgb, prompt: Prompt) -> float:
    longest: int = max(image.shape[:2])
    return min(1.0, prompt.whole_px / longest)


def _jpeg(image: Rgb) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def _region_words(prompt: Prompt, box: BoxXYXY, scale: float) -> str:
    x0, y0, x1, y1 = (round(value * scale) for value in box)
    return fill(prompt.region, x0=x0, y0=y0, x1=x1, y1=y1)


def crop_box(box: BoxXYXY, context: float, size_hw: tuple[int, int]) -> BoxXYXY:
    """The region's box with what is shown around it, cut at the image's border."""
    x0, y0, x1, y1 = box
    margin = max(LEAST_CONTEXT_PX, round(context * max(x1 - x0, y1 - y0)))
    return max(0, x0 - margin), max(0, y0 - margin), min(size_hw[1], x1 + margin), min(size_hw[0], y1 + margin)


def outlined_crop(image: Rgb, place: Marked, prompt: Prompt) -> Rgb:
    """What is shown of a region: `(h, w, 3)` uint8, the longer side `prompt.crop_px`, with the region's outline."""
    x0, y0, x1, y1 = crop_box(place.region.box_xyxy_px, prompt.context, (image.shape[0], image.shape[1]))
    rx0, ry0, rx1, ry1 = place.region.box_xyxy_px
    inside = np.zeros((y1 - y0, x1 - x0), np.uint8)
    inside[ry0 - y0 : ry1 - y0, rx0 - x0 : rx1 - x0] = place.mask
    scale = prompt.crop_px / max(inside.shape)
    size = (max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale)))
    pixels = Image.fromarray(image[y0:y1, x0:x1]).resize(
        size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    )
    drawn = np.asarray(pixels).copy()
    drawn[_outline(Image.fromarray(inside).resize(size, Image.Resampling.NEAREST), prompt)] = OUTLINE_RGB
    return drawn


def _outline(inside: Image.Image, prompt: Prompt) -> npt.NDArray[np.bool_]:
    """A ring around the region that leaves a gap, so that nothing of it is covered."""
    mask = np.asarray(inside) > 127
    return _grown(mask, prompt.gap_px + prompt.line_px) & ~_grown(mask, prompt.gap_px)


def _grown(mask: npt.NDArray[np.bool_], reach: int) -> npt.NDArray[np.bool_]:
    """The mask grown by a square: first down the columns, then along the rows, which a square allows."""
    for axis in (0, 1):
        padding = [(reach, reach) if at == axis else (0, 0) for at in (0, 1)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(mask, padding), 2 * reach + 1, axis=axis)
        mask = np.asarray(windows.any(axis=-1), np.bool_)
    return mask
