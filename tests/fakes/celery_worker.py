"""A bare worker on a queue, as every role runs one: `python -m fakes.celery_worker URL QUEUE THREADS FOLDER`.

A message `(name, seconds)` makes a file `name.begun` in the folder, and `name.done` so many seconds later.
"""

import sys
import time
from pathlib import Path

from shared.adapters.celery_app import make_app, run_worker

TASK = "touch"


def main(url: str, queue: str, threads: str, folder: str) -> None:
    app = make_app(url)

    @app.task(name=TASK)
    def touch(name: str, seconds: float) -> None:
        (Path(folder) / f"{name}.begun").touch()
        time.sleep(seconds)
        (Path(folder) / f"{name}.done").touch()

    run_worker(app, [queue], int(threads), f"worker-{queue}", lambda: None, lambda: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
