"""Shows a job's public events while it runs: a live line on a terminal, plain lines elsewhere. Writes to stderr."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.report.sentences import event_sentence
from shared.contracts.loop import PublicEvent


class JobProgress:
    """Takes the events of one job; call it for each."""

    def __init__(self, console: Console, live: Progress | None) -> None:
        self._console = console
        self._live = live
        self._task = live.add_task("starting", total=None) if live else None
        self._last = ""

    def say(self, sentence: str) -> None:
        """Shows what is going on now; the same sentence twice in a row is shown once."""
        if sentence == self._last:
            return
        self._last = sentence
        if self._live is not None and self._task is not None:
            self._live.update(self._task, description=sentence)
        else:
            self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def __call__(self, event: PublicEvent) -> None:
        """An event of the job."""
        self.say(event_sentence(event))


@contextmanager
def job_progress() -> Iterator[JobProgress]:
    """The live line is gone when the job is done; what stays is the command's own summary."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield JobProgress(console, None)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as live:
        yield JobProgress(console, live)
