"""`retoucher submit` where something is wrong, against a small server that says so: one line, an exit code, no key."""

import json

import pytest
from fakes.small_server import BREAK, Answer, Asked, json_answer, small_server

from services.cli import main

KEY = "rt_tests_d0n0t1og"
JOB = {"id": "job_1", "status": "queued"}


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"the server looks into it, not the command")
    return path


@pytest.fixture
def submit(capsys, monkeypatch, picture):
    """Runs the command; returns its exit code, stdout and stderr."""
    monkeypatch.delenv("RETOUCHER_API_KEY", raising=False)

    def run(server: str, *arguments: str, image: object = picture) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["submit", str(image), "--prompt", "a sign", "--server", server, *arguments])
        captured = capsys.readouterr()
        assert KEY not in captured.out + captured.err
        return ended.value.code, captured.out, captured.err

    return run


def problem(status: int, code: str, detail: str, **more: object) -> Answer:
    return json_answer({"code": code, "detail": detail, "retryable": False, **more}, status)


def test_without_waiting_it_says_where_the_job_is(submit, monkeypatch):
    monkeypatch.setenv("RETOUCHER_API_KEY", KEY)
    with small_server(lambda asked, count: json_answer(JOB, 202)) as server:
        code, out, err = submit(server.url + "/", "--no-wait", "--expected-text", "OPEN", "--tools", "retype, opencv")
        assert (code, out, err) == (0, f"job_1 queued: {server.url}/v1/jobs/job_1\n", "")
        (asked,) = server.asked
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        request = json.loads(asked.body.split(b'name="request"')[1].split(b"\r\n\r\n")[1].split(b"\r\n--")[0])
        assert request == {
            "prompt": "a sign",
            "mode": "retouch",
            "tools": ["retype", "opencv"],
            "preference": "auto",
            "expected_text": ["OPEN"],
            "force": False,
            "seed": 0,
        }


def test_a_key_file_comes_before_the_environment(submit, tmp_path, monkeypatch):
    monkeypatch.setenv("RETOUCHER_API_KEY", "rt_other_key")
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    with small_server(lambda asked, count: json_answer(JOB, 202)) as server:
        assert submit(server.url, "--no-wait", "--key-file", str(file))[0] == 0
        assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (problem(422, "unknown_tool", "there is no tool 'x': choose one of retype"), 2, "error: there is no tool 'x'"),
        (problem(422, "not_an_image", "this is no PNG: send one"), 2, "picture.png: this is no PNG: send one"),
        (problem(401, "unauthorized", "a key is needed"), 2, "a key is needed; give its key with --key-file"),
        (
            problem(422, "bad_option", "bad", errors=[{"field": "seed", "message": "too large"}]),
            2,
            "error: bad (seed: too large)",
        ),
        (problem(500, "internal", "a fault of the server: report it"), 1, "error: a fault of the server"),
        (Answer(404, b"<html>"), 2, "error: the server answered 404"),
        (json_answer({"hello": "world"}), 1, "is no JobView: check that the address is an Agentic Retoucher's"),
    ],
)
def test_a_refusal_is_one_line(submit, tmp_path, answer, code, words):
    with small_server(lambda asked, count: answer) as server:
        ended, out, err = submit(server.url, "--out", str(tmp_path / "out"))
    assert ended == code and out == ""
    assert words in err.splitlines()[-1] and [line.startswith("error: ") for line in err.splitlines()].count(True) == 1
    assert not (tmp_path / "out").exists()


def test_a_job_that_fails_is_told_as_retouch_tells_it(submit, tmp_path):
    failed = {**JOB, "status": "failed", "error": {"code": "stage_failed", "message": "no luck: run it again"}}
    event = {"seq": 1, "job_id": "job_1", "type": "stage.started", "at_s": 1.0, "data": {"stage": "perceive"}}
    last = {**event, "seq": 2, "type": "job.failed", "data": {}}

    def answer(asked: Asked, count: int) -> Answer:
        if asked.path.endswith("/events"):
            return Answer(200, "".join(f"data: {json.dumps(one)}\n\n" for one in (event, last)).encode())
        return json_answer(failed if asked.method == "GET" else JOB)

    with small_server(answer) as server:
        code, out, err = submit(server.url, "--out", str(tmp_path / "out"))
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "sending the image",
        "queued as job_1",
        "looking for flaws",
        "failed",
        "error: no luck: run it again",
    ]
    assert not (tmp_path / "out").exists()


def test_no_server_is_one_line(submit):
    with small_server(lambda asked, count: BREAK) as server:
        pass
    code, out, err = submit(server.url, "--no-wait")
    assert (code, out) == (1, "")
    assert f"error: no answer from {server.url}" in err and err.endswith("'retoucher serve' starts one\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-wait", "--out", "x"], "leave one out"),
        (["--key-file", "missing.txt"], "there is no file missing.txt: check the path of the key file"),
        (["--protect", "missing.png"], "there is no file missing.png: check the path of the mask"),
    ],
)
def test_what_is_wrong_on_this_side_is_said_without_asking(submit, arguments, words):
    with small_server(lambda asked, count: BREAK) as server:
        code, out, err = submit(server.url, *arguments)
        assert (code, out) == (2, "") and words in err
        assert not server.asked


def test_an_image_that_is_not_there(submit, tmp_path):
    with small_server(lambda asked, count: BREAK) as server:
        code, _, err = submit(server.url, image=tmp_path / "none.png")
        assert code == 2 and "check the path of the image" in err and not server.asked


@pytest.mark.parametrize("address", ["retoucher.example.org", "ftp://a"])
def test_an_address_that_is_none(submit, address):
    code, _, err = submit(address)
    assert code == 2 and "is no server's address" in err
