"""What a key of the image store may look like, whatever holds the bytes. Knows no store."""

import re

from shared.errors import BadInput, ErrorCode

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


def checked_ref(ref: str) -> str:
    """`ref`, if it is a key: segments of letters, digits, `.`, `_` and `-`, none hidden, joined by single slashes.

    Such a key cannot leave the folder it is put in, and names the same object in a folder and in a bucket.

    Raises:
        BadInput: it is not.
    """
    if not all(_SEGMENT.fullmatch(segment) for segment in ref.split("/")):
        raise BadInput(
            ErrorCode.BAD_OPTION,
            f"{ref!r} is not an image key: use letters, digits, '.', '_' and '-' between single slashes",
        )
    return ref


def checked_prefix(prefix: str) -> str:
    """`prefix`, if keys can begin with it; empty stands for all of them.

    Raises:
        BadInput: no key begins so.
    """
    if prefix:
        checked_ref(prefix.removesuffix("/"))
    return prefix
