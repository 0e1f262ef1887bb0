"""The perception agent over detectors that say what a test tells them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from fakes.clock import FakeClock

from services.perception.agent import PerceptionAgent
from services.perception.detectors.base import Detection, Finding, Scene
from services.perception.saliency.pairs import Laid, Sight
from services.perception.saliency.preprocess import place
from shared.adapters.memory import MemoryImageStore
from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import InputInfo, Job, JobOptions
from shared.contracts.loop import Perceive, Perceived
from shared.contracts.values import Canvas, ColourFault, Patch, Region, TextFault, TextReading
from shared.errors import BadInput
from shared.geometry import Mask
from shared.images import decode_gray, encode_png

SIZE = (80, 120)
_QUAD = ((10.0, 10.0), (40.0, 10.0), (40.0, 30.0), (10.0, 30.0))
READING = TextReading(
    text="COFEE", expected="COFFEE", fault=TextFault.MISSPELT, confidence=0.9, quad_px=_QUAD, line_text="COFEE",
    line_expected="COFFEE", line_quad_px=_QUAD,
)  # fmt: skip


@dataclass
class ScriptedDetector:
    """Finds a box wherever the picture's red there is below 100; thinks of places as told."""

    name: str = "text"
    boxes: tuple[BoxXYXY, ...] = ()
    detection: Detection = field(default_factory=Detection)
    scenes: list[Scene] = field(default_factory=list)
    reading: TextReading | None = None

    def _dark(self, scene: Scene, box: BoxXYXY) -> bool:
        return float(scene.image[box[1] : box[3], box[0] : box[2], 0].mean()) < 100

    def detect(self, scene: Scene) -> Detection:
        self.scenes.append(scene)
        found = tuple(
            Finding(box, np.ones((box[3] - box[1], box[2] - box[0]), np.bool_), 0.9, self.reading)
            for box in self.boxes
            if self._dark(scene, box)
        )
        return Detection(
            findings=found,
            saliency=self.detection.saliency,
            any_distortion=self.detection.any_distortion,
            in_domain=self.detection.in_domain,
            sight=self.detection.sight,
            warnings=self.detection.warnings,
        )

    def evidence_at(self, scene: Scene, detection: Detection, regions: Sequence[Region]) -> Sequence[float]:
        return [0.9 if self._dark(scene, region.box_xyxy_px) else 0.1 for region in regions]


class World:
    """A store with one dark picture, a job on it, and an agent over the given detectors."""

    def __init__(self, *detectors: ScriptedDetector, options: JobOptions | None = None) -> None:
        self.store = MemoryImageStore()
        self.clock = FakeClock()
        self.agent = PerceptionAgent(self.store, detectors, self.clock)
        original = self.store.put("job_a/original.png", encode_png(np.full((*SIZE, 3), 40, np.uint8)))
        info = InputInfo(original_ref=original, size_hw=SIZE, format="PNG", sha256="0" * 64, prompt="a sign")
        canvas = Canvas(original_ref=original)
        settings = JobOptions() if options is None else options
        self.job = Job(id="job_a", input=info, options=settings, profile="tiny", created_at_s=0.0, canvas=canvas)

    def patch(self, number: int, box: BoxXYXY, *region_ids: str, base: tuple[str, ...] = ()) -> Patch:
        shape = (box[3] - box[1], box[2] - box[0])
        light = np.random.default_rng(number).integers(180, 250, (*shape, 3)).astype(np.uint8)
        return Patch(
            id=f"p{number}",
            region_ids=region_ids,
            tool="retype",
            box_xyxy_px=box,
            image_ref=self.store.put(f"job_a/p{number}.png", encode_png(light)),
            alpha_ref=self.store.put(f"job_a/p{number}.alpha.png", encode_png(np.full(shape, 255, np.uint8))),
            base_patch_ids=base,
            seed=1,
            reason="a test",
        )

    def perceive(self, canvas: Canvas | None = None, step: int = 1, **kwargs: object) -> Perceived:
        command = Perceive(step=step, canvas=canvas or self.job.canvas, **kwargs)  # type: ignore[arg-type]
        return self.agent.perceive(self.job, command, dispatch=step)


def _evidence(perceived: Perceived) -> dict[tuple[str, str], float]:
    return {(e.region_id, e.detector): e.value for e in perceived.evidence}


def test_every_detector_judges_every_region() -> None:
    world = World(ScriptedDetector(boxes=((10, 10, 30, 20),)), ScriptedDetector("saliency", ((60, 40, 80, 60),)))
    perceived = world.perceive()
    assert [(r.id, r.detector) for r in perceived.regions] == [("r1", "text"), ("r2", "saliency")]
    assert _evidence(perceived) == {
        ("r1", "text"): 0.9,
        ("r2", "text"): 0.9,
        ("r1", "saliency"): 0.9,
        ("r2", "saliency"): 0.9,
    }
    assert perceived.step == 1
    assert decode_gray(world.store.get(perceived.regions[0].mask_ref)).shape == (10, 20)
    assert all(ref.startswith("job_a/s1-d1/") for ref in world.store.refs("job_a/s"))


def test_a_repaired_region_stays_watched_and_its_patch_is_checked() -> None:
    box = (10, 10, 40, 30)
    world = World(ScriptedDetector(boxes=(box, (60, 40, 80, 60))))
    first = world.perceive()
    patch = world.patch(1, (8, 8, 42, 32), "r1")
    canvas = world.job.canvas.with_patches((patch,))
    second = world.perceive(canvas, step=2, watch=first.regions, on_trial=("p1",))
    assert [r.id for r in second.regions] == ["r2"]
    assert _evidence(second) == {("r1", "text"): 0.1, ("r2", "text"): 0.9}
    assert [c.patch_id for c in second.checks] == ["p1"]


def test_a_patch_that_rests_on_another_is_checked_beside_it() -> None:
    world = World(ScriptedDetector())
    lower = world.patch(1, (10, 10, 60, 50), "r1")
    upper = world.patch(2, (20, 20, 40, 40), "r2", base=("p1",))
    canvas = world.job.canvas.with_patches((lower, upper))
    checks = world.perceive(canvas, on_trial=("p1", "p2")).checks
    assert [c.patch_id for c in checks] == ["p1", "p2"]
    assert world.perceive(canvas, step=2).checks == ()


HALF = np.full((20, 20), 128, np.uint8)


class VerifyingDetector(ScriptedDetector):
    """Gives each patch its own brightness of being a repair, and notes what it was shown."""

    shown: Scene | None = None

    def verify(self, before: Scene, after: Detection, patches: Sequence[Laid]) -> Sequence[float | None]:
        self.shown = before
        return [patch.alpha.mean() / 255 for patch in patches]


def test_a_verifier_is_asked_of_every_patch_on_what_it_found() -> None:
    """Beside the original, so that evidence means the same on all canvases; not of a patch that covers nothing."""
    flat = np.zeros((4, 4), np.float32)
    sight = Sight(np.zeros((16, 16, 3), np.uint8), place(SIZE, 16), flat[None], flat, 0.0, np.zeros(4, np.float32))
    detector = VerifyingDetector("saliency", detection=Detection(sight=sight))
    world = World(detector)
    kept = world.patch(1, (10, 10, 30, 30), "r1")
    tried, empty = world.patch(2, (40, 10, 60, 30), "r2"), world.patch(3, (70, 10, 80, 20), "r3")
    lettering = world.patch(4, (90, 10, 110, 30), "r4")
    world.store.put("job_a/empty.png", encode_png(np.zeros((10, 10), np.uint8)))
    empty = empty.model_copy(update={"alpha_ref": "job_a/empty.png"})
    kept = kept.model_copy(update={"alpha_ref": world.store.put("job_a/half.png", encode_png(HALF))})
    canvas = world.job.canvas.with_patches((kept, tried, empty, lettering))
    watched = [(name, "saliency") for name in ("r1", "r2", "r3")] + [("r4", "text")]
    watch = tuple(
        Region(id=name, box_xyxy_px=(0, 0, 9, 9), mask_ref="m", detector=by, evidence=0.8) for name, by in watched
    )
    seen = world.perceive(canvas, on_trial=("p2", "p3", "p4"), watch=watch)
    assert {check.patch_id: check.repaired for check in seen.checks} == {"p2": 1.0, "p3": None, "p4": None}
    assert detector.shown is not None and (detector.shown.image == 40).all()
    # What is left of the evidence is the chance that the patch is no repair; without a verdict it is the detector's.
    values = {item.region_id: item.value for item in seen.evidence}
    assert values == pytest.approx({"r1": 0.4, "r2": 0.0, "r3": 0.9, "r4": 0.9}, abs=0.01)


def test_the_callers_own_region_is_evidence_until_a_patch_answers_it() -> None:
    world = World(ScriptedDetector(), options=JobOptions(region_boxes_px=((10, 10, 40, 30),)))
    first = world.perceive()
    assert [(r.id, r.detector, r.evidence) for r in first.regions] == [("r1", "user", 1.0)]
    assert _evidence(first)[("r1", "user")] == 1.0
    patched = world.job.canvas.with_patches((world.patch(1, (10, 10, 40, 30), "r1"),))
    second = world.perceive(patched, step=2, watch=first.regions, on_trial=("p1",))
    assert second.regions == ()
    assert _evidence(second)[("r1", "user")] == 0.0
    rolled_back = world.perceive(step=3, watch=first.regions)
    assert [r.id for r in rolled_back.regions] == ["r1"]
    assert _evidence(rolled_back)[("r1", "user")] == 1.0


def test_a_reading_replaces_the_callers_mark_for_good() -> None:
    box = (10, 10, 40, 30)
    marked = JobOptions(region_boxes_px=((5, 5, 45, 35),))
    world = World(ScriptedDetector(boxes=(box,), reading=READING), options=marked)
    first = world.perceive()
    assert [r.detector for r in first.regions] == ["text"]
    patched = world.job.canvas.with_patches((world.patch(1, box, "r1"),))
    assert world.perceive(patched, step=2, watch=first.regions).regions == ()


def test_a_mark_stays_beside_a_finding_that_only_says_where() -> None:
    box, marked = (10, 10, 40, 30), (5, 5, 45, 35)
    world = World(ScriptedDetector("saliency", (box,)), options=JobOptions(region_boxes_px=(marked,)))
    first = world.perceive()
    assert [(r.detector, r.box_xyxy_px) for r in first.regions] == [("user", marked), ("saliency", box)]
    patched = world.job.canvas.with_patches((world.patch(1, marked, "r1"),))
    assert _evidence(world.perceive(patched, step=2, watch=first.regions))[("r1", "user")] == 0


def test_masks_of_the_caller_are_read_from_the_store() -> None:
    world = World(ScriptedDetector(boxes=((10, 10, 30, 20),)))
    mask = np.zeros(SIZE, np.uint8)
    mask[50:70, 50:90] = 255
    protected = np.zeros(SIZE, np.uint8)
    protected[:, :20] = 255
    options = JobOptions(
        regions_ref=world.store.put("job_a/regions.png", encode_png(mask)),
        protected_ref=world.store.put("job_a/protected.png", encode_png(protected)),
    )
    world.job = world.job.model_copy(update={"options": options})
    regions = world.perceive().regions
    assert [(r.detector, r.box_xyxy_px) for r in regions] == [("user", (50, 50, 90, 70)), ("text", (10, 10, 30, 20))]
    assert [r.protected_share for r in regions] == [0.0, pytest.approx(0.5)]


def test_a_saliency_map_is_stored_and_measured() -> None:
    saliency = np.zeros(SIZE, np.float32)
    saliency[10:20, 10:30] = 0.8
    drawn = Detection(saliency=saliency, any_distortion=0.7, in_domain=False, warnings=("drawn scenes only",))
    perceived = World(ScriptedDetector("saliency", ((10, 10, 30, 20),), drawn), ScriptedDetector()).perceive()
    assert perceived.saliency_peak == pytest.approx(0.8)
    assert perceived.any_distortion == 0.7
    assert not perceived.in_domain
    assert perceived.warnings == ("drawn scenes only",)
    assert perceived.saliency_ref == "job_a/s1-d1/saliency.png"
    assert perceived.regions[0].saliency_mean == pytest.approx(0.8)


def test_detectors_see_the_canvas_the_prompt_and_the_callers_words() -> None:
    detector = ScriptedDetector()
    world = World(detector, options=JobOptions(expected_text=("OPEN",)))
    world.perceive(world.job.canvas.with_patches((world.patch(1, (0, 0, 20, 20), "r1"),)))
    scene = detector.scenes[0]
    assert (scene.prompt, scene.expected_text) == ("a sign", ("OPEN",))
    assert scene.image[5, 5, 0] >= 180
    assert scene.image[50, 50, 0] == 40


def test_a_region_outside_the_picture_is_refused() -> None:
    world = World(ScriptedDetector(), options=JobOptions(region_boxes_px=((500, 0, 510, 10),)))
    with pytest.raises(BadInput):
        world.perceive()


def test_the_time_a_look_takes_is_told() -> None:
    clock_world = World(ScriptedDetector())
    perceived = clock_world.perceive()
    assert perceived.at_s == clock_world.clock.time_s
    assert perceived.elapsed_s == 0.0


def test_each_detectors_call_is_told_with_its_time() -> None:
    world = World(ScriptedDetector(), ScriptedDetector("saliency"))
    calls: list[tuple[str, float]] = []
    detectors = [ScriptedDetector(), ScriptedDetector("saliency")]
    world.agent = PerceptionAgent(
        world.store, detectors, world.clock, lambda name, seconds: calls.append((name, seconds))
    )
    world.perceive()
    assert [name for name, _ in calls] == ["text", "saliency"]
    assert all(0.0 <= seconds < 60.0 for _, seconds in calls)


@dataclass
class KnowingDetector(ScriptedDetector):
    """Knows the colour of whatever it is asked about; counts how often it is asked."""

    asked: list[int] = field(default_factory=list)

    def colour_faults(self, scene: Scene, detection: Detection, masks: Sequence[Mask]) -> Sequence[ColourFault | None]:
        assert all(mask.shape == SIZE and mask.any() for mask in masks)
        self.asked.append(len(masks))
        return [ColourFault(seen="red", asked=("blue",), phrase="blue sign")] * len(masks)


def test_what_a_detector_knows_of_colours_is_asked_once_and_stays_with_its_region() -> None:
    detector = KnowingDetector("saliency", boxes=((10, 10, 30, 20),))
    world = World(detector, ScriptedDetector(boxes=((60, 40, 80, 60),)))
    first = world.perceive()
    colours = {region.detector: region.colour for region in first.regions}
    assert colours["text"] is None and colours["saliency"] is not None and colours["saliency"].asked == ("blue",)
    world.job = world.job.model_copy(update={"known": first.regions, "found": first.regions})
    again = world.perceive(step=2, watch=first.regions)
    assert [region.colour for region in again.regions] == [region.colour for region in first.regions]
    assert detector.asked == [1]


def test_a_patch_may_bring_the_colour_that_it_was_told_to() -> None:
    world = World(ScriptedDetector(boxes=((10, 10, 60, 50),)))
    first = world.perceive()
    patch = world.patch(1, (10, 10, 60, 50), "r1")
    told = patch.model_copy(update={"settings": {"tone_lab": [85.0, 0.0, 0.0]}})
    shifts = []
    for step, one in enumerate((patch, told), 2):
        canvas = world.job.canvas.with_patches((one,))
        [check] = world.perceive(canvas, step, watch=first.regions, on_trial=("p1",)).checks
        shifts.append(check.colour_shift)
    assert shifts[1] < 20 < 40 < shifts[0]
