"""The HTTP backend against a server that misbehaves: what is tried again, what is permanent, what is said."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fakes.small_server import BREAK, Answer
from fakes.vision_server import MODEL, Seen, VisionServer, completion, says, vision_server

from services.reasoning.backends.base import Failed, NotUnderstood, Picture, Question, Reply, Said
from services.reasoning.backends.openai_http import MOST_BYTES, OpenAiHttp
from services.reasoning.backends.retrying import Retrying, retry_after_s
from services.reasoning.chat import messages
from services.reasoning.contract import answer_schema
from services.reasoning.reasoners import Source, served
from shared.errors import StageError, Unavailable
from shared.images import encode_png
from shared.reasoning_settings import ReasoningSettings

QUICK = Retrying(tries=3, first_pause_s=0.01, longest_pause_s=0.02, longest_wait_s=2.0)
KEY = "sk-very-secret-0123"


def question(number: int = 0) -> Question:
    import numpy as np

    picture = Picture(encode_png(np.full((8, 8, 3), number, np.uint8)), "image/png")
    return Question("the task", picture, "the prompt", picture, f"region {number}")


def backend(url: str, retrying: Retrying = QUICK, **settings: object) -> OpenAiHttp:
    return OpenAiHttp(Source(MODEL), answer_schema(), ReasoningSettings(url=url, model=MODEL, **settings), retrying)


def answer_to(script: Callable[[Seen, int], str | Answer], **settings: object) -> tuple[Reply, VisionServer]:
    with vision_server(script) as server:
        return backend(server.url, **settings).ask([question()])[0], server


def test_a_request_holds_what_an_openai_compatible_server_takes() -> None:
    reply, server = answer_to(lambda seen, n: says(), api_key=KEY)
    assert reply == Said(says())
    seen = server.seen[0]
    assert seen.texts == ("the task", "the prompt", "region 0")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.body["model"] == MODEL and seen.body["temperature"] == 0 and seen.body["max_tokens"] == 600
    assert seen.body["response_format"]["type"] == "json_schema"
    wanted = seen.body["response_format"]["json_schema"]
    assert wanted["strict"] is True and wanted["schema"] == answer_schema()


def test_the_dialect_of_newer_models_of_openai() -> None:
    _, server = answer_to(lambda seen, n: says(), dialect="openai", max_tokens=700)
    body = server.seen[0].body
    assert body["max_completion_tokens"] == 700
    assert not {"max_tokens", "temperature"} & set(body) and "authorization" not in server.seen[0].headers


def test_replies_come_in_the_order_of_the_questions_and_one_failure_touches_no_other() -> None:
    def script(seen: Seen, number: int) -> str | Answer:
        index = int(seen.texts[2].split()[1])
        time.sleep(0.05 * (4 - index))
        return Answer(400, b"no") if index == 2 else f"answer {index}"

    with vision_server(script) as server:
        replies = backend(server.url).ask([question(n) for n in range(5)])
    assert isinstance(replies[2], Failed)
    assert [reply.text for reply in replies if isinstance(reply, Said)] == [f"answer {n}" for n in (0, 1, 3, 4)]


def test_all_are_asked_at_once_up_to_the_limit() -> None:
    lock, together = threading.Lock(), threading.Barrier(3)
    now, most = 0, 0

    def script(seen: Seen, number: int) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(timeout=60)  # three at once, or this breaks
        with lock:
            now -= 1
        return says()

    with vision_server(script) as server:
        replies = backend(server.url, concurrency=3).ask([question(n) for n in range(6)])
    assert all(isinstance(reply, Said) for reply in replies) and most == 3


@pytest.mark.parametrize(
    "passing",
    [Answer(500), Answer(502, b"<html>"), Answer(503, headers={"Retry-After": "0"}), Answer(429), BREAK],
    ids=["500", "502", "503", "429", "broken"],
)
def test_what_may_pass_is_tried_again(passing: Answer) -> None:
    reply, server = answer_to(lambda seen, n: says() if n else passing)
    assert reply == Said(says()) and len(server.seen) == 2


def test_what_does_not_pass_is_given_up_after_the_tries() -> None:
    reply, server = answer_to(lambda seen, n: Answer(500))
    assert len(server.seen) == 3
    assert isinstance(reply, Failed) and isinstance(reply.error, Unavailable)
    assert reply.error.message == (
        f"the vision-language model server {server.url} answered 500 (asked 3 times): see that it runs and serves the "
        "model"
    )


def test_a_server_that_asks_to_wait_is_waited_for() -> None:
    began = time.monotonic()
    reply, _ = answer_to(lambda seen, n: says() if n else Answer(429, headers={"Retry-After": "1"}))
    assert isinstance(reply, Said) and time.monotonic() - began >= 1.0


def test_a_server_that_asks_to_wait_too_long_is_not() -> None:
    reply, server = answer_to(lambda seen, n: Answer(429, headers={"Retry-After": "3600"}))
    assert len(server.seen) == 1
    assert isinstance(reply, Failed) and reply.error.retryable
    assert "answered 429 and asks to wait 3600 s (asked once)" in reply.error.message


@pytest.mark.parametrize(
    ("status", "says_so"),
    [
        (307, "redirects to another address"),
        (400, "refuses the request, saying"),
        (401, "RETOUCHER_REASONING_API_KEY"),
        (403, "RETOUCHER_REASONING_API_KEY"),
        (404, "knows no model 'scripted-vlm'"),
        (408, "refuses the request"),
        (422, "answer by a JSON schema"),
    ],
)
def test_other_refusals_are_permanent_and_never_tried_again(status: int, says_so: str) -> None:
    body = f'{{"error": {{"message": "bad\\u0007 key {KEY}\x1b[31m"}}}}'.encode()
    refusal = Answer(status, body, {"Location": "http://127.0.0.1:9/"})
    reply, server = answer_to(lambda seen, n: refusal, api_key=KEY)
    assert len(server.seen) == 1
    assert isinstance(reply, Failed) and isinstance(reply.error, StageError)
    assert says_so in reply.error.message and KEY not in reply.error.message
    assert reply.error.message.isprintable()


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else takes the port meanwhile
        taken.bind(("127.0.0.1", 0))
        reply = backend(f"http://127.0.0.1:{taken.getsockname()[1]}/v1").ask([question()])[0]
    assert isinstance(reply, Failed) and isinstance(reply.error, Unavailable)
    assert "cannot be reached" in reply.error.message and "asked 3 times" in reply.error.message


def test_a_server_that_is_too_slow() -> None:
    done = threading.Event()

    def script(seen: Seen, number: int) -> str:
        done.wait(60)
        return says()

    with vision_server(script) as server:
        reply = backend(server.url, timeout_s=0.3).ask([question()])[0]
        done.set()
    assert isinstance(reply, Failed) and isinstance(reply.error, Unavailable)
    assert "did not answer within 0.3 s (RETOUCHER_REASONING_TIMEOUT_S) (asked 3 times)" in reply.error.message


def test_a_server_that_drips_is_too_slow() -> None:
    """Each byte comes in time, the answer never does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                try:
                    while not stop.wait(0.05):
                        connection.sendall(b" ")
                except OSError:
                    pass  # the caller has had enough, which is what is tested

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        reply = backend(url, Retrying(tries=1), timeout_s=1.0).ask([question()])[0]
        stop.set()
        thread.join()
    assert isinstance(reply, Failed) and "did not answer within 1 s" in reply.error.message


def test_no_longer_is_waited_than_there_is_time() -> None:
    done = threading.Event()

    def script(seen: Seen, number: int) -> str:
        done.wait(60)
        return says()

    with vision_server(script) as server:
        began = time.monotonic()
        reply = backend(server.url, timeout_s=300.0).ask([question()], within_s=0.3)[0]
        waited_s = time.monotonic() - began
        done.set()
    assert isinstance(reply, Failed) and reply.error.retryable
    assert waited_s < 60 and len(server.seen) == 1


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (Answer(200, b"<html><h1>Welcome</h1></html>", {"Content-Type": "text/html"}), "is a web page"),
        (Answer(200, b'{"choices": [{"mess'), "is no chat completion"),
        (Answer(200, b'{"choices": []}'), "is no chat completion"),
        (Answer(200, b""), "is no chat completion"),
        (Answer(204), "is no chat completion"),
        (Answer(200, b"[" * 500_000), "is no chat completion"),
        (Answer(200, b"\xff\xfe"), "is no chat completion"),
        (Answer(200, b" " * (MOST_BYTES + 1)), "is larger than 1,000,000 bytes"),
        (Answer(200, b"junk", {"Content-Encoding": "gzip"}), "is not encoded as it says"),
        (completion(None, "content_filter"), "has no text"),
    ],
)
def test_an_answer_without_a_models_words_is_told_apart(odd: Answer, reason: str) -> None:
    reply, server = answer_to(lambda seen, n: odd)
    assert isinstance(reply, NotUnderstood) and reply.reason.startswith(reason)
    assert len(server.seen) == 1


def test_an_answer_that_was_stopped_is_said_to_be() -> None:
    reply, _ = answer_to(lambda seen, n: completion('{"distor', "length"))
    assert reply == Said('{"distor', complete=False)


def test_a_retry_after_header_in_every_shape() -> None:
    now = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert retry_after_s("7", now) == 7.0
    assert retry_after_s("Tue, 01 Jan 2030 12:00:30 GMT", now) == 30.0
    assert retry_after_s("Tue, 01 Jan 2030 11:00:00 GMT", now) == 0.0
    assert [retry_after_s(odd, now) for odd in (None, "", "-3", "soon", "1e9", "²")] == [None] * 6


def test_pauses_grow_are_jittered_and_end() -> None:
    patience = Retrying(tries=5, first_pause_s=1.0, longest_pause_s=3.0, longest_wait_s=10.0)
    assert [patience.pause_s(n, None, 0.0) for n in range(1, 6)] == [1.0, 2.0, 3.0, 3.0, None]
    assert patience.pause_s(1, None, 0.9999) == pytest.approx(0.5, abs=0.001)
    assert patience.pause_s(1, 10.0, 0.0) == 10.0 and patience.pause_s(1, 0.1, 0.0) == 1.0
    assert patience.pause_s(1, 10.1, 0.0) is None


def asked_as(name: str, text: str) -> tuple[Reply, dict]:
    """What a public model is sent under its name, and what is made of its answer."""
    with vision_server(lambda seen, n: text) as server:
        settings = ReasoningSettings(url=server.url, model=name)
        reply = OpenAiHttp(served(name), answer_schema(), settings, QUICK).ask([question()])[0]
    return reply, server.seen[0].body


def test_ovis_is_asked_in_its_chat_format() -> None:
    """Its class is in no library here: what can be shown is what goes to its server."""
    reply, body = asked_as("AIDC-AI/Ovis2.5-9B", says())
    assert reply == Said(says())
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    assert [part["type"] for part in body["messages"][1]["content"]] == ["image_url", "text", "image_url", "text"]
    assert (body["model"], body["max_tokens"]) == ("AIDC-AI/Ovis2.5-9B", 600)


def test_glm_has_room_to_think_and_its_thoughts_are_taken_off() -> None:
    reply, body = asked_as("zai-org/GLM-4.1V-9B-Thinking", f"<think>hm</think><answer>{says()}</answer>")
    assert reply == Said(says()) and body["max_tokens"] == 4096 and "chat_template_kwargs" not in body


def test_a_model_without_a_turn_for_the_task_has_it_before_the_pictures() -> None:
    (turn,) = messages(question(), system=False)
    assert turn["role"] == "user" and turn["content"][0] == {"type": "text", "text": "the task"}
    assert turn["content"][1:] == messages(question())[1]["content"]
