"""A contact sheet: each sample with its masks beside it and a caption, to be looked at by people."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from services.datasets.benchmark.sample import Sample
from shared.fonts import FOLDER
from shared.images import Rgb

_CAPTION_PX = 18
_COLOURS = ((255, 74, 46), (255, 196, 46), (64, 224, 120), (70, 170, 255), (232, 96, 240))
"""Of the visible blemishes, in turn."""
_REPAIR = (88, 88, 168)


def contact_sheet(samples: Sequence[Sample], columns: int = 3, tile_px: int = 256) -> Rgb:
    """`(H, W, 3)` uint8: tiles of picture and masks, row by row, the last row filled up with white."""
    tiles = [_tile(sample, tile_px) for sample in samples]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def _tile(sample: Sample, tile_px: int) -> npt.NDArray[np.uint8]:
    marked = sample.image // 3
    for region in sample.regions:
        marked[region.repair] = (marked[region.repair] // 2 + np.array(_REPAIR, np.uint8) // 2).astype(np.uint8)
    for number, region in enumerate(sample.regions):
        marked[region.visible] = _COLOURS[number % len(_COLOURS)]
    pair = Image.fromarray(np.hstack([sample.image, marked])).resize((2 * tile_px, tile_px), Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (2 * tile_px + 6, tile_px + _CAPTION_PX + 6), "white")
    tile.paste(pair, (3, _CAPTION_PX))
    kinds = ", ".join(f"{r.category.value.replace('_', ' ')}: {r.kind}" for r in sample.regions) or "healthy"
    font = ImageFont.truetype(FOLDER / "Roboto-Regular.ttf", 12)
    ImageDraw.Draw(tile).text((4, 2), kinds[: tile_px // 3], fill="black", font=font)
    return np.asarray(tile)
