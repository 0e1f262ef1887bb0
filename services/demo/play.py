"""One picture through the product, and what must come of it: a demo that goes wrong fails, loudly.

Knows nothing of where the picture comes from.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from services.evaluation.retouch.fidelity import psnr
from services.local import Local
from services.report.folder import write_output_folder
from shared.contracts.jobs import JobOptions, JobRecord, Outcome
from shared.geometry import Mask
from shared.images import Rgb, decode_rgb, encode_png


@dataclass(frozen=True)
class Play:
    """One picture of the demo.

    Attributes:
        folder: the output folder's name.
        story: what is wrong with it, for the reader.
        credit: where it comes from.
        image: `(H, W, 3)` uint8 RGB.
        prompt: what it was asked to show.
        outcome: what must come of it; None where whatever the loop says is told.
        options: what the caller chose.
        marked: `(H, W)` bool, what the caller marks; None for nothing.
        twin: the same without its flaw, where that is known; a result is then told to be nearer to it or farther away.
    """

    folder: str
    story: str
    credit: str
    image: Rgb
    prompt: str
    outcome: Outcome | None
    options: JobOptions = JobOptions()
    marked: Mask | None = None
    twin: Rgb | None = None


def perform(local: Local, play: Play, out_dir: Path, console: Console) -> str | None:
    """Runs it and writes its folder below `out_dir`; a sentence where it did not come out as it must.

    Raises:
        BadInput: the folder cannot be written.
    """
    console.print(f"\n{play.folder}: {play.story}", markup=False)
    console.print(f"  {play.credit}", markup=False)
    marked = None if play.marked is None else encode_png(play.marked.astype(np.uint8) * np.uint8(255))
    job_id = local.submit(encode_png(play.image), play.prompt, play.options, regions=marked)
    local.run(job_id)
    record = local.record(job_id)
    if "result.png" not in record.artifacts:
        return f"{play.folder} ended {record.status} ({record.error.message if record.error else 'no result'})"
    folder = out_dir / play.folder
    write_output_folder(local, job_id, folder, overwrite=True)
    for sentence in (
        *_told(record),
        *_looked(local, record, folder),
        *_judged(record),
        *_compared(local, play, record),
    ):
        console.print(f"  {sentence}", markup=False)
    console.print(f"  report: {folder / 'report.html'}", markup=False)
    return _fault(local, play, record)


def _fault(local: Local, play: Play, record: JobRecord) -> str | None:
    if play.outcome is not None and record.outcome is not play.outcome:
        return f"{play.folder} came out as {record.outcome}, not {play.outcome}"
    if record.largest_outside_difference != 0:
        return f"{play.folder} changed pixels outside its masks"
    before = decode_rgb(local.store.get(record.input.original_ref))
    after = decode_rgb(local.artifact(record.id, "result.png"))
    untouched = not record.accepted_patch_ids
    if np.array_equal(before, after) is not untouched:
        return f"{play.folder} was {'changed' if untouched else 'left as it was'}"
    return None


def _told(record: JobRecord) -> list[str]:
    """What was seen and done, in plain words."""
    seen = [
        f"saw: {region.reading.fault}, reads {region.reading.text!r}, should read {region.reading.expected!r}"
        if region.reading is not None
        else f"saw: a {region.detector} region at {list(region.box_xyxy_px)}, evidence {region.evidence:.2f}"
        for region in record.regions
    ]
    kept = [patch for patch in record.patches if patch.id in record.accepted_patch_ids]
    seconds = sum(timing.seconds for timing in record.timings)
    outside = record.largest_outside_difference
    return [
        *seen,
        *(f"did: {patch.tool}; {patch.reason}" for patch in kept),
        f"outcome: {record.outcome} in {seconds:.1f} s; largest difference outside the masks: {outside}",
    ]


def _looked(local: Local, record: JobRecord, folder: Path) -> list[str]:
    """Where heat map and masks lie, and what the saliency checkpoint made of the picture; nothing without one."""
    first = next(iter(local.jobs.load(record.id).job.perceptions), None)
    if first is None or first.saliency_peak is None or first.any_distortion is None:
        return []
    said = f"heat map: peak {first.saliency_peak:.2f}, any distortion {first.any_distortion:.2f}"
    if first.thresholds is not None:
        said += f" (edited from {first.thresholds.tau_s:.2f} and {first.thresholds.tau_any:.2f} on)"
    if not first.in_domain:
        said += "; the checkpoint does not know images like this one"
    masks = sorted(name for name in record.artifacts if name.startswith("masks/"))
    return [f"{said}: {folder / 'saliency' / 'before.png'}", *(f"mask: {folder / name}" for name in masks)]


def _judged(record: JobRecord) -> list[str]:
    """What was declined or refused, and why."""
    told = [f"declined: {one.reason}" for one in record.declined]
    told += [f"refused: {verdict.reason}" for verdict in record.verdicts if not verdict.accepted]
    told += [f"says: {warning}" for warning in record.warnings]
    return list(dict.fromkeys(told))


def _compared(local: Local, play: Play, record: JobRecord) -> list[str]:
    """What the truth says of an edit, whatever the loop says of it; nothing where none was made, or none is known."""
    if play.twin is None or not record.accepted_patch_ids:
        return []
    before = psnr(play.image, play.twin)
    after = psnr(decode_rgb(local.artifact(record.id, "result.png")), play.twin)
    said = "nearer to" if after > before else "farther from"
    verdict = "" if after > before else ", so that this is no repair, whatever the loop says"
    return [f"in truth: {said} the scene without the flaw{verdict} (PSNR {before:.1f} dB before, {after:.1f} after)"]
