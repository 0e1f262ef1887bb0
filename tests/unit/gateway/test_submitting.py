"""From a request to a job: every way to send an image, every way to go wrong, and one job for each name."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fakes.gateway import Site, mask, picture, site

from services.gateway.settings import GatewaySettings
from shared.contracts.jobs import Job, Status

pytestmark = pytest.mark.anyio

SIGN = picture()
JSON = {"content-type": "application/json"}


def encoded(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}


def body(**fields: Any) -> dict[str, Any]:
    return {"image": encoded(SIGN), "prompt": "a wall", **fields}


NAN = json.dumps(body(metadata={"x": float("nan")})).encode()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["status"], found["code"]) == (status, status, code), found
    assert found["title"]
    assert "\n" not in found["detail"]
    return found


def stored(it: Site, answer: httpx.Response) -> Job:
    assert answer.status_code == 202, answer.text
    return it.parts.jobs.load(answer.json()["id"]).job


async def test_json_with_every_option() -> None:
    async with site() as it:
        answer = await it.client.post(
            "/v1/jobs",
            json=body(
                mode="analyze",
                max_iterations=2,
                threshold=0.4,
                tools=["retype"],
                preference="mask",
                protected=encoded(mask()),
                regions=[[0, 0, 8, 8]],
                regions_mask=encoded(mask()),
                expected_text=["OPEN"],
                force=True,
                seed=7,
                deadline_s=30,
                expires_in_s=120,
                metadata={"order": [1, None]},
                webhook={"url": "https://example.org/hook", "events": ["job.failed"]},
            ),
        )
        job = stored(it, answer)
        options = job.options
        assert (options.mode, options.max_iterations, options.threshold) == ("analyze", 2, 0.4)
        assert (options.tools, options.preference, options.force, options.seed) == (("retype",), "mask", True, 7)
        assert (options.region_boxes_px, options.expected_text) == (((0, 0, 8, 8),), ("OPEN",))
        assert options.protected_ref is not None and options.regions_ref is not None
        assert options.metadata == {"order": [1, None]}
        assert (job.created_at_s, job.deadline_at_s, job.expires_at_s) == (1000.0, 1030.0, 1120.0)
        assert job.webhook is not None and job.webhook.events == ("job.failed",)
        assert it.dispatcher.dispatched == [job.id]
        view = answer.json()
        assert answer.headers["location"] == view["urls"]["self"] == f"/v1/jobs/{job.id}"
        assert view["status"] == "queued"
        assert view["queue"] == {"position": 1, "estimated_wait_s": 0.0}
        assert view["webhook_url"] == "https://example.org/hook"
        assert view["artifacts"] == {"original.png": f"/v1/jobs/{job.id}/artifacts/original.png"}
        assert "_ref" not in answer.text


async def test_what_is_left_out_is_the_profiles() -> None:
    async with site() as it:
        job = stored(it, await it.client.post("/v1/jobs", json=body()))
        assert job.options.max_iterations is None and job.options.threshold is None
        assert job.expires_at_s == 1000.0 + 24 * 3600
        assert job.owner == "local"


async def test_multipart_with_a_prompt_alone_as_curl_sends_it() -> None:
    async with site() as it:
        answer = await it.client.post("/v1/jobs", files={"image": SIGN}, data={"prompt": "a wäll"})
        assert stored(it, answer).input.prompt == "a wäll"


async def test_multipart_with_a_request_and_masks() -> None:
    async with site() as it:
        files = {"image": SIGN, "protected": mask(), "regions_mask": mask()}
        answer = await it.client.post(
            "/v1/jobs", files=files, data={"request": json.dumps({"prompt": "a wall", "seed": 3})}
        )
        job = stored(it, answer)
        assert job.options.seed == 3
        assert job.options.protected_ref is not None and job.options.regions_ref is not None


async def test_an_image_by_url_is_fetched_before_the_answer() -> None:
    async with site() as it:
        it.fetched["https://example.org/a.png"] = SIGN
        job = stored(it, await it.client.post("/v1/jobs", json=body(image={"url": "https://example.org/a.png"})))
        assert job.input.size_hw == (32, 48)
        refused = await it.client.post("/v1/jobs", json=body(image={"url": "http://10.0.0.1/"}))
        problem(refused, 422, "url_not_allowed")


async def test_an_upload_serves_several_jobs_until_it_expires() -> None:
    async with site() as it:
        sent = await it.client.post("/v1/uploads", content=SIGN, headers={"content-type": "image/png"})
        assert sent.status_code == 201, sent.text
        assert {name: sent.json()[name] for name in ("size_hw", "format")} == {"size_hw": [32, 48], "format": "PNG"}
        source = {"upload_id": sent.json()["id"]}
        for seed in (1, 2):
            stored(it, await it.client.post("/v1/jobs", json=body(image=source, seed=seed)))
        it.clock.advance(24 * 3600)
        problem(await it.client.post("/v1/jobs", json=body(image=source, seed=3)), 422, "upload_not_found")


async def test_an_upload_comes_as_multipart_too_and_is_checked() -> None:
    async with site() as it:
        assert (await it.client.post("/v1/uploads", files={"image": SIGN})).status_code == 201
        wrong = await it.client.post("/v1/uploads", content=b"no image", headers={"content-type": "image/png"})
        problem(wrong, 422, "not_an_image")
        wrong = await it.client.post("/v1/uploads", content=SIGN, headers={"content-type": "text/plain"})
        problem(wrong, 415, "unsupported_media_type")
        wrong = await it.client.post("/v1/uploads", files={"picture": SIGN})
        problem(wrong, 422, "bad_option")


async def test_somebody_elses_upload_is_none() -> None:
    async with site(host="0.0.0.0") as it:
        mine, yours = it.key("me"), it.key("you")
        sent = await it.client.post("/v1/uploads", content=SIGN, headers={**mine, "content-type": "image/png"})
        request = body(image={"upload_id": sent.json()["id"]})
        problem(await it.client.post("/v1/jobs", json=request, headers=yours), 422, "upload_not_found")
        assert (await it.client.post("/v1/jobs", json=request, headers=mine)).status_code == 202


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"prompt": " "}, 422, "empty_prompt", None),
        ({"prompt": "x" * 2001}, 422, "prompt_too_long", None),
        ({"prompt": None}, 422, "bad_option", "prompt"),
        ({"image": {}}, 422, "bad_option", "image"),
        ({"image": {"url": "https://a.b/c", "base64": "aGk="}}, 422, "bad_option", "image"),
        ({"image": {"base64": "not base64!"}}, 422, "bad_option", "image.base64"),
        ({"image": {"base64": "aGk="}}, 422, "not_an_image", None),
        ({"image": {"file": "/etc/passwd"}}, 422, "bad_option", "image.file"),
        ({"image": encoded(picture(16, 16))}, 422, "image_too_small", None),
        ({"image": encoded(b"GIF89a" + b"0" * 40)}, 415, "unsupported_format", None),
        ({"image": encoded(picture()[:300])}, 422, "truncated_image", None),
        ({"mode": "guess"}, 422, "bad_option", "mode"),
        ({"modee": "analyze"}, 422, "bad_option", "modee"),
        ({"max_cost": 1}, 422, "bad_option", None),
        ({"max_cost": -1}, 422, "bad_option", "max_cost"),
        ({"threshold": 1.5}, 422, "bad_option", "threshold"),
        ({"max_iterations": 0}, 422, "bad_option", "max_iterations"),
        ({"tools": ["hammer"]}, 422, "unknown_tool", None),
        ({"tools": []}, 422, "unknown_tool", None),
        ({"regions": [[0, 0, 99, 8]]}, 422, "bad_region", None),
        ({"regions": [[0, 0, 8]]}, 422, "bad_option", "regions.0"),
        ({"regions": [[0, 0, 8, 8]] * 17}, 422, "too_many_regions", None),
        ({"protected": encoded(mask(40, 40))}, 422, "mask_size_mismatch", None),
        ({"regions_mask": encoded(picture()[:90])}, 422, "truncated_image", None),
        ({"deadline_s": 1e9}, 422, "bad_option", None),
        ({"deadline_s": -1}, 422, "bad_option", "deadline_s"),
        ({"expires_in_s": 1e12}, 422, "bad_option", "expires_in_s"),
        ({"expires_in_s": 1}, 422, "bad_option", "expires_in_s"),
        ({"seed": -1}, 422, "bad_option", "seed"),
        ({"seed": "1"}, 422, "bad_option", "seed"),
        ({"seed": True}, 422, "bad_option", "seed"),
        ({"force": "yes"}, 422, "bad_option", "force"),
        ({"metadata": {"x": "y" * 20_000}}, 422, "bad_option", "metadata"),
        ({"webhook": {"url": ""}}, 422, "bad_option", "webhook.url"),
        ({"webhook": {"url": "https://a.b", "events": ["job.born"]}}, 422, "bad_option", "webhook.events.0"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_left(
    fields: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    async with site() as it:
        found = problem(await it.client.post("/v1/jobs", json=body(**fields)), status, code)
        if field is not None:
            assert found["errors"][0]["field"].startswith(field), found
        assert list(it.parts.images.refs("")) == []
        assert list(it.parts.jobs.unfinished()) == []
        assert it.dispatcher.dispatched == []


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "bad_request"),
        ({"content": b"\xff\xfe", "headers": {"content-type": "application/json"}}, 400, "bad_request"),
        ({"content": b'{"a":' * 300 + b"1" + b"}" * 300, "headers": JSON}, 400, "bad_request"),
        ({"content": NAN, "headers": JSON}, 422, "bad_option"),
        ({"content": b"[]", "headers": {"content-type": "application/json"}}, 422, "bad_option"),
        ({"content": b"", "headers": {"content-type": "application/json"}}, 400, "bad_request"),
        ({"content": b"a=b", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 415, None),
        ({"content": b"x"}, 415, "unsupported_media_type"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "bad_request"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400, "bad_request"),
        ({"data": {"prompt": "a"}, "files": {"picture": SIGN}}, 422, "bad_option"),
        ({"data": {"prompt": "a", "seed": "1"}, "files": {"image": SIGN}}, 422, "bad_option"),
        ({"data": {"request": "{"}, "files": {"image": SIGN}}, 400, "bad_request"),
        ({"data": {"request": '{"prompt":"a"}', "prompt": "b"}, "files": {"image": SIGN}}, 422, "bad_option"),
        (
            {"data": {"request": '{"prompt":"a","image":{"base64":"eA=="}}'}, "files": {"image": SIGN}},
            422,
            "bad_option",
        ),
        ({"files": {"image": SIGN}}, 422, "bad_option"),
        ({"files": {"image": SIGN, "prompt": b"as a file"}}, 422, "bad_option"),
        ({"files": [("image", SIGN), ("image", SIGN)], "data": {"prompt": "a"}}, 422, "bad_option"),
        ({"files": [("image", SIGN)] * 9, "data": {"prompt": "a"}}, 400, "bad_request"),
    ],
)
async def test_a_body_that_is_no_submission(request_: dict[str, Any], status: int, code: str | None) -> None:
    async with site() as it:
        problem(await it.client.post("/v1/jobs", **request_), status, code or "unsupported_media_type")


async def test_a_body_over_its_cap_is_refused_before_it_is_read() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b"x" * 1000

    async with site(GatewaySettings(max_request_bytes=5000)) as it:
        headers = {"content-type": "application/json"}
        problem(await it.client.post("/v1/jobs", content=endless(), headers=headers), 413, "request_too_large")
        assert sent < 10
        sent = 0
        headers["content-length"] = "1000000"
        problem(await it.client.post("/v1/jobs", content=endless(), headers=headers), 413, "request_too_large")
        assert sent <= 1


async def test_a_request_without_images_has_a_small_cap() -> None:
    async with site() as it:
        job = await it.submit()
        huge = {"verdict": "missed", "box_xyxy_px": [0, 0, 8, 8], "comment": "x" * 100_000}
        problem(await it.client.post(f"/v1/jobs/{job['id']}/feedback", json=huge), 413, "request_too_large")


async def test_all_bodies_together_have_a_budget_that_is_given_back() -> None:
    async with site(GatewaySettings(body_budget_bytes=len(SIGN) + 1000)) as it:
        for seed in range(3):
            stored(it, await it.client.post("/v1/jobs", files={"image": SIGN}, data={"prompt": f"{seed}"}))
        slow = asyncio.Event()

        async def held() -> AsyncIterator[bytes]:
            yield b"x" * len(SIGN)
            await slow.wait()

        first = asyncio.create_task(
            it.client.post("/v1/jobs", content=held(), headers={"content-type": "application/json"})
        )
        await asyncio.sleep(0.05)
        refused = await it.client.post("/v1/jobs", files={"image": SIGN}, data={"prompt": "more"})
        assert problem(refused, 503, "overloaded")["retryable"]
        assert int(refused.headers["retry-after"]) >= 1
        slow.set()
        problem(await first, 400, "bad_request")
        stored(it, await it.client.post("/v1/jobs", files={"image": SIGN}, data={"prompt": "now"}))


async def test_the_same_key_and_request_is_the_same_job_however_it_is_sent() -> None:
    async with site() as it:
        key = {"Idempotency-Key": "order-17"}
        first = await it.client.post("/v1/jobs", json=body(seed=1), headers=key)
        again = await it.client.post("/v1/jobs", json=body(seed=1), headers=key)
        form = await it.client.post(
            "/v1/jobs", files={"image": SIGN}, data={"request": '{"prompt":"a wall","seed":1}'}, headers=key
        )
        assert [answer.status_code for answer in (first, again, form)] == [202, 202, 202]
        assert first.json()["id"] == again.json()["id"] == form.json()["id"]
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == form.headers["idempotent-replayed"] == "true"
        assert len(it.dispatcher.dispatched) == 1
        problem(await it.client.post("/v1/jobs", json=body(seed=2), headers=key), 422, "idempotency_mismatch")
        it.clock.advance(24 * 3600)
        later = await it.client.post("/v1/jobs", json=body(seed=2), headers=key)
        assert stored(it, later).id != first.json()["id"]


async def test_a_request_that_was_refused_leaves_its_key_free() -> None:
    async with site() as it:
        key = {"Idempotency-Key": "k"}
        problem(await it.client.post("/v1/jobs", json=body(prompt=""), headers=key), 422, "empty_prompt")
        stored(it, await it.client.post("/v1/jobs", json=body(), headers=key))


async def test_a_job_under_a_name_of_ones_own() -> None:
    async with site() as it:
        first = await it.client.put("/v1/jobs/order-17", json=body())
        again = await it.client.put("/v1/jobs/order-17", json=body())
        job = stored(it, first)
        assert job.client_id == first.json()["client_id"] == "order-17"
        assert again.json()["id"] == job.id and again.headers["idempotent-replayed"] == "true"
        problem(await it.client.put("/v1/jobs/order-17", json=body(seed=9)), 422, "idempotency_mismatch")
        assert (await it.client.get("/v1/jobs/order-17")).json()["id"] == job.id
        assert (await it.client.post("/v1/jobs/order-17/cancel")).json()["status"] == "canceled"
        assert (await it.client.delete("/v1/jobs/order-17")).status_code == 204
        assert stored(it, await it.client.put("/v1/jobs/order-17", json=body(seed=9))).id != job.id


@pytest.mark.parametrize("name", ["a.b", "ä", "x" * 65, "job_" + "0" * 32])
async def test_a_name_that_is_none(name: str) -> None:
    async with site() as it:
        problem(await it.client.put(f"/v1/jobs/{name}", json=body()), 422, "bad_option")


async def test_names_are_each_owners_own() -> None:
    async with site(host="0.0.0.0") as it:
        mine, yours = it.key("me"), it.key("you")
        ids = {(await it.client.put("/v1/jobs/a", json=body(), headers=who)).json()["id"] for who in (mine, yours)} | {
            (await it.client.post("/v1/jobs", json=body(), headers={**who, "Idempotency-Key": "a"})).json()["id"]
            for who in (mine, yours)
        }
        assert len(ids) == 4


@pytest.mark.parametrize("named", [True, False])
async def test_requests_of_one_name_at_the_same_time_make_one_job(named: bool) -> None:
    async with site() as it:

        async def send() -> httpx.Response:
            if named:
                return await it.client.put("/v1/jobs/race", json=body())
            return await it.client.post("/v1/jobs", json=body(), headers={"Idempotency-Key": "race"})

        answers = await asyncio.gather(*(send() for _ in range(8)))
        assert {answer.status_code for answer in answers} == {202}
        ids = {answer.json()["id"] for answer in answers}
        assert len(ids) == 1
        assert it.dispatcher.dispatched == list(ids) == list(it.parts.jobs.unfinished())
        assert {ref.partition("/")[0] for ref in it.parts.images.refs("")} == ids
        assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


@pytest.mark.parametrize("status", list(Status))
async def test_a_replay_finds_the_job_in_any_state(status: Status) -> None:
    async with site() as it:
        made = (await it.client.put("/v1/jobs/a", json=body())).json()["id"]
        loaded = it.parts.jobs.load(made)
        it.parts.jobs.commit(loaded.job.model_copy(update={"status": status}), loaded.version, ())
        again = await it.client.put("/v1/jobs/a", json=body())
        assert (again.status_code, again.json()["id"], again.json()["status"]) == (202, made, status.value)


async def test_a_queue_that_is_too_long_puts_new_jobs_off_but_not_repetitions() -> None:
    async with site(GatewaySettings(max_wait_s=25)) as it:
        for number in range(3):
            stored(it, await it.client.put(f"/v1/jobs/n{number}", json=body()))
        await asyncio.sleep(0.6)  # the count of the queue may be half a second old
        refused = await it.client.put("/v1/jobs/n3", json=body())
        assert problem(refused, 503, "overloaded")["retryable"]
        assert int(refused.headers["retry-after"]) == 5
        assert list(it.parts.images.refs("")) != []
        assert (await it.client.put("/v1/jobs/n0", json=body())).status_code == 202
        views = [(await it.client.get(f"/v1/jobs/n{number}")).json()["queue"] for number in range(3)]
        assert views == [{"position": n + 1, "estimated_wait_s": 10.0 * n} for n in range(3)]


@pytest.mark.parametrize("header", ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "nonsense"])
async def test_the_callers_trace_is_kept_with_the_job(header: str) -> None:
    kept = header if header != "nonsense" else None
    async with site() as it:
        answer = await it.client.post("/v1/jobs", json=body(), headers={"traceparent": header})
        assert stored(it, answer).traceparent == kept
        assert answer.json()["traceparent"] == kept
