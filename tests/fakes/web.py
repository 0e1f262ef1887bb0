"""Names and connections without a network: a resolver that answers from a table, and a network that writes down."""

import ssl
from collections.abc import Iterable, Sequence

import httpcore


class FakeResolver:
    """Answers by name; a list of answers is given out one after the other, the last one for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(turns) for name, turns in answers.items()}
        self.lookups: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.lookups.append(host)
        turns = self._answers.get(host)
        if turns is None:
            raise OSError("no such name")
        return turns.pop(0) if len(turns) > 1 else turns[0]


class FakeNetwork(httpcore.AsyncNetworkBackend):
    """Accepts connections to every address but the dead ones, and answers each with the same bytes."""

    def __init__(
        self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", dead: Iterable[str] = ()
    ) -> None:
        self._answer = answer
        self._dead = set(dead)
        self.connected: list[tuple[str, int]] = []
        self.tls_names: list[str | None] = []
        self.sent = b""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append((host, port))
        if host in self._dead:
            raise httpcore.ConnectError("refused")
        return _Stream(self, self._answer)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, network: FakeNetwork, answer: bytes) -> None:
        self._network = network
        self._answer = answer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        part, self._answer = self._answer[:max_bytes], self._answer[max_bytes:]
        return part

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._network.sent += buffer

    async def aclose(self) -> None:
        pass

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        self._network.tls_names.append(server_hostname)
        return self
