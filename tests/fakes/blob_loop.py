"""A loop for the red squares of `fakes.blobs`: a detector that sees red, a tool that paints noise, and their folder.

The detector and the tool are made by hand; perception agent, loop, verification and finalizer are the product's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from fakes.blobs import BlobSource

from services.action.tools.base import EditRequest, EditResult, Tool, ToolDeclined, ToolKind
from services.datasets.schema import METADATA, BlemishRecord, QualityScores, RegionTruth, row
from services.local import Agents, Local
from services.perception.agent import PerceptionAgent
from services.perception.detectors.base import Detection, Finding, Scene
from services.reasoning.agent import DetectorReasoner
from shared.adapters.clock import SystemClock
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.contracts.categories import Category
from shared.contracts.jobs import Job, LoopPolicy
from shared.contracts.loop import Retouch, Retouched, Thresholds
from shared.contracts.values import Patch, Region
from shared.geometry import Mask, expand, mask_box
from shared.images import Rgb, compose_canvas, crop, encode_png
from shared.profiles import Profile

POLICY = LoopPolicy(saliency_detector="saliency", min_gain=0.3, min_detail_ratio=0.45)
GREY, GRAIN = 110.0, 6.0


def grain(size_hw: tuple[int, int], seed: int) -> Rgb:
    """Grey with grain."""
    values = np.random.default_rng(seed).normal(GREY, GRAIN, (*size_hw, 1))
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8), 3, axis=2)


def red(image: Rgb) -> Mask:
    return np.asarray((image[..., 0] > 200) & (image[..., 1] < 90))


class RedDetector:
    """Implements `Detector`; sure of what it sees unless `sure` is False: then its stop rule closes."""

    name = "saliency"

    def __init__(self, sure: bool = True) -> None:
        self._sure = sure

    def detect(self, scene: Scene) -> Detection:
        seen = red(scene.image)
        count, labels = cv2.connectedComponents(seen.astype(np.uint8))
        findings = []
        for label in range(1, count):
            box = mask_box(labels == label)
            assert box is not None
            findings.append(Finding(box, labels[box[1] : box[3], box[0] : box[2]] == label, 0.9))
        return Detection(
            findings=tuple(findings),
            saliency=seen.astype(np.float32) * np.float32(0.9),
            any_distortion=float(seen.any()) if self._sure else 0.1,
            thresholds=Thresholds(tau_s=0.5, tau_any=0.5, min_gain=0.3),
        )

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        return [0.9 if red(crop(scene.image, region.box_xyxy_px)).sum() > 3 else 0.0 for region in regions]


class NoiseTool:
    """Implements `Tool`: paints grey noise like the ground's, or (`spoils`) a flat tone that only hides the red."""

    name = "noise"
    native_size_px: int | None = None
    size_multiple_px = 1
    max_batch = 8
    memory_mb = 0
    licence = "Apache-2.0"
    third_party: str | None = None

    def __init__(self, kind: ToolKind = ToolKind.MASK, spoils: bool = False) -> None:
        self.kind = kind
        self._spoils = spoils
        self.requests: list[EditRequest] = []

    def warm_up(self) -> None:
        """It has nothing to load."""

    def edit(self, batch: Sequence[EditRequest]) -> Sequence[EditResult | ToolDeclined]:
        self.requests += batch
        return [self._one(request) for request in batch]

    def _one(self, request: EditRequest) -> EditResult:
        size_hw = (request.crop.shape[0], request.crop.shape[1])
        painted = grain(size_hw, request.seed % 1000) if not self._spoils else np.full_like(request.crop, 110)
        return EditResult(painted, np.where(request.mask, 255, 0).astype(np.uint8))


@dataclass
class HandRetoucher:
    """Answers the loop's orders with its only tool, as the action agent would; needs no plan."""

    store: MemoryImageStore
    tool: NoiseTool
    orders: list[Retouch] = field(default_factory=list)

    @property
    def tools(self) -> tuple[Tool, ...]:
        return (self.tool,)

    def retouch(self, job: Job, command: Retouch, dispatch: int) -> Retouched:
        self.orders.append(command)
        image = compose_canvas(self.store, command.canvas)
        patches = []
        for number, target in enumerate(command.targets):
            box = expand(target.region.box_xyxy_px, 1, (image.shape[0], image.shape[1]))
            mask = np.ones((box[3] - box[1], box[2] - box[0]), np.bool_)
            request = EditRequest(
                crop(image, box), mask, box, target.region, target.diagnosis, "repair", seed=target.seed
            )
            [answer] = self.tool.edit([request])
            assert isinstance(answer, EditResult)
            stem = f"{job.id}/s{command.step}-d{dispatch}/{number}"
            patches.append(
                Patch(
                    id=f"p{command.step}-{number}",
                    region_ids=(target.region.id,),
                    tool=self.tool.name,
                    box_xyxy_px=box,
                    image_ref=self.store.put(f"{stem}.png", encode_png(answer.image)),
                    alpha_ref=self.store.put(f"{stem}.alpha.png", encode_png(answer.alpha)),
                    seed=target.seed,
                    reason="it is red",
                )
            )
        return Retouched(step=command.step, at_s=0.0, patches=tuple(patches))


def blob_local(*, sure: bool = True, spoils: bool = False, kind: ToolKind = ToolKind.MASK) -> Local:
    """The loop in this process with the hand-made detector and tool."""
    store, clock = MemoryImageStore(), SystemClock()
    profile = Profile(
        name="blobs",
        description="red squares",
        detectors=(),
        reasoner="none",
        tools=(),
        peak_memory_mb=100,
        policy=POLICY,
    )
    local = Local(profile, MemoryJobStore(), store, clock)
    perception = PerceptionAgent(store, [RedDetector(sure)], clock)
    retoucher = HandRetoucher(store, NoiseTool(kind, spoils))
    local.profile = profile.model_copy(update={"tools": ("noise",)})
    local.agents = Agents(perception, DetectorReasoner(), retoucher)  # type: ignore[arg-type]
    return local


def write_blobs(folder: Path, count: int, seed: int = 0) -> Path:
    """`count` red squares on grain as a folder in the project's schema; every third is healthy."""
    source = BlobSource(count, seed)
    (folder / "images").mkdir(parents=True)
    rows = []
    for index in range(count):
        sample = source[index]
        clean = grain((64, 64), 1000 * (seed + 1) + index)
        image = clean.copy()
        for mask in sample.visible_masks:
            image[mask] = (230, 30, 30)
        names = [f"images/{index:03d}{what}.png" for what in ("", ".clean", ".mask")]
        (folder / names[0]).write_bytes(encode_png(image))
        (folder / names[1]).write_bytes(encode_png(clean))
        regions = []
        for mask in sample.visible_masks:
            (folder / names[2]).write_bytes(encode_png(mask.astype(np.uint8) * np.uint8(255)))
            box = mask_box(mask)
            assert box is not None
            regions.append(
                RegionTruth(
                    category=Category.OBJECT_REDUNDANCY,
                    description="A red square.",
                    centre_xy_px=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
                    box_xyxy_px=box,
                    visible_share=float(mask.mean()),
                )
            )
        masks = (names[2],) if regions else ()
        record = BlemishRecord(
            file_name=names[0],
            clean_file_name=names[1],
            visible_mask_file_names=masks,
            repair_mask_file_names=masks,
            prompt=sample.prompt,
            size_hw=(64, 64),
            healthy=not regions,
            source="blobs",
            scores=QualityScores(**sample.scores),
            regions=tuple(regions),
        )
        rows.append(row(record))
    (folder / METADATA).write_text("".join(rows), encoding="utf-8")
    return folder
