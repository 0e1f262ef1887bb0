"""Fetching an image from a real server on this machine, which misbehaves."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from fakes.receiver import CLOSE, ENDLESS, HANG, Receiver, answer, receiver

from services.gateway.fetching import fetch_image
from shared.errors import BadInput, ErrorCode, RetoucherError, Unavailable
from shared.web_guard import WebGuard

PNG = b"\x89PNG and so on"


def fetch(served: bytes, timeout_s: float = 30.0, max_bytes: int = 1000) -> bytes:
    async def go() -> bytes:
        async with receiver(image=served) as server:
            return await fetch_image(server.guard(), server.url("/image"), max_bytes, timeout_s)

    return asyncio.run(go())


def test_gives_the_bytes_whatever_the_server_calls_them() -> None:
    assert fetch(answer(200, PNG, Content_Type="text/html")) == PNG
    assert fetch(ENDLESS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc")) == b"abc"


@pytest.mark.parametrize(
    ("served", "kind", "code"),
    [
        (answer(404), BadInput, ErrorCode.URL_NOT_FETCHED),
        (answer(401, WWW_Authenticate="Basic"), BadInput, ErrorCode.URL_NOT_FETCHED),
        (answer(301, Location="http://127.0.0.1/secret"), BadInput, ErrorCode.URL_NOT_FETCHED),
        (answer(204), BadInput, ErrorCode.URL_NOT_FETCHED),
        (answer(200, PNG, Content_Encoding="gzip"), BadInput, ErrorCode.URL_NOT_FETCHED),
        (answer(200, b"x" * 1001), BadInput, ErrorCode.IMAGE_TOO_LARGE),
        (ENDLESS, BadInput, ErrorCode.IMAGE_TOO_LARGE),
        (answer(500), Unavailable, ErrorCode.URL_UNREACHABLE),
        (answer(429, Retry_After="60"), Unavailable, ErrorCode.URL_UNREACHABLE),
        (CLOSE, Unavailable, ErrorCode.URL_UNREACHABLE),
        (answer(200, PNG)[:-4], Unavailable, ErrorCode.URL_UNREACHABLE),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Unavailable, ErrorCode.URL_UNREACHABLE),
    ],
    ids=["404", "login", "redirect", "nothing", "compressed", "large", "endless", "500", "429", "closes", "cut", "ssh"],
)
def test_tells_what_is_wrong(served: bytes, kind: type[RetoucherError], code: ErrorCode) -> None:
    with pytest.raises(kind) as failure:
        fetch(served)
    assert failure.value.code is code
    assert "\n" not in failure.value.message


@pytest.mark.parametrize("served", [HANG, ENDLESS], ids=["says nothing", "never stops"])
def test_takes_no_longer_than_allowed(served: bytes) -> None:
    with pytest.raises(Unavailable) as failure:
        fetch(served, timeout_s=0.3, max_bytes=10**12)
    assert failure.value.code is ErrorCode.URL_UNREACHABLE


def test_a_private_server_is_not_even_asked() -> None:
    async def go(server: Receiver) -> None:
        guard = server.guard()
        # A machine without /etc/hosts does not know localhost.
        closed = WebGuard(type(guard.policy)(ports=guard.policy.ports), resolve=_here)
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            with pytest.raises(BadInput) as refusal:
                await fetch_image(closed, server.url("/image", host), 1000)
            assert refusal.value.code is ErrorCode.URL_NOT_ALLOWED

    seen = asyncio.run(_with_server(go))
    assert seen.requests == []


async def _here(host: str, port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


async def _with_server(use: Any) -> Receiver:
    async with receiver(image=answer(200, PNG)) as server:
        work: Coroutine[Any, Any, None] = use(server)
        await work
        return server
