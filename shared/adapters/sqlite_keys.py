"""API keys in an SQLite file: the hashes alone."""

from collections.abc import Sequence
from pathlib import Path

from shared.adapters.memory_keys import key_exists, no_such_key
from shared.adapters.sqlite_file import SqliteFile, Value
from shared.contracts.keys import ApiKey

_KEYS = """
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    label TEXT NOT NULL,
    secret_sha256 TEXT NOT NULL,
    created_at_s REAL NOT NULL,
    last_used_at_s REAL,
    revoked_at_s REAL
) WITHOUT ROWID
"""
_COLUMNS = "id, owner, label, secret_sha256, created_at_s, last_used_at_s, revoked_at_s"


class SqliteKeyStore:
    """A `KeyStore` in the file at `path`; raises as `SqliteFile`."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, (_KEYS,))

    def close(self) -> None:
        """Closes the file; the store is of no use afterwards."""
        self._file.close()

    def add(self, key: ApiKey) -> None:
        """Stores it; see `KeyStore.add`."""
        with self._file.transaction() as connection:
            if connection.execute("SELECT 1 FROM api_keys WHERE id = ?", (key.id,)).fetchone():
                raise key_exists(key.id)
            row = tuple(dict(key).values())
            connection.execute(f"INSERT INTO api_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608

    def find(self, key_id: str) -> ApiKey | None:
        """The key, revoked or not; None without one."""
        row = self._file.one(f"SELECT {_COLUMNS} FROM api_keys WHERE id = ?", key_id)  # noqa: S608
        return _key(row) if row is not None else None

    def all(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        rows = self._file.all(f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at_s, id")  # noqa: S608
        return tuple(_key(row) for row in rows)

    def any(self) -> bool:
        """Whether there is a key, revoked or not."""
        return self._file.one("SELECT 1 FROM api_keys LIMIT 1") is not None

    def touch(self, key_id: str, now_s: float) -> None:
        """The key was used; see `KeyStore.touch`."""
        with self._file.transaction() as connection:
            connection.execute("UPDATE api_keys SET last_used_at_s = ? WHERE id = ?", (now_s, key_id))

    def revoke(self, key_id: str, now_s: float) -> ApiKey:
        """From now on the key is refused; see `KeyStore.revoke`."""
        with self._file.transaction() as connection:
            query = "UPDATE api_keys SET revoked_at_s = coalesce(revoked_at_s, ?) WHERE id = ?"
            if not connection.execute(query, (now_s, key_id)).rowcount:
                raise no_such_key(key_id)
        key = self.find(key_id)
        if key is None:
            raise no_such_key(key_id)
        return key


def _key(row: tuple[Value, ...]) -> ApiKey:
    return ApiKey.model_validate(dict(zip(ApiKey.model_fields, row, strict=True)))
