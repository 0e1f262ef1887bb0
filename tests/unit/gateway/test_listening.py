"""The port: whoever reads the address that the server prints is not refused, however early it calls."""

import socket

from services.gateway.listening import listen


def test_a_connection_waits_for_the_server() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()[:2], timeout=10) as early:
        assert early.getpeername() == listener.getsockname()
