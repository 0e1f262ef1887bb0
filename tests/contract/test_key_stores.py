"""What every key store promises, run against each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.stores import fresh_redis

from shared.adapters.memory_keys import MemoryKeyStore
from shared.adapters.redis_keys import RedisKeyStore
from shared.adapters.sqlite_keys import SqliteKeyStore
from shared.contracts.keys import ApiKey
from shared.errors import Conflict, ErrorCode, NotFound
from shared.keys import make_key
from shared.ports import KeyStore


def memory(_: Path) -> Iterator[KeyStore]:
    yield MemoryKeyStore()


def sqlite(folder: Path) -> Iterator[KeyStore]:
    store = SqliteKeyStore(folder / "keys.sqlite3")
    yield store
    store.close()


def on_redis(_: Path) -> Iterator[KeyStore]:
    connection = fresh_redis()
    yield RedisKeyStore(connection)
    connection.close()


ADAPTERS: dict[str, Callable[[Path], Iterator[KeyStore]]] = {"memory": memory, "sqlite": sqlite, "redis": on_redis}


@pytest.fixture(params=ADAPTERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    yield from ADAPTERS[request.param](tmp_path)


def a_key(created_at_s: float = 1.5, owner: str | None = "shop", label: str = "the shop's ä") -> ApiKey:
    return make_key(owner, label, created_at_s).key


class TestKeyStore:
    def test_gives_back_what_was_added(self, store: KeyStore) -> None:
        key = a_key()
        assert not store.any()
        store.add(key)
        assert store.any()
        assert store.find(key.id) == key
        assert store.find("000000000000") is None

    def test_an_id_is_added_once(self, store: KeyStore) -> None:
        key = a_key()
        store.add(key)
        with pytest.raises(Conflict) as refusal:
            store.add(key.model_copy(update={"owner": "thief"}))
        assert refusal.value.code is ErrorCode.OBJECT_EXISTS
        assert store.find(key.id) == key

    def test_lists_the_oldest_first(self, store: KeyStore) -> None:
        keys = [a_key(created_at_s) for created_at_s in (3.0, 1.0, 2.0)]
        for key in keys:
            store.add(key)
        assert [key.created_at_s for key in store.all()] == [1.0, 2.0, 3.0]

    def test_remembers_the_last_use(self, store: KeyStore) -> None:
        key = a_key()
        store.add(key)
        store.touch(key.id, 7.5)
        store.touch("000000000000", 8.0)
        assert store.find(key.id) == key.model_copy(update={"last_used_at_s": 7.5})
        assert len(store.all()) == 1

    def test_revokes_once_and_for_all(self, store: KeyStore) -> None:
        key = a_key()
        store.add(key)
        revoked = key.model_copy(update={"revoked_at_s": 9.0})
        assert store.revoke(key.id, 9.0) == revoked
        assert store.revoke(key.id, 10.0) == revoked
        assert store.find(key.id) == revoked
        assert store.any()

    def test_an_unknown_key_cannot_be_revoked(self, store: KeyStore) -> None:
        with pytest.raises(NotFound) as refusal:
            store.revoke("000000000000", 1.0)
        assert refusal.value.code is ErrorCode.KEY_NOT_FOUND


def test_the_secret_is_nowhere_in_the_file(tmp_path: Path) -> None:
    made = make_key("shop", "", 1.0)
    store = SqliteKeyStore(tmp_path / "keys.sqlite3")
    store.add(made.key)
    store.close()
    secret = made.token.split("_", 2)[2].encode()
    assert all(secret not in file.read_bytes() for file in tmp_path.iterdir())
    again = SqliteKeyStore(tmp_path / "keys.sqlite3")
    assert again.find(made.key.id) == made.key
    again.close()
