"""The guard against requests to what only this machine may reach; without a network."""

import asyncio
import re

import pytest
from fakes.web import FakeNetwork, FakeResolver
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadInput, ErrorCode, RetoucherError, Unavailable
from shared.public_addresses import parse_network
from shared.web_guard import MAX_ADDRESSES, WebAnswer, WebGuard, WebPolicy
from shared.web_targets import parse_target

PUBLIC = "93.184.216.34"
OTHER_PUBLIC = "2606:2800:220:1::1"

REFUSED = {
    "file": "file:///etc/passwd",
    "gopher": "gopher://example.com/",
    "ftp": "ftp://example.com/a.png",
    "no scheme": "//example.com/",
    "no host": "http:///a.png",
    "a word": "example.com",
    "user": "http://user@example.com/",
    "user and password": "http://user:pw@example.com/",
    "empty user": "http://@example.com/",
    "host in the user part": "http://example.com@127.0.0.1/",
    "backslash": "http://example.com\\@127.0.0.1/",
    "space": "http://example.com/a b",
    "line break": "http://example.com/\r\nX: y",
    "tab in the host": "http://exam\tple.com/",
    "null": "http://example.com/\x00",
    "another port": "http://example.com:22/",
    "port 0": "http://example.com:0/",
    "port too high": "http://example.com:65616/",
    "too long": "http://example.com/" + "a" * 3000,
    "decimal": "http://2130706433/",
    "octal": "http://0177.0.0.1/",
    "octal, public": "http://010.8.8.8/",
    "hexadecimal": "http://0x7f000001/",
    "hexadecimal part": "http://0x7f.0.0.1/",
    "hexadecimal at the end": "http://127.0.0.0x1/",
    "short": "http://127.1/",
    "too many parts": "http://1.2.3.4.5/",
    "trailing dot of an address": "http://127.0.0.1./",
    "trailing dot of a name": "http://example.com./",
    "two dots": "http://example..com/",
    "full-width digits": "http://１２７.0.0.1/",
    "ideographic dots of an address with a leading zero": "http://0177。0。0。1/",
    "enclosed letters": "http://ⓔxample.com/",
    "no-width space": "http://example\u200b.com/",
    "encoded host": "http://%31%32%37.0.0.1/",
    "zone": "http://[fe80::1%25eth0]/",
    "bare zone": "http://[fe80::1%eth0]/",
    "bad brackets": "http://[::1/",
    "not an IPv6 address": "http://[::g]/",
    "hyphen at the end": "http://example-.com/",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED.keys())
def test_refuses_a_url_without_looking_anything_up(url: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_target(url, frozenset({80, 443}))
    assert refusal.value.code is ErrorCode.URL_NOT_ALLOWED
    assert "\n" not in refusal.value.message


def test_takes_an_international_name_in_its_ascii_form() -> None:
    target = parse_target("HTTPS://Bücher.example/ä.png?q=ü#part", frozenset({443}))
    assert (target.host, target.port, target.path) == ("xn--bcher-kva.example", 443, b"/%C3%A4.png?q=%C3%BC")


def test_host_header_has_the_port_only_where_it_is_not_the_schemes_own() -> None:
    ports = frozenset({80, 443, 8443})
    headers = [
        parse_target(url, ports).host_header for url in ("http://a.b/", "https://a.b:8443/", "http://[2606::1]:80/")
    ]
    assert headers == ["a.b", "a.b:8443", "[2606::1]"]


def ask(guard: WebGuard, url: str, max_bytes: int = 100) -> WebAnswer:
    return asyncio.run(guard.request("GET", url, headers={}, timeout_s=30, max_bytes=max_bytes))


def refusal_of(guard: WebGuard, url: str) -> RetoucherError:
    with pytest.raises(RetoucherError) as refusal:
        ask(guard, url)
    return refusal.value


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "::a9fe:a9fe",
        "fec0::1",
        "224.0.0.1",
        "::ffff:127.0.0.1",
        "2001:0:808:808::80ff:fffe",
        "fe80::1%2",
        "0.0.0.0",
    ],
)
class TestAddresses:
    def test_refuses_a_name_that_leads_there(self, address: str) -> None:
        network = FakeNetwork()
        error = refusal_of(WebGuard(resolve=FakeResolver(a_example=[[address]]), network=network), "http://a.example/")
        assert error.code is ErrorCode.URL_NOT_ALLOWED
        assert address not in error.message  # where an inside name leads is nobody's business
        assert network.connected == []

    def test_refuses_a_name_that_leads_there_too(self, address: str) -> None:
        network = FakeNetwork()
        resolve = FakeResolver(a_example=[[PUBLIC, OTHER_PUBLIC, address]])
        error = refusal_of(WebGuard(resolve=resolve, network=network), "http://a.example/")
        assert error.code is ErrorCode.URL_NOT_ALLOWED
        assert network.connected == []

    def test_refuses_the_address_itself(self, address: str) -> None:
        network = FakeNetwork()
        host = f"[{address}]" if ":" in address else address
        error = refusal_of(WebGuard(resolve=FakeResolver(), network=network), f"http://{host}/")
        assert error.code is ErrorCode.URL_NOT_ALLOWED
        assert network.connected == []


def test_connects_to_the_address_that_was_checked_and_never_asks_again() -> None:
    """Rebinding: the name leads outside when asked first, and inside afterwards."""
    network = FakeNetwork()
    resolve = FakeResolver(a_example=[[PUBLIC], ["127.0.0.1"]])
    answer = ask(WebGuard(resolve=resolve, network=network), "http://a.example/x")
    assert (answer.status, answer.body) == (200, b"ok")
    assert network.connected == [(PUBLIC, 80)]
    assert resolve.lookups == ["a.example"]


def test_a_url_that_was_good_at_the_check_is_checked_again_when_it_is_used() -> None:
    network = FakeNetwork()
    guard = WebGuard(resolve=FakeResolver(a_example=[[PUBLIC], ["127.0.0.1"]]), network=network)
    assert asyncio.run(guard.check("http://a.example/x")).host == "a.example"
    assert refusal_of(guard, "http://a.example/x").code is ErrorCode.URL_NOT_ALLOWED
    assert network.connected == []


def test_tls_and_host_keep_the_name() -> None:
    network = FakeNetwork()
    ask(WebGuard(resolve=FakeResolver(a_example=[[PUBLIC]]), network=network), "https://a.example/x?y=1")
    assert network.connected == [(PUBLIC, 443)]
    assert network.tls_names == ["a.example"]
    assert network.sent.startswith(b"GET /x?y=1 HTTP/1.1\r\nhost: a.example\r\n")


def test_follows_no_redirect() -> None:
    network = FakeNetwork(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n")
    answer = ask(WebGuard(resolve=FakeResolver(a_example=[[PUBLIC]]), network=network), "http://a.example/")
    assert answer.status == 302
    assert network.connected == [(PUBLIC, 80)]


def test_tries_the_next_address_but_not_hundreds() -> None:
    dead = [f"93.184.217.{number}" for number in range(1, 200)]
    network = FakeNetwork(dead=dead)
    ask(WebGuard(resolve=FakeResolver(a_example=[[dead[0], PUBLIC]]), network=network), "http://a.example/")
    assert network.connected == [(dead[0], 80), (PUBLIC, 80)]

    network = FakeNetwork(dead=dead)
    error = refusal_of(WebGuard(resolve=FakeResolver(a_example=[dead]), network=network), "http://a.example/")
    assert (error.code, error.retryable) == (ErrorCode.URL_UNREACHABLE, True)
    assert len(network.connected) == MAX_ADDRESSES


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    guard = WebGuard(resolve=FakeResolver(), network=FakeNetwork())
    assert isinstance(refusal_of(guard, "http://nowhere.example/"), Unavailable)
    with pytest.raises(Unavailable):
        asyncio.run(guard.check("http://nowhere.example/"))


class TestPolicy:
    def guard(self, policy: WebPolicy, *addresses: str) -> tuple[WebGuard, FakeNetwork]:
        network = FakeNetwork()
        return WebGuard(policy, FakeResolver(a_example=[addresses]), network), network

    def test_allows_a_private_network(self) -> None:
        policy = WebPolicy(allowed_networks=(parse_network("10.0.0.0/8"),))
        for address in ("10.2.3.4", "::ffff:a02:304", "64:ff9b::a02:304"):
            guard, network = self.guard(policy, address)
            assert ask(guard, "http://a.example/").status == 200
            assert network.connected == [(address, 80)]
        guard, network = self.guard(policy, "10.2.3.4", "192.168.0.1")
        assert refusal_of(guard, "http://a.example/").code is ErrorCode.URL_NOT_ALLOWED

    def test_allows_a_host_by_name_but_not_its_neighbour(self) -> None:
        policy = WebPolicy(allowed_hosts=frozenset({"a.example"}))
        guard, _ = self.guard(policy, "127.0.0.1")
        assert ask(guard, "http://A.example/").status == 200
        guard = WebGuard(policy, FakeResolver(b_a_example=[["127.0.0.1"]]), FakeNetwork())
        assert refusal_of(guard, "http://b.a.example/").code is ErrorCode.URL_NOT_ALLOWED

    def test_denies_what_is_public(self) -> None:
        denied = (parse_network("93.184.216.0/24"),)
        guard, _ = self.guard(WebPolicy(denied_networks=denied, allowed_hosts=frozenset({"a.example"})), PUBLIC)
        assert refusal_of(guard, "http://a.example/").code is ErrorCode.URL_NOT_ALLOWED

    def test_ports_are_those_of_the_policy(self) -> None:
        guard, network = self.guard(WebPolicy(ports=frozenset({8443})), PUBLIC)
        assert ask(guard, "https://a.example:8443/").status == 200
        assert network.connected == [(PUBLIC, 8443)]
        assert refusal_of(guard, "https://a.example/").code is ErrorCode.URL_NOT_ALLOWED


def test_cuts_a_long_body() -> None:
    network = FakeNetwork(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde")
    guard = WebGuard(resolve=FakeResolver(a_example=[[PUBLIC]]), network=network)
    assert ask(guard, "http://a.example/", max_bytes=5) == WebAnswer(200, {"content-length": "5"}, b"abcde")
    cut = ask(guard, "http://a.example/", max_bytes=4)
    assert (cut.body, cut.truncated) == (b"abcd", True)
    assert ask(guard, "http://a.example/", max_bytes=0).body == b""


def test_a_slow_lookup_ends_with_the_time() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    guard = WebGuard(resolve=never, network=FakeNetwork())
    with pytest.raises(Unavailable):
        asyncio.run(guard.request("GET", "http://a.example/", headers={}, timeout_s=0.05, max_bytes=1))
    with pytest.raises(Unavailable):
        asyncio.run(guard.check("http://a.example/", timeout_s=0.05))


PIECES = st.sampled_from(
    [
        *("http://", "https://", "HTTP:", "//", "/", "@", ":", "80", "443", "[", "]", "::1", "%", "%25", "%00", "\\"),
        *("?", "#", "127.0.0.1", "0x7f", "1", ".", "..", "example.com", "xn--", "ß", "。", "\u200d", "\ud800", "é"),
        *("-", "_", " ", "a" * 64),
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=40).map(lambda text: f"http://{text}"))
def test_whatever_is_sent_is_refused_or_taken_apart(url: str) -> None:
    try:
        target = parse_target(url, frozenset({80, 443}))
    except BadInput:
        return
    assert target.scheme in ("http", "https")
    assert target.port in (80, 443)
    assert target.address is not None or re.fullmatch(r"[a-z0-9_.-]{1,253}", target.host)
    assert target.address is not None or not re.fullmatch(r"[0-9.]+", target.host)
    assert re.fullmatch(rb"/[\x21-\x7e]*", target.path)
