"""Answers that agents should not give, and states that scenarios pass through unseen."""

import pytest
from fakes.agents import ScriptedAgents, diagnosis, queued_job
from fakes.drive import Script, through_advance
from fakes.world import Decline, Effect, Flaw, World

from services.orchestrator.loop import Advance, advance, begin
from services.orchestrator.selection import UNMEASURED, totals, vetoed
from services.orchestrator.verdicts import Trial, judge
from shared.adapters.memory import MemoryImageStore
from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import Job, JobOptions, LoopPolicy, Perception, Status
from shared.contracts.loop import Declined, Diagnose, Finalized, Perceive, Perceived, Retouch, Retouched
from shared.contracts.values import AppearanceCheck, Canvas, Evidence, Patch, Region, Verdict

BOX = (0, 0, 8, 8)
EMPTY = Canvas(original_ref="job_1/original.png")


def region(name: str = "a", evidence: float = 0.9, detector: str = "text") -> Region:
    return Region(id=name, box_xyxy_px=BOX, mask_ref="m", detector=detector, evidence=evidence)


def patch(name: str, *region_ids: str, on: tuple[str, ...] = ()) -> Patch:
    return Patch(
        id=name,
        region_ids=region_ids or ("a",),
        tool="retype",
        box_xyxy_px=BOX,
        image_ref="i",
        alpha_ref="m",
        base_patch_ids=on,
        seed=7,
        reason="",
    )


def values(**evidence: float) -> tuple[Evidence, ...]:
    """`a__text=0.5`: what `text` thinks of region `a`."""
    split = ((*key.split("__"), value) for key, value in evidence.items())
    return tuple(Evidence(region_id=name, detector=detector, value=value) for name, detector, value in split)


def retouching(world: World, policy: LoopPolicy | None = None) -> tuple[Advance, ScriptedAgents]:
    """A job that waits for the answer to its first `Retouch`."""
    store = MemoryImageStore()
    agents = ScriptedAgents(world, store)
    step = begin(queued_job(store, policy=policy), 1.0)
    while not isinstance(step.command, Retouch):
        assert isinstance(step.command, Perceive | Diagnose)
        ask = agents.perceive if isinstance(step.command, Perceive) else agents.diagnose
        step = advance(step.job, ask(step.job, step.command, 1))  # type: ignore[arg-type]
    return step, agents


def answered(step: Advance, *patches: Patch, declined: tuple[str, ...] = ()) -> Job:
    refusals = tuple(Declined(region_id=name, reason="no") for name in declined)
    return advance(step.job, Retouched(step=step.job.step, at_s=1.0, patches=patches, declined=refusals)).job


def test_a_region_that_was_watched_and_not_judged_counts_as_the_worst() -> None:
    first = Perception(canvas=EMPTY, regions=(region("a", 0.9),), evidence=values(a__text=0.6, b__text=0.9))
    second = Perception(canvas=EMPTY.with_patches((patch("p"),)), regions=(region("b", 0.3),), evidence=())
    job = queued_job(MemoryImageStore()).model_copy(
        update={"perceptions": (first, second), "known": (region("a"), region("b"))}
    )
    assert totals(job)[1] == UNMEASURED + 0.3
    assert totals(job)[0] == 0.6 + 0.9


def test_what_another_detector_thinks_of_a_region_is_no_part_of_the_score() -> None:
    seen = Perception(canvas=EMPTY, regions=(region("a", 0.9),), evidence=values(a__saliency=0.4, a__text=0.7))
    job = queued_job(MemoryImageStore()).model_copy(update={"perceptions": (seen,), "known": (region("a"),)})
    assert totals(job) == (0.7,)


@pytest.mark.parametrize(("in_domain", "force", "heard"), [(False, False, 0.0), (False, True, 1.5), (True, False, 1.5)])
def test_a_detector_that_does_not_know_such_images_is_no_part_of_the_score(
    in_domain: bool, force: bool, heard: float
) -> None:
    odd = region("b", 0.8).model_copy(update={"detector": "saliency", "box_xyxy_px": (40, 40, 50, 50)})
    late = odd.model_copy(update={"id": "c", "evidence": 0.7, "box_xyxy_px": (60, 60, 70, 70)})
    here = patch("p").model_copy(update={"box_xyxy_px": (0, 0, 10, 10)})
    first = Perception(canvas=EMPTY, regions=(region("a", 0.9), odd), evidence=values(a__text=0.9), in_domain=in_domain)
    second = Perception(
        canvas=EMPTY.with_patches((here,)), regions=(late,), evidence=values(a__text=0.0, b__saliency=0.8)
    )
    job = queued_job(MemoryImageStore()).model_copy(
        update={
            "perceptions": (first, second),
            "known": (region("a"), odd, late),
            "policy": LoopPolicy(saliency_detector="saliency"),
            "options": JobOptions(force=force),
        }
    )
    assert totals(job) == pytest.approx((0.9 + heard, heard))


def test_a_flaw_overlooked_at_first_counts_on_every_canvas_with_the_same_pixels_there() -> None:
    late = region("b", 0.8).model_copy(update={"box_xyxy_px": (40, 40, 50, 50)})
    here = patch("p").model_copy(update={"box_xyxy_px": (0, 0, 10, 10)})
    first = Perception(canvas=EMPTY, regions=(region("a", 0.9),), evidence=values(a__text=0.9))
    second = Perception(canvas=EMPTY.with_patches((here,)), regions=(late,), evidence=values(a__text=0.0, b__text=0.8))
    update = {"perceptions": (first, second), "known": (region("a"), late)}
    assert totals(queued_job(MemoryImageStore()).model_copy(update=update)) == (0.9 + 0.8, 0.8)


@pytest.mark.parametrize(("left", "counted"), [((10, 10, 30, 40), 0.4), ((30, 10, 60, 40), 0.4 + 0.6)])
def test_what_is_left_of_a_salient_region_counts_once(left: BoxXYXY, counted: float) -> None:
    flaw = region("a", 0.9, "saliency").model_copy(update={"box_xyxy_px": (10, 10, 40, 40)})
    rest = region("b", 0.6, "saliency").model_copy(update={"box_xyxy_px": left})
    here = patch("p").model_copy(update={"box_xyxy_px": (8, 8, 42, 42)})
    first = Perception(canvas=EMPTY, regions=(flaw,), evidence=values(a__saliency=0.9))
    second = Perception(
        canvas=EMPTY.with_patches((here,)), regions=(rest,), evidence=values(a__saliency=0.4, b__saliency=0.6)
    )
    policy = LoopPolicy(saliency_detector="saliency")
    update = {"perceptions": (first, second), "known": (flaw, rest), "policy": policy}
    assert totals(queued_job(MemoryImageStore()).model_copy(update=update)) == pytest.approx((0.9, counted))


def test_a_flaw_first_seen_under_a_patch_counts_against_the_patch_alone() -> None:
    late = region("b", 0.8).model_copy(update={"box_xyxy_px": (5, 5, 50, 50)})
    here = patch("p").model_copy(update={"box_xyxy_px": (0, 0, 10, 10)})
    first = Perception(canvas=EMPTY, regions=(region("a", 0.9),), evidence=values(a__text=0.9))
    second = Perception(canvas=EMPTY.with_patches((here,)), regions=(late,), evidence=values(a__text=0.0, b__text=0.8))
    update = {"perceptions": (first, second), "known": (region("a"), late)}
    assert totals(queued_job(MemoryImageStore()).model_copy(update=update)) == (0.9, 0.8)


@pytest.mark.parametrize(("seam", "accepted"), [(1.0, True), (3.0, True), (3.2, False)])
def test_a_border_that_shows_is_an_objection(seam: float, accepted: bool) -> None:
    trial = Trial(
        policy=LoopPolicy(),
        before=Perception(canvas=EMPTY, regions=(region(),), evidence=values(a__text=0.9)),
        after=Perception(
            canvas=EMPTY,
            regions=(),
            evidence=values(a__text=0.0),
            checks=(AppearanceCheck(patch_id="p", detail_ratio=1.0, colour_shift=0.0, seam=seam),),
        ),
        patches=(patch("p"),),
        known=(region(),),
        rejudged={},
    )
    assert judge(trial)[0].accepted is accepted


def test_a_second_opinion_holds_only_while_its_patch_is_on_the_canvas() -> None:
    fine = Verdict(
        patch_id="p", region_id="a", evidence_before=0.9, evidence_after=0.5, rejudged=False, accepted=True, reason="r"
    )
    job = queued_job(MemoryImageStore(), policy=LoopPolicy(may_veto=True)).model_copy(
        update={"verdicts": (fine,), "diagnoses": (diagnosis("a", distorted=True),), "reasoner_may_veto": True}
    )
    assert vetoed(job, region("a"), EMPTY.with_patches((patch("p"),)))
    assert not vetoed(job, region("a"), EMPTY)


def test_another_detector_that_falls_silent_is_an_objection() -> None:
    check = AppearanceCheck(patch_id="p", detail_ratio=1.0, colour_shift=0.0, seam=1.0)
    trial = Trial(
        policy=LoopPolicy(),
        before=Perception(canvas=EMPTY, regions=(region(),), evidence=values(a__text=0.9, a__saliency=0.1)),
        after=Perception(canvas=EMPTY, regions=(), evidence=values(a__text=0.0), checks=(check,)),
        patches=(patch("p"),),
        known=(region(),),
        rejudged={},
    )
    verdict = judge(trial)[0]
    assert not verdict.accepted
    assert verdict.reason == "saliency gave no evidence at a any more"


def test_a_verdict_names_every_objection_with_its_numbers() -> None:
    check = AppearanceCheck(patch_id="p", detail_ratio=0.12, colour_shift=31.0, seam=1.0)
    trial = Trial(
        policy=LoopPolicy(),
        before=Perception(canvas=EMPTY, regions=(region(),), evidence=values(a__text=0.9)),
        after=Perception(canvas=EMPTY, regions=(), evidence=values(a__text=0.8), checks=(check,)),
        patches=(patch("p"), patch("q", on=("p",))),
        known=(region(),),
        rejudged={"a": True},
    )
    first, second = judge(trial)
    assert first.reason == (
        "text evidence at a fell only from 0.90 to 0.80, by less than 0.20; "
        "looked at again, a is still called distorted; "
        "it has 0.12 of its surroundings' fine detail, less than 0.35: a smear; "
        "its colour moved 31.0 away from its surroundings, more than 12.0"
    )
    assert not first.accepted
    assert not second.accepted


def test_an_id_that_is_taken_drops_the_second_patch() -> None:
    step, _ = retouching(World({"a": Flaw()}))
    job = answered(step, patch("p"), patch("p"))
    assert [item.id for item in job.trial] == ["p"]
    assert job.warnings == ("patch p was dropped: that id is taken",)


def test_declining_costs_no_try_and_a_patch_outweighs_it() -> None:
    step, _ = retouching(World({"a": Flaw(), "b": Flaw(box=(10, 0, 18, 8))}))
    job = answered(step, patch("p"), declined=("a", "b", "z"))
    assert [item.region_id for item in job.declined] == ["b"]
    assert [entry.region_id for entry in job.attempts] == ["a"]


def test_of_two_patches_for_a_region_the_accepted_one_names_the_try() -> None:
    world = World({"a": Flaw()}, {"a": (Effect(), Effect(detail=0.1))})
    step, agents = retouching(world, LoopPolicy(tries_per_region=1))
    job = answered(step, patch("a-t1"), patch("a-t2"))
    for _ in range(2):  # the trial, then the accepted patch alone
        assert isinstance(job.pending, Perceive)
        job = advance(job, agents.perceive(job, job.pending, 9)).job
    assert [(item.patch_id, item.accepted) for item in job.verdicts] == [("a-t2", False), ("a-t1", True)]
    assert job.attempts[0].attempts[0].outcome == "accepted"


def test_second_opinions_are_asked_of_patched_regions_alone_and_outlive_the_second_look() -> None:
    world = World(
        {"a": Flaw(), "b": Flaw(box=(10, 0, 18, 8)), "c": Flaw(box=(20, 0, 28, 8))},
        {"b": (Effect(after=0.9),), "c": (Decline(),)},
    )
    run = through_advance(Script(world, LoopPolicy(has_reasoner=True, tries_per_region=1)))
    assert run.stages == "PDRPDPF"
    asked = [command.regions for command in run.commands if isinstance(command, Diagnose)]
    assert [item.id for item in asked[1]] == ["a", "b"]
    assert {item.patch_id: item.rejudged for item in run.job.verdicts} == {"a-t1": False, "b-t1": False}


def test_known_regions_are_as_last_seen_on_an_accepted_canvas() -> None:
    kept = through_advance(Script(World({"a": Flaw()}, {"a": (Effect(after=0.5), Decline())}))).job
    assert kept.known[0].evidence == 0.5
    refused = through_advance(Script(World({"a": Flaw()}, {"a": (Effect(after=0.5, detail=0.0),)}))).job
    assert refused.known[0].evidence == 0.9


def test_a_verdict_that_was_not_confirmed_in_time_is_withdrawn() -> None:
    world = World({"a": Flaw(), "b": Flaw(box=(10, 0, 18, 8))}, {"b": (Effect(after=0.9),)})
    job = through_advance(Script(world, deadline_after=4)).job
    assert job.result is not None
    assert job.result.patches == ()
    assert {item.patch_id: item.accepted for item in job.verdicts} == {"b-t1": False}


def test_a_result_that_differs_outside_its_masks_fails_the_job() -> None:
    step = begin(queued_job(MemoryImageStore()), 1.0)
    step = advance(step.job, Perceived(step=1, at_s=1.0))
    finalized = Finalized(step=2, at_s=1.0, artifacts={"result.png": "r"}, largest_outside_difference=3)
    job = advance(step.job, finalized).job
    assert job.status is Status.FAILED
    assert job.result is None
    assert job.artifacts == {}
    assert job.error is not None
    assert "differs from the original by 3 outside the edited masks" in job.error.message
