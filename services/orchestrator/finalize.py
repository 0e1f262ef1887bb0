"""Composes a job's result and writes its artifacts: the picture, what may differ, each region's mask, heat maps.

Proves that nothing outside the edited mask has changed, or refuses to hand the result out. Knows pixels and the image
store; nothing of how the canvas came about.
"""

import numpy as np

from services.orchestrator.selection import own_evidence, perception_of
from shared.contracts.jobs import Job, Perception
from shared.contracts.loop import Finalize, Finalized
from shared.contracts.values import Canvas, Region
from shared.errors import ErrorCode, StageError
from shared.images import (
    Gray,
    Rgb,
    compose_canvas,
    decode_gray,
    decode_rgb,
    edited_mask,
    encode_png,
    largest_outside_difference,
)
from shared.ports import Clock, ImageStore

RESULT = "result.png"
EDITED_MASK = "edited_mask.png"
SALIENCY_BEFORE = "saliency/before.png"
SALIENCY_AFTER = "saliency/after.png"


class CanvasFinalizer:
    """The finalizer of every deployment; needs nothing but the image store."""

    def __init__(self, store: ImageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def finalize(self, job: Job, command: Finalize, dispatch: int) -> Finalized:
        """Writes the artifacts under `{job id}/s{step}-d{dispatch}/` and returns their refs by public name.

        - `result.png`: the canvas; RGBA with the input's own alpha where it had one.
        - `edited_mask.png`: `(H, W)` 8 bits, 255 wherever a pixel may differ from the original.
        - `masks/<region id>.png`: `(H, W)` 8 bits, 255 inside, for each region ever known.
        - `saliency/before.png`, `saliency/after.png`: `(H, W)` 8 bits, brighter is worse, of the original and of the
          result: see `_heat`.

        Raises:
            StageError: a pixel outside the edited mask differs from the original.
            NotFound: an image is gone from the store.
            Unavailable: the image store does not answer or is full.
        """
        started_s = self._clock.now_s()
        original = decode_rgb(self._store.get(command.canvas.original_ref))
        size_hw = (original.shape[0], original.shape[1])
        result = compose_canvas(self._store, command.canvas)
        edited = edited_mask(self._store, command.canvas, size_hw)
        difference = largest_outside_difference(original, result, edited)
        if difference:
            raise StageError(
                ErrorCode.STAGE_FAILED,
                f"the result differs from the original by {difference} outside the edited mask, so it is not given "
                "out: report this as a fault",
            )
        images: dict[str, bytes] = {
            RESULT: encode_png(self._with_alpha(job, result)),
            EDITED_MASK: encode_png(_as_gray(edited)),
            SALIENCY_BEFORE: encode_png(self._heat(job, _empty_canvas(command.canvas), size_hw)),
            SALIENCY_AFTER: encode_png(self._heat(job, command.canvas, size_hw)),
        }
        for region in job.known:
            images[f"masks/{region.id}.png"] = encode_png(self._full_mask(region, size_hw))
        folder = f"{job.id}/s{command.step}-d{dispatch}"
        artifacts = {name: self._store.put(f"{folder}/{name}", data) for name, data in images.items()}
        now_s = self._clock.now_s()
        return Finalized(
            step=command.step,
            at_s=now_s,
            elapsed_s=max(0.0, now_s - started_s),
            artifacts=artifacts,
            largest_outside_difference=difference,
        )

    def _with_alpha(self, job: Job, result: Rgb) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """`(H, W, 3)`, or `(H, W, 4)` where the input had an alpha."""
        if job.input.alpha_ref is None:
            return result
        alpha = decode_gray(self._store.get(job.input.alpha_ref))
        return np.dstack([result, alpha])

    def _full_mask(self, region: Region, size_hw: tuple[int, int]) -> Gray:
        """The region's mask in the picture's frame: `(H, W)` uint8, 255 inside."""
        full = np.zeros(size_hw, np.uint8)
        x0, y0, x1, y1 = region.box_xyxy_px
        full[y0:y1, x0:x1] = _as_gray(decode_gray(self._store.get(region.mask_ref)) > 127)
        return full

    def _heat(self, job: Job, canvas: Canvas, size_hw: tuple[int, int]) -> Gray:
        """How bad each pixel of a perceived canvas looked: `(H, W)` uint8, 255 is the worst.

        With a saliency detector it is that detector's map. Without one there is no map to show: each region's mask is
        filled with its own detector's evidence on that canvas, and where masks overlap the worst shows.
        """
        perception = perception_of(job, canvas)
        if perception.saliency_ref is not None:
            return decode_gray(self._store.get(perception.saliency_ref))
        return self._evidence_map(perception, job.known, size_hw)

    def _evidence_map(self, perception: Perception, known: tuple[Region, ...], size_hw: tuple[int, int]) -> Gray:
        own = own_evidence(perception, known)
        heat = np.zeros(size_hw, np.uint8)
        for region in known:
            level = np.uint8(round(255 * own.get(region.id, 0.0)))
            inside = self._full_mask(region, size_hw) > 0
            heat[inside] = np.maximum(heat[inside], level)
        return heat


def _as_gray(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Gray:
    return mask.astype(np.uint8) * np.uint8(255)


def _empty_canvas(canvas: Canvas) -> Canvas:
    return Canvas(original_ref=canvas.original_ref)
