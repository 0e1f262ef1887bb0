"""What the report page shows, as plain values: built from a job, its record and its pictures, read by the template.

Every text here is untrusted (prompt, words read in the image): it is data for an autoescaping template, never markup.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from services.report.pictures import Embedded, JobPictures, Sizes
from services.report.sentences import (
    Fate,
    category_words,
    fate_of,
    percent,
    region_title,
)
from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import Job, JobRecord, LoopPolicy
from shared.contracts.loop import Thresholds, least_detail
from shared.contracts.values import AppearanceCheck, Diagnosis, Evidence, Patch, Region, TextReading, Verdict
from shared.geometry import Mask


@dataclass(frozen=True)
class Measure:
    """One number of a patch's appearance, the limit it must keep, and whether it does."""

    name: str
    value: str
    limit: str
    kept: bool


@dataclass(frozen=True)
class TryView:
    """One repair: what was done and why, and the verdict on it; `crop` only where it was refused."""

    number: int
    tool: str
    reason: str
    seed: int
    settings: str
    verdict: Verdict | None
    measures: tuple[Measure, ...]
    crop: Embedded | None


@dataclass(frozen=True)
class Letters:
    """A stretch of a line of text, and whether it differs from the other line."""

    text: str
    differs: bool


@dataclass(frozen=True)
class RegionView:
    """One region with all that is known of it."""

    number: int
    region: Region
    title: str
    fate: Fate
    category: str
    diagnosis: Diagnosis | None
    before: Embedded
    after: Embedded
    changed: bool
    box: BoxXYXY
    evidence_before: float
    evidence_after: float | None
    kept: TryView | None
    refused: tuple[TryView, ...]
    declined: tuple[str, ...]
    outline: str
    reads: tuple[Letters, ...]
    should_read: tuple[Letters, ...] | None


@dataclass(frozen=True)
class Overview:
    """The whole image: before, after, and what may be laid over it; the slider starts at `start` percent."""

    before: Embedded
    after: Embedded
    edited: Embedded | None
    heat: Embedded | None
    width: int
    height: int
    edited_share: str
    changed_share: str
    start: int


def overview_of(pictures: JobPictures, sizes: Sizes) -> Overview:
    """The head of the page."""
    height, width = pictures.size_hw
    return Overview(
        before=pictures.whole(pictures.original, sizes),
        after=pictures.whole(pictures.result, sizes),
        edited=pictures.edited_overlay(sizes),
        heat=pictures.heat_overlay(sizes),
        width=width,
        height=height,
        edited_share=percent(pictures.edited_share),
        changed_share=percent(pictures.changed_share),
        start=_slider_start(pictures.edited),
    )


def _slider_start(edited: Mask) -> int:
    """Where half of what was edited lies on either side, in percent of the width; the middle where nothing was."""
    columns = np.cumsum(edited.sum(axis=0))
    if not columns[-1]:
        return 50
    return round(100 * int(np.searchsorted(columns, columns[-1] / 2)) / len(columns))


def regions_of(job: Job, record: JobRecord, pictures: JobPictures, sizes: Sizes) -> tuple[RegionView, ...]:
    """A view for each region of the record, in its order."""
    return tuple(
        _region_view(number, region, job, record, pictures, sizes) for number, region in enumerate(record.regions, 1)
    )


def _region_view(
    number: int, region: Region, job: Job, record: JobRecord, pictures: JobPictures, sizes: Sizes
) -> RegionView:
    patches = [patch for patch in record.patches if region.id in patch.region_ids]
    accepted = set(record.accepted_patch_ids)
    box = pictures.view_box(region, patches)
    tries = [
        _try_view(count, patch, region, job, None if patch.id in accepted else (pictures, box, sizes))
        for count, patch in enumerate(patches, 1)
    ]
    diagnosis = next((entry for entry in reversed(record.diagnoses) if entry.region_id == region.id), None)
    fate = fate_of(record, region.id)
    reads, should_read = _compared(region.reading)
    return RegionView(
        number=number,
        region=region,
        title=region_title(region),
        fate=fate,
        category=category_words(diagnosis.category if diagnosis else None),
        diagnosis=diagnosis,
        before=pictures.crop(pictures.original, box, sizes),
        after=pictures.crop(pictures.result, box, sizes),
        changed=fate is Fate.REPAIRED,
        box=box,
        evidence_before=_evidence(record.evidence_before, region, region.evidence) or 0.0,
        evidence_after=_evidence(record.evidence_after, region, None),
        kept=next((view for view, patch in zip(tries, patches, strict=True) if patch.id in accepted), None),
        refused=tuple(view for view, patch in zip(tries, patches, strict=True) if patch.id not in accepted),
        declined=tuple(dict.fromkeys(item.reason for item in record.declined if item.region_id == region.id)),
        outline=_outline(region),
        reads=reads,
        should_read=should_read,
    )


def _try_view(
    number: int, patch: Patch, region: Region, job: Job, refused_in: tuple[JobPictures, BoxXYXY, Sizes] | None
) -> TryView:
    verdict = next((v for v in job.verdicts if v.patch_id == patch.id and v.region_id == region.id), None)
    seen = next((one for one in job.perceptions if any(check.patch_id == patch.id for check in one.checks)), None)
    check = None if seen is None else next(check for check in seen.checks if check.patch_id == patch.id)
    limits = None if seen is None else seen.thresholds
    crop = None
    if refused_in is not None:
        pictures, box, sizes = refused_in
        crop = pictures.crop_of_try(patch, job.history, box, sizes)
    return TryView(
        number=number,
        tool=patch.tool,
        reason=patch.reason,
        seed=patch.seed,
        settings=json.dumps(patch.settings, ensure_ascii=False, indent=1, sort_keys=True),
        verdict=verdict,
        measures=_measures(check, job.policy, limits) if check is not None else (),
        crop=crop,
    )


def _measures(check: AppearanceCheck, policy: LoopPolicy, limits: Thresholds | None) -> tuple[Measure, ...]:
    """How the patch sits, and the verifier's opinion where it has one, with their limits."""
    min_repaired = None if limits is None else limits.min_repaired
    enough = least_detail(policy.min_detail_ratio, limits, check)
    verified = (
        Measure(
            name="Chance of being a repair",
            value=f"{check.repaired:.2f}",
            limit=f"at least {min_repaired:.2f}",
            kept=check.repaired >= min_repaired,
        )
        if check.repaired is not None and min_repaired is not None
        else None
    )
    return (
        *(() if verified is None else (verified,)),
        Measure(
            name="Detail, compared with its surroundings",
            value=f"{check.detail_ratio:.2f}",
            limit=f"at least {enough:g}",
            kept=check.detail_ratio >= enough,
        ),
        Measure(
            name="Colour drift (CIELAB)",
            value=f"{check.colour_shift:.1f}",
            limit=f"at most {policy.max_colour_shift:g}",
            kept=check.colour_shift <= policy.max_colour_shift,
        ),
        Measure(
            name="Seam",
            value=f"{check.seam:.2f}",
            limit=f"at most {policy.max_seam:g}; 1 is none",
            kept=check.seam <= policy.max_seam,
        ),
    )


def _evidence(entries: Sequence[Evidence], region: Region, default: float | None) -> float | None:
    """What the region's own detector said of it; the last entry counts."""
    value = default
    for entry in entries:
        if entry.region_id == region.id and entry.detector == region.detector:
            value = entry.value
    return value


def _compared(reading: TextReading | None) -> tuple[tuple[Letters, ...], tuple[Letters, ...] | None]:
    """The line as read and as it should be (None where nothing says so), each cut where the two differ."""
    if reading is None:
        return (), None
    read, wanted = reading.line_text, reading.line_expected
    if wanted is None:
        return ((Letters(read, differs=False),) if read else ()), None
    steps = SequenceMatcher(None, read, wanted, autojunk=False).get_opcodes()
    return (
        tuple(Letters(read[a:b], differs=step != "equal") for step, a, b, _, _ in steps if b > a),
        tuple(Letters(wanted[a:b], differs=step != "equal") for step, _, _, a, b in steps if b > a),
    )


def _outline(region: Region) -> str:
    """SVG polygon points in the image's pixels: the words' quadrilateral, or the box."""
    if region.reading is not None and region.reading.text:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in region.reading.quad_px)
    x0, y0, x1, y1 = region.box_xyxy_px
    return f"{x0},{y0} {x1},{y0} {x1},{y1} {x0},{y1}"
