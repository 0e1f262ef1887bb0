"""Effects on httpx: what both clients share of building requests and reading failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import httpx

from retoucher_client.api import ApiRequest
from retoucher_client.effects import Lost, Reply

VERSION = "0.1.0"
CONNECT_S = 10.0
LOST = (httpx.TransportError, httpx.StreamError)
"""What a broken connection raises; anything else is a fault of the program."""


def settings_of(server: str, api_key: str | None, timeout_s: float) -> dict[str, Any]:
    """The arguments of an httpx client.

    Raises:
        ValueError: the address or the key cannot be used; the key is not repeated.
    """
    url = httpx.URL(server)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{server!r} is no server's address: give it as https://host or http://host:port")
    headers = {"User-Agent": f"retoucher-client/{VERSION}", "Accept": "application/json"}
    if api_key is not None:
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key or not api_key:
            raise ValueError("the API key holds characters that no key has: copy it anew, it begins with rt_")
        headers["Authorization"] = f"Bearer {api_key}"
    return {"base_url": url, "headers": headers, "timeout": httpx.Timeout(timeout_s, connect=CONNECT_S)}


@contextmanager
def prepared(
    http: httpx.Client | httpx.AsyncClient, request: ApiRequest, silence_s: float | None = None
) -> Iterator[httpx.Request]:
    """The request with its files open: they are read while it is sent, never as a whole."""
    with ExitStack() as files:
        arguments: dict[str, Any] = {"params": dict(request.params), "headers": dict(request.headers)}
        if silence_s is not None:
            arguments["timeout"] = httpx.Timeout(silence_s, connect=min(CONNECT_S, silence_s))
        if request.files:
            arguments["data"] = dict(request.form)
            arguments["files"] = {name: _part(name, source, files) for name, source in request.files.items()}
            arguments["headers"]["Content-Type"] = f"multipart/form-data; boundary={uuid4().hex}"
        elif request.body is not None:
            arguments["json"] = request.body
        yield http.build_request(request.method, request.path, **arguments)


def _part(name: str, source: Any, files: ExitStack) -> tuple[str, bytes | BinaryIO]:
    if isinstance(source, bytes):
        return name, source
    return Path(source).name, files.enter_context(Path(source).open("rb"))


def lost(error: Exception) -> Lost:
    """What became of a request whose connection broke."""
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return Lost(str(error) or type(error).__name__, unsent=unsent)


def reply_of(response: httpx.Response, body: bytes = b"") -> Reply:
    """The answer without httpx."""
    headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, body)
