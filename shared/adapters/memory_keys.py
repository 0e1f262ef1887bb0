"""API keys in this process' memory, for tests."""

import threading
from collections.abc import Sequence

from shared.contracts.keys import ApiKey
from shared.errors import Conflict, ErrorCode, NotFound


class MemoryKeyStore:
    """A `KeyStore` in a dictionary."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._lock = threading.Lock()

    def add(self, key: ApiKey) -> None:
        """Stores it; see `KeyStore.add`."""
        with self._lock:
            if self._keys.setdefault(key.id, key) is not key:
                raise key_exists(key.id)

    def find(self, key_id: str) -> ApiKey | None:
        """The key, revoked or not; None without one."""
        return self._keys.get(key_id)

    def all(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        with self._lock:
            return tuple(sorted(self._keys.values(), key=lambda key: (key.created_at_s, key.id)))

    def any(self) -> bool:
        """Whether there is a key, revoked or not."""
        return bool(self._keys)

    def touch(self, key_id: str, now_s: float) -> None:
        """The key was used; see `KeyStore.touch`."""
        with self._lock:
            key = self._keys.get(key_id)
            if key is not None:
                self._keys[key_id] = key.model_copy(update={"last_used_at_s": now_s})

    def revoke(self, key_id: str, now_s: float) -> ApiKey:
        """From now on the key is refused; see `KeyStore.revoke`."""
        with self._lock:
            key = self._keys.get(key_id)
            if key is None:
                raise no_such_key(key_id)
            if key.revoked_at_s is None:
                key = self._keys[key_id] = key.model_copy(update={"revoked_at_s": now_s})
            return key


def key_exists(key_id: str) -> Conflict:
    """The error of `add` for an id that is taken."""
    return Conflict(ErrorCode.OBJECT_EXISTS, f"key {key_id} exists: make another")


def no_such_key(key_id: str) -> NotFound:
    """The error of `revoke` for an id that nobody has."""
    return NotFound(ErrorCode.KEY_NOT_FOUND, f"there is no key {key_id!r}: see 'retoucher keys list'")
