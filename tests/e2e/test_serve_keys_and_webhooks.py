"""`retoucher serve` as an operator runs it: a key, limits told, a webhook delivered, also across kill -9."""

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fakes.receiver import HANG, Receiver, answer, receiver
from PIL import Image

from retoucher_client.webhooks import verify_webhook

TIMEOUT_S = 120.0


def retoucher(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "services.cli", *arguments]


@dataclass
class Server:
    url: str
    process: subprocess.Popen[str]


@contextmanager
def serving(folder: Path, port_of_receiver: int) -> Iterator[Server]:
    """A server with the profile that does nothing, which may tell the receiver on this machine."""
    settings = {
        "RETOUCHER_URLS_ALLOWED_NETWORKS": "127.0.0.1",
        "RETOUCHER_URLS_PORTS": str(port_of_receiver),
        "RETOUCHER_WEBHOOKS_POLL_S": "0.05",
        # The lease of a claim is this and 5 s: what a killed server had begun waits that long.
        "RETOUCHER_WEBHOOKS_TIMEOUT_S": "0.5",
        "OMP_NUM_THREADS": "1",
    }
    command = retoucher("serve", "--port", "0", "--data-dir", str(folder), "--profile", "idle")
    with (folder.parent / "log").open("a") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **settings}
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://"), (folder.parent / "log").read_text()
            yield Server(url, process)
        finally:
            process.terminate()
            process.wait(60)
            process.stdout.close()


def a_key(folder: Path) -> dict[str, str]:
    command = retoucher("keys", "create", "--data-dir", str(folder), "--owner", "shop")
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 120, 40)).save(out, "PNG")
    return out.getvalue()


async def submit(client: httpx.AsyncClient, hook: str) -> httpx.Response:
    request = {"prompt": "a wall", "webhook": {"url": hook, "events": ["job.started", "job.succeeded"]}}
    files = {"image": ("a.png", picture(), "image/png"), "request": (None, json.dumps(request))}
    return await client.post("/v1/jobs", files=files)


async def until_delivered(client: httpx.AsyncClient, job_id: str) -> list[dict[str, object]]:
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            found: list[dict[str, object]] = (await client.get(f"/v1/jobs/{job_id}/deliveries")).json()["deliveries"]
            if len(found) == 2 and all(delivery["status"] == "delivered" for delivery in found):
                return found
            await asyncio.sleep(0.1)


async def until_asked(server: Receiver, times: int) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while len(server.requests) < times:
            await asyncio.sleep(0.02)


@pytest.mark.slow
def test_a_key_opens_and_a_webhook_tells(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def go() -> None:
        async with receiver() as hooks:
            key = a_key(folder)
            with serving(folder, hooks.port) as server:
                async with httpx.AsyncClient(base_url=server.url, timeout=TIMEOUT_S) as stranger:
                    refused = await submit(stranger, hooks.url("/hook"))
                    assert refused.status_code == 401
                    assert refused.headers["www-authenticate"].startswith("Bearer")
                async with httpx.AsyncClient(base_url=server.url, headers=key, timeout=TIMEOUT_S) as client:
                    private = await submit(client, "http://10.0.0.1/hook")
                    assert (private.status_code, private.json()["code"]) == (422, "url_not_allowed")
                    sent = await submit(client, hooks.url("/hook"))
                    assert sent.status_code == 202, sent.text
                    assert '"submissions";q=120;w=60' in sent.headers["ratelimit-policy"]
                    assert "ratelimit" in sent.headers
                    job_id = sent.json()["id"]
                    found = await until_delivered(client, job_id)
            secret = (folder / "webhook_secret").read_text().strip()
            events = [verify_webhook(request.body, request.headers, secret) for request in hooks.requests]
            assert {event.id for event in events} == {delivery["id"] for delivery in found}
            last = next(event for event in events if event.type == "job.succeeded")
            assert last.data["job"]["id"] == job_id
            assert last.data["job"]["status"] == "succeeded"

    asyncio.run(go())
    log = (tmp_path / "log").read_text()
    assert "webhook_tried" in log
    assert "whsec_" not in log
    assert "rt_" not in log


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_killed_server_delivers_after_its_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def go() -> None:
        async with receiver(hook=HANG) as hooks:
            with serving(folder, hooks.port) as server:
                async with httpx.AsyncClient(base_url=server.url, timeout=TIMEOUT_S) as client:
                    job_id = (await submit(client, hooks.url("/hook"))).json()["id"]
                    await until_asked(hooks, 1)
                server.process.kill()
                server.process.wait()
            hooks.answers["/hook"] = answer(204)
            with serving(folder, hooks.port) as server:
                async with httpx.AsyncClient(base_url=server.url, timeout=TIMEOUT_S) as client:
                    found = await until_delivered(client, job_id)
            told = [request.headers["webhook-id"] for request in hooks.requests]
            assert set(told) == {delivery["id"] for delivery in found}
            assert len(told) > len(set(told))  # the one under way when the server was killed came twice

    asyncio.run(go())
