"""Reads what the user names on the command line, and says clearly what is wrong with a path. Knows no image format."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import BadInput, ErrorCode


def read_file(path: Path, what: str, max_bytes: int) -> bytes:
    """The bytes of an ordinary file.

    Args:
        path: as the user wrote it.
        what: names the file's role in the error, `image` say.
        max_bytes: a larger file is not read at all.

    Raises:
        BadInput: FILE_NOT_READABLE, NOT_AN_IMAGE (empty) or IMAGE_TOO_LARGE.
    """
    with _said_clearly(path, what):
        size = _size_of(path, what)
        if size > max_bytes:
            raise BadInput(
                ErrorCode.IMAGE_TOO_LARGE,
                f"the {what} {path} has {size / 2**20:.1f} MB, more than {max_bytes / 2**20:.0f} MB: "
                "send a smaller file",
            )
        return path.read_bytes()


def require_file(path: Path, what: str) -> Path:
    """The path, where an ordinary file lies there that can be read; it is opened, but not read.

    Raises:
        BadInput: as `read_file`.
    """
    with _said_clearly(path, what):
        _size_of(path, what)
        path.open("rb").close()
    return path


def naming_the_image(error: BadInput, image: object) -> BadInput:
    """The error with the image's name before it, where it is about the image and not about a mask."""
    if error.code in _ABOUT_THE_IMAGE and "mask" not in error.message:
        return BadInput(error.code, f"{image}: {error.message}")
    return error


_ABOUT_THE_IMAGE = frozenset(
    {
        ErrorCode.NOT_AN_IMAGE,
        ErrorCode.UNSUPPORTED_FORMAT,
        ErrorCode.TRUNCATED_IMAGE,
        ErrorCode.ANIMATED_IMAGE,
        ErrorCode.IMAGE_TOO_LARGE,
        ErrorCode.IMAGE_TOO_SMALL,
    }
)


def _size_of(path: Path, what: str) -> int:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise _unreadable(f"the {what} {path} is a directory: name one image file")
    if not stat.S_ISREG(status.st_mode):
        raise _unreadable(f"the {what} {path} is no ordinary file: save the image to a file first")
    if status.st_size == 0:
        raise BadInput(ErrorCode.NOT_AN_IMAGE, f"the {what} {path} is empty: check how it was saved")
    return status.st_size


@contextmanager
def _said_clearly(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise _unreadable(f"there is no file {path}: check the path of the {what}") from error
    except PermissionError as error:
        raise _unreadable(f"the {what} {path} may not be read: check its permissions") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _unreadable(f"the {what} {path} cannot be read ({reason}): check the path and the disk") from error


def _unreadable(message: str) -> BadInput:
    return BadInput(ErrorCode.FILE_NOT_READABLE, message)
