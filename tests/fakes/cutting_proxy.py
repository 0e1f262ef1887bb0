"""A TCP proxy that breaks streams of events: what a bad network does between a client and a real server."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def cutting_proxy(server: str, cut_after: Callable[[int], int | None]) -> Iterator[str]:
    """Forwards each connection, with one request on it, to the server until the block ends; yields the proxy's address.

    Args:
        server: its address.
        cut_after: given how many streams of events came before, after how many bytes of this one's body the
            connection is broken off; None lets it pass.
    """
    target = urlsplit(server)
    listener = socket.create_server(("127.0.0.1", 0))
    streams = 0
    lock = threading.Lock()

    def pump(client: socket.socket) -> None:
        nonlocal streams
        with client, socket.create_connection((target.hostname, target.port)) as upstream:
            threading.Thread(target=forward, args=(client, upstream), daemon=True).start()
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = upstream.recv(65536)
                if not chunk:
                    return
                head += chunk
            head, _, body = head.partition(b"\r\n\r\n")
            limit = None
            if b"text/event-stream" in head:
                with lock:
                    limit = cut_after(streams)
                    streams += 1
            client.sendall(head + b"\r\n\r\n")
            sent = 0
            while body := body or upstream.recv(65536):
                body = body if limit is None else body[: limit - sent]
                client.sendall(body)
                sent += len(body)
                if limit is not None and sent >= limit:
                    # Not `close` alone: the other thread still reads from it, so that it would stay open.
                    client.shutdown(socket.SHUT_RDWR)
                    return
                body = b""

    def forward(client: socket.socket, upstream: socket.socket) -> None:
        with suppress(OSError):  # the other direction has closed it
            while data := client.recv(65536):
                upstream.sendall(data.replace(b"Connection: keep-alive\r\n", b"Connection: close\r\n"))

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=guarded, args=(client,), daemon=True).start()

    def guarded(client: socket.socket) -> None:
        with suppress(OSError):  # one of the two has gone
            pump(client)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
