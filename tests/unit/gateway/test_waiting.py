"""`Prefer: wait`: an answer when the job has ended, not later than asked, and none waits for a server that stops."""

import asyncio
import base64

import pytest
from fakes.gateway import picture, site

pytestmark = pytest.mark.anyio

BODY = {"image": {"base64": base64.b64encode(picture()).decode()}, "prompt": "a wall"}


async def test_prefer_wait_answers_when_the_job_has_ended() -> None:
    async with site() as it:
        it.dispatcher.at_once = True
        answer = await it.client.post("/v1/jobs", json=BODY, headers={"Prefer": "respond-async, wait=30"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["preference-applied"] == "wait=30"
        assert answer.json()["outcome"] == "repaired"


async def test_prefer_wait_does_not_wait_longer() -> None:
    async with site() as it:
        answer = await it.client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=0"})
        assert answer.status_code == 202
        answer = await it.client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=1"})
        assert (answer.status_code, answer.json()["status"]) == (202, "queued")
        assert answer.headers["preference-applied"] == "wait=1"
        assert it.gateway.hub.watchers == 0


async def test_a_server_that_stops_does_not_let_anybody_wait() -> None:
    async with site() as it:
        waiting = asyncio.create_task(it.client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=60"}))
        while not it.gateway.hub.watchers:
            await asyncio.sleep(0.01)
        it.gateway.hub.close()
        assert (await asyncio.wait_for(waiting, 10)).status_code == 202
