"""`retoucher dataset convert`: a published data set, downloaded by the user, into the project's schema."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.datasets.readers.catalogue import ReaderName, open_reader
from services.datasets.readers.source import write_converted

_PLAIN_EVERY = 1000
"""Images between two lines where there is no terminal."""


def run(source: Path, name: ReaderName, out: Path, images: Path | None, labels: Path | None) -> None:
    """Converts, then says what was written and what was left out, with the reason for each."""
    with _progress(source) as on_image:
        found = write_converted(open_reader(name, source, images, labels), out, on_image)
    typer.echo(
        f"{out}: {found.images} images, {found.healthy} of them healthy, {found.regions} regions; "
        f"{found.without_prompt} images without a prompt"
    )
    for note in found.notes:
        typer.echo(f"note: {note}")
    for what, count in sorted(found.left_out.items()):
        typer.echo(f"left out: {count} {what}")


@contextmanager
def _progress(source: Path) -> Iterator[Callable[[int], None]]:
    """Counts on a terminal, plain lines elsewhere; how many there will be is known only at the end."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda count: None if count % _PLAIN_EVERY else console.print(f"{count} images converted", markup=False)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as live:
        task = live.add_task(f"reading {source}", total=None)
        yield lambda count: live.update(task, description=f"{count} images converted")
