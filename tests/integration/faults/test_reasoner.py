"""The server of the vision-language model is killed and stands still while a real reasoning worker asks it.

Perception and action are scripted. A short outage is waited out; a job for which it lasts too long fails, with the
reason, and the worker is there for the next.
"""

import time
from collections.abc import Iterator

import pytest
from fakes.installation import Installation
from fakes.model_server import ModelServer

from shared.contracts.jobs import Job, Outcome, Status, StopReason
from shared.errors import ErrorCode

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("told")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    server = ModelServer(tmp_path_factory.mktemp("model"), slow_s=0.5).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, model: ModelServer) -> Iterator[Installation]:
    settings = {
        "RETOUCHER_REASONING_URL": model.url,
        "RETOUCHER_REASONING_MODEL": "scripted",
        # Time enough for the process to start again on a busy machine: 4 to 8 s of pauses for each of three tries of
        # the stage.
        "RETOUCHER_REASONING_TRIES": "5",
        "RETOUCHER_REASONING_TIMEOUT_S": "2",
    }
    with Installation(tmp_path_factory.mktemp("asking"), **settings) as installation:
        yield installation


def failed_for_want_of_the_model(job: Job, model: ModelServer, reason: str) -> bool:
    assert job.error is not None
    assert (job.status, job.stop_reason) == (Status.FAILED, StopReason.STAGE_FAILED)
    assert (job.error.code, job.error.retryable) == (ErrorCode.MODEL_UNAVAILABLE, True)
    assert model.url in job.error.message and reason in job.error.message
    return True


def test_killed_and_started_again_costs_no_job(asking: Installation, model: ModelServer) -> None:
    jobs = [asking.submit() for _ in range(3)]
    model.wait_for_a_question()
    model.kill()
    time.sleep(1.0)
    model.start()
    ended = asking.ended(jobs)
    assert {job.outcome for job in ended.values()} == {Outcome.IMPROVED}
    assert {one.source for job in ended.values() for one in job.diagnoses} == {"scripted"}


def test_killed_for_good_fails_the_job_with_the_reason(asking: Installation, model: ModelServer) -> None:
    job_id = asking.submit()
    model.wait_for_a_question()
    model.kill()
    ended = asking.ended([job_id])
    assert failed_for_want_of_the_model(ended[job_id], model, "cannot be reached")
    events = asking.jobs.events_after(job_id, 0)
    assert (events[-1].type, events[-1].data["code"]) == ("job.failed", "model_unavailable")
    model.start()
    after = asking.submit()
    assert asking.ended([after])[after].outcome is Outcome.IMPROVED


def test_standing_still_fails_the_job_with_the_reason(asking: Installation, model: ModelServer) -> None:
    job_id = asking.submit()
    model.wait_for_a_question()
    model.pause()
    ended = asking.ended([job_id])
    assert failed_for_want_of_the_model(ended[job_id], model, "did not answer within 2 s")
    model.resume()
    after = asking.submit()
    assert asking.ended([after])[after].outcome is Outcome.IMPROVED
    assert not any(role == "reasoning" for role, _ in asking.deaths)
