"""Deliveries from the store to a real server on this machine, which misbehaves."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import standardwebhooks
from fakes.agents import queued_job
from fakes.clock import FakeClock
from fakes.receiver import CLOSE, ENDLESS, HANG, Receiver, answer, receiver

from retoucher_client.errors import WebhookInvalid
from retoucher_client.webhooks import verify_webhook
from services.orchestrator.webhooks.deliverer import Deliverer
from services.orchestrator.webhooks.delivery_loop import DeliveryLoop
from services.orchestrator.webhooks.schedule import Rules
from services.orchestrator.webhooks.signing import Signer
from shared.adapters.memory import MemoryImageStore
from shared.adapters.sqlite_deliveries import SqliteDeliveryStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.deliveries import Delivery, DeliveryStatus
from shared.contracts.jobs import Webhook
from shared.contracts.loop import PublicEvent
from shared.errors import ErrorCode, Unavailable
from shared.web_guard import WebGuard, WebPolicy

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(KEY[::-1]).decode()


@dataclass
class Post:
    """Job and delivery store on one file, and what delivers from them."""

    folder: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(1_700_000_000.0))
    results: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jobs = SqliteJobStore(self.folder / "jobs.sqlite3")
        self.store = SqliteDeliveryStore(self.folder / "jobs.sqlite3")

    def close(self) -> None:
        self.store.close()
        self.jobs.close()

    def job(self, url: str, job_id: str = "job_1", events: int = 1, owner: str = "shop") -> None:
        job = queued_job(MemoryImageStore(), job_id)
        job = job.model_copy(update={"webhook": Webhook(url=url), "owner": owner})
        now_s = self.clock.now_s()
        some = [
            PublicEvent(seq=seq, job_id=job_id, type="job.iteration", at_s=now_s, data={"ä": seq})
            for seq in range(1, events + 1)
        ]
        self.jobs.create(job, some)

    def deliverer(self, guard: WebGuard, **rules: float) -> Deliverer:
        signer, tried = Signer([SECRET], {}), lambda result, seconds: self.results.append(result)
        return Deliverer(self.store, guard, signer, self.clock, lambda: 0.5, Rules(**rules), tried)  # type: ignore[arg-type]

    def of(self, job_id: str = "job_1", seq: int = 1) -> Delivery:
        return self.store.of_job(job_id)[seq - 1]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    it = Post(tmp_path)
    yield it
    it.close()


def deliver(post: Post, served: bytes, **rules: float) -> Receiver:
    """Makes one job for a server that answers so, and all tries that are due now."""

    async def go() -> Receiver:
        async with receiver(hook=served) as server:
            post.job(server.url("/hook"))
            assert await post.deliverer(server.guard(), **rules).deliver_due() == 1
            return server

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("status", "result"), [(204, "delivered"), (302, "pending"), (503, "pending"), (410, "disabled")]
)
def test_each_try_is_told_by_what_became_of_the_delivery(post: Post, status: int, result: str) -> None:
    deliver(post, answer(status))
    assert post.results == [result]


def test_is_verified_by_hand(post: Post) -> None:
    server = deliver(post, answer(204))
    [request] = server.requests
    headers = request.headers
    assert (request.method, headers["content-type"]) == ("POST", "application/json")
    assert headers["host"] == f"127.0.0.1:{server.port}"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == "1700000000"
    assert headers["webhook-id"] == "evt_job_1_1"
    assert json.loads(request.body)["data"]["data"] == {"ä": 1}
    delivery = post.of()
    assert (delivery.status, delivery.attempts[0].status_code) == (DeliveryStatus.DELIVERED, 204)


def test_the_verifiers_that_receivers_use_agree(post: Post) -> None:
    post.clock.time_s = time.time()  # both look at the clock of the machine
    [request] = deliver(post, answer(204)).requests
    payload = standardwebhooks.Webhook(SECRET).verify(request.body, request.headers)
    event = verify_webhook(request.body, request.headers, [OTHER_SECRET, SECRET])
    assert (payload["type"], payload["data"]["data"]) == (event.type, event.data["data"]) == ("job.iteration", {"ä": 1})
    assert event.id == "evt_job_1_1"
    for changed in (request.body[:-1] + b" ", b""):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(SECRET).verify(changed, request.headers)
    with pytest.raises(WebhookInvalid):
        verify_webhook(request.body, request.headers, OTHER_SECRET)


@pytest.mark.parametrize(
    ("served", "status_code", "error"),
    [
        (answer(500), 500, "answered 500"),
        (answer(404), 404, "answered 404"),
        (answer(301, Location="http://127.0.0.1/elsewhere"), 301, "redirects are not followed"),
        (answer(304), 304, "redirects are not followed"),
        (CLOSE, None, "cannot be reached"),
        (b"nonsense\r\n\r\n", None, "cannot be reached"),
        (HANG, None, "within 0.3 s"),
    ],
    ids=["500", "404", "301", "304", "closes", "nonsense", "hangs"],
)
def test_a_failure_is_tried_again(post: Post, served: bytes, status_code: int | None, error: str) -> None:
    server = deliver(post, served, timeout_s=0.3 if served == HANG else 30.0)
    delivery = post.of()
    assert (delivery.status, delivery.attempts[0].status_code) == (DeliveryStatus.PENDING, status_code)
    assert error in (delivery.attempts[0].error or "")
    assert delivery.next_attempt_at_s == pytest.approx(post.clock.now_s() + 5.0)
    assert len(server.requests) == 1


def test_a_success_needs_no_end_of_the_body(post: Post) -> None:
    deliver(post, ENDLESS)
    assert post.of().status is DeliveryStatus.DELIVERED
    assert post.of().attempts[0].status_code == 200


def test_waits_as_long_as_it_is_asked_to(post: Post) -> None:
    deliver(post, answer(429, Retry_After="3600"))
    assert post.of().next_attempt_at_s == pytest.approx(post.clock.now_s() + 3600)


def test_every_try_has_the_same_id_and_body_and_a_time_of_its_own(post: Post) -> None:
    async def go() -> Receiver:
        async with receiver(hook=answer(500)) as server:
            post.job(server.url("/hook"))
            deliverer = post.deliverer(server.guard())
            while (at_s := post.of().next_attempt_at_s) is not None:
                post.clock.time_s = at_s
                assert await deliverer.deliver_due() == 1
            return server

    server = asyncio.run(go())
    assert len(server.requests) == 10
    assert len({(request.body, request.headers["webhook-id"]) for request in server.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in server.requests}) == 10
    assert post.of().status is DeliveryStatus.FAILED


def test_gone_disables_the_url_for_its_owner_until_a_replay(post: Post) -> None:
    async def go() -> None:
        async with receiver(hook=answer(410)) as server:
            url = server.url("/hook")
            deliverer = post.deliverer(server.guard())
            post.job(url, "job_1")
            await deliverer.deliver_due()
            post.job(url, "job_2")
            post.job(server.url("/other"), "job_3")
            post.job(url, "job_4", owner="somebody else")
            await deliverer.deliver_due()
            assert [post.of(f"job_{number}").status.value for number in (1, 2, 3)] == [
                "disabled",
                "disabled",
                "delivered",
            ]
            assert post.of("job_2").attempts == ()
            assert [request.headers["webhook-id"] for request in server.requests] == [
                "evt_job_1_1",
                *sorted(["evt_job_3_1", "evt_job_4_1"], key=lambda name: _place(server, name)),
            ]
            server.answers["/hook"] = answer(200)
            post.store.replay("evt_job_2_1", post.clock.now_s())
            await deliverer.deliver_due()
            assert post.of("job_2").status is DeliveryStatus.DELIVERED

    asyncio.run(go())


def _place(server: Receiver, name: str) -> int:
    return [request.headers["webhook-id"] for request in server.requests].index(name)


def test_an_inside_address_is_not_asked(post: Post) -> None:
    async def go() -> None:
        async with receiver() as server:
            post.job(server.url("/hook"))
            closed = WebGuard(WebPolicy(ports=frozenset({server.port})))
            await post.deliverer(closed).deliver_due()
            assert server.requests == []

    asyncio.run(go())
    assert "not public" in (post.of().attempts[0].error or "")


def test_deliveries_survive_the_process(tmp_path: Path) -> None:
    """One process claims and dies; the next one delivers, once the claim has run out."""

    async def go() -> None:
        async with receiver() as server:
            first = Post(tmp_path)
            first.job(server.url("/hook"))
            rules = Rules()
            assert len(first.store.claim_due(first.clock.now_s(), rules.lease_s, 9, 9)) == 1
            first.close()
            second = Post(tmp_path)
            assert await second.deliverer(server.guard()).deliver_due() == 0
            second.clock.advance(rules.lease_s)
            assert await second.deliverer(server.guard()).deliver_due() == 1
            assert second.of().status is DeliveryStatus.DELIVERED
            second.close()

    asyncio.run(go())


CHILD = """
import asyncio, sys
from pathlib import Path
from services.orchestrator.webhooks.deliverer import Deliverer
from services.orchestrator.webhooks.signing import Signer
from shared.adapters.clock import SystemClock
from shared.adapters.sqlite_deliveries import SqliteDeliveryStore
from shared.public_addresses import parse_network
from shared.web_guard import WebGuard, WebPolicy

path, port, secret = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
guard = WebGuard(WebPolicy(frozenset({port}), (parse_network("127.0.0.1"),)))
deliverer = Deliverer(SqliteDeliveryStore(path), guard, Signer([secret], {}), SystemClock(), lambda: 0.5)
asyncio.run(deliverer.deliver_due())
"""


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """kill -9 between the receiver's reading and its answer: it comes again, under the same id."""

    async def go() -> None:
        async with receiver(hook=HANG) as server:
            post = Post(tmp_path, FakeClock(time.time()))
            post.job(server.url("/hook"))
            arguments = (str(tmp_path / "jobs.sqlite3"), str(server.port), SECRET)
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, *arguments)
            async with asyncio.timeout(120):
                while not server.requests:
                    await asyncio.sleep(0.02)
            child.kill()
            await child.wait()
            server.answers["/hook"] = answer(200)
            post.clock.time_s = time.time() + Rules().lease_s
            assert await post.deliverer(server.guard()).deliver_due() == 1
            assert post.of().status is DeliveryStatus.DELIVERED
            first, second = server.requests
            assert first.body == second.body
            assert first.headers["webhook-id"] == second.headers["webhook-id"] == "evt_job_1_1"
            post.close()

    asyncio.run(go())


async def run_loop_until(loop: DeliveryLoop, done: Callable[[], bool]) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop, grace_s=0.1))
    async with asyncio.timeout(60):
        while not done():
            await asyncio.sleep(0.01)
    stop.set()
    await running


def test_a_slow_receiver_holds_up_nobody_else(post: Post) -> None:
    """More deliveries hang than may be tried at one time, and other sites are served all the same."""

    async def go(slow: Receiver, quick: Receiver) -> None:
        guard = WebGuard(
            WebPolicy(ports=frozenset({slow.port, quick.port}), allowed_networks=slow.guard().policy.allowed_networks)
        )
        post.job(slow.url("/hook"), "job_1", events=20)
        post.job(quick.url("/hook"), "job_2", events=20)
        loop = DeliveryLoop(post.deliverer(guard, at_once=6, per_site=3), poll_s=0.01)

        def served() -> bool:
            return all(it.status is DeliveryStatus.DELIVERED for it in post.store.of_job("job_2"))

        await run_loop_until(loop, served)
        assert len(slow.requests) == slow.most_at_work == 3
        assert 1 <= quick.most_at_work <= 3
        assert {it.status for it in post.store.of_job("job_1")} == {DeliveryStatus.PENDING}

    _with_two(go)


def _with_two(use: Callable[[Receiver, Receiver], Awaitable[None]]) -> None:
    async def go() -> None:
        async with receiver(hook=HANG) as slow, receiver() as quick:
            await use(slow, quick)

    asyncio.run(go())


class Moody(SqliteDeliveryStore):
    """Does not answer the first few times."""

    outages = 2

    def claim_due(self, *arguments: object) -> object:  # type: ignore[override]
        if self.outages:
            self.outages -= 1
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, "not now")
        return super().claim_due(*arguments)  # type: ignore[arg-type]


def test_an_outage_of_the_store_is_waited_for(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.orchestrator.webhooks.delivery_loop.OUTAGE_WAIT_S", 0.01)

    async def go() -> None:
        async with receiver() as server:
            post.job(server.url("/hook"))
            post.store.close()
            post.store = Moody(post.folder / "jobs.sqlite3")
            loop = DeliveryLoop(post.deliverer(server.guard()), poll_s=0.01)
            await run_loop_until(loop, lambda: post.of().status is DeliveryStatus.DELIVERED)

    asyncio.run(go())


def test_no_secret_and_no_path_in_the_log(
    post: Post, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    async def go() -> None:
        async with receiver(**{"hook?token=hush": answer(500)}) as server:
            post.job(server.url("/hook?token=hush"))
            await post.deliverer(server.guard()).deliver_due()
            assert len(server.requests) == 1

    asyncio.run(go())
    written = caplog.text + "".join(capsys.readouterr())
    assert "webhook_tried" in written
    for secret in ("hush", SECRET[6:], "v1,"):
        assert secret not in written
