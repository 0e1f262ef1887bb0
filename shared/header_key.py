"""A secret that is sent in an HTTP header, as settings take it."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr


def _fits_a_header(key: SecretStr) -> SecretStr:
    """Files with a key tend to end in a line break, which is no part of it."""
    text = key.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError("a key has visible ASCII characters only")
    return SecretStr(text)


HeaderKey = Annotated[SecretStr, AfterValidator(_fits_a_header)]
"""Visible ASCII characters, stripped of white space around them."""
