"""A server of a vision-language model as a process of its own, which can be killed, paused and started again.

`python -m fakes.model_server PORT SECONDS FILE`: answers every question alike after so many seconds, and writes a line
into the file when one arrives.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from services.commands.speed.servers import free_port

ANSWER = (
    b'{"choices": [{"message": {"content": "{\\"distorted\\": true, \\"category\\": \\"text\\", '
    b'\\"description\\": \\"a letter is missing\\", \\"inconsistency\\": \\"the prompt has it\\", '
    b'\\"instruction\\": \\"set it anew\\", \\"confidence\\": 0.9}"}, "finish_reason": "stop"}]}'
)


class ModelServer:
    """On a port of the loopback, always the same."""

    def __init__(self, folder: Path, slow_s: float) -> None:
        self.port = free_port()
        self._slow_s = slow_s
        self._asked = folder / "asked"
        self._asked.touch()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def asked(self) -> int:
        """How many questions have arrived."""
        return len(self._asked.read_text().splitlines())

    def start(self) -> "ModelServer":
        command = [sys.executable, "-m", "fakes.model_server", str(self.port), str(self._slow_s), str(self._asked)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        self.process = subprocess.Popen(command, env=environment)
        return self

    def wait_for_a_question(self, within_s: float = 120.0) -> None:
        before, give_up_at = self.asked, time.monotonic() + within_s
        while self.asked == before:
            assert time.monotonic() < give_up_at, "the model server is not asked"
            time.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def pause(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)


def serve(port: int, slow_s: float, asked: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with asked.open("a") as file:
                file.write(f"{self.path}\n")
            time.sleep(slow_s)
            with suppress(ConnectionError):  # whoever asked may have given up
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(ANSWER)))
                self.end_headers()
                self.wfile.write(ANSWER)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
