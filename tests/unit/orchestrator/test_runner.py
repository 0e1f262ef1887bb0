"""What the in-process runner adds to the loop: failures of agents, other runners, continuing, and who is told."""

import pytest
from fakes.agents import ScriptedAgents, broken, queued_job
from fakes.clock import FakeClock
from fakes.spans import SpanRecorder
from fakes.world import Flaw, World
from structlog.testing import capture_logs

from services.orchestrator.finalize import CanvasFinalizer
from services.orchestrator.loop import begin
from services.orchestrator.runner import Runner
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.contracts.jobs import Job, Outcome, Status, StopReason
from shared.contracts.loop import Diagnose, Diagnosed, Perceive, Perceived, PublicEvent
from shared.errors import ErrorCode, NotFound
from shared.ports import Perceiver, Reasoner, Spans
from shared.spans import NO_SPANS

WORLD = World({"a": Flaw()})


class Stage:
    """Stores, clock and scripted agents, to be put together with one part replaced."""

    def __init__(self) -> None:
        self.images = MemoryImageStore()
        self.jobs = MemoryJobStore()
        self.clock = FakeClock()
        self.agents = ScriptedAgents(WORLD, self.images)
        self.job = queued_job(self.images)
        self.jobs.create(self.job, ())

    def runner(
        self, perceiver: Perceiver | None = None, reasoner: Reasoner | None = None, spans: Spans = NO_SPANS
    ) -> Runner:
        return Runner(
            self.jobs,
            perceiver or self.agents,
            reasoner or self.agents,
            self.agents,
            CanvasFinalizer(self.images, self.clock),
            self.clock,
            spans,
        )


class Crashing:
    def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
        raise ZeroDivisionError("float division by zero")


class Confused:
    """Answers another step than it was asked."""

    def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
        return Perceived(step=command.step + 1, at_s=0.0)


class WrongKind:
    """Answers with something that is no diagnosis."""

    def diagnose(self, job: Job, command: Diagnose, dispatch: int) -> Diagnosed:
        return Perceived(step=command.step, at_s=0.0)  # type: ignore[return-value]


def test_a_crash_fails_the_job_without_its_trace_and_is_logged() -> None:
    stage = Stage()
    with capture_logs() as logs:
        job = stage.runner(perceiver=Crashing()).run("job_1")
    assert job.status is Status.FAILED
    assert job.error is not None
    assert job.error.code == ErrorCode.INTERNAL
    assert job.error.message == "perceive stopped on an internal error (ZeroDivisionError): see the log"
    assert not job.error.retryable
    crash = next(entry for entry in logs if entry["event"] == "stage_crashed")
    assert crash["log_level"] == "error"
    assert crash["exc_info"]


def test_an_answer_of_another_step_fails_the_job_instead_of_looping() -> None:
    job = Stage().runner(perceiver=Confused()).run("job_1")
    assert job.error is not None
    assert job.error.code == ErrorCode.INTERNAL
    assert job.step == 1


def test_an_answer_of_another_kind_fails_the_job_instead_of_looping() -> None:
    job = Stage().runner(reasoner=WrongKind()).run("job_1")
    assert job.error is not None
    assert job.error.code == ErrorCode.INTERNAL
    assert job.step == 2


def test_a_failure_on_purpose_keeps_its_code_and_sentence() -> None:
    stage = Stage()
    stage.agents.disturbance.fails[2] = broken("no such model: install it")
    job = stage.runner().run("job_1")
    assert job.error is not None
    assert (job.error.code, job.error.message) == (ErrorCode.STAGE_FAILED, "no such model: install it")


def test_an_unknown_job_is_not_found() -> None:
    with pytest.raises(NotFound):
        Stage().runner().run("job_x")


def test_an_ended_job_is_returned_as_it_is() -> None:
    stage = Stage()
    first = stage.runner().run("job_1")
    seen: list[PublicEvent] = []
    calls = len(stage.agents.calls)
    assert stage.runner().run("job_1", seen.append) == first
    assert (seen, len(stage.agents.calls)) == ([], calls)


def test_a_pending_command_is_executed_again_under_a_new_dispatch() -> None:
    stage = Stage()
    begun = begin(stage.job, 1.0)
    stage.jobs.commit(begun.job, 1, begun.public_events)
    lost = stage.jobs.next_dispatch("job_1")
    job = stage.runner().run("job_1")
    assert job.outcome is Outcome.REPAIRED
    assert job.perceptions[0].regions[0].mask_ref == f"job_1/s1-d{lost + 1}/a.mask.png"


def test_a_commit_lost_to_another_runner_is_taken_up_from_there() -> None:
    stage = Stage()
    other = stage.runner()
    seen: list[PublicEvent] = []

    def overtake(_: Job) -> None:
        stage.agents.disturbance.then.clear()
        other.run("job_1")

    stage.agents.disturbance.then[2] = overtake
    with capture_logs() as logs:
        job = stage.runner().run("job_1", seen.append)
    assert job.outcome is Outcome.REPAIRED
    assert [entry["step"] for entry in logs if entry["event"] == "commit_lost"] == [2]
    assert [event.type for event in stage.jobs.events_after("job_1", 0)].count("job.succeeded") == 1
    assert "job.succeeded" not in [event.type for event in seen]


def test_time_is_the_runners() -> None:
    stage = Stage()

    def slow(_: Job) -> None:
        stage.clock.advance(2.5)

    stage.agents.disturbance.then[2] = slow
    job = stage.runner().run("job_1")
    assert [(timing.stage, timing.seconds) for timing in job.timings] == [
        ("perceive", 0.0),
        ("diagnose", 2.5),
        ("retouch", 0.0),
        ("perceive", 0.0),
        ("finalize", 0.0),
    ]
    assert (job.started_at_s, job.finished_at_s) == (1_000.0, 1_002.5)


def test_a_deadline_that_passes_during_a_step_keeps_the_steps_answer() -> None:
    stage = Stage()
    stage.jobs.commit(stage.job.model_copy(update={"deadline_at_s": 1_010.0}), 1, ())
    stage.agents.disturbance.then[4] = lambda _: stage.clock.advance(11.0)
    job = stage.runner().run("job_1")
    assert (job.outcome, job.stop_reason) == (Outcome.REPAIRED, StopReason.NOTHING_SALIENT)


def test_events_are_told_after_they_are_committed() -> None:
    stage = Stage()
    told: list[tuple[int, int]] = []

    def listen(event: PublicEvent) -> None:
        told.append((event.seq, stage.jobs.events_after("job_1", 0)[-1].seq))

    stage.runner().run("job_1", listen)
    assert told
    assert all(seq <= stored for seq, stored in told)


def test_each_stage_is_a_span_below_the_request_that_made_the_job() -> None:
    stage, recorder = Stage(), SpanRecorder()
    caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    stored = stage.jobs.load("job_1")
    stage.jobs.commit(stored.job.model_copy(update={"traceparent": caller}), stored.version, ())
    stage.runner(spans=recorder.spans).run("job_1")
    seen = recorder.seen()
    assert [span.name for span in seen] == ["perceive", "diagnose", "retouch", "perceive", "finalize"]
    assert {(span.trace, span.parent) for span in seen} == {(caller[3:35], caller[36:52])}
    assert [span.attributes["retoucher.step"] for span in seen] == [1, 2, 3, 4, 5]
    assert {span.attributes["retoucher.job_id"] for span in seen} == {"job_1"}
    assert not any(span.failed for span in seen)


def test_a_stage_that_fails_is_a_span_that_has_failed() -> None:
    stage, recorder = Stage(), SpanRecorder()
    stage.runner(perceiver=Crashing(), spans=recorder.spans).run("job_1")
    assert [(span.name, span.failed, span.attributes["error.type"]) for span in recorder.seen()] == [
        ("perceive", True, "internal")
    ]
