"""Event streams, artifacts, feedback and what a server says of itself."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from fakes.gateway import Site, site

from services.gateway.settings import GatewaySettings
from shared.adapters.memory import MemoryJobStore
from shared.contracts.categories import Category
from shared.contracts.loop import PublicEvent

pytestmark = pytest.mark.anyio


def frames(text: str) -> list[dict[str, str]]:
    blocks = [block for block in text.replace("\r\n", "\n").split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]  # type: ignore[misc]


async def ended(it: Site) -> str:
    job: str = (await it.submit())["id"]
    await it.run(job)
    return job


async def test_a_stream_tells_every_event_and_ends_with_the_job() -> None:
    async with site() as it:
        job = (await it.submit())["id"]
        watching = asyncio.create_task(it.client.get(f"/v1/jobs/{job}/events"))
        while not it.gateway.hub.watchers:
            await asyncio.sleep(0.01)
        await it.run(job)
        answer = await asyncio.wait_for(watching, 20)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "no-" in answer.headers["cache-control"]
        told = frames(answer.text)
        stored = it.parts.jobs.events_after(job, 0)
        assert [frame["id"] for frame in told] == [str(event.seq) for event in stored]
        assert [frame["event"] for frame in told] == [event.type for event in stored]
        assert [json.loads(frame["data"]) for frame in told] == [event.model_dump(mode="json") for event in stored]
        assert told[-1]["event"] == "job.succeeded"
        assert it.gateway.hub.watchers == 0


@pytest.mark.parametrize(
    ("headers", "query"), [({"Last-Event-ID": "3"}, ""), ({}, "?after=3"), ({"Last-Event-ID": "2"}, "?after=3")]
)
async def test_a_stream_goes_on_where_it_was_cut(headers: dict[str, str], query: str) -> None:
    async with site() as it:
        job = await ended(it)
        answer = await it.client.get(f"/v1/jobs/{job}/events{query}", headers=headers)
        assert next(frame["id"] for frame in frames(answer.text)) == "4"


async def test_after_the_last_event_there_is_nothing_to_follow() -> None:
    async with site() as it:
        job = await ended(it)
        last = it.parts.jobs.load(job).job.event_seq
        answer = await it.client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": str(last)})
        assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(("headers", "query"), [({"Last-Event-ID": "x"}, ""), ({}, "?after=-1"), ({}, "?after=x")])
async def test_a_place_that_is_none(headers: dict[str, str], query: str) -> None:
    async with site() as it:
        job = await ended(it)
        answer = await it.client.get(f"/v1/jobs/{job}/events{query}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_option")


class Counted(MemoryJobStore):
    asked = 0

    def events_after(self, job_id: str, seq: int) -> Sequence[PublicEvent]:
        self.asked += 1
        return super().events_after(job_id, seq)


async def test_many_who_watch_one_job_ask_the_store_as_one() -> None:
    jobs = Counted()
    async with site(GatewaySettings(event_poll_s=60.0), jobs=jobs) as it:
        job = (await it.submit())["id"]
        watching = [asyncio.create_task(it.client.get(f"/v1/jobs/{job}/events")) for _ in range(20)]
        while it.gateway.hub.watchers < 20:
            await asyncio.sleep(0.01)
        await it.run(job)
        told = [frames((await asyncio.wait_for(task, 20)).text) for task in watching]
        count = it.parts.jobs.load(job).job.event_seq
        assert all(len(each) == count for each in told)
        assert jobs.asked <= count + 3


async def test_without_a_wake_up_the_store_is_asked_now_and_then() -> None:
    async with site(GatewaySettings(event_poll_s=0.05)) as it:
        it.dispatcher.listeners.clear()
        job = (await it.submit())["id"]
        watching = asyncio.create_task(it.client.get(f"/v1/jobs/{job}/events"))
        while not it.gateway.hub.watchers:
            await asyncio.sleep(0.01)
        await it.run(job)
        assert frames((await asyncio.wait_for(watching, 20)).text)[-1]["event"] == "job.succeeded"


async def test_a_server_that_stops_ends_its_streams() -> None:
    async with site(GatewaySettings(event_poll_s=60.0)) as it:
        job = (await it.submit())["id"]
        watching = asyncio.create_task(it.client.get(f"/v1/jobs/{job}/events"))
        while not it.gateway.hub.watchers:
            await asyncio.sleep(0.01)
        it.gateway.hub.close()
        assert frames((await asyncio.wait_for(watching, 20)).text) == []


async def test_artifacts_are_the_stores_bytes_and_never_change() -> None:
    async with site() as it:
        job = await ended(it)
        for name, url in (await it.client.get(f"/v1/jobs/{job}")).json()["artifacts"].items():
            answer = await it.client.get(url)
            assert answer.status_code == 200, name
            assert "immutable" in answer.headers["cache-control"] and "private" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-disposition"] == f'inline; filename="{name.rpartition("/")[2]}"'
            kept = await it.client.get(url, headers={"If-None-Match": f'"x", W/{answer.headers["etag"]}'})
            assert (kept.status_code, kept.content) == (304, b"")
        stored = it.parts.jobs.load(job).job
        result = await it.client.get(f"/v1/jobs/{job}/artifacts/result.png")
        assert result.content == it.parts.images.get(stored.artifacts["result.png"])
        assert result.headers["content-type"] == "image/png"


async def test_the_report_is_made_once_and_its_script_is_kept_in_a_sandbox() -> None:
    async with site() as it:
        job = await ended(it)
        assert f"{job}/report.html" not in it.parts.images.refs("")
        first = await it.client.get(f"/v1/jobs/{job}/artifacts/report.html")
        assert first.headers["content-type"].startswith("text/html")
        assert "sandbox allow-scripts;" in first.headers["content-security-policy"]
        assert it.parts.images.get(f"{job}/report.html") == first.content
        assert (await it.client.get(f"/v1/jobs/{job}/artifacts/report.html")).content == first.content


@pytest.mark.parametrize(
    "name", ["nothing.png", "../original.png", "%2e%2e/x", "masks/", "protected.png", "s1-d1/r1.mask.png"]
)
async def test_an_artifact_that_is_none(name: str) -> None:
    async with site() as it:
        answer = await it.client.get(f"/v1/jobs/{await ended(it)}/artifacts/{name}")
        assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"


async def test_before_its_end_a_job_has_what_was_sent() -> None:
    async with site() as it:
        job = (await it.submit())["id"]
        assert (await it.client.get(f"/v1/jobs/{job}/artifacts/original.png")).status_code == 200
        for name in ("result.png", "report.html"):
            answer = await it.client.get(f"/v1/jobs/{job}/artifacts/{name}")
            assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
            assert "original.png" in answer.json()["detail"]


async def test_feedback_is_given_changed_shown_and_taken_back() -> None:
    async with site() as it:
        job = await ended(it)
        path = f"/v1/jobs/{job}/feedback"
        first = await it.client.put(f"{path}/r1", json={"verdict": "accept"})
        assert (first.status_code, first.json()["region_id"], first.json()["id"]) == (201, "r1", "r1")
        await it.client.put(f"{path}/r1", json={"verdict": "reject", "comment": "still wrong"})
        box = {"verdict": "missed", "box_xyxy_px": [1, 2, 9, 9], "category": "hand"}
        missed = await it.client.post(path, json=box)
        assert missed.status_code == 201
        shown = (await it.client.get(f"/v1/jobs/{job}")).json()["feedback"]
        assert [(entry["verdict"], entry["comment"]) for entry in shown] == [("missed", ""), ("reject", "still wrong")]
        for name in ("r1", missed.json()["id"]):
            assert (await it.client.delete(f"{path}/{name}")).status_code == 204
            gone = await it.client.delete(f"{path}/{name}")
            assert (gone.status_code, gone.json()["code"]) == (404, "feedback_not_found")
        assert (await it.client.get(f"/v1/jobs/{job}")).json()["feedback"] == []


@pytest.mark.parametrize(
    ("method", "suffix", "body", "status", "code"),
    [
        ("PUT", "/r9", {"verdict": "accept"}, 404, "region_not_found"),
        ("PUT", "/r1", {"verdict": "missed"}, 422, "bad_option"),
        ("PUT", "/r1", {"verdict": "accept", "stars": 5}, 422, "bad_option"),
        ("PUT", "/r1", {"verdict": "accept", "comment": "x" * 2001}, 422, "bad_option"),
        ("POST", "", {"box_xyxy_px": [0, 0, 99, 4]}, 422, "bad_region"),
        ("POST", "", {"box_xyxy_px": [4, 4, 4, 9]}, 422, "bad_region"),
        ("POST", "", {"box_xyxy_px": [0, 0, 4]}, 422, "bad_option"),
        ("POST", "", {"box_xyxy_px": [0, 0, 4, 4], "category": "nose"}, 422, "bad_option"),
        ("POST", "", {"verdict": "accept", "box_xyxy_px": [0, 0, 4, 4]}, 422, "bad_option"),
    ],
)
async def test_feedback_that_is_none(method: str, suffix: str, body: object, status: int, code: str) -> None:
    async with site() as it:
        job = await ended(it)
        answer = await it.client.request(method, f"/v1/jobs/{job}/feedback{suffix}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert list(it.parts.feedback.of_job(job)) == []


async def test_what_a_server_says_of_itself() -> None:
    async with site() as it:
        assert (await it.client.get("/livez")).json() == {"live": True}
        ready = await it.client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        assert ready.json()["checks"]["models"] == {"ok": False, "detail": "being loaded"}
        assert (await it.client.get("/v1/tools")).json()["tools"][0]["name"] == "retype"
        names = [entry["name"] for entry in (await it.client.get("/v1/categories")).json()["categories"]]
        assert names == [category.value for category in Category]
        await it.submit()
        await asyncio.sleep(0.6)
        text = (await it.client.get("/metrics")).text
        assert "retoucher_jobs_submitted_total 1.0" in text and "retoucher_jobs_queued 1.0" in text
        assert 'route="/readyz",status="503"' in text
