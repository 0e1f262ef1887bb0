"""The pictures of a report: the whole image before and after, overlays, and crops of each region, ready to embed.

Works on a finished job's images in the store. Nothing here is written back: what is embedded is for looking at, scaled
and compressed where the page would grow too large; the exact files lie beside the page.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import Job
from shared.contracts.values import Canvas, Patch, Region
from shared.geometry import Mask, box_area, expand, intersection, union
from shared.images import Gray, Rgb, compose, compose_canvas, decode_gray, decode_rgb, edited_mask, patch_pixels
from shared.ports import ImageStore

WEBP_QUALITY = 90
"""Above it files grow quickly and nobody sees a difference at the sizes shown."""

EDITED_RGBA = (13, 148, 136, 110)
HEAT_ALPHA = 190


@dataclass(frozen=True)
class Embedded:
    """A picture as a data URI, with its size as embedded, in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Sizes:
    """Longest sides in pixels that embedded pictures are scaled down to."""

    whole_px: int = 2048
    crop_px: int = 720

    def scaled(self, factor: float) -> "Sizes":
        """Both sides times `factor`, at least 160."""
        return Sizes(max(160, int(self.whole_px * factor)), max(160, int(self.crop_px * factor)))


class JobPictures:
    """A finished job's images, decoded once.

    Attributes:
        original, result: `(H, W, 3)` uint8 RGB.
        edited: `(H, W)` bool, True wherever a pixel may differ.
    """

    def __init__(self, job: Job, store: ImageStore) -> None:
        self._store = store
        canvas = job.result or Canvas(original_ref=job.input.original_ref)
        self.size_hw = job.input.size_hw
        self.original: Rgb = decode_rgb(store.get(job.input.original_ref))
        self.result: Rgb = compose_canvas(store, canvas)
        self.edited: Mask = edited_mask(store, canvas, job.input.size_hw)
        self._alpha: Gray | None = decode_gray(store.get(job.input.alpha_ref)) if job.input.alpha_ref else None
        heat_ref = job.artifacts.get("saliency/before.png")
        self.heat: Gray | None = decode_gray(store.get(heat_ref)) if heat_ref else None

    @property
    def edited_share(self) -> float:
        """Share of the image's pixels inside the edited masks, in [0, 1]."""
        return float(self.edited.mean())

    @property
    def changed_share(self) -> float:
        """Share of pixels that do differ, in [0, 1]."""
        return float((self.original != self.result).any(axis=2).mean())

    def whole(self, image: Rgb, sizes: Sizes) -> Embedded:
        """The whole image; with the input's alpha, if it had one."""
        pixels = image if self._alpha is None else np.dstack([image, self._alpha])
        return embed(pixels, sizes.whole_px)

    def edited_overlay(self, sizes: Sizes) -> Embedded | None:
        """A tint wherever a pixel may differ; None where nothing was edited."""
        if not self.edited.any():
            return None
        overlay = np.zeros((*self.edited.shape, 4), np.uint8)
        overlay[self.edited] = EDITED_RGBA
        return embed(overlay, sizes.whole_px)

    def heat_overlay(self, sizes: Sizes) -> Embedded | None:
        """How bad each place of the original looked, in colours that fade out where it is low; None without any."""
        if self.heat is None or not self.heat.any():
            return None
        colours = cv2.cvtColor(np.asarray(cv2.applyColorMap(self.heat, cv2.COLORMAP_INFERNO)), cv2.COLOR_BGR2RGB)
        alpha = (self.heat.astype(np.uint16) * HEAT_ALPHA // 255).astype(np.uint8)
        return embed(np.dstack([colours, alpha]).astype(np.uint8), sizes.whole_px)

    def view_box(self, region: Region, patches: Sequence[Patch]) -> BoxXYXY:
        """What a crop of the region shows: it, its line of text, its patches, and a little around them."""
        h, w = self.size_hw
        box = region.box_xyxy_px
        if region.reading is not None:
            xs = [x for x, _ in region.reading.line_quad_px]
            ys = [y for _, y in region.reading.line_quad_px]
            line = intersection((int(min(xs)), int(min(ys)), int(max(xs)) + 1, int(max(ys)) + 1), (0, 0, w, h))
            box = union(box, line) if box_area(line) else box
        for patch in patches:
            box = union(box, patch.box_xyxy_px)
        margin = max(16, round(0.45 * min(box[2] - box[0], box[3] - box[1])))
        return expand(box, margin, self.size_hw)

    def crop(self, image: Rgb, box: BoxXYXY, sizes: Sizes) -> Embedded:
        """The box's pixels."""
        return embed(image[box[1] : box[3], box[0] : box[2]], sizes.crop_px)

    def crop_of_try(self, patch: Patch, history: Sequence[Patch], box: BoxXYXY, sizes: Sizes) -> Embedded:
        """What a patch looked like, with the earlier ones that it was made on."""
        below = set(patch.base_patch_ids)
        image = self.original[box[1] : box[3], box[0] : box[2]]
        for layer in (*(earlier for earlier in history if earlier.id in below), patch):
            image = self._lay(image, layer, box)
        return embed(image, sizes.crop_px)

    def _lay(self, image: Rgb, patch: Patch, box: BoxXYXY) -> Rgb:
        """The patch's part inside `box`, over a crop at `box`."""
        common = intersection(patch.box_xyxy_px, box)
        if not box_area(common):
            return image
        pixels, alpha = patch_pixels(self._store, patch)
        px, py = patch.box_xyxy_px[:2]
        rows, columns = slice(common[1] - py, common[3] - py), slice(common[0] - px, common[2] - px)
        inside = (common[0] - box[0], common[1] - box[1], common[2] - box[0], common[3] - box[1])
        return compose(image, pixels[rows, columns], alpha[rows, columns], inside)


def embed(pixels: npt.NDArray[np.uint8], max_side_px: int) -> Embedded:
    """A WebP data URI of `(h, w, 3)` or `(h, w, 4)` uint8, scaled down to `max_side_px` where it is larger."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if max(image.size) > max_side_px:
        image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=WEBP_QUALITY, method=4)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Embedded(uri=f"data:image/webp;base64,{encoded}", width=image.width, height=image.height)
