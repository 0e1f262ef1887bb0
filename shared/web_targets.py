"""A URL that a stranger sent, taken apart strictly: what is not plainly http or https to a host and port is refused.

Looks nothing up; where the host leads is `web_guard`'s question.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

import httpx

from shared.errors import BadInput, ErrorCode
from shared.public_addresses import IPAddress

MAX_URL_LENGTH = 2048

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """A URL taken apart once; nothing is parsed a second time, so that no two parsers can disagree.

    `host` is in lower case, an international name in its ASCII form; `path` is path and query, percent-encoded.
    """

    scheme: str
    host: str
    port: int
    path: bytes
    address: IPAddress | None = None

    @property
    def site(self) -> str:
        """Host and port: what shares a limit of connections."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return f"{host}:{self.port}"

    @property
    def host_header(self) -> str:
        """The Host header: without the port where that is the scheme's own."""
        return self.site.rpartition(":")[0] if _PORTS[self.scheme] == self.port else self.site


def parse_target(url: str, ports: frozenset[int]) -> Target:
    """Takes a URL apart; looks nothing up.

    Raises:
        BadInput: it is not a plain http or https URL, or names a port that is not among `ports` (URL_NOT_ALLOWED).
    """
    if len(url) > MAX_URL_LENGTH:
        raise refused(f"the URL is longer than {MAX_URL_LENGTH} characters: use a shorter one")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise refused("the URL holds a space, a backslash or a control character: percent-encode it")
    try:
        parsed = httpx.URL(url)
        port = parsed.port if parsed.port is not None else _PORTS.get(parsed.scheme)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError) as error:
        raise refused(f"this is not a URL ({error}): check it") from error
    if parsed.scheme not in ("http", "https"):
        raise refused("the URL does not begin with http:// or https://: use one of them")
    if "@" in re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]:
        raise refused("the URL holds a user name or password: use one without, a signed URL, say")
    if port is None or port not in ports:
        listed = ", ".join(str(number) for number in sorted(ports))
        raise refused(f"the URL names port {port}: use one of {listed}, or have the operator allow it")
    return Target(parsed.scheme, host, port, parsed.raw_path, literal_address(host))


def literal_address(host: str) -> IPAddress | None:
    """The address that `host` is; None for a name.

    Numbers in other forms (2130706433, 0x7f.1, 0177.0.0.1) are refused: resolvers take them for IPv4 addresses.
    """
    if ":" in host:
        try:
            address = ip_address(host)
        except ValueError:
            raise refused(f"the URL's host {host!r} is no address: check it") from None
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            raise refused("the URL's host names a network interface: use an address without a zone")
        return address
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return ip_address(host)
        except ValueError:
            raise refused(f"the URL's host {host!r} is a number, not a name: write it as a.b.c.d") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise refused(f"the URL's host {host!r} is not a host name: check it, and leave out a dot at its end")
    return None


def refused(message: str) -> BadInput:
    """The error of a URL that may not be used."""
    return BadInput(ErrorCode.URL_NOT_ALLOWED, message)
