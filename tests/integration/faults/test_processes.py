"""Processes are killed, hang, and are killed by what they work on: each job ends once, as it should."""

import time

import pytest
from fakes.installation import Installation

from shared.contracts.jobs import Outcome, Status
from shared.errors import ErrorCode
from shared.heart import EXIT_CODE

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("told")]


@pytest.mark.parametrize("role", ["orchestrator", "perception", "reasoning", "action", "sweeper"])
def test_a_killed_process_loses_no_job(running: Installation, role: str) -> None:
    jobs = [running.submit() for _ in range(4)]
    time.sleep(0.25)
    before = running.deaths[(role, -9)]
    running.kill(role)
    jobs += [running.submit() for _ in range(2)]
    ended = running.ended(jobs)
    assert {job.outcome for job in ended.values()} == {Outcome.IMPROVED}
    assert running.deaths[(role, -9)] == before + 1


def test_a_job_that_nobody_was_told_of_is_found(running: Installation) -> None:
    """As when the gateway is killed between storing a job and publishing it."""
    assert running.ended([running.submit(published=False)])


def test_a_stage_that_hangs_ends_its_process_and_is_done_by_the_next(running: Installation) -> None:
    hanging = running.submit("hang", "retouch", times=1)
    others = [running.submit() for _ in range(4)]
    ended = running.ended([hanging, *others])
    assert {job.outcome for job in ended.values()} == {Outcome.IMPROVED}
    assert running.deaths[("action", EXIT_CODE)] == 1
    assert [entry["job_id"] for entry in running.logged("stage_hangs")] == [hanging]


def test_a_poison_job_fails_after_three_claims_and_harms_nobody(running: Installation) -> None:
    poison = running.submit("kill", "perceive")
    others = [running.submit() for _ in range(8)]
    ended = running.ended([poison, *others])
    error = ended[poison].error
    assert error is not None
    assert (ended[poison].status, error.code) == (Status.FAILED, ErrorCode.WORKER_LOST)
    assert error.message.startswith("perceive was taken up 3 times and its worker was gone each time")
    assert {ended[job_id].outcome for job_id in others} == {Outcome.IMPROVED}
    assert running.calls()[(poison, 1)] == 3


def test_a_job_that_kills_its_worker_twice_has_a_third_chance(running: Installation) -> None:
    job_id = running.submit("kill", "finalize", times=2)
    before = running.deaths[("orchestrator", -9)]
    assert running.ended([job_id])[job_id].outcome is Outcome.IMPROVED
    assert running.deaths[("orchestrator", -9)] == before + 2
