"""What is sent for which call, and when it is sent again."""

import base64
import json
from pathlib import Path

import pytest

from retoucher_client import RequestRejected, Retrying, ServerBusy, ServerFailed, Upload
from retoucher_client.api import job_path, submission
from retoucher_client.effects import Lost, Reply, problem_of

PATIENT = Retrying(tries=4, first_pause_s=1.0, longest_pause_s=3.0, longest_wait_s=60.0)


def submit(image, options=None, client_id=None):
    return submission(image, "a sign", options or {}, client_id=client_id, key="k1")


def problem(status: int, code: str = "", **headers: str) -> Reply:
    body = {"code": code, "detail": f"{code}: try otherwise", "retryable": False} if code else {}
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode())


def test_a_file_is_multipart_and_is_not_read_here():
    request = submit("missing.png", {"seed": 7, "protected": Path("mask.png"), "deadline_s": None})
    assert (request.method, request.path, request.headers) == ("POST", "v1/jobs", {"Idempotency-Key": "k1"})
    assert request.files == {"image": "missing.png", "protected": Path("mask.png")}
    assert json.loads(request.form["request"]) == {"prompt": "a sign", "seed": 7}


def test_a_name_of_the_callers_is_put_and_needs_no_key():
    request = submit(b"png", client_id="order-17")
    assert (request.method, request.path, request.headers) == ("PUT", "v1/jobs/order-17", {})


@pytest.mark.parametrize(
    ("image", "source"),
    [
        ("https://cdn.example.org/a.png", {"url": "https://cdn.example.org/a.png"}),
        (Upload(id="upload_1", expires_at_s=1.0, size_hw=(1, 1), format="PNG"), {"upload_id": "upload_1"}),
    ],
)
def test_what_the_server_gets_itself_is_json(image, source):
    request = submit(image, {"regions_mask": b"mask", "regions": [[0, 0, 4, 4]]})
    assert not request.files
    assert request.body == {
        "prompt": "a sign",
        "image": source,
        "regions": [[0, 0, 4, 4]],
        "regions_mask": {"base64": base64.b64encode(b"mask").decode()},
    }


def test_an_artifacts_slash_stays_and_an_ids_does_not():
    assert job_path("a/b", "artifacts", "masks/r 1.png") == "v1/jobs/a%2Fb/artifacts/masks/r%201.png"


@pytest.mark.parametrize(
    ("heard", "repeatable", "pause_s"),
    [
        (Lost("reset"), True, 1.0),
        (Lost("reset"), False, None),
        (Lost("refused", unsent=True), False, 1.0),
        (problem(429), False, 1.0),
        (problem(429, retry_after="7"), True, 7.0),
        (problem(503, retry_after="61"), True, None),
        (problem(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), True, 1.0),
        (problem(502), True, 1.0),
        (problem(504), False, None),
        (problem(500), True, None),
        (problem(409, "idempotency_in_progress"), True, 1.0),
        (problem(409, "job_running"), True, None),
        (problem(422, "bad_option"), True, None),
    ],
)
def test_what_is_tried_again(heard, repeatable, pause_s):
    assert PATIENT.pause_s(heard, 1, repeatable=repeatable, chance=0.0) == pause_s
    assert PATIENT.pause_s(heard, 4, repeatable=repeatable, chance=0.0) is None


def test_pauses_double_up_to_a_limit_and_are_shortened_by_chance():
    assert [PATIENT.backoff_s(tried, 0.0) for tried in (1, 2, 3, 4)] == [1.0, 2.0, 3.0, 3.0]
    assert PATIENT.backoff_s(1, 0.5) == 0.75


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [(422, RequestRejected, False), (401, RequestRejected, False), (429, ServerBusy, True), (500, ServerFailed, False)],
)
def test_problems_without_details_are_told_by_their_status(status, kind, retryable):
    error = problem_of(Reply(status, {}, b"<html>"))
    assert type(error) is kind and error.retryable is retryable
    assert str(error) == f"the server answered {status} without saying why"


def test_problem_details():
    body = {
        "code": "bad_option",
        "title": "Bad option",
        "detail": "seed is negative: send 0 or more",
        "retryable": True,
        "errors": [{"field": "seed", "message": "negative"}],
    }
    error = problem_of(Reply(503, {"retry-after": "9"}, json.dumps(body).encode()))
    assert isinstance(error, ServerBusy)
    assert (error.code, str(error), error.retryable, error.retry_after_s) == (
        "bad_option",
        "seed is negative: send 0 or more",
        True,
        9.0,
    )
    assert [(item.field, item.message) for item in error.errors] == [("seed", "negative")]
