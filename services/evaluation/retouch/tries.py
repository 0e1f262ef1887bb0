"""Collects tries at known flaws: what the product's tools make of them, and what no repair is.

The loop runs on each picture with its gates open and refuses every patch, so that all tries of all regions are made on
the picture as it was. Beside them stand the clean twin's pixels and the sabotage of the sabotage table. Each is
labelled by the table's own measure of a repair. The verifier learns from them.
"""

from dataclasses import dataclass

import numpy as np

from services.datasets.tries import TriedImage, Try
from services.evaluation.retouch.fidelity import REPAIRED_GAIN_DB, is_repaired, place_fidelity
from services.evaluation.retouch.pictures import Picture
from services.evaluation.retouch.sabotage import Bad, Scrap, deletion_is_right, sabotaged_pixels, stand_at
from services.evaluation.sabotage import Order, answer, ungated
from services.local import Local
from services.orchestrator.loop import advance, begin
from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import Job, JobOptions
from shared.contracts.loop import Diagnose, Event, Perceive, Perceived, Retouch
from shared.contracts.values import Patch
from shared.images import Gray, Rgb, compose, decode_gray, decode_rgb, encode_png

ATTEMPT = "attempt"


@dataclass(frozen=True)
class _Worth:
    right: bool
    gain_db: float | None


def tries_at(local: Local, picture: Picture, scrap: Scrap | None, seed: int) -> TriedImage:
    """Every try at the picture.

    Args:
        local: whose agents are asked; its profile says how many tries a region has.
        picture: with its clean twin, or healthy.
        scrap: another picture's blemish, to paste; None leaves that kind out.
        seed: of the job.
    """
    refused = _refused(local, encode_png(picture.image), picture.prompt, seed)
    tries = [_attempt(local, picture, refused.job, patch) for patch in refused.job.history]
    if refused.order is not None:
        tries += _stood_in(picture, refused.order, scrap)
    local.store.delete(f"{refused.job.id}/")
    return TriedImage(picture.file, picture.image, picture.prompt, picture.healthy, tuple(tries))


@dataclass(frozen=True)
class _Refused:
    """A job all of whose patches were refused, and its first order to repair, if there was any."""

    job: Job
    order: Order | None


def _refused(local: Local, png: bytes, prompt: str, seed: int) -> _Refused:
    job_id = local.submit(png, prompt, JobOptions(seed=seed))
    job = begin(local.jobs.load(job_id).job, local.clock.now_s()).job
    seen: Perceived | None = None
    order: Order | None = None
    while isinstance(job.pending, Perceive | Diagnose | Retouch):
        command = job.pending
        if isinstance(command, Retouch):
            order = order or Order(job, command)
            event: Event = local.agents.action.retouch(job, command, local.jobs.next_dispatch(job.id))
        elif isinstance(command, Diagnose):
            event = answer(local, job, command)
        else:
            # Seen as it was, whatever a patch did: no evidence falls, and every patch is refused.
            if seen is None:
                dispatch = local.jobs.next_dispatch(job.id)
                seen = ungated(local.agents.perception.perceive(job, command, dispatch))
            event = seen.model_copy(update={"step": command.step, "at_s": local.clock.now_s()})
        job = advance(job, event).job
    return _Refused(job, order)


def _attempt(local: Local, picture: Picture, job: Job, patch: Patch) -> Try:
    pixels, alpha = decode_rgb(local.store.get(patch.image_ref)), decode_gray(local.store.get(patch.alpha_ref))
    region = next(region for region in job.known if region.id == patch.region_ids[0])
    worth = _worth(picture, patch.box_xyxy_px, pixels, alpha)
    return Try(ATTEMPT, patch.tool, patch.box_xyxy_px, region.box_xyxy_px, pixels, alpha, worth.right, worth.gain_db)


def _stood_in(picture: Picture, order: Order, scrap: Scrap | None) -> list[Try]:
    """The twin and the sabotage at the first blemish that the product orders to be repaired."""
    for blemish in picture.blemishes:
        stand = stand_at(picture, blemish, order)
        if stand is None:
            continue
        alpha = stand.mask.astype(np.uint8) * np.uint8(255)
        region = next(target.region for target in order.command.targets if target.region.id in stand.region_ids)
        tries = []
        for kind in Bad:
            pixels = sabotaged_pixels(picture, stand, kind, scrap)
            if pixels is None:
                continue
            right = kind is Bad.TWIN or (kind is Bad.DELETED and deletion_is_right(picture, blemish, stand, pixels))
            gain = _worth(picture, stand.box, pixels, alpha).gain_db
            tries.append(Try(kind, "sabotage", stand.box, region.box_xyxy_px, pixels, alpha, right, gain))
        return tries
    return []


def _worth(picture: Picture, box: BoxXYXY, pixels: Rgb, alpha: Gray) -> _Worth:
    """Of a patch alone: it is right where it repairs one flaw that it touches and makes none worse."""
    if picture.clean is None or not picture.blemishes:
        return _Worth(False, None)
    patched = compose(picture.image, pixels, alpha, box)
    changed = np.zeros(picture.image.shape[:2], np.bool_)
    changed[box[1] : box[3], box[0] : box[2]] = alpha > 0
    gains: list[float] = []
    repaired: list[bool] = []
    for blemish in picture.blemishes:
        if (blemish.repair & changed).any():
            before = place_fidelity(picture.image, picture.clean, blemish.repair)
            after = place_fidelity(patched, picture.clean, blemish.repair)
            gains.append(after.psnr - before.psnr)
            repaired.append(is_repaired(before, after))
    if not gains:
        return _Worth(False, None)
    return _Worth(any(repaired) and min(gains) > -REPAIRED_GAIN_DB, max(gains))
