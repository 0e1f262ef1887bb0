"""API keys `rt_<id>_<secret>`: made, taken apart, compared. The secret leaves this module once, when a key is made."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from shared.contracts.keys import ApiKey

_TOKEN = re.compile(r"rt_(?P<id>[a-z0-9]{12})_(?P<secret>[A-Za-z0-9_-]{43})")
_NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
"""Compared with where there is no such key, so that an unknown id takes as long as a wrong secret."""


@dataclass(frozen=True)
class NewKey:
    """A key just made; `token` is shown to its user and forgotten."""

    key: ApiKey
    token: str

    def __repr__(self) -> str:
        return f"NewKey({self.key!r})"


def make_key(owner: str | None, label: str, now_s: float) -> NewKey:
    """A new key; without `owner` it is the first of an owner that is called like the key."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey(
        id=key_id, owner=owner or f"key-{key_id}", label=label, secret_sha256=_hash(secret), created_at_s=now_s
    )
    return NewKey(key, f"rt_{key_id}_{secret}")


def key_id_of(token: str) -> str | None:
    """The id in a key; None where `token` has not the form of one."""
    parts = _TOKEN.fullmatch(token)
    return parts["id"] if parts else None


def is_good(token: str, key: ApiKey | None) -> bool:
    """Whether `token` is the key `key`, in constant time, and it has not been revoked."""
    parts = _TOKEN.fullmatch(token)
    secret = parts["secret"] if parts else ""
    same = hmac.compare_digest(_hash(secret), key.secret_sha256 if key is not None else _NOBODY)
    return same and key is not None and key.revoked_at_s is None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
