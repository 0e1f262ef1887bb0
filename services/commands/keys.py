"""`retoucher keys`: makes, lists and revokes API keys, in a data folder or in the Redis of many machines."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shared.contracts.keys import ApiKey
from shared.errors import BadInput, ErrorCode
from shared.keys import make_key
from shared.ports import KeyStore


def create(data_dir: Path | None, owner: str | None, label: str) -> None:
    """Makes a key and shows it, this once."""
    try:
        made = make_key(owner, label, time.time())
    except ValueError as error:
        message = "an owner is 1 to 64 letters, digits, - and _, a label at most 100 characters: choose others"
        raise BadInput(ErrorCode.BAD_OPTION, message) from error
    with _opened(data_dir, new=True) as store:
        store.add(made.key)
    print(made.token)  # noqa: T201 (alone on stdout, so that a script can take it)
    note = f"id {made.key.id}, owner {made.key.owner}; the key is shown this once: keep it where secrets are kept"
    Console(stderr=True, soft_wrap=True, highlight=False).print(note)


def listed(data_dir: Path | None) -> None:
    """Shows what there is of each key; its secret is not kept."""
    with _opened(data_dir) as store:
        keys = store.all()
    table = Table("id", "owner", "label", "created", "last used", "revoked")
    for key in keys:
        table.add_row(
            key.id, key.owner, key.label, _day(key.created_at_s), _day(key.last_used_at_s), _day(key.revoked_at_s)
        )
    Console(highlight=False).print(table)


def revoke(data_dir: Path | None, key_id: str) -> None:
    """Has the server refuse the key from now on.

    Raises:
        NotFound: there is no such key.
    """
    with _opened(data_dir) as store:
        key: ApiKey = store.revoke(_id_in(key_id), time.time())
    print(f"key {key.id} of {key.owner} is revoked; a running server refuses it within 5 s")  # noqa: T201


@contextmanager
def _opened(data_dir: Path | None, *, new: bool = False) -> Iterator[KeyStore]:
    """The keys of a data folder, or of the Redis that the environment names; a folder is made if `new`.

    Raises:
        BadInput: there are no keys in the folder.
        Unavailable: Redis does not answer.
    """
    if data_dir is None:
        from services.commands.machines.settings import BackendSettings
        from shared.adapters.redis_connection import RedisConnection
        from shared.adapters.redis_keys import RedisKeyStore
        from shared.environment import read_settings

        with closing(RedisConnection(read_settings(BackendSettings).redis_url.get_secret_value())) as connection:
            yield RedisKeyStore(connection)
        return
    from services.standalone.folder import KEYS_FILE
    from shared.adapters.sqlite_keys import SqliteKeyStore

    path = data_dir / KEYS_FILE
    if new:
        data_dir.mkdir(parents=True, exist_ok=True)
    elif not path.is_file():
        message = f"there are no keys in {data_dir}: check --data-dir, or make one with 'retoucher keys create'"
        raise BadInput(ErrorCode.FILE_NOT_READABLE, message)
    with closing(SqliteKeyStore(path)) as store:
        yield store


def _id_in(text: str) -> str:
    """A whole key is taken, too: whoever has to revoke one in a hurry has it at hand, not its id."""
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "rt" else text


def _day(at_s: float | None) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M") if at_s is not None else "-"
