"""What a stage worker, its heart, the conductor and the sweeper do when something goes wrong around them."""

import threading
import time
from collections.abc import Sequence

import pytest
from fakes.agents import Disturbance, ScriptedAgents, broken, queued_job
from fakes.clock import FakeClock
from fakes.machines import Machines, MemoryQueue
from fakes.world import Effect, Flaw, World
from prometheus_client import CollectorRegistry

from services.orchestrator.conductor import Conductor
from services.orchestrator.loop import begin
from services.orchestrator.sweeper import Sweeper
from shared.adapters.memory import MemoryImageStore
from shared.adapters.memory_dispatches import MemoryDispatches
from shared.contracts.dispatch import Dispatch, Sending, Work
from shared.contracts.jobs import Job, JobRecord, Outcome, Status
from shared.contracts.loop import Perceive, Perceived, StageResult
from shared.errors import ErrorCode, Unavailable
from shared.heart import Heart
from shared.stage_worker import StageWorker
from shared.telemetry import LoopMetrics, SweeperMetrics, WorkerMetrics

WORLD = World({"a": Flaw()})


def away() -> Unavailable:
    return Unavailable(ErrorCode.STORE_UNAVAILABLE, "Redis does not answer: check it")


class Flaky(MemoryDispatches):
    """A job store that is away as often as it is told to be, by method."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.away = {"claim": 0, "answer": 0, "prolong": 0, "due": 0}

    def claim(self, dispatch: Dispatch, holder: str, lease_s: float) -> Job | None:
        self._maybe("claim")
        return super().claim(dispatch, holder, lease_s)

    def answer(self, dispatch: Dispatch, event: StageResult) -> bool:
        self._maybe("answer")
        return super().answer(dispatch, event)

    def prolong(self, dispatches: Sequence[Dispatch], holder: str, lease_s: float) -> Sequence[Dispatch]:
        self._maybe("prolong")
        return super().prolong(dispatches, holder, lease_s)

    def due(self, limit: int) -> Sequence[Sending]:
        self._maybe("due")
        return super().due(limit)

    def _maybe(self, method: str) -> None:
        if self.away[method]:
            self.away[method] -= 1
            raise away()


class DeafQueue(MemoryQueue):
    """Takes nothing while it is deaf."""

    deaf = True

    def publish(self, dispatch: Dispatch) -> None:
        if self.deaf:
            raise away()
        super().publish(dispatch)


class Bench:
    """One stage worker on a job that waits for its perception."""

    def __init__(self, stage_timeout_s: float = 300.0) -> None:
        self.clock = FakeClock()
        self.images = MemoryImageStore()
        self.jobs = Flaky(self.clock)
        self.queue = DeafQueue()
        self.queue.deaf = False
        self.deaths: list[str] = []
        self.registry = CollectorRegistry()
        self.metrics = WorkerMetrics(self.registry)
        self.heart = Heart(self.jobs, "w", 10.0, stage_timeout_s, self.metrics, die=lambda: self.deaths.append("died"))

    def pending(self, job_id: str = "job_1") -> Dispatch:
        job = queued_job(self.images, job_id)
        self.jobs.create(job, ())
        begun = begin(job, 1.0)
        return self.jobs.send(begun.job, 1, begun.public_events)

    def worker(self, agents: ScriptedAgents | None = None, report_for_s: float = 60.0) -> StageWorker:
        perceive = (agents or ScriptedAgents(WORLD, self.images)).perceive
        return StageWorker(self.jobs, self.queue, self.heart, perceive, self.clock, self.metrics, report_for_s)

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


class TestStageWorker:
    def test_answers_and_sends_for_the_loop(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        bench.worker().handle(dispatch)
        assert list(bench.queue.messages) == [dispatch.model_copy(update={"work": Work.ADVANCE})]
        assert isinstance(bench.jobs.standing("job_1").answer, Perceived)
        assert bench.metric("retoucher_claims_total", work="perceive", result="taken") == 1.0
        assert bench.metric("retoucher_claims_held", work="perceive") == 0.0

    def test_a_failure_is_counted_by_its_code(self) -> None:
        bench = Bench()
        agents = ScriptedAgents(WORLD, bench.images, Disturbance(fails={1: broken()}))
        bench.worker(agents).handle(bench.pending())
        assert bench.metric("retoucher_stage_failures_total", work="perceive", code="stage_failed") == 1.0
        assert bench.metric("retoucher_stage_results_total", work="perceive", kind="stage_failed", taken="True") == 1.0

    def test_a_message_that_comes_twice_is_work_once(self) -> None:
        bench = Bench()
        agents = ScriptedAgents(WORLD, bench.images)
        dispatch = bench.pending()
        for _ in range(3):
            bench.worker(agents).handle(dispatch)
        assert len(agents.calls) == 1
        assert len(bench.queue.messages) == 1
        assert bench.metric("retoucher_claims_total", work="perceive", result="stale") == 2.0

    def test_a_claim_that_the_store_cannot_take_leaves_the_job_waiting(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        bench.jobs.away["claim"] = 1
        bench.worker().handle(dispatch)
        assert not bench.queue.messages
        bench.clock.advance(2.1)
        assert [sending.dispatch for sending in bench.jobs.due(10)] == [dispatch]

    def test_an_answer_is_offered_until_the_store_is_back(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        bench.jobs.away["answer"] = 2
        bench.worker().handle(dispatch)
        assert bench.jobs.standing("job_1").answer is not None
        assert len(bench.queue.messages) == 1

    def test_an_answer_that_cannot_be_laid_down_is_done_anew(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        bench.jobs.away["answer"] = 1
        bench.worker(report_for_s=0.0).handle(dispatch)
        assert bench.jobs.standing("job_1").answer is None
        bench.clock.advance(2.0)
        bench.jobs.due(10)
        bench.clock.advance(4.0)
        bench.jobs.due(10)
        bench.clock.advance(4.1)
        (sending,) = bench.jobs.due(10)
        assert sending.dispatch.dispatch == dispatch.dispatch + 1

    def test_a_queue_that_is_away_is_the_sweepers_to_serve(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        bench.queue.deaf = True
        bench.worker().handle(dispatch)
        bench.queue.deaf = False
        bench.clock.advance(2.1)
        assert Sweeper(bench.jobs, bench.queue, SweeperMetrics(CollectorRegistry())).sweep() == 1
        assert [message.work for message in bench.queue.messages] == [Work.ADVANCE]

    def test_an_answer_after_the_claim_was_lost_is_still_the_first(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        disturbance = Disturbance(then={1: lambda job: bench.clock.advance(11.0)})
        agents = ScriptedAgents(WORLD, bench.images, disturbance)
        bench.worker(agents).handle(dispatch)
        bench.clock.advance(2.1)
        assert bench.jobs.due(10)[0].dispatch.work is Work.ADVANCE


class TestHeart:
    def test_keeps_what_is_worked_on(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        bench.jobs.claim(dispatch, "w", 10.0)
        bench.jobs.due(10)
        with bench.heart.beating_for(dispatch):
            for _ in range(5):
                bench.clock.advance(4.0)
                bench.heart.beat()
                assert bench.jobs.due(10) == ()
        for seconds in (4.0, 4.0, 4.0):
            bench.clock.advance(seconds)
            bench.heart.beat()
        assert len(bench.jobs.due(10)) == 1

    def test_an_outage_of_the_store_stops_no_heart(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        bench.jobs.claim(dispatch, "w", 10.0)
        bench.jobs.away["prolong"] = 1
        with bench.heart.beating_for(dispatch):
            bench.heart.beat()
            bench.clock.advance(4.0)
            bench.heart.beat()
            bench.clock.advance(9.0)
            assert bench.jobs.prolong([dispatch], "w", 10.0) == ()
        assert bench.metric("retoucher_heartbeat_failures_total") == 1.0

    def test_a_lost_claim_is_counted_once(self) -> None:
        bench = Bench()
        dispatch = bench.pending()
        with bench.heart.beating_for(dispatch):  # never claimed: as if another had taken it
            bench.heart.beat()
            bench.heart.beat()
        assert bench.metric("retoucher_leases_lost_total") == 1.0

    def test_a_stage_that_hangs_ends_the_process_and_gives_back_the_others(self) -> None:
        bench = Bench(stage_timeout_s=0.05)
        hung, other = bench.pending("job_1"), bench.pending("job_2")
        for dispatch in (hung, other):
            bench.jobs.claim(dispatch, "w", 10.0)
        with bench.heart.beating_for(hung):
            time.sleep(0.1)
            with bench.heart.beating_for(other):
                bench.heart.beat()
        assert bench.deaths == ["died"]
        assert bench.jobs.claim(other, "w2", 10.0) is not None
        assert bench.jobs.claim(hung, "w2", 10.0) is None

    def test_a_lost_claim_that_hangs_ends_the_process_too(self) -> None:
        bench = Bench(stage_timeout_s=0.05)
        with bench.heart.beating_for(bench.pending()):
            bench.heart.beat()
            time.sleep(0.1)
            bench.heart.beat()
        assert bench.deaths == ["died"]

    def test_beats_by_itself_until_it_is_stopped(self) -> None:
        bench = Bench()
        heart = Heart(bench.jobs, "w", 0.02, 300.0, bench.metrics)
        bench.jobs.away["prolong"] = 3
        assert not heart.alive
        heart.start()
        give_up_at = time.monotonic() + 30.0
        while bench.jobs.away["prolong"] and time.monotonic() < give_up_at:
            time.sleep(0.005)
        assert bench.jobs.away["prolong"] == 0
        assert heart.alive
        heart.stop()
        heart._thread.join(30.0)
        assert not heart.alive


class TestConductor:
    def machines(self) -> tuple[Machines, Job]:
        images, clock = MemoryImageStore(), FakeClock()
        machines = Machines(ScriptedAgents(WORLD, images), images, clock)
        job = queued_job(images)
        machines.jobs.create(job, ())
        return machines, job

    def run(self, machines: Machines) -> None:
        machines.clock.advance(2.1)
        machines.sweeper.sweep()
        while machines.queue.messages:
            machines.hand_over(machines.queue.messages.popleft())

    def test_a_finished_jobs_record_lies_beside_its_images(self) -> None:
        machines, job = self.machines()
        self.run(machines)
        record = JobRecord.model_validate_json(machines.images.get(f"{job.id}/record.json"))
        assert (record.id, record.outcome) == (job.id, Outcome.REPAIRED)

    def test_what_came_of_a_job_is_counted_once(self) -> None:
        images, clock, registry = MemoryImageStore(), FakeClock(), CollectorRegistry()
        world = World({"a": Flaw()}, repairs={"a": (Effect(after=0.9), Effect())})
        machines = Machines(ScriptedAgents(world, images), images, clock)
        machines.conductor = Conductor(machines.jobs, machines.queue, images, clock, LoopMetrics(registry))
        machines.jobs.create(queued_job(images), ())
        self.run(machines)
        self.run(machines)

        def metric(name: str, **labels: str) -> float:
            return registry.get_sample_value(f"retoucher_{name}", labels) or 0.0

        ended = {"status": "succeeded", "outcome": "repaired", "stop_reason": "nothing_salient", "code": ""}
        assert metric("jobs_ended_total", **ended) == 1.0
        assert metric("job_seconds_count") == metric("job_queue_seconds_count") == 1.0
        assert metric("verdicts_total", accepted="True") == metric("verdicts_total", accepted="False") == 1.0
        assert metric("refusals_total", ground="no_gain") == 1.0
        assert metric("repairs_tried_total", again="False") == metric("repairs_tried_total", again="True") == 1.0

    def test_a_record_that_could_not_be_written_is_written_later(self) -> None:
        machines, job = self.machines()

        class Full(MemoryImageStore):
            def put(self, ref: str, data: bytes) -> str:
                raise away()

        machines.conductor = Conductor(
            machines.jobs, machines.queue, Full(), machines.clock, LoopMetrics(CollectorRegistry())
        )
        with pytest.raises(Unavailable):
            self.run(machines)
        assert machines.jobs.load(job.id).job.status is Status.SUCCEEDED
        machines.conductor = Conductor(
            machines.jobs, machines.queue, machines.images, machines.clock, LoopMetrics(CollectorRegistry())
        )
        self.run(machines)
        assert machines.images.refs(f"{job.id}/record.json")
        assert not any(item.waiting for item in machines.jobs.backlog())

    def test_every_message_may_be_lost_once(self) -> None:
        """Each is dropped the first time; the sweeper alone brings the job to its end."""
        machines, job = self.machines()
        dropped: set[Dispatch] = set()
        for _ in range(200):
            machines.clock.advance(1.0)
            machines.sweeper.sweep()
            while machines.queue.messages:
                message = machines.queue.messages.popleft()
                if message in dropped:
                    machines.hand_over(message)
                dropped.add(message)
        ended = machines.jobs.load(job.id).job
        assert ended.outcome is Outcome.REPAIRED
        assert len(dropped) >= 10

    def test_a_command_whose_workers_all_vanish_fails_with_the_reason(self) -> None:
        machines, job = self.machines()
        machines.workers[Work.PERCEIVE].handle = lambda dispatch: machines.jobs.claim(dispatch, "dead", 10.0)  # type: ignore[method-assign, assignment, return-value]
        for _ in range(200):
            machines.clock.advance(1.0)
            self.run(machines)
            machines.clock.advance(-2.1)
        ended = machines.jobs.load(job.id).job
        assert ended.status is Status.FAILED
        assert ended.error is not None
        assert ended.error.code == ErrorCode.WORKER_LOST
        assert ended.error.message.startswith("perceive was taken up 3 times and its worker was gone each time")


class TestSweeper:
    def test_goes_on_after_an_outage(self) -> None:
        bench = Bench()
        bench.pending()
        bench.clock.advance(2.1)
        bench.jobs.away["due"] = 2
        sweeper = Sweeper(bench.jobs, bench.queue, SweeperMetrics(bench.registry), tick_s=0.001)
        stopped = threading.Event()
        thread = threading.Thread(target=sweeper.run, args=(stopped,))
        thread.start()
        give_up_at = time.monotonic() + 30.0
        while not bench.queue.messages and time.monotonic() < give_up_at:
            time.sleep(0.005)
        stopped.set()
        thread.join(30.0)
        assert len(bench.queue.messages) == 1
        assert bench.metric("retoucher_sweeper_failures_total") == 2.0
        assert bench.metric("retoucher_sweeper_sent_total", reason="unclaimed") == 1.0
        assert bench.metric("retoucher_queue_waiting", work="perceive") == 1.0


def test_an_agent_that_answers_another_step_fails_the_job() -> None:
    bench = Bench()

    class Confused(ScriptedAgents):
        def perceive(self, job: Job, command: Perceive, dispatch: int) -> Perceived:
            return Perceived(step=command.step + 1, at_s=0.0)

    bench.worker(Confused(WORLD, bench.images)).handle(bench.pending())
    answer = bench.jobs.standing("job_1").answer
    assert answer is not None
    assert answer.kind == "stage_failed"
