"""The measurement's own arithmetic: arrivals that wait for nobody, hops, rates, and what idle agents do."""

import time

import pytest

from services.commands.speed.arrivals import finished, hop_seconds, job_seconds, send
from services.commands.speed.chaos import _longest_recovery
from services.commands.speed.idle_agents import HOPS, IdleAgents, idle_job
from services.commands.speed.rates import parsed_rates
from services.orchestrator.runner import Runner
from shared.adapters.clock import SystemClock
from shared.adapters.memory import MemoryJobStore
from shared.contracts.jobs import Outcome
from shared.contracts.loop import PublicEvent
from shared.errors import BadInput


def test_idle_agents_take_the_whole_loop() -> None:
    jobs, agents = MemoryJobStore(), IdleAgents()
    jobs.create(idle_job("job_1", time.time()), ())
    job = Runner(jobs, agents, agents, agents, agents, SystemClock()).run("job_1")
    assert job.outcome is Outcome.REPAIRED
    assert [timing.stage for timing in job.timings] == ["perceive", "diagnose", "retouch", "perceive", "finalize"]
    assert len(hop_seconds(jobs.events_after("job_1", 0))) == HOPS


def test_a_hop_lies_between_two_answers() -> None:
    def event(seq: int, kind: str, at_s: float) -> PublicEvent:
        return PublicEvent(seq=seq, job_id="job_1", type=kind, at_s=at_s)

    events = [
        event(1, "job.started", 1.0),
        event(2, "stage.started", 1.0),
        event(3, "job.perceived", 1.5),
        event(4, "stage.started", 1.5),
        event(5, "job.succeeded", 3.5),
    ]
    assert hop_seconds(events) == [0.5, 2.0]


def test_arrivals_are_timed_from_when_they_were_due() -> None:
    """The first announcement holds the sender up; the jobs after it bear the time at which they were due."""
    jobs, told = MemoryJobStore(), []

    def slow(job_id: str) -> None:
        told.append(job_id)
        time.sleep(0.3 if len(told) == 1 else 0.0)

    sent = send(jobs, slow, per_s=20.0, for_s=0.25)
    assert list(sent.job_ids) == told
    due = [jobs.load(job_id).job.created_at_s for job_id in told]
    assert [round(after - due[0], 3) for after in due] == [0.0, 0.05, 0.1, 0.15, 0.2]
    assert sent.late_s > 0.2


def test_what_never_ends_is_not_waited_for_for_ever() -> None:
    jobs = MemoryJobStore()
    jobs.create(idle_job("job_1", 1.0), ())
    assert finished(jobs, ["job_1"], within_s=0.1) == []
    with pytest.raises(ValueError, match="queued"):
        job_seconds(jobs.load("job_1").job)


@pytest.mark.parametrize("text", ["", "0", "5,5", "10,5", "a", "5,"])
def test_rates_must_rise(text: str) -> None:
    with pytest.raises(BadInput, match="5,10,20"):
        parsed_rates(text)


def test_rates() -> None:
    assert parsed_rates("5,10.5") == (5.0, 10.5)


def test_recovery_is_the_longest_wait_for_the_next_end() -> None:
    assert _longest_recovery([1.0, 5.0], [0.5, 1.5, 9.0]) == 4.0
    assert _longest_recovery([], [1.0]) == 0.0
    assert _longest_recovery([10.0], [1.0]) == 0.0
