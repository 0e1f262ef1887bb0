"""The output folder of a job: result, masks, saliency maps, the record and the report page, all or nothing.

It is built out of sight and moved into place when it is whole; on any error or interruption nothing of it is left.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from services.local import Local
from services.report.page import render_report
from services.report.pictures import JobPictures
from shared.contracts.jobs import Job, Status
from shared.errors import BadInput, ErrorCode, RetoucherError, StageError, Unavailable

RECORD = "result.json"
ENTRIES = frozenset({"original.png", "result.png", "edited_mask.png", "masks", "saliency", "report.html", RECORD})
"""All that this module writes; a folder that holds anything else is never replaced."""


@dataclass(frozen=True)
class Written:
    """What was written: the folder, and the share of pixels inside the edited masks, in [0, 1]."""

    folder: Path
    edited_share: float


def write_output_folder(local: Local, job_id: str, out_dir: Path, *, overwrite: bool = False) -> Written:
    """Writes the folder of a job that has succeeded.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE: it is not empty, or cannot be made.
        Unavailable: DISK_FULL.
        NotFound: no such job.
    """
    with new_folder(out_dir, overwrite=overwrite) as staging:
        written = write_files(local, job_id, staging)
    return Written(folder=out_dir, edited_share=written.edited_share)


def write_files(local: Local, job_id: str, folder: Path) -> Written:
    """Writes the files into an empty folder, the record last; raises as `write_output_folder`."""
    job, record = local.jobs.load(job_id).job, local.record(job_id)
    pictures = JobPictures(job, local.store)
    page = render_report(job, record, pictures)
    with _clear_errors(folder.parent):
        _write_images(local, job, folder)
        (folder / "report.html").write_text(page, encoding="utf-8")
        (folder / RECORD).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return Written(folder=folder, edited_share=pictures.edited_share)


def _write_images(local: Local, job: Job, folder: Path) -> None:
    """The original, and every artifact under its public name."""
    images = {"original.png": job.input.original_ref, **job.artifacts}
    for name, ref in images.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise StageError(
                ErrorCode.INTERNAL, f"artifact {name!r} would lie outside the folder: report this as a fault"
            )
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(local.store.get(ref))


@contextmanager
def new_folder(out_dir: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """An empty folder to fill; its contents stand at `out_dir` once the block has ended well, and nowhere otherwise.

    A new `out_dir` appears by one rename. An existing one may be a mount point, so its files are moved into it one
    by one, the record last.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE, before the block is entered.
        Unavailable: DISK_FULL, then or while the block runs.
    """
    out = out_dir.absolute()
    made: list[Path] = []
    staging: Path | None = None
    try:
        with _clear_errors(out_dir):
            exists = _check_vacant(out_dir, overwrite=overwrite)
            made = _make_parents(out.parent)
            staging = Path(tempfile.mkdtemp(prefix=".retoucher-", dir=out if exists else out.parent))
            staging.chmod(0o777 & ~_umask())
        yield staging
        with _clear_errors(out_dir):
            _move_into_place(staging, out, exists=exists)
    except BaseException:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        for parent in reversed(made):
            _remove_if_empty(parent)
        raise


def _check_vacant(out: Path, *, overwrite: bool) -> bool:
    """Whether the folder exists; refuses one that holds something that is not ours to replace."""
    if not out.exists() and not out.is_symlink():
        return False
    if not out.is_dir():
        raise _not_writable(f"{out} is not a folder: choose another --out")
    names = {entry.name for entry in out.iterdir()}
    if not names:
        return True
    if not overwrite:
        hint = "choose another --out, or add --overwrite" if _is_ours(out, names) else "choose another --out"
        raise _not_writable(f"the folder {out} is not empty: {hint}")
    if not _is_ours(out, names):
        raise _not_writable(f"the folder {out} holds files that this command did not write: choose another --out")
    return True


def _is_ours(out: Path, names: set[str]) -> bool:
    if RECORD not in names or not names <= ENTRIES:
        return False
    try:
        _RecordHead.model_validate_json((out / RECORD).read_bytes())
    except (OSError, ValueError):
        return False
    return True


class _RecordHead(BaseModel):
    """What tells a record of this project; one that came from a server holds more than `JobRecord` does."""

    schema_version: Literal[1]
    id: str
    status: Status
    profile: str


def _make_parents(parent: Path) -> list[Path]:
    """Makes what is missing of the path; returns what it made, outermost first."""
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
    return missing[::-1]


def _move_into_place(staging: Path, out: Path, *, exists: bool) -> None:
    if not exists:
        staging.rename(out)
        return
    for entry in sorted(staging.iterdir(), key=lambda path: path.name == RECORD):
        target = out / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        entry.replace(target)
    staging.rmdir()


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # somebody else has put something there since


def _umask() -> int:
    """`mkdtemp` makes private folders; the result is an ordinary one. The mask can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _clear_errors(out: Path) -> Iterator[None]:
    """Turns the system's errors about the output into the project's."""
    try:
        yield
    except OSError as error:
        raise _as_ours(error, out) from error


def _as_ours(error: OSError, out: Path) -> RetoucherError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(
            ErrorCode.DISK_FULL,
            f"the disk of {out} is full, nothing was written: free some space or choose another --out",
        )
    return _not_writable(f"cannot write to {out} ({error.strerror}): choose another --out")


def _not_writable(message: str) -> BadInput:
    return BadInput(ErrorCode.OUTPUT_NOT_WRITABLE, message)
