"""The gateway is killed while it takes jobs: what it promised is done, and what was sent again is the same job."""

import time
from collections.abc import Iterator

import pytest
import urllib3
from fakes.agents import queued_job
from fakes.installation import ROLES, Installation
from fakes.stores import shared_s3

from shared.adapters.memory import MemoryImageStore
from shared.contracts.jobs import Status

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("told")]


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("public"), shared_s3(), roles=(*ROLES, "gateway")) as installation:
        yield installation


def submitted(public: Installation, name: str, within_s: float = 120.0) -> str:
    """The id of the job of that name, sent again until it is accepted."""
    images = MemoryImageStore()
    picture = images.get(queued_job(images).input.original_ref)
    http = urllib3.PoolManager(retries=False, timeout=30.0)
    give_up_at = time.monotonic() + within_s
    while True:
        assert time.monotonic() < give_up_at, "the gateway does not come back"
        try:
            fields = {"image": ("a.png", picture, "image/png"), "prompt": "a sign"}
            url = f"http://127.0.0.1:{public.gateway_port}/v1/jobs/{name}"
            answer = http.request("PUT", url, fields=fields)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
            continue
        assert answer.status in (200, 202), answer.data
        return str(answer.json()["id"])


def test_a_killed_gateway_loses_and_doubles_nothing(public: Installation) -> None:
    before = [submitted(public, f"order-{number}") for number in range(3)]
    public.kill("gateway")
    again = [submitted(public, f"order-{number}") for number in range(4)]
    assert again[:3] == before
    ended = public.ended(again)
    assert {job.status for job in ended.values()} == {Status.SUCCEEDED}
    assert len(public.jobs.of_owner("local", 100)) == 4
    assert public.deaths[("gateway", -9)] == 1


def test_what_has_expired_is_deleted_by_the_sweeper(public: Installation) -> None:
    job_id = public.submit()
    public.ended([job_id])
    stored = public.jobs.load(job_id)
    public.jobs.commit(stored.job.model_copy(update={"expires_at_s": 1.0}), stored.version, ())
    give_up_at = time.monotonic() + 60.0
    while public.images.refs(f"{job_id}/") or job_id in public.jobs.expired(2.0, 10):
        assert time.monotonic() < give_up_at
        time.sleep(0.2)
    assert list(public.jobs.events_after(job_id, 0)) == []
