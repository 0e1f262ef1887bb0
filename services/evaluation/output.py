"""What every long evaluation shows and writes: a bar on a terminal or a line now and then, and a report as JSON."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shared.errors import BadInput, ErrorCode


class Measuring:
    """A bar on a terminal, a line every so many images elsewhere.

    Args:
        console: where it is shown.
        total: images.
        done: those of an earlier run.
        plain_every: images between two lines where there is no terminal.
        what: is counted.
    """

    def __init__(
        self, console: Console, total: int, done: int = 0, plain_every: int = 200, what: str = "images"
    ) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._console = console
        self._total = total
        self._done = done
        self._plain_every = plain_every
        self._what = what
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("measuring", total=total, completed=done)

    def __enter__(self) -> "Measuring":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def advance(self, count: int) -> None:
        """So many images more are done."""
        before, self._done = self._done, self._done + count
        self._bar.advance(self._task, count)
        if not self._console.is_terminal and before // self._plain_every != self._done // self._plain_every:
            self._console.print(f"measured {self._done} of {self._total} {self._what}")


def require_folder_of(path: Path) -> None:
    """Checks, before the long work, that a report can be written.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE.
    """
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE,
            f"{path} cannot be written (no such folder, or no permission): give another file",
        )


class Report(Protocol):
    """What an evaluation says."""

    @property
    def notes(self) -> Sequence[str]:
        """What its figures do not say by themselves."""
        ...

    def model_dump_json(self, *, indent: int) -> str:
        """All of it."""
        ...


def publish(console: Console, tables: RenderableType, report: Report, json_file: Path | None) -> None:
    """Prints the tables and the report's notes; writes it where that is asked for.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE.
    """
    console.print(tables)
    for note in report.notes:
        console.print(note, markup=False)
    if json_file is not None:
        write_json(json_file, report.model_dump_json(indent=2))


def write_json(path: Path, text: str) -> None:
    """Writes a report.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE.
    """
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(
            ErrorCode.OUTPUT_NOT_WRITABLE, f"{path} cannot be written ({error.strerror}): give another file"
        ) from error
