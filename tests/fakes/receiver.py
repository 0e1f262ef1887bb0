"""A local HTTP server that misbehaves on demand, and writes down what it was sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.public_addresses import parse_network
from shared.web_guard import WebGuard, WebPolicy


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` gives for a path what is sent back; unknown paths are answered 204.

    An answer is a whole HTTP response; `HANG` never answers, `CLOSE` closes without a word, `ENDLESS` never stops.
    """

    port: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    at_work: int = 0
    most_at_work: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def guard(self) -> WebGuard:
        """A guard that lets this server be reached, and nothing else that is private."""
        policy = WebPolicy(ports=frozenset({80, 443, self.port}), allowed_networks=(parse_network("127.0.0.0/8"),))
        return WebGuard(policy)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            request = await _read(reader)
            self.requests.append(request)
            await self._answer(self.answers.get(request.path, NO_CONTENT), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side went away, which is what some tests are about
        finally:
            self.at_work -= 1
            writer.close()

    async def _answer(self, answer: bytes, writer: asyncio.StreamWriter) -> None:
        if answer == CLOSE:
            return
        if answer == HANG:
            await self.release.wait()
            return
        writer.write(ENDLESS if answer == ENDLESS else answer)
        await writer.drain()
        while answer == ENDLESS:
            writer.write(b"x" * 4096)
            await writer.drain()
            await asyncio.sleep(0)


HANG = b"hang"
CLOSE = b"close"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body)


@asynccontextmanager
async def receiver(**answers: bytes) -> AsyncIterator[Receiver]:
    """A server on a free port of 127.0.0.1; `answers` by path without its slash."""
    it = Receiver(answers={f"/{path}": value for path, value in answers.items()})
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        it.release.set()
        server.close()
        await server.wait_closed()
