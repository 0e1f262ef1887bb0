"""TLS through the guard: the connection goes to an address, the certificate must be the name's."""

import asyncio
import ssl
from pathlib import Path

import pytest
from fakes.certificates import Authority
from fakes.web import FakeResolver

from shared.errors import ErrorCode, Unavailable
from shared.public_addresses import parse_network
from shared.web_guard import WebAnswer, WebGuard, WebPolicy


class TlsServer:
    """Answers 204 on a free port of 127.0.0.1; `names` are those that clients asked for (SNI)."""

    def __init__(self, key_and_certificate: Path) -> None:
        self.names: list[str | None] = []
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(key_and_certificate)
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)

    async def ask(self, host: str) -> WebAnswer:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        port = server.sockets[0].getsockname()[1]
        policy = WebPolicy(ports=frozenset({port}), allowed_networks=(parse_network("127.0.0.1"),))
        guard = WebGuard(policy, FakeResolver(**{host.replace(".", "_"): [["127.0.0.1"]]}))
        try:
            url = f"https://{host}:{port}/"
            return await guard.request("GET", url, headers={}, timeout_s=30, max_bytes=10)
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    it = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(it.file))
    return it


def test_the_name_is_asked_for_and_vouched_for(authority: Authority) -> None:
    server = TlsServer(authority.certify("hooks.example"))
    assert asyncio.run(server.ask("hooks.example")).status == 204
    assert server.names == ["hooks.example"]


def test_the_certificate_of_another_name_is_refused(authority: Authority) -> None:
    server = TlsServer(authority.certify("other.example"))
    with pytest.raises(Unavailable) as failure:
        asyncio.run(server.ask("hooks.example"))
    assert failure.value.code is ErrorCode.URL_UNREACHABLE
    assert "certificate" in failure.value.message


def test_an_unknown_authority_is_refused(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Unavailable) as failure:
        asyncio.run(TlsServer(authority.certify("hooks.example")).ask("hooks.example"))
    assert "certificate" in failure.value.message
