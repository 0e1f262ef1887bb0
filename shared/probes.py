"""A small HTTP port for a process that has no other: `/livez`, `/readyz`, `/metrics`.

Ready is a process that takes work; alive one whose parts still move. Nothing else is served.
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from shared.errors import ErrorCode, Unavailable

Check = Callable[[], bool]


class Probes:
    """Serves on a port in a thread of its own.

    Args:
        registry: what `/metrics` shows.
        port: 0 takes any free one.
        host: an address of this machine.
        live: named checks; a process whose check fails is to be restarted.

    Raises:
        Unavailable: the port is taken.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        port: int,
        host: str = "0.0.0.0",  # noqa: S104  (probes come from outside the container)
        live: dict[str, Check] | None = None,
    ) -> None:
        self.ready = threading.Event()
        self._live = live or {}
        self._registry = registry
        try:
            self._server = ThreadingHTTPServer((host, port), self._handler())
        except OSError as error:
            message = f"port {port} cannot be used ({error.strerror}): choose another probe port"
            raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is served."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Serves no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a path."""
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        if path == "/livez":
            checks = {name: check() for name, check in self._live.items()}
            return self._verdict("live", all(checks.values()), checks)
        if path == "/readyz":
            return self._verdict("ready", self.ready.is_set(), {})
        return 404, "application/json", b"{}"

    @staticmethod
    def _verdict(name: str, good: bool, checks: dict[str, bool]) -> tuple[int, str, bytes]:
        return 200 if good else 503, "application/json", json.dumps({name: good, "checks": checks}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        probes = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = probes.answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler
