"""Settings of `retoucher serve` that will not do: which, and why, but never a secret."""

import pytest

import services.cli as cli

SECRET = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETOUCHER_URLS_PORTS", "99999"),
        ("RETOUCHER_GATEWAY_JOBS_AT_WORK", "-1"),
        ("RETOUCHER_WEBHOOKS_SECRETS", SECRET),
        ("RETOUCHER_WEBHOOKS_SECRETS", f"whsec_{SECRET}"),
        ("RETOUCHER_WEBHOOKS_OWNER_SECRETS", f'{{"shop": ["{SECRET}"]}}'),
        ("RETOUCHER_WEBHOOKS_OWNER_SECRETS", SECRET),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(monkeypatch, capsys, tmp_path, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", "--data-dir", str(tmp_path / "data"), "--port", "0"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert name.removeprefix("RETOUCHER_")[:8] in error
    assert SECRET not in error
    assert not (tmp_path / "data").exists()
