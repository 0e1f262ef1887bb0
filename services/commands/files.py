"""Reads what the user names on the command line, and says clearly what is wrong with a path. Knows no image format."""

import stat
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
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise _unreadable(f"the {what} {path} is a directory: name one image file")
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(f"the {what} {path} is no ordinary file: save the image to a file first")
        if status.st_size == 0:
            raise BadInput(ErrorCode.NOT_AN_IMAGE, f"the {what} {path} is empty: check how it was saved")
        if status.st_size > max_bytes:
            raise BadInput(
                ErrorCode.IMAGE_TOO_LARGE,
                f"the {what} {path} has {status.st_size / 2**20:.1f} MB, more than {max_bytes / 2**20:.0f} MB: "
                "send a smaller file",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _unreadable(f"there is no file {path}: check the path of the {what}") from error
    except PermissionError as error:
        raise _unreadable(f"the {what} {path} may not be read: check its permissions") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _unreadable(f"the {what} {path} cannot be read ({reason}): check the path and the disk") from error


def _unreadable(message: str) -> BadInput:
    return BadInput(ErrorCode.FILE_NOT_READABLE, message)
