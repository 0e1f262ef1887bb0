"""`retoucher keys --shared`: keys of many machines lie in Redis, where each gateway finds them."""

import pytest
from fakes.stores import shared_redis

from services.cli import app
from services.commands.exits import run_and_exit
from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_keys import RedisKeyStore
from shared.keys import is_good, key_id_of


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run_and_exit(lambda: app(arguments, prog_name="retoucher", standalone_mode=False))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_key_is_made_listed_and_revoked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RETOUCHER_BACKEND_REDIS_URL", shared_redis().url)
    assert run("keys", "create", "--shared", "--owner", "shop") == 0
    token = capsys.readouterr().out.strip()
    connection = RedisConnection(shared_redis().url)
    store, key_id = RedisKeyStore(connection), key_id_of(token)
    assert key_id is not None
    key = store.find(key_id)
    assert key is not None
    assert is_good(token, key)
    assert run("keys", "list", "--shared") == 0
    assert key_id in capsys.readouterr().out
    assert run("keys", "revoke", token, "--shared") == 0
    revoked = store.find(key_id)
    assert revoked is not None
    assert revoked.revoked_at_s is not None
    connection.close()


@pytest.mark.parametrize("where", [(), ("--shared", "--data-dir", "x")])
def test_one_place_must_be_named(where: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keys", "list", *where) == 2
    assert "--data-dir DIR or --shared" in capsys.readouterr().err


def test_redis_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RETOUCHER_BACKEND_REDIS_URL", "redis://127.0.0.1:9/0")
    assert run("keys", "list", "--shared") == 1
    assert capsys.readouterr().err.startswith("error: Redis does not answer")
