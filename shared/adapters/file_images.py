"""An image store in a folder: one file for each object, written whole or not at all, never written again.

Several processes may share the folder. Needs a file system with hard links (every Linux, macOS and NTFS one has them).
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.adapters.refs import checked_prefix, checked_ref
from shared.errors import Conflict, ErrorCode, NotFound, Unavailable

_FULL = (errno.ENOSPC, errno.EDQUOT)
_TEMPORARY = ".writing-"
"""Prefix of a file that is being written: no ref can name it, since a ref's segments are never hidden."""


class FileImageStore:
    """An `ImageStore` below `root`, which is made where it does not exist."""

    def __init__(self, root: Path) -> None:
        self._root = root
        with _outages(root):
            root.mkdir(parents=True, exist_ok=True)

    def put(self, ref: str, data: bytes) -> str:
        """Stores and returns `ref`; see `ImageStore.put`. After a crash the object is whole or absent."""
        path = self._root / checked_ref(ref)
        with _outages(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._write_once(path, data)
            if not fresh and path.read_bytes() != data:
                raise Conflict(ErrorCode.OBJECT_EXISTS, f"{ref} exists with other bytes: choose another key")
        return ref

    def get(self, ref: str) -> bytes:
        """The bytes; see `ImageStore.get`."""
        path = self._root / checked_ref(ref)
        with _outages(path):
            try:
                return path.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                raise NotFound(ErrorCode.OBJECT_NOT_FOUND, f"there is no object {ref}: check the key") from None

    def refs(self, prefix: str) -> Sequence[str]:
        """All refs that begin with `prefix`, sorted."""
        checked_prefix(prefix)
        folder = self._root / prefix.rpartition("/")[0]
        names = (
            path.relative_to(self._root).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(_TEMPORARY)
        )
        return sorted(ref for ref in names if ref.startswith(prefix))

    def delete(self, prefix: str) -> int:
        """Deletes every object whose ref begins with `prefix`, and folders left empty; returns how many objects."""
        doomed = self.refs(prefix)
        with _outages(self._root):
            for ref in doomed:
                path = self._root / ref
                path.unlink(missing_ok=True)
            for folder in sorted({folder for ref in doomed for folder in (self._root / ref).parents}, reverse=True):
                if folder != self._root and self._root in folder.parents:
                    _remove_if_empty(folder)
        return len(doomed)

    @staticmethod
    def _write_once(path: Path, data: bytes) -> bool:
        """Writes the file unless it exists; returns whether it did. The link makes it appear whole and only once."""
        descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            try:
                path.hardlink_to(temporary)
            except FileExistsError:
                return False
        finally:
            temporary.unlink()
        _sync_folder(path.parent)
        return True


def _sync_folder(folder: Path) -> None:
    """Makes a new name in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_if_empty(folder: Path) -> None:
    for leftover in folder.glob(f"{_TEMPORARY}*"):
        leftover.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


@contextlib.contextmanager
def _outages(path: Path) -> Iterator[None]:
    """Turns what the file system refuses into `Unavailable`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            message = f"the disk that holds {path} is full: free some space and try again"
            raise Unavailable(ErrorCode.DISK_FULL, message) from error
        message = f"{path} cannot be used ({error.strerror}): check the folder and its permissions"
        raise Unavailable(ErrorCode.STORE_UNAVAILABLE, message) from error
