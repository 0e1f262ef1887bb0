"""The data folder, which one server at a time may use: the lock goes with the process, however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import BadInput, Conflict, ErrorCode

KEYS_FILE = "keys.sqlite3"
"""In the data folder; `retoucher keys` writes the same."""


@contextmanager
def locked_folder(folder: Path) -> Iterator[Path]:
    """The folder, made where it does not exist, for this process alone.

    Raises:
        BadInput: OUTPUT_NOT_WRITABLE.
        Conflict: DATA_FOLDER_IN_USE.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        message = f"the data folder {folder} cannot be used ({error.strerror}): choose another --data-dir"
        raise BadInput(ErrorCode.OUTPUT_NOT_WRITABLE, message) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another server uses the data folder {folder}: stop it, or choose another --data-dir"
            raise Conflict(ErrorCode.DATA_FOLDER_IN_USE, message) from None
        yield folder
    finally:
        os.close(descriptor)
