"""Looking at jobs, listing, canceling and deleting them, and who may."""

import pytest
from fakes.gateway import picture, site
from fakes.world import Effect, Flaw, World

from services.gateway.limiting import LimitSettings
from services.gateway.views import JobView
from shared.contracts.jobs import JobRecord
from shared.errors import ErrorCode, Unavailable
from shared.retention import delete_expired, delete_orphans

pytestmark = pytest.mark.anyio

NO_JOB = "job_" + "0" * 32


async def test_the_view_of_a_job_that_has_ended_tells_all_and_no_keys_of_the_store() -> None:
    async with site(
        world=World(flaws={"r1": Flaw(), "r2": Flaw(0.5, box=(10, 0, 18, 8))}, repairs={"r2": (Effect(after=0.5),)})
    ) as it:
        job = await it.submit()
        it.clock.advance(3.0)
        await it.run(job["id"])
        answer = await it.client.get(job["urls"]["self"])
        view = JobView.model_validate(answer.json())
        assert (view.status, view.outcome) == ("succeeded", "improved")
        assert view.scores.before == pytest.approx(1.4) and view.scores.after == pytest.approx(0.5)
        assert view.largest_outside_difference == 0
        assert (view.seconds.queued, view.seconds.total) == (3.0, 3.0)
        assert set(view.seconds.stages) == {"perceive", "diagnose", "retouch", "finalize"}
        assert (view.queue, view.progress, view.third_parties) == (None, None, ())
        assert {"original.png", "result.png", "report.html", "masks/r1.png"} <= view.artifacts.keys()
        assert "_ref" not in answer.text and "sha256" in answer.text
        assert JobRecord.model_fields.keys() <= JobView.model_fields.keys()


async def test_the_view_of_a_running_job_says_what_it_is_at() -> None:
    async with site() as it:
        job = await it.submit()
        stages: list[tuple[str, int]] = []

        def look(job_id: str) -> None:
            progress = it.gateway.viewed(it.parts.jobs.load(job_id).job).progress
            if progress is not None:
                stages.append((progress.stage, progress.iteration))

        it.dispatcher.listeners.append(look)
        await it.run(job["id"])
        assert list(dict.fromkeys(stages)) == [
            ("perceive", 0),
            ("diagnose", 0),
            ("retouch", 0),
            ("perceive", 1),
            ("finalize", 1),
        ]


async def test_lists_newest_first_page_by_page() -> None:
    async with site() as it:
        ids = [(await it.submit())["id"] for _ in range(5)][::-1]
        await it.run(ids[1])
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await it.client.get(f"/v1/jobs?limit=2{cursor}")).json()
            seen += [job["id"] for job in page["jobs"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == ids
        done = (await it.client.get("/v1/jobs?status=succeeded")).json()
        assert [job["id"] for job in done["jobs"]] == [ids[1]]
        exact = (await it.client.get("/v1/jobs?limit=5")).json()
        assert exact["next_cursor"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=done", "cursor=job_1", "cursor="])
async def test_a_listing_that_is_none(query: str) -> None:
    async with site() as it:
        answer = await it.client.get(f"/v1/jobs?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_option")
        assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


async def test_a_waiting_job_is_canceled_at_once_and_an_ended_one_stays() -> None:
    async with site() as it:
        job = await it.submit()
        first = await it.client.post(f"/v1/jobs/{job['id']}/cancel")
        again = await it.client.post(f"/v1/jobs/{job['id']}/cancel")
        assert (first.status_code, first.json()["status"]) == (202, "canceled")
        assert (again.status_code, again.json()["status"]) == (200, "canceled")
        assert [event.type for event in it.parts.jobs.events_after(job["id"], 0)] == ["job.canceled"]


async def test_a_job_at_work_is_not_deleted_and_an_ended_one_goes_with_everything() -> None:
    async with site() as it:
        job = await it.submit()
        path = f"/v1/jobs/{job['id']}"
        refused = await it.client.delete(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "job_running")
        await it.run(job["id"])
        await it.client.put(f"{path}/feedback/r1", json={"verdict": "accept"})
        assert list(it.parts.images.refs("")) != []
        assert (await it.client.delete(path)).status_code == 204
        assert list(it.parts.images.refs("")) == []
        assert list(it.parts.feedback.job_ids()) == []
        for method, suffix in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/cancel"),
            ("GET", "/events"),
            ("GET", "/artifacts/result.png"),
            ("GET", "/deliveries"),
            ("PUT", "/feedback/r1"),
        ):
            gone = await it.client.request(
                method, path + suffix, json={"verdict": "accept"} if method == "PUT" else None
            )
            assert (gone.status_code, gone.json()["code"]) == (404, "job_not_found")


async def test_nobody_sees_anybody_elses_jobs() -> None:
    async with site(host="0.0.0.0") as it:
        mine, yours = it.key("me"), it.key("you")
        job = await it.submit(headers=mine)
        await it.run(job["id"])
        path = f"/v1/jobs/{job['id']}"
        for method, suffix, body in (
            ("GET", "", None),
            ("DELETE", "", None),
            ("POST", "/cancel", None),
            ("GET", "/events", None),
            ("GET", "/artifacts/result.png", None),
            ("GET", "/deliveries", None),
            ("POST", f"/deliveries/evt_{job['id']}_1/replay", None),
            ("PUT", "/feedback/r1", {"verdict": "accept"}),
            ("POST", "/feedback", {"box_xyxy_px": [0, 0, 4, 4]}),
            ("DELETE", "/feedback/r1", None),
        ):
            foreign = await it.client.request(method, path + suffix, json=body, headers=yours)
            unknown = await it.client.request(method, f"/v1/jobs/{NO_JOB}{suffix}", json=body, headers=yours)
            assert (foreign.status_code, foreign.json()["code"]) == (404, "job_not_found")
            assert foreign.json()["detail"].replace(job["id"], NO_JOB) == unknown.json()["detail"]
        assert (await it.client.get("/v1/jobs", headers=yours)).json()["jobs"] == []
        assert (await it.client.get(path, headers=mine)).status_code == 200


async def test_a_server_that_others_can_reach_asks_for_a_key() -> None:
    async with site(host="0.0.0.0") as it:
        for method, path in (("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("GET", "/v1/tools"), ("POST", "/v1/uploads")):
            answer = await it.client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        for path in ("/livez", "/metrics", "/", "/openapi.json", "/docs"):
            assert (await it.client.get(path)).status_code == 200, path


async def test_a_key_has_its_limits_and_every_answer_tells_them() -> None:
    async with site(host="0.0.0.0", limits=LimitSettings(requests_per_minute=3, jobs_at_work=1)) as it:
        key = it.key("me")
        await it.submit(headers=key)
        refused = await it.client.post("/v1/jobs", files={"image": picture()}, data={"prompt": "a"}, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.json()["violated-policies"] == ["jobs"]
        assert refused.json()["type"] != "about:blank" and refused.json()["retryable"]
        assert int(refused.headers["retry-after"]) >= 1 and "ratelimit-policy" in refused.headers
        seen = [await it.client.get("/v1/jobs", headers=key) for _ in range(4)]
        assert seen[-1].status_code == 429 and seen[0].status_code == 200
        assert all("ratelimit" in answer.headers for answer in seen)


async def test_webhooks_are_checked_listed_and_replayed() -> None:
    async with site() as it:
        hook = {"url": "http://10.0.0.1/", "events": ["job.succeeded"]}
        request = {"image": {"url": "https://a.b/c.png"}, "prompt": "a wall", "webhook": hook}
        it.fetched["https://a.b/c.png"] = picture()
        refused = await it.client.post("/v1/jobs", json=request)
        assert (refused.status_code, refused.json()["code"]) == (422, "url_not_allowed")
        hook["url"] = "https://example.org/hook"
        job = (await it.client.post("/v1/jobs", json=request)).json()
        path = f"/v1/jobs/{job['id']}/deliveries"
        assert (await it.client.get(path)).json() == {"deliveries": []}
        await it.run(job["id"])
        (delivery,) = (await it.client.get(path)).json()["deliveries"]
        assert (delivery["type"], delivery["url"], delivery["status"]) == ("job.succeeded", hook["url"], "pending")
        again = await it.client.post(f"{path}/{delivery['id']}/replay")
        assert (again.status_code, again.json()["status"]) == (202, "pending")
        other = await it.submit()
        missing = await it.client.post(f"/v1/jobs/{other['id']}/deliveries/{delivery['id']}/replay")
        assert (missing.status_code, missing.json()["code"]) == (404, "delivery_not_found")


async def test_what_has_expired_is_deleted_and_what_runs_is_not() -> None:
    async with site() as it:
        sent = await it.client.post("/v1/uploads", content=picture(), headers={"content-type": "image/png"})
        ended, waits = await it.submit(), await it.submit()
        await it.run(ended["id"])
        assert delete_expired(it.gateway.holdings, it.clock.now_s()) == 0
        it.clock.advance(24 * 3600)
        assert delete_expired(it.gateway.holdings, it.clock.now_s()) == 2
        assert list(it.parts.uploads.expired(1e12, 9)) == [] and sent.status_code == 201
        assert {ref.partition("/")[0] for ref in it.parts.images.refs("")} == {waits["id"]}
        assert list(it.parts.jobs.unfinished()) == [waits["id"]]
        assert (await it.client.get(f"/v1/jobs/{ended['id']}")).status_code == 404


async def test_images_of_a_request_that_died_are_deleted() -> None:
    async with site() as it:
        job = await it.submit()
        dead = "job_" + f"{1_000_000:012x}" + "7" + "0" * 19
        it.parts.images.put(f"{dead}/original.png", b"x")
        it.parts.images.put("job_of_another_kind/a.png", b"x")
        assert delete_orphans(it.gateway.holdings, before_s=1_000.0) == 0
        assert delete_orphans(it.gateway.holdings, before_s=1_000.5) == 1
        assert delete_orphans(it.gateway.holdings, before_s=1e12) == 0
        assert {ref.partition("/")[0] for ref in it.parts.images.refs("")} == {job["id"], "job_of_another_kind"}


async def test_a_store_that_does_not_answer_is_said_so() -> None:
    async with site() as it:

        def down(*_: object) -> None:
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, "the store does not answer: try again")

        it.parts.jobs.of_owner = down  # type: ignore[method-assign, assignment]
        answer = await it.client.get("/v1/jobs")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert answer.json()["retryable"] and int(answer.headers["retry-after"]) >= 1


async def test_a_fault_of_the_program_tells_nothing_of_it() -> None:
    async with site() as it:

        def broken(*_: object) -> None:
            raise RuntimeError("secret words")

        it.parts.jobs.of_owner = broken  # type: ignore[method-assign, assignment]
        answer = await it.client.get("/v1/jobs")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "secret" not in answer.text and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/v2", 404, "route_not_found"), ("PATCH", "/v1/jobs", 405, "method_not_allowed")],
)
async def test_where_there_is_nothing(method: str, path: str, status: int, code: str) -> None:
    async with site() as it:
        answer = await it.client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
