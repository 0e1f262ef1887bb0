"""The port and the HTTP server on it: bound before anything is loaded, stopped without losing an answer."""

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from services.gateway.core import Gateway
from shared.errors import BadInput, ErrorCode

BACKLOG = 2048
"""Connections that wait for the server; uvicorn's own number."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections already, which wait until `run` answers; port 0 takes a free one.

    Raises:
        BadInput: the address is not there, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)  # from here on a connection waits for the server instead of being refused
    except OSError as error:
        message = f"cannot listen on {host} port {port} ({error.strerror}): choose another --host or --port"
        raise BadInput(ErrorCode.BAD_OPTION, message) from error
    return listener


def run(app: FastAPI, listener: socket.socket, grace_s: float) -> None:
    """Answers requests until SIGTERM or Ctrl-C; prints the address first. Open answers get `grace_s` to end."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"http://{shown}:{port}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=max(1, int(grace_s))
    )
    _Server(config, app.state.gateway).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, which ends event streams when it is told to stop, and leaves quietly afterwards."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but the signal is not raised once more at the end: a server that was stopped has done well."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Streams and waiting answers end now; everything else may finish."""
        self._gateway.hub.close()
        super().handle_exit(sig, frame)
