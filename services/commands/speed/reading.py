"""Reads one address at a steady pace from several threads, and how long each read took from when it was due.

A read that waits for a slow one before it counts that wait, too: a server that stalls is not spared by asking less.
"""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

THREADS = 64
EVERY_S = 0.02
"""Between two reads, over all threads."""


class Reader:
    """The reads so far: seconds of each, and every answer other than 200."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.seconds: list[float] = []
        self.failures: list[str] = []

    def _read(self, number: int) -> None:
        connection = http.client.HTTPConnection(self._address.netloc, timeout=60)
        due_s = time.perf_counter() + number * EVERY_S
        while not self._stop.wait(max(0.0, due_s - time.perf_counter())):
            try:
                connection.request("GET", self._address.path)
                answer = connection.getresponse()
                answer.read()
                failure = "" if answer.status == http.client.OK else f"status {answer.status}"
            except OSError as error:
                connection.close()
                failure = str(error) or type(error).__name__
            with self._lock:
                self.seconds.append(time.perf_counter() - due_s)
                if failure:
                    self.failures.append(failure)
            due_s += THREADS * EVERY_S
        connection.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Reads until the block ends."""
        self._stop.clear()
        threads = [threading.Thread(target=self._read, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
