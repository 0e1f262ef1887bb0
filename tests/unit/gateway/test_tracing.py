"""Requests as spans, and that a job's trace goes on from the request that made it."""

import base64

import pytest
from fakes.gateway import picture, site
from fakes.spans import SpanRecorder

pytestmark = pytest.mark.anyio

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
BODY = {"prompt": "a sign", "image": {"base64": base64.b64encode(picture()).decode()}}


@pytest.mark.parametrize("headers", [{"traceparent": CALLER}, {}])
async def test_a_job_is_told_of_below_the_request_that_made_it(headers: dict[str, str]) -> None:
    recorder = SpanRecorder()
    async with site(spans=recorder.spans) as it:
        answer = await it.client.post("/v1/jobs", json=BODY, headers=headers)
        (seen,) = recorder.seen()
        assert answer.json()["traceparent"].startswith(f"00-{seen.trace}-{seen.id}-")
        assert seen.parent == (CALLER[36:52] if headers else "")
        assert (seen.trace == CALLER[3:35]) is bool(headers)
        assert (seen.name, seen.failed) == ("POST /v1/jobs", False)
        assert seen.attributes == {
            "http.request.method": "POST",
            "http.route": "/v1/jobs",
            "http.response.status_code": 202,
        }


async def test_names_are_few_and_probes_are_not_told() -> None:
    recorder = SpanRecorder()
    async with site(spans=recorder.spans) as it:
        for path in ("/livez", "/readyz", "/metrics", "/v1/jobs/job_" + "0" * 32, "/nowhere"):
            await it.client.get(path)
        await it.client.request("BREW", "/v1/jobs")
    assert [(seen.name, seen.attributes["http.response.status_code"]) for seen in recorder.seen()] == [
        ("GET /v1/jobs/{job_id}", 404),
        ("GET", 404),
        ("_OTHER /v1/jobs", 405),
    ]


async def test_an_answer_of_the_servers_own_fault_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = SpanRecorder()
    async with site(spans=recorder.spans) as it:

        def breaks(*_: object) -> object:
            raise ZeroDivisionError

        monkeypatch.setattr(it.parts.jobs, "of_owner", breaks)
        assert (await it.client.get("/v1/jobs")).status_code == 500
    (seen,) = recorder.seen()
    assert (seen.failed, seen.attributes["error.type"]) == (True, "500")
