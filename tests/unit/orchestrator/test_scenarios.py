"""The loop as a table of scenarios, each run through `advance`, the in-process runner and the distributed path."""

from collections.abc import Callable

import pytest
from fakes.drive import Run, Script, through_advance, through_runner
from fakes.machines import through_machines
from scenarios.endings import ENDINGS
from scenarios.repairs import REPAIRS
from scenarios.scenario import Scenario

from shared.contracts.jobs import Status

SCENARIOS = REPAIRS + ENDINGS


@pytest.mark.parametrize("drive", [through_advance, through_runner, through_machines])
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
@pytest.mark.parametrize("drive", [through_runner, through_machines])
def test_runner_and_machines_tell_the_story_of_advance(scenario: Scenario, drive: Callable[[Script], Run]) -> None:
    direct, run = through_advance(scenario.script).job, drive(scenario.script).job
    same = ("verdicts", "iterations", "attempts", "declined", "warnings", "step", "asked", "diagnoses", "event_seq")
    assert {name: getattr(direct, name) for name in same} == {name: getattr(run, name) for name in same}
