"""Real deliveries of a real server, verified by an implementation that shares nothing with the one that signs them."""

import base64
import time
from urllib.parse import urlsplit

import pytest
from fakes.served import served
from fakes.small_server import Answer, small_server

from retoucher_client import Retoucher, WebhookInvalid, verify_webhook
from services.commands.speed.servers import NO_LIMITS

NEW, OLD, STRANGE = (
    "whsec_" + base64.b64encode(name.encode().ljust(32, b".")).decode() for name in ("new", "old", "strange")
)


def test_deliveries_are_verified_with_either_secret_and_with_no_other(tmp_path, picture):
    """The first try is refused by the receiver, so that the second is seen to be the same message."""
    with small_server(lambda asked, count: Answer(500 if count == 0 else 204)) as receiver:
        settings = {
            "RETOUCHER_WEBHOOKS_SECRETS": f"{NEW},{OLD}",
            "RETOUCHER_URLS_ALLOWED_NETWORKS": "127.0.0.0/8",
            "RETOUCHER_URLS_PORTS": f"80,443,{urlsplit(receiver.url).port}",
        }
        webhook = {"url": f"{receiver.url}/hook", "events": ["job.started", "job.succeeded"]}
        with served(tmp_path / "data", "--profile", "idle", **NO_LIMITS, **settings) as url, Retoucher(url) as client:
            job = client.retouch(picture, "a picture", webhook=webhook)
            until_s = time.monotonic() + 200
            while {one.status for one in client.deliveries(job.id)} != {"delivered"} and time.monotonic() < until_s:
                time.sleep(0.2)
            deliveries = client.deliveries(job.id)
            assert [(one.type, one.status) for one in deliveries] == [
                ("job.started", "delivered"),
                ("job.succeeded", "delivered"),
            ]
            before = len(receiver.asked)
            client.replay(job.id, deliveries[-1].id)
            while len(receiver.asked) == before and time.monotonic() < until_s:
                time.sleep(0.2)
    # At least: on a busy machine a try may pass its time, which makes one more.
    assert sum(len(one.attempts) for one in deliveries) >= 3 and len(receiver.asked) > before >= 3
    for secret in (NEW, OLD):
        events = [verify_webhook(asked.body, asked.headers, secret) for asked in receiver.asked]
        assert {event.id for event in events} == {one.id for one in deliveries}
        assert {event.data["job_id"] for event in events} == {job.id}
    for asked in receiver.asked:
        with pytest.raises(WebhookInvalid):
            verify_webhook(asked.body, asked.headers, STRANGE)
        with pytest.raises(WebhookInvalid):
            verify_webhook(asked.body + b" ", asked.headers, NEW)
