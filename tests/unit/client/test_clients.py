"""Both clients over real sockets, through the same table: the asynchronous one is called from a loop of its own."""

import asyncio
import json
import logging

import pytest
from fakes.small_server import BREAK, Answer, Asked, json_answer, small_server

from retoucher_client import AsyncRetoucher, JobFailed, RequestRejected, Retoucher, Retrying, WaitTimeout

KEY = "rt_tests_d0n0t1og"
QUICK = Retrying(tries=4, first_pause_s=0.001)
JOB = {
    "id": "job_1",
    "status": "succeeded",
    "outcome": "repaired",
    "regions": [{"id": "r1", "box_xyxy_px": [0, 0, 4, 4], "detector": "text", "evidence": 0.9, "new": [1]}],
    "largest_outside_difference": 0,
    "something_new": {"a": 1},
}


async def collected(items):
    return [item async for item in items]


class Waited:
    """Makes an `AsyncRetoucher` look like a `Retoucher`, and its jobs like jobs."""

    def __init__(self, inner, runner):
        self.inner, self.runner = inner, runner

    def __getattr__(self, name):
        attribute = getattr(self.inner, name)
        if not callable(attribute) or name == "require_success":
            return attribute

        def call(*arguments, **named):
            made = attribute(*arguments, **named)
            return self.finished(collected(made) if hasattr(made, "__aiter__") else made)

        return call

    def finished(self, awaitable):
        done = self.runner.run(awaitable)
        return Waited(done, self.runner) if hasattr(done, "refresh") else done


@pytest.fixture(params=["sync", "async"])
def connect(request):
    """Makes a client of either kind, closed at the end."""
    with asyncio.Runner() as runner:
        made = []

        def connecting(url, key=KEY, retrying=QUICK):
            kind = Retoucher if request.param == "sync" else AsyncRetoucher
            client = kind(url, key, retrying=retrying)
            made.append(client)
            return client if request.param == "sync" else Waited(client, runner)

        yield connecting
        for client in made:
            client.close() if isinstance(client, Retoucher) else runner.run(client.close())


def event(seq: int, kind: str = "stage.started") -> bytes:
    data = json.dumps({"seq": seq, "job_id": "job_1", "type": kind, "at_s": 1.0, "data": {}})
    return f"id: {seq}\ndata: {data}\n\n".encode()


def test_a_typed_job_keeps_what_it_does_not_know(connect):
    with small_server(lambda asked, count: json_answer(JOB)) as server:
        job = connect(server.url).get("job_1")
        assert job.ended and job.regions[0].box_xyxy_px == (0, 0, 4, 4)
        assert job.something_new == {"a": 1} and job.regions[0].new == [1]
        assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_submission_that_was_lost_is_sent_again_under_the_same_key(connect, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(bytes(range(256)) * 4000)
    answers = [BREAK, json_answer({}, 503, Retry_After="0"), json_answer(JOB, 202)]
    with small_server(lambda asked, count: answers[count]) as server:
        connect(server.url).submit(picture, "a sign", seed=3)
        assert len({request.headers["idempotency-key"] for request in server.asked}) == 1
        assert len(server.asked) == 3
        for request in server.asked:
            assert picture.read_bytes() in request.body and b'"seed": 3' in request.body


def test_each_submission_has_a_key_of_its_own(connect):
    with small_server(lambda asked, count: json_answer(JOB, 202)) as server:
        client = connect(server.url)
        client.submit(b"png", "a sign")
        client.submit(b"png", "a sign")
        assert len({request.headers["idempotency-key"] for request in server.asked}) == 2


def test_what_may_not_be_repeated_is_not(connect):
    with small_server(lambda asked, count: BREAK) as server:
        with pytest.raises(Exception, match="no answer from"):
            connect(server.url).missed("job_1", (0, 0, 4, 4))
        assert len(server.asked) == 1


def test_retouch_waits_over_a_cut_stream_and_saves_the_result(connect, tmp_path):
    streams = iter(
        [
            Answer(200, event(1) + event(2)[:30], cut=True),
            Answer(200, event(2) + event(3, "job.succeeded")),
        ]
    )

    def answer(asked: Asked, count: int) -> Answer:
        if asked.path.endswith("/events"):
            return next(streams)
        if asked.path.endswith("/artifacts/result.png"):
            return Answer(200, b"picture" * 100_000)
        return json_answer({"id": "job_1", "status": "queued"} if asked.method == "POST" else JOB)

    seen = []
    with small_server(answer) as server:
        job = connect(server.url).retouch(b"png", "a sign", on_event=lambda item: seen.append(item.seq))
        assert seen == [1, 2, 3]
        listened = [asked.headers["last-event-id"] for asked in server.asked if asked.path.endswith("/events")]
        assert listened == ["0", "1"]
        assert job.result() == b"picture" * 100_000
        assert job.save(tmp_path / "b.png").read_bytes() == b"picture" * 100_000


def test_a_download_that_breaks_begins_anew_and_leaves_no_part(connect, tmp_path):
    answers = [Answer(200, b"longer than the picture", cut=True), Answer(200, b"picture"), *[BREAK] * 4]
    with small_server(lambda asked, count: answers[count]) as server:
        client = connect(server.url)
        assert client.save_artifact("job_1", "masks/r1.png", tmp_path / "a.png").read_bytes() == b"picture"
        with pytest.raises(Exception, match="no answer from"):
            client.save_artifact("job_1", "result.png", tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert server.asked[0].path == "/v1/jobs/job_1/artifacts/masks/r1.png"


def test_a_failed_job_is_an_error_that_carries_it(connect):
    failed = {**JOB, "status": "failed", "error": {"code": "stage_failed", "message": "no luck", "retryable": True}}

    def answer(asked: Asked, count: int) -> Answer:
        return Answer(200, event(1, "job.failed")) if asked.path.endswith("/events") else json_answer(failed)

    with small_server(answer) as server, pytest.raises(JobFailed, match="no luck") as caught:
        connect(server.url).retouch(b"png", "a sign")
    assert (caught.value.code, caught.value.retryable, caught.value.job.id) == ("stage_failed", True, "job_1")


def test_a_problem_is_an_error_with_its_code(connect):
    said = {"code": "empty_prompt", "detail": "the prompt is empty: send one", "retryable": False}
    with small_server(lambda asked, count: json_answer(said, 422)) as server:
        with pytest.raises(RequestRejected, match="the prompt is empty") as caught:
            connect(server.url).submit(b"png", "")
        assert caught.value.code == "empty_prompt" and len(server.asked) == 1


def test_all_pages(connect):
    pages = {None: (["job_3", "job_2"], "c1"), "c1": (["job_1"], None)}

    def answer(asked: Asked, count: int) -> Answer:
        assert "status=failed" in asked.path and "limit=2" in asked.path
        ids, cursor = pages["c1" if "cursor=c1" in asked.path else None]
        return json_answer({"jobs": [{"id": name, "status": "failed"} for name in ids], "next_cursor": cursor})

    with small_server(answer) as server:
        jobs = list(connect(server.url).jobs(status="failed", page_size=2))
        assert [job.id for job in jobs] == ["job_3", "job_2", "job_1"]


def test_the_smaller_calls(connect):
    answers = {
        ("POST", "/v1/jobs/job_1/cancel"): json_answer(JOB, 202),
        ("DELETE", "/v1/jobs/job_1"): Answer(204),
        ("GET", "/v1/jobs/job_1/deliveries"): json_answer(
            {"deliveries": [{"id": "evt_job_1_3", "type": "job.failed", "url": "https://a", "status": "pending"}]}
        ),
        ("POST", "/v1/jobs/job_1/deliveries/evt_job_1_3/replay"): Answer(202),
        ("PUT", "/v1/jobs/job_1/feedback/r1"): json_answer({"id": "r1", "verdict": "reject", "region_id": "r1"}, 201),
        ("POST", "/v1/jobs/job_1/feedback"): json_answer(
            {"id": "m1", "verdict": "missed", "box_xyxy_px": [0, 0, 4, 4]}, 201
        ),
        ("DELETE", "/v1/jobs/job_1/feedback/m1"): Answer(204),
        ("POST", "/v1/uploads"): json_answer(
            {"id": "upload_1", "expires_at_s": 1.5, "size_hw": [4, 4], "format": "PNG"}, 201
        ),
        ("GET", "/v1/tools"): json_answer({"profile": "tiny", "tools": [{"name": "retype", "kind": "mask"}]}),
        ("GET", "/v1/categories"): json_answer({"categories": [{"name": "hand", "dimension": "human_anatomy"}]}),
    }
    with small_server(lambda asked, count: answers[asked.method, asked.path]) as server:
        client = connect(server.url)
        assert client.cancel("job_1").id == "job_1"
        assert client.delete("job_1") is None
        assert client.deliveries("job_1")[0].status == "pending"
        assert client.replay("job_1", "evt_job_1_3") is None
        assert client.feedback("job_1", "r1", "reject", "worse").region_id == "r1"
        assert client.missed("job_1", (0, 0, 4, 4)).box_xyxy_px == (0, 0, 4, 4)
        assert client.take_back("job_1", "m1") is None
        assert client.upload(b"png").id == "upload_1"
        assert client.tools().tools[0].name == "retype"
        assert client.categories()[0].name == "hand"


def test_a_wait_ends_when_the_caller_says(connect):
    def answer(asked: Asked, count: int) -> Answer:
        return (
            Answer(200, event(count + 1))
            if asked.path.endswith("/events")
            else json_answer({**JOB, "status": "running"})
        )

    with small_server(answer) as server, pytest.raises(WaitTimeout):
        connect(server.url).wait("job_1", timeout_s=0.3)


def test_the_key_is_in_no_log_and_no_message(connect, caplog):
    caplog.set_level(logging.DEBUG)
    with small_server(lambda asked, count: json_answer({}, 401)) as server:
        client = connect(server.url)
        with pytest.raises(RequestRejected) as caught:
            client.get("job_1")
        assert KEY in server.asked[0].headers["authorization"]
        assert caplog.records and KEY not in caplog.text + repr(caught.value) + repr(client) + repr(vars(client))


@pytest.mark.parametrize(
    ("url", "key", "words"),
    [
        ("retoucher.example.org", None, "no server's address"),
        ("ftp://a", None, "no server's address"),
        ("http://a", "rt_a\nb", "holds characters"),
        ("http://a", "rt_ä", "holds characters"),
        ("http://a", "", "holds characters"),
    ],
)
def test_what_cannot_be_used_is_said_at_once(url, key, words):
    for kind in (Retoucher, AsyncRetoucher):
        with pytest.raises(ValueError, match=words) as caught:
            kind(url, key)
        assert not key or key not in str(caught.value)
