"""A finished job made by hand: one region repaired at the second try, one refused, one declined, one missing word."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from shared.contracts.base import BoxXYXY, QuadXY
from shared.contracts.categories import Category
from shared.contracts.jobs import (
    InputInfo,
    Iteration,
    Job,
    JobOptions,
    JobRecord,
    Outcome,
    Perception,
    Scores,
    Status,
    StopReason,
    Timing,
)
from shared.contracts.loop import Declined
from shared.contracts.values import (
    AppearanceCheck,
    Canvas,
    Diagnosis,
    Evidence,
    Patch,
    Region,
    TextFault,
    TextReading,
    Verdict,
)
from shared.images import Rgb, encode_png

SIZE_HW = (480, 640)
PROMPT = 'A café at dusk with a sign that says "FRESH COFFEE"; a chalkboard <script>alert(1)</script> & more'


@dataclass
class DictStore:
    """An image store of one test."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, ref: str, data: bytes) -> str:
        self.objects[ref] = data
        return ref

    def get(self, ref: str) -> bytes:
        return self.objects[ref]

    def refs(self, prefix: str) -> list[str]:
        return sorted(ref for ref in self.objects if ref.startswith(prefix))

    def delete(self, prefix: str) -> int:
        gone = self.refs(prefix)
        for ref in gone:
            del self.objects[ref]
        return len(gone)


@dataclass
class FinishedJob:
    """The job, its record, and the store that holds its images."""

    job: Job
    record: JobRecord
    store: DictStore


def scene(words: str) -> Rgb:
    """A drawn shop front with words on a board."""
    h, w = SIZE_HW
    shade = np.linspace(60, 150, h)[:, None] + np.linspace(0, 40, w)[None, :]
    pixels = np.stack([shade, shade * 0.9, shade * 0.75], axis=2)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.rectangle((120, 90, 520, 190), fill=(244, 238, 220))
    draw.text((320, 140), words, fill=(60, 30, 20), anchor="mm", font=ImageFont.load_default(52))
    draw.rectangle((60, 300, 300, 420), fill=(30, 40, 36))
    draw.text((180, 350), "SCONEZ", fill=(230, 230, 225), anchor="mm", font=ImageFont.load_default(36))
    return np.asarray(image)


def quad(box: BoxXYXY) -> QuadXY:
    x0, y0, x1, y1 = (float(v) for v in box)
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def region(store: DictStore, number: int, box: BoxXYXY, reading: TextReading | None, evidence: float) -> Region:
    mask = np.full((box[3] - box[1], box[2] - box[0]), 255, np.uint8)
    ref = store.put(f"job_x/s1/r{number}.mask.png", encode_png(mask))
    return Region(id=f"r{number}", box_xyxy_px=box, mask_ref=ref, detector="text", evidence=evidence, reading=reading)


def reading(
    text: str, expected: str | None, line: str, line_expected: str | None, box: BoxXYXY, fault: TextFault
) -> TextReading:
    return TextReading(
        text=text,
        expected=expected,
        fault=fault,
        confidence=0.93,
        quad_px=quad(box),
        line_text=line,
        line_expected=line_expected,
        line_quad_px=quad(box),
    )


def patch(store: DictStore, name: str, region_id: str, box: BoxXYXY, pixels: Rgb, seed: int, reason: str) -> Patch:
    x0, y0, x1, y1 = box
    alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
    alpha[2:-2, 2:-2] = 255
    return Patch(
        id=name,
        region_ids=(region_id,),
        tool="retype",
        box_xyxy_px=box,
        image_ref=store.put(f"job_x/{name}.png", encode_png(pixels[y0:y1, x0:x1].copy())),
        alpha_ref=store.put(f"job_x/{name}.alpha.png", encode_png(alpha)),
        seed=seed,
        settings={"font": "Oswald-SemiBold", "extent": "line"},
        reason=reason,
    )


@pytest.fixture(scope="module")
def finished() -> FinishedJob:
    store = DictStore()
    original, wanted = scene("FRESH COFFE"), scene("FRESH COFFEE")
    blurred = np.asarray(Image.fromarray(wanted).resize((64, 48)).resize((640, 480)))
    store.put("job_x/original.png", encode_png(original))
    sign, board, empty = (140, 110, 500, 172), (95, 325, 265, 378), (330, 300, 560, 360)
    regions = (
        region(
            store, 1, sign, reading("COFFE", "COFFEE", "FRESH COFFE", "FRESH COFFEE", sign, TextFault.MISSPELT), 0.71
        ),
        region(store, 2, board, reading("SCONEZ", "SCONES", "SCONEZ", "SCONES", board, TextFault.MISSPELT), 0.55),
        region(store, 3, empty, reading("", "<b>OPEN</b>", "", "<b>OPEN</b>", empty, TextFault.MISSING), 0.9),
    )
    first = patch(store, "p1", "r1", sign, blurred, 11, "The words are misspelt and lie flat, so they are set anew.")
    second = patch(store, "p2", "r1", sign, wanted, 12, "A second try with another seed and the next likely font.")
    third = patch(store, "p3", "r2", board, blurred, 13, "The words are misspelt and lie flat, so they are set anew.")
    diagnoses = tuple(
        Diagnosis(
            region_id=entry.id,
            distorted=True,
            category=Category.TEXT,
            description=f"It reads {entry.reading.line_text!r}." if entry.reading else "",
            inconsistency="The prompt asks for other words.",
            instruction="Set the words as the prompt has them.",
            confidence=0.93,
            source="detector:text",
        )
        for entry in regions
    )
    verdicts = (
        Verdict(
            patch_id="p1",
            region_id="r1",
            evidence_before=0.71,
            evidence_after=0.6,
            rejudged=None,
            accepted=False,
            reason="It is smeared: its detail is 0.12 of its surroundings, below 0.35.",
        ),
        Verdict(
            patch_id="p3",
            region_id="r2",
            evidence_before=0.55,
            evidence_after=0.55,
            rejudged=None,
            accepted=False,
            reason="It reads no better than before, so the original stays.",
        ),
        Verdict(
            patch_id="p2",
            region_id="r1",
            evidence_before=0.71,
            evidence_after=0.02,
            rejudged=None,
            accepted=True,
            reason="It now reads as it should, and sits well in its surroundings.",
        ),
    )
    checks = (
        AppearanceCheck(patch_id="p1", detail_ratio=0.12, colour_shift=3.2, seam=1.1),
        AppearanceCheck(patch_id="p2", detail_ratio=0.93, colour_shift=1.4, seam=1.02),
        AppearanceCheck(patch_id="p3", detail_ratio=0.2, colour_shift=14.0, seam=1.6),
    )
    before = tuple(Evidence(region_id=entry.id, detector="text", value=entry.evidence) for entry in regions)
    after = tuple(
        Evidence(region_id=entry.id, detector="text", value=0.02 if entry.id == "r1" else entry.evidence)
        for entry in regions
    )
    declined = (Declined(region_id="r3", reason="Nothing shows where the missing word ought to stand."),)
    canvas = Canvas(original_ref="job_x/original.png")
    result = canvas.with_patches((second,))
    common = {
        "id": "job_x",
        "status": Status.SUCCEEDED,
        "outcome": Outcome.IMPROVED,
        "stop_reason": StopReason.TRIES_SPENT,
        "input": InputInfo(
            original_ref="job_x/original.png", size_hw=SIZE_HW, format="PNG", sha256="0" * 64, prompt=PROMPT
        ),
        "options": JobOptions(seed=7, expected_text=("FRESH COFFEE", "<b>OPEN</b>")),
        "profile": "tiny",
        "created_at_s": 1_790_000_000.0,
        "started_at_s": 1_790_000_000.0,
        "finished_at_s": 1_790_000_003.0,
        "diagnoses": diagnoses,
        "declined": declined,
        "verdicts": verdicts,
        "iterations": (
            Iteration(number=1, attempted_region_ids=("r1", "r2"), patch_ids=("p1", "p3"), declined=declined),
            Iteration(number=2, attempted_region_ids=("r1",), patch_ids=("p2",), accepted_patch_ids=("p2",)),
        ),
        "timings": (
            Timing(step=1, stage="perceive", seconds=0.61),
            Timing(step=2, stage="diagnose", seconds=0.01),
            Timing(step=3, stage="retouch", seconds=1.32),
            Timing(step=4, stage="perceive", seconds=0.55),
            Timing(step=5, stage="finalize", seconds=0.12),
        ),
        "artifacts": {"result.png": "job_x/result.png"},
        "largest_outside_difference": 0,
        "error": None,
        "warnings": ("No place was found for the word “<b>OPEN</b>”.",),
    }
    job = Job(
        **common,
        canvas=result,
        result=result,
        known=regions,
        history=(first, third, second),
        perceptions=(
            Perception(canvas=canvas, regions=regions, evidence=before),
            Perception(canvas=result, regions=regions[1:], evidence=after, checks=checks),
        ),
    )
    record = JobRecord(
        **common,
        regions=regions,
        patches=job.history,
        accepted_patch_ids=("p2",),
        evidence_before=before,
        evidence_after=after,
        scores=Scores(before=2.16, after=1.47),
        in_domain=True,
    )
    return FinishedJob(job=job, record=record, store=store)
