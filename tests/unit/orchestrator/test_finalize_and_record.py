"""The artifacts of a finished job as pixels, and its record."""

import numpy as np
import pytest
from fakes.agents import ScriptedAgents, queued_job
from fakes.clock import FakeClock
from fakes.drive import Script, through_advance
from fakes.world import Decline, Effect, Flaw, World

from services.orchestrator.finalize import CanvasFinalizer
from services.orchestrator.record import record_of
from services.orchestrator.runner import Runner
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.contracts.jobs import Job, LoopPolicy, Outcome, Perception, Phase
from shared.contracts.loop import Finalize
from shared.contracts.values import Canvas, Patch
from shared.errors import Conflict, NotFound, StageError
from shared.images import decode_gray, decode_rgb, encode_png

BOX_A, BOX_B = (0, 0, 8, 8), (10, 4, 18, 12)
WORLD = World(
    {"a": Flaw(0.9, box=BOX_A), "b": Flaw(0.6, box=BOX_B)}, {"a": (Effect(after=0.1),), "b": (Decline("too curved"),)}
)


def run(world: World = WORLD, with_alpha: bool = False) -> tuple[Job, MemoryImageStore]:
    images, jobs, clock = MemoryImageStore(), MemoryJobStore(), FakeClock()
    job = queued_job(images, with_alpha=with_alpha)
    jobs.create(job, ())
    agents = ScriptedAgents(world, images)
    return Runner(jobs, agents, agents, agents, CanvasFinalizer(images, clock), clock).run(job.id), images


def test_the_result_differs_inside_the_mask_alone() -> None:
    job, images = run()
    original = decode_rgb(images.get(job.input.original_ref))
    result = decode_rgb(images.get(job.artifacts["result.png"]))
    mask = decode_gray(images.get(job.artifacts["edited_mask.png"]))
    expected = np.zeros((32, 32), np.uint8)
    expected[0:8, 0:8] = 255
    assert np.array_equal(mask, expected)
    assert np.array_equal(result[mask == 0], original[mask == 0])
    assert (result[:8, :8] != original[:8, :8]).any()
    assert job.result is not None
    patch = job.result.patches[0]
    assert np.array_equal(result[:8, :8], decode_rgb(images.get(patch.image_ref)))
    assert job.largest_outside_difference == 0


def test_artifacts_are_named_by_job_step_and_dispatch() -> None:
    job, _ = run()
    names = ["edited_mask.png", "masks/a.png", "masks/b.png", "result.png", "saliency/after.png", "saliency/before.png"]
    assert sorted(job.artifacts) == names
    assert {ref.removesuffix(name) for name, ref in job.artifacts.items()} == {"job_1/s5-d5/"}


def test_a_healthy_picture_comes_back_bit_for_bit() -> None:
    job, images = run(World())
    original, result = images.get(job.input.original_ref), images.get(job.artifacts["result.png"])
    assert np.array_equal(decode_rgb(original), decode_rgb(result))
    assert not decode_gray(images.get(job.artifacts["edited_mask.png"])).any()
    assert sorted(job.artifacts) == ["edited_mask.png", "result.png", "saliency/after.png", "saliency/before.png"]


def test_alpha_is_put_back() -> None:
    from io import BytesIO

    from PIL import Image

    job, images = run(with_alpha=True)
    picture = Image.open(BytesIO(images.get(job.artifacts["result.png"])))
    assert picture.mode == "RGBA"
    assert (np.asarray(picture)[..., 3] == 77).all()


def test_masks_lie_in_the_pictures_frame() -> None:
    job, images = run()
    mask = decode_gray(images.get(job.artifacts["masks/b.png"]))
    expected = np.zeros((32, 32), np.uint8)
    expected[4:12, 10:18] = 255
    assert np.array_equal(mask, expected)


def test_without_a_saliency_map_the_heat_is_the_evidence() -> None:
    job, images = run()
    before = decode_gray(images.get(job.artifacts["saliency/before.png"]))
    after = decode_gray(images.get(job.artifacts["saliency/after.png"]))
    assert (before[0, 0], before[5, 11], before[20, 20]) == (round(255 * 0.9), round(255 * 0.6), 0)
    assert (after[0, 0], after[5, 11], after[20, 20]) == (round(255 * 0.1), round(255 * 0.6), 0)


def test_where_masks_overlap_the_worst_shows() -> None:
    world = World(
        {"a": Flaw(0.5, box=(0, 0, 8, 8)), "b": Flaw(0.8, box=(4, 4, 12, 12))}, {"a": (Decline(),), "b": (Decline(),)}
    )
    job, images = run(world)
    heat = decode_gray(images.get(job.artifacts["saliency/before.png"]))
    assert (heat[2, 2], heat[6, 6], heat[10, 10]) == (128, 204, 204)


def finalizing(images: MemoryImageStore, canvas: Canvas, saliency_ref: str | None = None) -> tuple[Job, Finalize]:
    """A job that waits for its canvas to be finalized."""
    job = queued_job(images)
    seen = tuple(
        Perception(canvas=each, regions=(), evidence=(), saliency_ref=saliency_ref) for each in (job.canvas, canvas)
    )
    command = Finalize(step=1, canvas=canvas)
    update = {"perceptions": seen, "pending": command, "phase": Phase.FINALIZING, "step": 1}
    return job.model_copy(update=update), command


def test_the_saliency_map_is_shown_where_there_is_one() -> None:
    images = MemoryImageStore()
    drawn = np.random.default_rng(3).integers(0, 256, (32, 32), np.uint8)
    ref = images.put("job_1/s1-d1/saliency.png", encode_png(drawn))
    job, command = finalizing(images, queued_job(images).canvas, ref)
    artifacts = CanvasFinalizer(images, FakeClock()).finalize(job, command, 1).artifacts
    assert np.array_equal(decode_gray(images.get(artifacts["saliency/before.png"])), drawn)


class Retouched(MemoryImageStore):
    """A store that tells of an edited mask smaller than what was edited: the alpha changes between two readings."""

    def __init__(self) -> None:
        super().__init__()
        self.readings = 0

    def get(self, ref: str) -> bytes:
        if ref.endswith("alpha.png"):
            self.readings += 1
            return encode_png(np.full((8, 8), 255 if self.readings == 1 else 0, np.uint8))
        return super().get(ref)


def test_a_difference_outside_the_mask_is_never_handed_out() -> None:
    images = Retouched()
    black = images.put("job_1/p.png", encode_png(np.zeros((8, 8, 3), np.uint8)))
    patch = Patch(
        id="p",
        region_ids=("a",),
        tool="t",
        box_xyxy_px=BOX_A,
        image_ref=black,
        alpha_ref="job_1/p.alpha.png",
        seed=1,
        reason="",
    )
    job, command = finalizing(images, queued_job(images).canvas.with_patches((patch,)))
    with pytest.raises(StageError, match="outside the edited mask"):
        CanvasFinalizer(images, FakeClock()).finalize(job, command, 1)
    assert list(images.refs("job_1/s1-d1/")) == []


def test_a_lost_picture_is_not_found_and_a_second_dispatch_does_not_collide() -> None:
    images = MemoryImageStore()
    job, command = finalizing(images, queued_job(images).canvas)
    finalizer = CanvasFinalizer(images, FakeClock())
    first, second = finalizer.finalize(job, command, 1), finalizer.finalize(job, command, 2)
    assert not set(first.artifacts.values()) & set(second.artifacts.values())
    images.delete("job_1/original")
    with pytest.raises(NotFound):
        finalizer.finalize(job, command, 3)
    with pytest.raises(Conflict):
        images.put(first.artifacts["result.png"], b"other")


def test_the_record_tells_before_and_after() -> None:
    job, _ = run()
    record = record_of(job)
    assert record.outcome is Outcome.IMPROVED
    assert record.accepted_patch_ids == ("a-t1",)
    assert [region.id for region in record.regions] == ["a", "b"]
    assert {item.region_id: item.value for item in record.evidence_before} == {"a": 0.9, "b": 0.6}
    assert {item.region_id: item.value for item in record.evidence_after} == {"a": 0.1, "b": 0.6}
    assert (record.scores.before, record.scores.after) == (1.5, 0.7)
    assert [item.reason for item in record.declined] == ["too curved"]
    assert record.verdicts[0].reason == (
        "text evidence at a fell from 0.90 to 0.10; detail 0.90 and colour shift 2.0 are in limits"
    )
    assert type(record).model_validate_json(record.model_dump_json()) == record


def test_what_showed_on_a_refused_trial_alone_is_not_in_the_record() -> None:
    world = World({"a": Flaw(0.9)}, {"a": (Effect(leaves=("x",)),)}, {"x": Flaw(0.8, box=(2, 2, 9, 9))})
    job = through_advance(Script(world, LoopPolicy(tries_per_region=1))).job
    assert [region.id for region in job.known] == ["a", "x"]
    record = record_of(job)
    assert [region.id for region in record.regions] == ["a"]
    assert {item.region_id for item in record.evidence_after} == {"a"}
    assert "outweighed by a new flaw of 0.80" in record.verdicts[0].reason


def test_a_job_in_the_queue_has_a_record() -> None:
    record = record_of(queued_job(MemoryImageStore()))
    assert (record.regions, record.evidence_before, record.scores.before, record.scores.after) == ((), (), None, None)
    assert record.in_domain is None


@pytest.mark.parametrize("in_domain", [True, False])
def test_the_record_says_whether_such_images_are_known(in_domain: bool) -> None:
    world = World({"a": Flaw(0.9, "saliency")}, saliency_peak=0.9, in_domain=in_domain)
    job = through_advance(Script(world, LoopPolicy(saliency_detector="saliency"))).job
    assert record_of(job).in_domain is in_domain
