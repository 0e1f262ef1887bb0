"""Messages come twice, late, in disorder or not at all, and more of them than can be done within a lease."""

import random
import time
from collections.abc import Iterator

import pytest
from fakes.installation import ROLES, Installation

from shared.contracts.dispatch import Dispatch, Work
from shared.contracts.jobs import Outcome

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("told")]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One command at a time, each slower than messages come; two of those that do most."""
    folder = tmp_path_factory.mktemp("crowded")
    with Installation(
        folder,
        lease_s=1.5,
        slow_s=0.2,
        roles=(*ROLES, "perception", "action"),
        RETOUCHER_WORKER_THREADS="1",
    ) as it:
        yield it


def test_doubled_and_disordered_messages_change_nothing(crowded: Installation) -> None:
    chance = random.Random(20261125)
    jobs = [crowded.submit() for _ in range(4)]
    for _ in range(60):
        message = Dispatch(
            job_id=chance.choice(jobs),
            step=chance.randint(0, 9),
            dispatch=chance.randint(0, 9),
            work=chance.choice(list(Work)),
        )
        crowded.queue.publish(message)
        time.sleep(0.01)
    ended = crowded.ended(jobs)
    assert {job.outcome for job in ended.values()} == {Outcome.IMPROVED}
    assert {count for (job_id, _), count in crowded.calls().items() if job_id in jobs} == {1}


def test_a_backlog_longer_than_the_lease_doubles_and_fails_nothing(crowded: Installation) -> None:
    jobs = [crowded.submit() for _ in range(14)]
    began = time.monotonic()
    ended = crowded.ended(jobs)
    assert time.monotonic() - began > crowded.lease_s
    assert {job.outcome for job in ended.values()} == {Outcome.IMPROVED}
    assert {count for (job_id, _), count in crowded.calls().items() if job_id in jobs} == {1}


def test_messages_that_vanish_are_sent_again(crowded: Installation) -> None:
    jobs = [crowded.submit() for _ in range(6)]
    for _ in range(8):
        time.sleep(0.1)
        crowded.connection.ask("DEL", "perception", "action", "orchestrator", "reasoning")
    assert {job.outcome for job in crowded.ended(jobs).values()} == {Outcome.IMPROVED}


@pytest.mark.parametrize("role", ["perception", "orchestrator"])
def test_what_is_told_to_stop_finishes_its_work_and_takes_no_more(crowded: Installation, role: str) -> None:
    """Nothing is done twice, and no lease runs out: a rollout costs nothing but time."""
    expired = len([entry for entry in crowded.logged("sent_again") if entry["reason"] == "claim_expired"])
    jobs = [crowded.submit() for _ in range(6)]
    while not any(job_id in jobs for job_id, _ in crowded.calls()):
        time.sleep(0.02)
    crowded.stop(role)
    ended = crowded.ended(jobs)
    assert {job.outcome for job in ended.values()} == {Outcome.IMPROVED}
    assert {count for (job_id, _), count in crowded.calls().items() if job_id in jobs} == {1}
    assert len([entry for entry in crowded.logged("sent_again") if entry["reason"] == "claim_expired"]) == expired
    assert {code for name, code in crowded.deaths if name == role} == {0}
