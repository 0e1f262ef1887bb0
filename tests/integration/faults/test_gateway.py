"""The gateway and the webhooks' process are killed at work: what was promised is done, once, and told as it was.

Both are the real commands, on Redis and S3, and so is the way of a trace through all processes; agents are scripted.
"""

import base64
import json
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import urllib3
from fakes.agents import queued_job
from fakes.collector import Collector, collector
from fakes.installation import ROLES, Installation
from fakes.small_server import Answer, Asked, SmallServer, small_server
from fakes.stores import shared_s3

from retoucher_client import WebhookInvalid, verify_webhook
from shared.adapters.memory import MemoryImageStore
from shared.contracts.jobs import Status

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("told")]

SECRET, STRANGE = ("whsec_" + base64.b64encode(name.ljust(32, b".")).decode() for name in (b"ours", b"strange"))
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Hooks:
    """A receiver; while it `hangs`, it reads a delivery and answers nothing."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()

    def answer(self, asked: Asked, number: int) -> Answer:
        self.may_answer.wait(60.0)
        return Answer(204)


@pytest.fixture(scope="module")
def hooks() -> Hooks:
    return Hooks()


@pytest.fixture(scope="module")
def receiver(hooks: Hooks) -> Iterator[SmallServer]:
    with small_server(hooks.answer) as server:
        yield server


@pytest.fixture(scope="module")
def traces() -> Iterator[Collector]:
    with collector() as it:
        yield it


@pytest.fixture(scope="module")
def public(
    tmp_path_factory: pytest.TempPathFactory, receiver: SmallServer, traces: Collector
) -> Iterator[Installation]:
    settings = {
        "RETOUCHER_URLS_ALLOWED_NETWORKS": "127.0.0.0/8",
        "RETOUCHER_URLS_PORTS": f"80,443,{urlsplit(receiver.url).port}",
        "RETOUCHER_WEBHOOKS_SECRETS": SECRET,
        "RETOUCHER_WEBHOOKS_TIMEOUT_S": "8",
        "OTEL_EXPORTER_OTLP_ENDPOINT": traces.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    roles = (*ROLES, "gateway", "webhooks")
    with Installation(tmp_path_factory.mktemp("public"), shared_s3(), roles=roles, **settings) as installation:
        yield installation


def submitted(
    public: Installation, name: str, hook: str = "", headers: dict[str, str] | None = None, within_s: float = 120.0
) -> str:
    """The id of the job of that name, sent again until it is accepted; `hook` is told of its start and end."""
    images = MemoryImageStore()
    picture = images.get(queued_job(images).input.original_ref)
    request: dict[str, object] = {"prompt": "a sign"}
    if hook:
        request["webhook"] = {"url": hook, "events": ["job.started", "job.succeeded"]}
    http = urllib3.PoolManager(retries=False, timeout=30.0)
    give_up_at = time.monotonic() + within_s
    while True:
        assert time.monotonic() < give_up_at, "the gateway does not come back"
        try:
            fields = {"image": ("a.png", picture, "image/png"), "request": json.dumps(request)}
            url = f"http://127.0.0.1:{public.gateway_port}/v1/jobs/{name}"
            answer = http.request("PUT", url, fields=fields, headers=headers)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
            continue
        assert answer.status in (200, 202), answer.data
        return str(answer.json()["id"])


def delivered(public: Installation, job_id: str, within_s: float = 120.0) -> list[dict[str, object]]:
    """The job's deliveries as the API tells them, once all have arrived."""
    http = urllib3.PoolManager(retries=False, timeout=30.0)
    give_up_at = time.monotonic() + within_s
    url = f"http://127.0.0.1:{public.gateway_port}/v1/jobs/{job_id}/deliveries"
    while True:
        found: list[dict[str, object]] = http.request("GET", url).json()["deliveries"]
        if len(found) == 2 and {one["status"] for one in found} == {"delivered"}:
            return found
        assert time.monotonic() < give_up_at, found
        time.sleep(0.2)


def asked_about(receiver: SmallServer, job_id: str) -> list[Asked]:
    """Deliveries of the job as they arrived; each verified, and by no other secret."""
    found = [asked for asked in list(receiver.asked) if job_id.encode() in asked.body]
    for asked in found:
        assert verify_webhook(asked.body, asked.headers, SECRET).data["job_id"] == job_id
        with pytest.raises(WebhookInvalid):
            verify_webhook(asked.body, asked.headers, STRANGE)
    return found


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


def test_a_webhook_goes_its_way_through_redis_and_is_verified(public: Installation, receiver: SmallServer) -> None:
    job_id = submitted(public, "told", f"{receiver.url}/hook")
    public.ended([job_id])
    deliveries = delivered(public, job_id)
    assert [one["type"] for one in deliveries] == ["job.started", "job.succeeded"]
    asked = asked_about(receiver, job_id)
    assert {one.headers["webhook-id"] for one in asked} == {one["id"] for one in deliveries}


def test_a_webhook_whose_process_is_killed_in_mid_try_is_sent_again_unchanged(
    public: Installation, receiver: SmallServer, hooks: Hooks
) -> None:
    hooks.may_answer.clear()
    job_id = submitted(public, "told-again", f"{receiver.url}/hook")
    give_up_at = time.monotonic() + 120.0
    while not asked_about(receiver, job_id):
        assert time.monotonic() < give_up_at, "nothing is delivered"
        time.sleep(0.05)
    public.kill("webhooks")
    hooks.may_answer.set()
    public.ended([job_id])
    deliveries = delivered(public, job_id)
    assert public.deaths[("webhooks", -9)] == 1
    asked = asked_about(receiver, job_id)
    contents = {(one.headers["webhook-id"], one.body) for one in asked}
    assert len(contents) == len(deliveries) == 2
    assert len(asked) > 2


def test_a_callers_trace_goes_through_every_process(public: Installation, traces: Collector) -> None:
    job_id = submitted(public, "traced", headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
    public.ended([job_id])
    (request, *rest) = sorted(traces.of_trace(TRACE, 7), key=lambda span: span.service != "retoucher-gateway")
    assert (request.name, request.parent) == ("PUT /v1/jobs/{client_id}", CALLER)
    assert {span.parent for span in rest} == {request.id}
    assert {(span.service, span.name) for span in rest} == {
        ("retoucher-perception", "perceive"),
        ("retoucher-reasoning", "diagnose"),
        ("retoucher-action", "retouch"),
        ("retoucher-orchestrator", "finalize"),
    }


def test_a_full_queue_is_refused_and_opens_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody works here, so that the queue stays as it is."""
    folder = tmp_path_factory.mktemp("full")
    with Installation(folder, shared_s3(), roles=("gateway",), RETOUCHER_GATEWAY_MAX_WAIT_S="8") as full:
        accepted: list[str] = []
        while (answer := one_more(full, len(accepted))).status == 202:
            accepted.append(str(answer.json()["id"]))
            assert len(accepted) < 10
            time.sleep(0.6)  # the gateway looks at the queue twice a second
        assert len(accepted) >= 2
        problem = answer.json()
        assert (answer.status, problem["code"], problem["retryable"]) == (503, "overloaded", True)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert list(full.jobs.queued()) == accepted
        assert {ref.partition("/")[0] for ref in full.images.refs("job_")} == set(accepted)
        for job_id in accepted:
            stored = full.jobs.load(job_id)
            full.jobs.commit(stored.job.model_copy(update={"status": Status.CANCELED}), stored.version, ())
        time.sleep(0.6)
        assert one_more(full, 99).status == 202


def one_more(full: Installation, number: int) -> urllib3.BaseHTTPResponse:
    images = MemoryImageStore()
    picture = images.get(queued_job(images).input.original_ref)
    fields = {"image": ("a.png", picture, "image/png"), "prompt": "a sign"}
    url = f"http://127.0.0.1:{full.gateway_port}/v1/jobs/queue-{number}"
    return urllib3.PoolManager(retries=False, timeout=60.0).request("PUT", url, fields=fields)
