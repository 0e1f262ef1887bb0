"""Which regions are asked about and repaired, in which order, with which seed and which history."""

import random

from fakes.agents import ScriptedAgents, diagnosis, queued_job
from fakes.drive import Script, through_advance
from fakes.world import Effect, Flaw, Silence, World

from services.orchestrator.loop import advance, begin
from services.orchestrator.targets import seed_of
from shared.adapters.memory import MemoryImageStore
from shared.contracts.jobs import Job, JobOptions, LoopPolicy
from shared.contracts.loop import Attempt, Diagnose, Diagnosed, Perceive, Retouch

SPREAD = {
    "mild": Flaw(0.4, box=(0, 0, 4, 4)),
    "worst": Flaw(0.9, box=(8, 0, 12, 4)),
    "doubtful": Flaw(0.95, box=(16, 0, 20, 4), distorted=False),
    "own": Flaw(0.5, "user", box=(0, 8, 4, 12)),
    "shielded": Flaw(0.99, box=(8, 8, 12, 12), protected_share=1.0),
}


def first(script: Script, kind: type[Diagnose] | type[Retouch]) -> Diagnose | Retouch:
    return next(command for command in through_advance(script).commands if isinstance(command, kind))


def test_a_seed_is_the_same_on_any_machine() -> None:
    assert seed_of(0, "r1", 1) == 5634179824610154184
    assert len({seed_of(job, region, number) for job in (0, 1) for region in ("a", "b") for number in (1, 2)}) == 8
    chance = random.Random(1)
    assert all(0 <= seed_of(chance.getrandbits(63), "r", 1) < 2**63 for _ in range(200))


def test_those_called_distorted_come_first_then_the_worst() -> None:
    command = first(Script(World(SPREAD)), Retouch)
    assert isinstance(command, Retouch)
    assert [target.region.id for target in command.targets] == ["worst", "own", "mild", "doubtful"]
    assert command.targets[0].seed == seed_of(0, "worst", 1)


def test_when_not_all_can_be_asked_about_the_callers_come_first_and_the_protected_last() -> None:
    def asked(limit: int) -> list[str]:
        command = first(Script(World(SPREAD), LoopPolicy(max_regions=limit)), Diagnose)
        assert isinstance(command, Diagnose)
        return [region.id for region in command.regions]

    assert asked(2) == ["own", "doubtful"]
    assert asked(5) == ["own", "doubtful", "worst", "mild", "shielded"]


def test_no_more_regions_are_asked_about_than_allowed_in_the_whole_job() -> None:
    world = World(
        {"a": Flaw(0.9, box=(0, 0, 4, 4))},
        {"a": (Effect(leaves=("x",)),)},
        {"x": Flaw(0.5, box=(20, 0, 24, 4))},
    )
    run = through_advance(Script(world, LoopPolicy(max_regions=1)))
    assert run.stages == "PDRPF"
    assert run.job.asked == ("a",)


def test_the_next_try_knows_the_last_and_has_another_seed() -> None:
    world = World({"a": Flaw(0.9)}, {"a": (Silence(), Effect(after=0.9), Effect())})
    run = through_advance(Script(world, LoopPolicy(tries_per_region=3), JobOptions(seed=5)))
    targets = [command.targets[0] for command in run.commands if isinstance(command, Retouch)]
    seeds = [seed_of(5, "a", number) for number in (1, 2, 3)]
    assert [target.seed for target in targets] == seeds
    refused = "refused: text evidence at a did not fall: 0.90 before, 0.90 after"
    assert targets[2].attempts == (
        Attempt(tool="none", seed=seeds[0], outcome="unanswered"),
        Attempt(tool="retype", seed=seeds[1], outcome=refused),
    )
    assert run.job.attempts[0].attempts[-1] == Attempt(tool="retype", seed=seeds[2], outcome="accepted")


def test_a_trial_watches_every_region_ever_seen() -> None:
    world = World(
        {"a": Flaw(0.9, box=(0, 0, 4, 4)), "b": Flaw(0.5, box=(8, 0, 12, 4))},
        {"a": (Effect(leaves=("x",)), Effect()), "b": (Silence(),)},
        {"x": Flaw(0.9, box=(1, 1, 6, 6))},
    )
    looks = [command for command in through_advance(Script(world)).commands if isinstance(command, Perceive)]
    assert [[region.id for region in look.watch] for look in looks] == [[], ["a", "b"], ["a", "b", "x"]]
    assert [look.on_trial for look in looks] == [(), ("a-t1",), ("a-t2",)]


def test_diagnoses_that_nobody_asked_for_are_dropped() -> None:
    store = MemoryImageStore()
    agents = ScriptedAgents(World({"a": Flaw()}), store)
    job: Job = queued_job(store)
    step = begin(job, 1.0)
    assert isinstance(step.command, Perceive)
    step = advance(step.job, agents.perceive(step.job, step.command, 1))
    said = (diagnosis("a"), diagnosis("a", distorted=False), diagnosis("z"))
    step = advance(step.job, Diagnosed(step=2, at_s=1.0, diagnoses=said))
    assert step.job.diagnoses == (diagnosis("a"),)
