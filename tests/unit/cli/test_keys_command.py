"""`retoucher keys`, as an operator uses it."""

import re

import pytest

import services.cli as cli
from shared.adapters.sqlite_keys import SqliteKeyStore
from shared.keys import is_good, key_id_of


def keys(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["keys", *arguments])
    return ended.value.code


def stored(folder):
    store = SqliteKeyStore(folder / "keys.sqlite3")
    found = store.all()
    store.close()
    return found


def test_a_key_is_made_shown_once_listed_and_revoked(tmp_path, capsys):
    folder = tmp_path / "data"
    assert keys("create", "--data-dir", str(folder), "--owner", "shop", "--label", "front end") == 0
    out, err = capsys.readouterr()
    token = out.strip()
    [key] = stored(folder)
    assert is_good(token, key)
    assert key.owner == "shop"
    assert token not in err

    assert keys("list", "--data-dir", str(folder)) == 0
    table = capsys.readouterr().out
    assert key.id in table
    assert "front end" in table
    assert token.split("_", 2)[2] not in table

    assert keys("revoke", key.id, "--data-dir", str(folder)) == 0
    [revoked] = stored(folder)
    assert not is_good(token, revoked)
    assert revoked.revoked_at_s is not None


def test_the_whole_key_can_be_given_to_revoke(tmp_path, capsys):
    keys("create", "--data-dir", str(tmp_path))
    token = capsys.readouterr().out.strip()
    assert keys("revoke", token, "--data-dir", str(tmp_path)) == 0
    assert token.split("_", 2)[2] not in "".join(capsys.readouterr())
    assert stored(tmp_path)[0].revoked_at_s is not None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["revoke", "000000000000"], 1), (["create", "--owner", "a b"], 2), (["create", "--label", "x" * 101], 2)],
)
def test_says_what_is_wrong_in_one_line(tmp_path, capsys, arguments, code):
    keys("create", "--data-dir", str(tmp_path))
    capsys.readouterr()
    assert keys(*arguments, "--data-dir", str(tmp_path)) == code
    assert re.fullmatch(r"error: .+\n", capsys.readouterr().err)


def test_a_folder_without_keys_is_bad_input_and_stays_as_it_is(tmp_path, capsys):
    assert keys("list", "--data-dir", str(tmp_path)) == 2
    assert "retoucher keys create" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_new_owner_for_a_key_without_one(tmp_path, capsys):
    keys("create", "--data-dir", str(tmp_path))
    keys("create", "--data-dir", str(tmp_path))
    owners = {key.owner for key in stored(tmp_path)}
    assert len(owners) == 2
    assert all(owner.startswith("key-") and key_id_of(owner) is None for owner in owners)
