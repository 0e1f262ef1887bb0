"""The loop as a table of scenarios, each run through `advance` and through the in-process runner."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from fakes.agents import broken, busy
from fakes.drive import Run, Script, through_advance, through_runner
from fakes.world import Decline, Effect, Flaw, Silence, World

from services.orchestrator.selection import USER_DETECTOR
from shared.contracts.jobs import JobOptions, LoopPolicy, Mode, Outcome, Status, StopReason

A, B, C = (0, 0, 8, 8), (10, 0, 18, 8), (20, 0, 28, 8)

REASONER = LoopPolicy(has_reasoner=True)
VETO = LoopPolicy(has_reasoner=True, may_veto=True)
SALIENCY = LoopPolicy(saliency_detector="saliency", tau_s=0.5, tau_any=0.5)
ONCE = LoopPolicy(tries_per_region=1)


@dataclass(frozen=True)
class Scenario:
    name: str
    script: Script
    stages: str
    outcome: Outcome | None
    stop: StopReason
    accepted: set[str] = field(default_factory=set)
    status: Status = Status.SUCCEEDED
    warned: str = ""


def two_signs(a: tuple[object, ...] = (Effect(),), b: tuple[object, ...] = (Effect(),)) -> World:
    return World(flaws={"a": Flaw(box=A), "b": Flaw(0.8, box=B)}, repairs={"a": a, "b": b})  # type: ignore[dict-item]


def one_sign(*answers: object, **flaw: object) -> World:
    return World(flaws={"a": Flaw(box=A, **flaw)}, repairs={"a": answers or (Effect(),)})  # type: ignore[arg-type, dict-item]


SAME = Effect(after=0.9)

SCENARIOS = [
    Scenario("healthy image", Script(World()), "PF", Outcome.NOTHING_TO_FIX, StopReason.NOTHING_SALIENT),
    Scenario(
        "all fixed in one round",
        Script(two_signs()),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1", "b-t1"},
    ),
    Scenario(
        "all fixed in one round, and judged again",
        Script(two_signs(), REASONER),
        "PDRPDF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1", "b-t1"},
    ),
    Scenario("tie rolled back", Script(one_sign(SAME), ONCE), "PDRPF", Outcome.NO_GAIN, StopReason.TRIES_SPENT),
    Scenario(
        "tie rolled back where no gain is asked for",
        Script(one_sign(SAME), ONCE.model_copy(update={"min_gain": 0.0})),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "too small a gain is none",
        Script(one_sign(Effect(after=0.71)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "gain of exactly the minimum",
        Script(one_sign(Effect(after=0.1), evidence=0.3), ONCE),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "retried with another tool",
        Script(one_sign(SAME, Effect(tool="opencv"))),
        "PDRPRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t2"},
    ),
    Scenario(
        "partly repaired, then repaired on top",
        Script(one_sign(Effect(after=0.5), Effect(after=0.1))),
        "PDRPRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1", "a-t2"},
    ),
    Scenario(
        "partial rejection perceived again",
        Script(two_signs(b=(SAME,)), ONCE),
        "PDRPPF",
        Outcome.IMPROVED,
        StopReason.TRIES_SPENT,
        {"a-t1"},
    ),
    Scenario(
        "partial rejection that does not hold alone",
        Script(two_signs(a=(Effect(needs="b"),), b=(SAME,)), ONCE),
        "PDRPPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "no gain in any try",
        Script(two_signs((SAME, SAME), (SAME, SAME))),
        "PDRPRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "dependents of a refused patch fall",
        Script(two_signs(a=(SAME,), b=(Effect(on_top_of="a-t1"),)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "patch on top of what is not there is dropped",
        Script(one_sign(Effect(on_top_of="nowhere")), ONCE),
        "PDRF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
        warned="what it was made on top of is not there",
    ),
    Scenario(
        "patch for a region nobody asked for is dropped",
        Script(one_sign(Effect(also=("z",))), ONCE),
        "PDRF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
        warned="not for the regions that were asked for",
    ),
    Scenario(
        "one patch over two regions stands when both are better",
        Script(two_signs(a=(Effect(also=("b",)),), b=(Silence(),))),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "one patch over two regions falls when one is no better",
        Script(
            World(
                flaws={"a": Flaw(0.9, box=A), "b": Flaw(0.4, box=B)},
                repairs={"a": (Effect(after=0.3, also=("b",)),), "b": (Silence(),)},
            ),
            ONCE,
        ),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "smear refused",
        Script(one_sign(Effect(detail=0.1)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "grey patch refused",
        Script(one_sign(Effect(colour=30.0)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "unchecked refused",
        Script(one_sign(Effect(detail=None)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "unmeasured refused",
        Script(one_sign(Effect(after=None)), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "another detector's evidence rose",
        Script(one_sign(Effect(others={"saliency": 0.5}), others={"saliency": 0.2}), ONCE),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "another detector's evidence rose within the limit",
        Script(one_sign(Effect(others={"saliency": 0.3}), others={"saliency": 0.2}), ONCE),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "still called distorted",
        Script(one_sign(Effect(distorted=True)), LoopPolicy(has_reasoner=True, tries_per_region=1)),
        "PDRPDF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "not judged again",
        Script(one_sign(Effect(distorted=None)), REASONER),
        "PDRPDF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
        warned="was not judged again",
    ),
    Scenario(
        "new flaw of the same detector outweighs the gain",
        Script(
            World(
                flaws={"a": Flaw(0.9, box=A)},
                repairs={"a": (Effect(leaves=("new",)),)},
                hidden={"new": Flaw(0.8, box=(2, 2, 12, 12))},
            ),
            ONCE,
        ),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "new flaw of another detector",
        Script(
            World(
                flaws={"a": Flaw(0.9, box=A)},
                repairs={"a": (Effect(leaves=("new",)),)},
                hidden={"new": Flaw(0.4, "saliency", box=(2, 2, 12, 12))},
            ),
            ONCE,
        ),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.TRIES_SPENT,
    ),
    Scenario(
        "a flaw far away that was overlooked at first is no damage, and counts for the original too",
        Script(
            World(
                flaws={"a": Flaw(0.5, box=A)},
                repairs={"a": (Effect(leaves=("new",)),), "new": (Decline(),)},
                hidden={"new": Flaw(0.8, box=C)},
            )
        ),
        "PDRPDRF",
        Outcome.IMPROVED,
        StopReason.NOTHING_REPAIRABLE,
        {"a-t1"},
    ),
    Scenario(
        "a patch does not answer for a region that another patch is for",
        Script(
            World(
                flaws={"a": Flaw(0.9, box=A), "b": Flaw(0.5, "saliency", box=(4, 0, 12, 8))},
                repairs={"b": (Effect(after=0.9),)},
            ),
            ONCE,
        ),
        "PDRPPF",
        Outcome.IMPROVED,
        StopReason.TRIES_SPENT,
        {"a-t1"},
    ),
    Scenario(
        "new flaw far away is repaired too",
        Script(
            World(
                flaws={"a": Flaw(0.5, box=A)},
                repairs={"a": (Effect(leaves=("new",)),)},
                hidden={"new": Flaw(0.8, box=C)},
            )
        ),
        "PDRPDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1", "new-t1"},
    ),
    Scenario(
        "declined regions are finished",
        Script(two_signs(b=(Decline(),))),
        "PDRPF",
        Outcome.IMPROVED,
        StopReason.NOTHING_REPAIRABLE,
        {"a-t1"},
    ),
    Scenario("all declined", Script(one_sign(Decline())), "PDRF", Outcome.NO_GAIN, StopReason.NOTHING_REPAIRABLE),
    Scenario("silence costs a try", Script(one_sign(Silence())), "PDRRF", Outcome.NO_GAIN, StopReason.TRIES_SPENT),
    Scenario(
        "rounds are limited",
        Script(one_sign(Silence()), LoopPolicy(tries_per_region=9)),
        "PDRRRF",
        Outcome.NO_GAIN,
        StopReason.MAX_ITERATIONS,
    ),
    Scenario(
        "rounds are limited by the caller",
        Script(one_sign(Silence()), LoopPolicy(tries_per_region=9), JobOptions(max_iterations=1)),
        "PDRF",
        Outcome.NO_GAIN,
        StopReason.MAX_ITERATIONS,
    ),
    Scenario(
        "no diagnosis, no repair",
        Script(one_sign(distorted=None)),
        "PDF",
        Outcome.NO_GAIN,
        StopReason.NOTHING_REPAIRABLE,
        warned="region a has no diagnosis and stays untouched",
    ),
    Scenario(
        "veto",
        Script(one_sign(distorted=False), VETO),
        "PDF",
        Outcome.NOTHING_TO_FIX,
        StopReason.NOTHING_SALIENT,
    ),
    Scenario(
        "no veto without leave",
        Script(one_sign(distorted=False)),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "no veto over the caller's own region",
        Script(one_sign(distorted=False, detector=USER_DETECTOR), VETO),
        "PDRPDF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "a veto after the repair ends the work on it",
        Script(one_sign(Effect(after=0.5)), VETO),
        "PDRPDF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "faint saliency alone",
        Script(World({"a": Flaw(0.4, "saliency")}, saliency_peak=0.4, any_distortion=0.9), SALIENCY),
        "PF",
        Outcome.NOTHING_TO_FIX,
        StopReason.NOTHING_SALIENT,
    ),
    Scenario(
        "saliency alone, and the head says no",
        Script(World({"a": Flaw(0.9, "saliency")}, saliency_peak=0.9, any_distortion=0.1), SALIENCY),
        "PF",
        Outcome.NOTHING_TO_FIX,
        StopReason.NOTHING_SALIENT,
    ),
    Scenario(
        "saliency, and the head says yes",
        Script(World({"a": Flaw(0.9, "saliency")}, saliency_peak=0.9, any_distortion=0.9), SALIENCY),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "own regions skip the stop rule",
        Script(World({"a": Flaw(0.9, USER_DETECTOR)}, saliency_peak=0.1, any_distortion=0.1), SALIENCY),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "out of domain: shown, not edited; text is",
        Script(
            World({"a": Flaw(0.9, "saliency", A), "b": Flaw(0.8, "text", B)}, saliency_peak=0.9, in_domain=False),
            SALIENCY,
        ),
        "PDRPF",
        Outcome.IMPROVED,
        StopReason.NOTHING_REPAIRABLE,
        {"b-t1"},
        warned="does not know images like this one",
    ),
    Scenario(
        "out of domain, forced",
        Script(
            World({"a": Flaw(0.9, "saliency", A)}, saliency_peak=0.9, in_domain=False),
            SALIENCY,
            JobOptions(force=True),
        ),
        "PDRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "protected areas",
        Script(World({"a": Flaw(box=A, protected_share=1.0), "b": Flaw(0.8, box=B, protected_share=0.5)})),
        "PDRPF",
        Outcome.IMPROVED,
        StopReason.NOTHING_REPAIRABLE,
        {"b-t1"},
        warned="1 region not edited: in the protected area",
    ),
    Scenario(
        "everything protected",
        Script(one_sign(protected_share=0.99)),
        "PDF",
        Outcome.NO_GAIN,
        StopReason.NOTHING_REPAIRABLE,
        warned="1 region not edited: in the protected area",
    ),
    Scenario(
        "more regions than allowed",
        Script(two_signs(), LoopPolicy(max_regions=1)),
        "PDRPF",
        Outcome.IMPROVED,
        StopReason.NOTHING_REPAIRABLE,
        {"a-t1"},
        warned="1 of the regions found are left as they are: at most 1 are worked on",
    ),
    Scenario(
        "analyze",
        Script(two_signs(), options=JobOptions(mode=Mode.ANALYZE)),
        "PDF",
        Outcome.ANALYZED,
        StopReason.ANALYZE_ONLY,
    ),
    Scenario(
        "analyze a healthy image",
        Script(World(), options=JobOptions(mode=Mode.ANALYZE)),
        "PF",
        Outcome.NOTHING_TO_FIX,
        StopReason.NOTHING_SALIENT,
    ),
    Scenario(
        "deadline before anything was perceived",
        Script(one_sign(), fails=((1, busy()),), deadline_after=1),
        "P",
        None,
        StopReason.DEADLINE,
        status=Status.FAILED,
    ),
    Scenario(
        "deadline in the queue",
        Script(one_sign(), deadline_after=0),
        "",
        None,
        StopReason.DEADLINE,
        status=Status.FAILED,
    ),
    Scenario(
        "deadline drops unverified patches",
        Script(one_sign(), deadline_after=3),
        "PDRF",
        Outcome.NO_GAIN,
        StopReason.DEADLINE,
        warned="1 patch had not been verified",
    ),
    Scenario(
        "deadline between the verdict and the second look",
        Script(two_signs(b=(SAME,)), deadline_after=4),
        "PDRPF",
        Outcome.NO_GAIN,
        StopReason.DEADLINE,
        warned="had not been verified",
    ),
    Scenario(
        "deadline keeps what was verified",
        Script(two_signs(b=(SAME, SAME)), deadline_after=6),
        "PDRPPRF",
        Outcome.IMPROVED,
        StopReason.DEADLINE,
        {"a-t1"},
        warned="1 patch had not been verified",
    ),
    Scenario(
        "deadline while finalizing changes nothing",
        Script(one_sign(), deadline_after=5, fails=((5, busy()),)),
        "PDRPFF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "cancel in the queue",
        Script(one_sign(), cancel_after=0),
        "",
        None,
        StopReason.CANCELED,
        status=Status.CANCELED,
    ),
    Scenario(
        "cancel before anything was perceived",
        Script(one_sign(), fails=((1, busy()),), cancel_after=1),
        "P",
        None,
        StopReason.CANCELED,
        status=Status.CANCELED,
    ),
    Scenario(
        "cancel keeps what was verified",
        Script(two_signs(b=(SAME, SAME)), cancel_after=6),
        "PDRPPRF",
        None,
        StopReason.CANCELED,
        {"a-t1"},
        status=Status.CANCELED,
        warned="1 patch had not been verified",
    ),
    Scenario(
        "cancel while finalizing",
        Script(one_sign(), cancel_after=5, fails=((5, busy()),)),
        "PDRPFF",
        None,
        StopReason.CANCELED,
        {"a-t1"},
        status=Status.CANCELED,
    ),
    Scenario(
        "stage fails and recovers",
        Script(one_sign(), fails=((1, busy()), (2, busy()), (5, busy()), (6, busy()))),
        "PPPDRRRPF",
        Outcome.REPAIRED,
        StopReason.NOTHING_SALIENT,
        {"a-t1"},
    ),
    Scenario(
        "stage fails for good",
        Script(one_sign(), fails=((2, broken()),)),
        "PD",
        None,
        StopReason.STAGE_FAILED,
        status=Status.FAILED,
    ),
    Scenario(
        "stage fails too often",
        Script(one_sign(), fails=((2, busy()), (3, busy()), (4, busy()))),
        "PDDD",
        None,
        StopReason.STAGE_FAILED,
        status=Status.FAILED,
    ),
    Scenario(
        "stage fails for good after a gain",
        Script(two_signs(b=(SAME, SAME)), fails=((6, broken()),)),
        "PDRPPRF",
        Outcome.IMPROVED,
        StopReason.STAGE_FAILED,
        {"a-t1"},
        warned="the model cannot do this: use another",
    ),
    Scenario(
        "finalize has failures of its own to spend",
        Script(two_signs(b=(SAME, SAME)), fails=((6, broken()), (7, busy()), (8, busy()))),
        "PDRPPRFFF",
        Outcome.IMPROVED,
        StopReason.STAGE_FAILED,
        {"a-t1"},
        warned="the model cannot do this: use another",
    ),
    Scenario(
        "finalize fails for good",
        Script(one_sign(), fails=((5, broken()),)),
        "PDRPF",
        None,
        StopReason.STAGE_FAILED,
        status=Status.FAILED,
    ),
]


@pytest.mark.parametrize("drive", [through_advance, through_runner])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, drive: Callable[[Script], Run]) -> None:
    run = drive(scenario.script)
    job = run.job
    assert run.stages == scenario.stages
    assert (job.status, job.outcome, job.stop_reason) == (scenario.status, scenario.outcome, scenario.stop)
    accepted = {patch.id for patch in job.result.patches} if job.result is not None else set()
    assert accepted == scenario.accepted
    assert scenario.warned in "\n".join(job.warnings)
    assert scenario.warned or not job.warnings
    assert job.largest_outside_difference in (0, None)
    assert [event.seq for event in run.events] == list(range(1, len(run.events) + 1))
    assert run.events[-1].type == f"job.{scenario.status.value}"
    assert sum(event.type.startswith(("job.succeeded", "job.failed", "job.canceled")) for event in run.events) == 1
    assert (job.error is not None) == (scenario.status is Status.FAILED)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_runner_and_advance_tell_the_same_story(scenario: Scenario) -> None:
    direct, run = through_advance(scenario.script).job, through_runner(scenario.script).job
    same = ("verdicts", "iterations", "attempts", "declined", "warnings", "step", "asked", "diagnoses", "event_seq")
    assert {name: getattr(direct, name) for name in same} == {name: getattr(run, name) for name in same}
