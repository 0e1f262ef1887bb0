"""`retoucher dataset export-feedback`: a standalone server's feedback as a data set in the project's schema."""

from contextlib import ExitStack, closing
from pathlib import Path

import typer

from services.datasets.readers.feedback import FeedbackReader, Unjudged
from services.datasets.readers.source import write_converted
from shared.adapters.file_images import FileImageStore
from shared.adapters.sqlite_gateway import SqliteFeedbackStore
from shared.adapters.sqlite_jobs import SqliteJobStore
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode


def run(server_data: Path, out: Path, unjudged: Unjudged, unnamed: Category | None) -> None:
    """Exports, then says what was written and what was left out, with the reason for each.

    The server may be running: what is said while this reads is in the export or not.

    Raises:
        BadInput: the folder is no server's; no feedback is of use; OUTPUT_NOT_WRITABLE.
    """
    files = {name: server_data / name for name in ("jobs.sqlite3", "feedback.sqlite3", "images")}
    missing = [name for name, path in files.items() if not path.exists()]
    if missing:
        raise BadInput(
            ErrorCode.FILE_NOT_READABLE,
            f"{server_data} holds no {' and no '.join(missing)}: give the --data-dir of `retoucher serve`",
        )
    with ExitStack() as opened:
        jobs = opened.enter_context(closing(SqliteJobStore(files["jobs.sqlite3"])))
        feedback = opened.enter_context(closing(SqliteFeedbackStore(files["feedback.sqlite3"])))
        reader = FeedbackReader(jobs, FileImageStore(files["images"]), feedback, unjudged, unnamed)
        found = write_converted(reader, out)
    typer.echo(f"{out}: {found.images} images, {found.healthy} of them healthy, {found.regions} regions")
    for note in found.notes:
        typer.echo(f"note: {note}")
    for what, count in sorted(found.left_out.items()):
        typer.echo(f"left out: {count} {what}")
