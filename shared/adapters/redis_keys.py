"""API keys in Redis, as hashes. A key's last use and its end lie apart from it, so that one never undoes the other."""

from collections.abc import Sequence

from shared.adapters.memory_keys import key_exists, no_such_key
from shared.adapters.redis_connection import RedisConnection
from shared.contracts.keys import ApiKey


class RedisKeyStore:
    """A `KeyStore` in three hashes by id."""

    def __init__(self, connection: RedisConnection) -> None:
        self._redis = connection

    def add(self, key: ApiKey) -> None:
        """Stores it; see `KeyStore.add`."""
        if not self._redis.ask("HSETNX", self._redis.key("api_keys"), key.id, key.model_dump_json()):
            raise key_exists(key.id)

    def find(self, key_id: str) -> ApiKey | None:
        """The key, revoked or not; None without one."""
        body = self._redis.ask("HGET", self._redis.key("api_keys"), key_id)
        return self._whole(ApiKey.model_validate_json(body)) if body is not None else None

    def all(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        bodies = self._redis.ask("HVALS", self._redis.key("api_keys"))
        keys = [self._whole(ApiKey.model_validate_json(body)) for body in bodies]
        return tuple(sorted(keys, key=lambda key: (key.created_at_s, key.id)))

    def any(self) -> bool:
        """Whether there is a key, revoked or not."""
        return bool(self._redis.ask("HLEN", self._redis.key("api_keys")))

    def touch(self, key_id: str, now_s: float) -> None:
        """The key was used; see `KeyStore.touch`."""
        self._redis.ask("HSET", self._redis.key("api_keys_used"), key_id, now_s)

    def revoke(self, key_id: str, now_s: float) -> ApiKey:
        """From now on the key is refused; see `KeyStore.revoke`."""
        if not self._redis.ask("HEXISTS", self._redis.key("api_keys"), key_id):
            raise no_such_key(key_id)
        self._redis.ask("HSETNX", self._redis.key("api_keys_revoked"), key_id, now_s)
        key = self.find(key_id)
        if key is None:
            raise no_such_key(key_id)
        return key

    def _whole(self, key: ApiKey) -> ApiKey:
        used = self._redis.ask("HGET", self._redis.key("api_keys_used"), key.id)
        revoked = self._redis.ask("HGET", self._redis.key("api_keys_revoked"), key.id)
        return key.model_copy(
            update={
                "last_used_at_s": float(used) if used is not None else key.last_used_at_s,
                "revoked_at_s": float(revoked) if revoked is not None else key.revoked_at_s,
            }
        )
