"""Laws of the loop that hold whatever the agents answer."""

import math
import random

from fakes.adversary import DETECTORS, PATCHES_AT_MOST, Adversary
from fakes.agents import queued_job
from fakes.drive import Script, through_advance
from fakes.world import Decline, Effect, Flaw, Silence, World
from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.loop import Advance, advance, begin
from services.orchestrator.record import record_of
from shared.adapters.memory import MemoryImageStore
from shared.contracts.jobs import Job, JobOptions, LoopPolicy, Mode, Outcome, Perception, Phase, Status
from shared.contracts.loop import CancelRequested, DeadlinePassed, Finalize, PublicEvent, Retouch
from shared.contracts.values import Canvas, Region

policies = st.builds(
    LoopPolicy,
    saliency_detector=st.sampled_from([None, "saliency"]),
    min_gain=st.sampled_from([0.0, 0.2, 0.5]),
    max_rise=st.sampled_from([0.0, 0.1, 1.0]),
    has_reasoner=st.booleans(),
    may_veto=st.booleans(),
    max_regions=st.integers(1, 6),
    tries_per_region=st.integers(1, 3),
    max_iterations=st.integers(1, 4),
    stage_tries=st.integers(1, 3),
)
options = st.builds(
    JobOptions,
    mode=st.sampled_from([Mode.RETOUCH, Mode.RETOUCH, Mode.RETOUCH, Mode.ANALYZE]),
    force=st.booleans(),
    max_iterations=st.one_of(st.none(), st.integers(1, 4)),
)
chances = st.randoms(use_true_random=False)


def most_steps(job: Job) -> int:
    """An upper bound that follows from the numbers: a stage may fail `stage_tries` times for each command."""
    rounds = job.options.max_iterations or job.policy.max_iterations
    looks = 2 + PATCHES_AT_MOST  # the trial, its second opinion, and one look less for each patch refused
    return job.policy.stage_tries * (3 + rounds * (2 + looks))


def score(history: list[Perception], index: int) -> float:
    """The sum of own evidence, written anew and plainly.

    Silence about a region that was watched is the worst. A region that is first seen later was there all the same,
    unless a patch that only one of the two canvases has lies over it.
    """
    values = []
    for name, detector in DETECTORS.items():
        said, seen = answers_about(name, detector, history[index])
        watched = any(region.id == name for before in history[:index] for region in before.regions)
        if watched or seen:
            values.append((said or seen or [1.0])[0])
            continue
        for later in history[index + 1 :]:
            found = [region for region in later.regions if region.id == name]
            if found:
                if not painted_over(found[0], history[index].canvas, later.canvas):
                    values.append([*answers_about(name, detector, later)[0], found[0].evidence][0])
                break
    return math.fsum(values)


def answers_about(name: str, detector: str, perception: Perception) -> tuple[list[float], list[float]]:
    """What the region's own detector says of it: the last value, and as a finding; each a list of one or none."""
    said = [item.value for item in perception.evidence if (item.region_id, item.detector) == (name, detector)]
    return said[-1:], [region.evidence for region in perception.regions if region.id == name]


def painted_over(region: Region, one: Canvas, other: Canvas) -> bool:
    """Whether a patch of only one of the canvases shares a pixel with the region."""
    x0, y0, x1, y1 = region.box_xyxy_px
    ours, theirs = {patch.id for patch in one.patches}, {patch.id for patch in other.patches}
    boxes = [patch.box_xyxy_px for patch in (*one.patches, *other.patches) if patch.id in ours ^ theirs]
    return any(max(x0, a) < min(x1, c) and max(y0, b) < min(y1, d) for a, b, c, d in boxes)


def check_command(step: Advance) -> None:
    job, command = step.job, step.command
    if command is None:
        return
    assert command == job.pending
    assert command.step == job.step
    if isinstance(command, Retouch):
        tries = {entry.region_id: len(entry.attempts) for entry in job.attempts}
        declined = {item.region_id for item in job.declined}
        for target in command.targets:
            assert target.region.protected_share < 0.99
            assert tries.get(target.region.id, 0) < job.policy.tries_per_region
            assert target.region.id not in declined
            assert target.diagnosis.region_id == target.region.id
            assert len(target.attempts) == tries.get(target.region.id, 0)
            foreign = not job.perceptions[0].in_domain and target.region.detector == job.policy.saliency_detector
            assert job.options.force or not foreign
        assert len(job.asked) <= job.policy.max_regions
        assert job.options.mode is Mode.RETOUCH
    if isinstance(command, Finalize):
        check_result(job, command.canvas)


def check_result(job: Job, result: Canvas) -> None:
    refused = {verdict.patch_id for verdict in job.verdicts if not verdict.accepted}
    kept = {verdict.patch_id for verdict in job.verdicts} - refused
    history = list(job.perceptions)
    scores = {}
    for index, perception in enumerate(history):
        if all(patch.id in kept for patch in perception.canvas.patches):
            scores[index] = score(history, index)
    chosen = [index for index in scores if history[index].canvas == result]
    assert chosen, "the result has not been perceived, or holds a patch that was not accepted"
    assert min(scores[index] for index in chosen) == min(scores.values())
    assert scores[min(chosen)] < scores[0] or not result.patches
    present: set[str] = set()
    for patch in result.patches:
        assert present.issuperset(patch.base_patch_ids)
        present.add(patch.id)


@given(chance=chances, policy=policies, choice=options)
def test_no_sequence_of_events_breaks_the_promises(
    chance: random.Random, policy: LoopPolicy, choice: JobOptions
) -> None:
    adversary = Adversary(chance)
    step = begin(queued_job(MemoryImageStore(), policy=policy, options=choice), 1.0)
    public: list[PublicEvent] = list(step.public_events)
    limit = most_steps(step.job)
    while step.command is not None:
        check_command(step)
        job, command = step.job, step.command
        assert job.step <= limit
        assert Job.model_validate_json(job.model_dump_json()) == job
        ignored = advance(job, adversary.noise(command))
        assert ignored.job is job
        assert (ignored.command, ignored.public_events) == (None, ())
        interruption = adversary.interruption(command.step)
        if interruption is not None:
            told = advance(job, interruption)
            public += told.public_events
            step = told if told.command or told.job.phase is Phase.ENDED else Advance(told.job, command)
            if step.job.pending != command or step.job.phase is Phase.ENDED:
                continue
        step = advance(step.job, adversary.answer(command))
        public += step.public_events
    check_end(step.job, public)


def check_end(job: Job, public: list[PublicEvent]) -> None:
    assert job.phase is Phase.ENDED
    assert job.pending is None
    assert job.status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)
    assert (job.error is not None) == (job.status is Status.FAILED)
    assert (job.outcome is not None) == (job.status is Status.SUCCEEDED)
    assert job.result is not None or job.status is not Status.SUCCEEDED
    assert job.stop_reason is not None
    assert job.finished_at_s is not None
    assert [event.seq for event in public] == list(range(1, len(public) + 1))
    assert [event.type for event in public].count(f"job.{job.status.value}") == 1
    if job.result is not None:
        check_result(job, job.result)
        repaired = job.outcome in (Outcome.REPAIRED, Outcome.IMPROVED)
        assert bool(job.result.patches) == repaired or job.status is Status.CANCELED
        scores = record_of(job).scores
        assert scores.after is not None
        assert scores.before is not None
        assert scores.after <= scores.before
    for event in (CancelRequested(step=0, at_s=2.0), DeadlinePassed(step=0, at_s=2.0)):
        assert advance(job, event).job is job
    assert begin(job, 3.0).job is job


effects = st.builds(
    Effect,
    after=st.sampled_from([None, 0.0, 0.2, 0.5, 0.9]),
    detail=st.sampled_from([None, 0.1, 0.9]),
    colour=st.sampled_from([2.0, 30.0]),
    others=st.sampled_from([{}, {"saliency": 0.6}]),
    leaves=st.sampled_from([(), ("x",)]),
    distorted=st.sampled_from([True, False, None]),
    needs=st.sampled_from(["", "b"]),
)
answers = st.lists(st.one_of(effects, effects, st.just(Decline()), st.just(Silence())), min_size=1, max_size=3)
boxes = st.sampled_from([(0, 0, 8, 8), (4, 4, 12, 12), (20, 20, 28, 28)])
flaws = st.builds(Flaw, evidence=st.sampled_from([0.3, 0.5, 0.9]), box=boxes, distorted=st.sampled_from([True, False]))
worlds = st.builds(
    lambda a, b, x, tries: World({"a": a, "b": b}, {k: tuple(v) for k, v in tries.items()}, {"x": x}),
    flaws,
    flaws,
    flaws,
    st.fixed_dictionaries({"a": answers, "b": answers, "x": answers}),
)


@given(world=worlds, policy=policies)
def test_an_accepted_patch_obeys_the_rule(world: World, policy: LoopPolicy) -> None:
    job = through_advance(Script(world, policy)).job
    for verdict in job.verdicts:
        patch = next(patch for patch in job.history if patch.id == verdict.patch_id)
        effect = world.effect_of(patch)
        assert verdict.reason
        if verdict.accepted:
            assert verdict.evidence_before - verdict.evidence_after >= policy.min_gain - 1e-9
            assert verdict.evidence_after < verdict.evidence_before
            assert verdict.rejudged is not True
            assert effect.detail == 0.9
            assert effect.colour == 2.0
            assert policy.max_rise == 1.0 or not effect.others


@given(world=worlds, policy=policies)
def test_the_same_job_runs_the_same(world: World, policy: LoopPolicy) -> None:
    assert through_advance(Script(world, policy)).job == through_advance(Script(world, policy)).job
