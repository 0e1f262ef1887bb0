"""A store of images in memory, and builders of the contracts that the action agent is sent."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from fakes.tool_requests import a_reading

from shared.contracts.base import BoxXYXY, QuadXY
from shared.contracts.categories import Category
from shared.contracts.jobs import InputInfo, Job, JobOptions
from shared.contracts.loop import Target
from shared.contracts.values import Canvas, Diagnosis, Region, TextFault, TextReading
from shared.errors import Conflict, ErrorCode, NotFound
from shared.geometry import quad_box, quad_mask
from shared.images import Rgb, encode_png


class DictStore:
    """An image store in a dictionary, immutable like the real ones."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, ref: str, data: bytes) -> str:
        if self.objects.setdefault(ref, data) != data:
            raise Conflict(ErrorCode.OBJECT_EXISTS, ref)
        return ref

    def get(self, ref: str) -> bytes:
        if ref not in self.objects:
            raise NotFound(ErrorCode.OBJECT_NOT_FOUND, ref)
        return self.objects[ref]

    def refs(self, prefix: str) -> Sequence[str]:
        return sorted(ref for ref in self.objects if ref.startswith(prefix))

    def delete(self, prefix: str) -> int:
        doomed = self.refs(prefix)
        for ref in doomed:
            del self.objects[ref]
        return len(doomed)


class Desk:
    """Builds jobs, regions and targets over one image."""

    def __init__(self, image: Rgb) -> None:
        self.image = image
        self.size_hw = (image.shape[0], image.shape[1])
        self.store = DictStore()
        self.store.put("job_1/original.png", encode_png(image))
        self.canvas = Canvas(original_ref="job_1/original.png")

    def job(self, protected: np.ndarray | None = None, **options: object) -> Job:
        if protected is not None:
            options["protected_ref"] = self.store.put("job_1/protected.png", encode_png(protected))
        info = InputInfo(
            original_ref="job_1/original.png", size_hw=self.size_hw, format="PNG", sha256="0", prompt="a sign"
        )
        return Job(
            id="job_1",
            input=info,
            options=JobOptions.model_validate(options),
            profile="tiny",
            created_at_s=0,
            canvas=self.canvas,
        )

    def text(
        self,
        region_id: str,
        quad: QuadXY,
        text: str,
        expected: str | None,
        fault: TextFault = TextFault.MISSPELT,
        line: tuple[QuadXY, str, str | None] | None = None,
        seed: int = 1,
    ) -> Target:
        reading = a_reading(quad, text, expected, fault, line)
        box = quad_box(quad, self.size_hw)
        mask = np.where(quad_mask(quad, box), 255, 0).astype(np.uint8)
        return self._target(region_id, box, mask, "text", reading, Category.TEXT, seed)

    def thing(
        self, region_id: str, box: BoxXYXY, detector: str = "user", category: Category | None = None, seed: int = 1
    ) -> Target:
        mask = np.full((box[3] - box[1], box[2] - box[0]), 255, np.uint8)
        return self._target(region_id, box, mask, detector, None, category, seed)

    def _target(
        self,
        region_id: str,
        box: BoxXYXY,
        mask: np.ndarray,
        detector: str,
        reading: TextReading | None,
        category: Category | None,
        seed: int,
    ) -> Target:
        ref = self.store.put(f"job_1/{region_id}.mask.png", encode_png(mask))
        region = Region(id=region_id, box_xyxy_px=box, mask_ref=ref, detector=detector, evidence=0.8, reading=reading)
        diagnosis = Diagnosis(
            region_id=region_id,
            distorted=True,
            category=category,
            description="d",
            inconsistency="i",
            instruction=f"repair {region_id}",
            confidence=0.8,
            source=f"detector:{detector}",
        )
        return Target(region=region, diagnosis=diagnosis, seed=seed)


@pytest.fixture
def desk() -> Callable[[Rgb], Desk]:
    """Makes a desk over an image."""
    return Desk


def upright(x0: float, y0: float, x1: float, y1: float) -> QuadXY:
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


@pytest.fixture
def quad() -> Callable[[float, float, float, float], QuadXY]:
    """Makes an upright quadrilateral."""
    return upright


@pytest.fixture
def plain_wall() -> Rgb:
    """A `(240, 480, 3)` light wall with a lighting gradient and grain."""
    rng = np.random.default_rng(7)
    light = np.linspace(200, 235, 480)[None, :, None]
    return np.clip(light + rng.normal(0, 2, (240, 480, 3)), 0, 255).astype(np.uint8)
