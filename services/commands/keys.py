"""`retoucher keys`: makes, lists and revokes API keys in a data folder."""

import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.standalone.folder import KEYS_FILE
from shared.adapters.sqlite_keys import SqliteKeyStore
from shared.contracts.keys import ApiKey
from shared.errors import BadInput, ErrorCode
from shared.keys import make_key


def create(data_dir: Path, owner: str | None, label: str) -> None:
    """Makes a key and shows it, this once."""
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        made = make_key(owner, label, time.time())
    except ValueError as error:
        message = "an owner is 1 to 64 letters, digits, - and _, a label at most 100 characters: choose others"
        raise BadInput(ErrorCode.BAD_OPTION, message) from error
    store = SqliteKeyStore(data_dir / KEYS_FILE)
    try:
        store.add(made.key)
    finally:
        store.close()
    print(made.token)  # noqa: T201 (alone on stdout, so that a script can take it)
    note = f"id {made.key.id}, owner {made.key.owner}; the key is shown this once: keep it where secrets are kept"
    Console(stderr=True, soft_wrap=True, highlight=False).print(note)


def listed(data_dir: Path) -> None:
    """Shows what there is of each key; its secret is not kept."""
    store = SqliteKeyStore(_existing(data_dir))
    try:
        keys = store.all()
    finally:
        store.close()
    table = Table("id", "owner", "label", "created", "last used", "revoked")
    for key in keys:
        table.add_row(
            key.id, key.owner, key.label, _day(key.created_at_s), _day(key.last_used_at_s), _day(key.revoked_at_s)
        )
    Console(highlight=False).print(table)


def revoke(data_dir: Path, key_id: str) -> None:
    """Has the server refuse the key from now on.

    Raises:
        NotFound: there is no such key.
    """
    store = SqliteKeyStore(_existing(data_dir))
    try:
        key: ApiKey = store.revoke(_id_in(key_id), time.time())
    finally:
        store.close()
    print(f"key {key.id} of {key.owner} is revoked; a running server refuses it within 5 s")  # noqa: T201


def _existing(data_dir: Path) -> Path:
    path = data_dir / KEYS_FILE
    if not path.is_file():
        message = f"there are no keys in {data_dir}: check --data-dir, or make one with 'retoucher keys create'"
        raise BadInput(ErrorCode.FILE_NOT_READABLE, message)
    return path


def _id_in(text: str) -> str:
    """A whole key is taken, too: whoever has to revoke one in a hurry has it at hand, not its id."""
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "rt" else text


def _day(at_s: float | None) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M") if at_s is not None else "-"
