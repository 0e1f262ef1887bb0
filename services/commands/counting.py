"""Progress of work whose length is known: a bar on a terminal, a plain line now and then elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_PLAIN_LINES = 10
"""Lines in all where there is no terminal."""


@contextmanager
def counting(console: Console, total: int, doing: str) -> Iterator[Callable[[int], None]]:
    """Gives a function that takes how many more are done."""
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(doing, total=total)
            yield lambda count: bar.advance(task, count)
        return
    done, step = 0, max(1, total // _PLAIN_LINES)

    def advance(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if before // step != done // step:
            console.print(f"{doing}: {done} of {total}", highlight=False)

    yield advance
