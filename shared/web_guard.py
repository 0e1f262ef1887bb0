"""HTTP requests to addresses that strangers name, without reaching what only this machine may reach (SSRF).

The connection goes to the very address that was checked: one lookup, every answer of it checked, then httpcore is
given the address while Host, SNI and the certificate's name stay those of the URL. No redirect is followed, no proxy
is used, nothing is decompressed. httpcore is used by itself, since httpx offers no way to choose the address.

The package `ssrfguard` (0.4) does the same and more, in 5,500 lines of one author; it hooks into private parts of
httpx and httpcore. The part that is needed here is this file, `web_targets` and `public_addresses`, on public
interfaces alone.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address

import httpcore
import httpx

from shared.errors import ErrorCode, Unavailable
from shared.public_addresses import IPAddress, IPNetwork, end_of_path, is_public
from shared.web_targets import Target, literal_address, parse_target, refused

USER_AGENT = "agentic-retoucher"
MAX_ADDRESSES = 4
"""How many of a name's addresses are tried: a name with hundreds of dead ones costs no more than that."""

LOOKUP_THREADS = 16
"""Of the system's resolver, which cannot be interrupted: slow names hold up other names alone, not the event loop."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From host name and port to all addresses of the name; raises `OSError` where there are none."""


@dataclass(frozen=True)
class WebPolicy:
    """Which addresses and ports a URL may lead to.

    Attributes:
        ports: that a URL may name.
        allowed_networks: private networks that may be reached all the same; an IPv4 network also allows its addresses
            inside IPv6 ones.
        allowed_hosts: names, in lower case, whose addresses are not looked at.
        denied_networks: refused though public, your own public addresses, say; stronger than what is allowed.
    """

    ports: frozenset[int] = frozenset({80, 443})
    allowed_networks: tuple[IPNetwork, ...] = ()
    allowed_hosts: frozenset[str] = frozenset()
    denied_networks: tuple[IPNetwork, ...] = ()

    def permits(self, host: str, address: IPAddress) -> bool:
        """Whether a connection for `host` may go to `address`."""
        ends = {address, end_of_path(address)}
        if any(end in network for end in ends for network in self.denied_networks):
            return False
        if host in self.allowed_hosts or is_public(address):
            return True
        return any(end in network for end in ends for network in self.allowed_networks)


@dataclass(frozen=True)
class WebAnswer:
    """An answer's status, headers (names in lower case; of several alike the last) and the first bytes of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    truncated: bool = False


class SystemResolver:
    """The machine's own resolver, on threads that nothing else waits for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """All addresses of `host`; raises `OSError` where there are none."""
        look_up = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return tuple(dict.fromkeys(str(answer[4][0]) for answer in await look_up))


@dataclass
class WebGuard:
    """Sends requests under a policy; safe for many at once on one event loop.

    `network` is what opens connections once an address has been checked.
    """

    policy: WebPolicy = WebPolicy()
    resolve: Resolve = field(default_factory=SystemResolver)
    network: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)

    def parse(self, url: str) -> Target:
        """See `parse_target`."""
        return parse_target(url, self.policy.ports)

    async def check(self, url: str, timeout_s: float = 5.0) -> Target:
        """Whether the URL may be used later: takes it apart and looks it up.

        Raises:
            BadInput: it may not (URL_NOT_ALLOWED).
            Unavailable: its host is not found now (URL_UNREACHABLE).
        """
        target = self.parse(url)
        try:
            async with asyncio.timeout(timeout_s):
                await self.addresses(target.host, target.port)
        except TimeoutError:
            raise _unreachable(target.host, "its name is not found in time") from None
        return target

    async def addresses(self, host: str, port: int) -> tuple[IPAddress, ...]:
        """All addresses of a host, in one lookup.

        Raises:
            BadInput: one of them is not permitted; a name that leads both inside and outside is an attack.
            Unavailable: it has none now.
        """
        literal = literal_address(host)
        try:
            found = (literal,) if literal is not None else tuple(map(ip_address, await self.resolve(host, port)))
        except (OSError, ValueError) as error:  # a name that the resolver cannot encode is a ValueError
            raise _unreachable(host, "its name is not found") from error
        if not found:
            raise _unreachable(host, "its name is not found")
        if not all(self.policy.permits(host, address) for address in found):
            raise refused(
                f"{host} leads to an address that is not public: use a public one, or have the operator allow it"
            )
        return found

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout_s: float,
        max_bytes: int,
        content: bytes | None = None,
    ) -> WebAnswer:
        """Sends one request and reads at most `max_bytes` of the answer's body; with 0 the body is not waited for.

        Args:
            method: `GET` or `POST`.
            url: as it was given to us.
            headers: beside Host, User-Agent and Accept-Encoding, which are set here.
            timeout_s: for all of it: lookup, connection, and the last byte read.
            max_bytes: a longer body is cut, and the answer says so.
            content: the request's body.

        Raises:
            BadInput: the URL may not be used (URL_NOT_ALLOWED).
            Unavailable: there was no proper answer in time (URL_UNREACHABLE).
        """
        target = self.parse(url)
        fixed = {"host": target.host_header, "user-agent": USER_AGENT, "accept-encoding": "identity"}
        all_headers = [(name.encode(), value.encode()) for name, value in {**fixed, **headers}.items()]
        location = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path
        )
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls, max_connections=1, network_backend=_Checked(self, self.network)
        )
        steps = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
        try:
            async with (
                asyncio.timeout(timeout_s),
                pool,
                pool.stream(
                    method, location, headers=all_headers, content=content, extensions={"timeout": steps}
                ) as response,
            ):
                return await _read(response, max_bytes)
        except (TimeoutError, httpcore.TimeoutException):
            raise _unreachable(target.host, f"it did not answer within {timeout_s:g} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _unreachable(target.host, _cause(error)) from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Reading the certificates of authorities takes tens of milliseconds: once."""
        return httpx.create_ssl_context()


class _Checked(httpcore.AsyncNetworkBackend):
    """Looks a host up, checks every address, and connects to one of those."""

    def __init__(self, guard: WebGuard, network: httpcore.AsyncNetworkBackend) -> None:
        self._guard = guard
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = (await self._guard.addresses(host, port))[:MAX_ADDRESSES]
        share_s = timeout / len(addresses) if timeout is not None else None
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(str(address), port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


async def _read(response: httpcore.Response, max_bytes: int) -> WebAnswer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    if max_bytes == 0:
        return WebAnswer(response.status, headers)
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > max_bytes:
            return WebAnswer(response.status, headers, bytes(body[:max_bytes]), truncated=True)
    return WebAnswer(response.status, headers, bytes(body))


def _cause(error: Exception) -> str:
    """What went wrong in our own words; the library's may hold an address that the caller is not to learn."""
    if isinstance(error, httpcore.ConnectError):
        secure = isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError)
        return "its certificate or TLS was not accepted" if secure else "it does not accept connections"
    if isinstance(error, httpcore.ProtocolError):
        return "it closed the connection too early, or does not speak HTTP"
    return "the connection broke"


def _unreachable(host: str, cause: str) -> Unavailable:
    return Unavailable(ErrorCode.URL_UNREACHABLE, f"{host} cannot be reached: {cause}; check the URL, or try again")
