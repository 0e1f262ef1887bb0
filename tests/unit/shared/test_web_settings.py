"""The policy for URLs as the operator writes it."""

import pytest
from pydantic import ValidationError

from shared.public_addresses import parse_network
from shared.web_guard import WebPolicy
from shared.web_settings import UrlSettings


def test_unset_is_the_strict_policy() -> None:
    assert UrlSettings().policy() == WebPolicy()


def test_reads_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETOUCHER_URLS_PORTS", "443, 8443")
    monkeypatch.setenv("RETOUCHER_URLS_ALLOWED_NETWORKS", "10.0.0.0/8,fd00::/8")
    monkeypatch.setenv("RETOUCHER_URLS_ALLOWED_HOSTS", "Images.Internal")
    monkeypatch.setenv("RETOUCHER_URLS_DENIED_NETWORKS", "93.184.216.0/24")
    assert UrlSettings().policy() == WebPolicy(
        ports=frozenset({443, 8443}),
        allowed_networks=(parse_network("10.0.0.0/8"), parse_network("fd00::/8")),
        allowed_hosts=frozenset({"images.internal"}),
        denied_networks=(parse_network("93.184.216.0/24"),),
    )


@pytest.mark.parametrize(
    ("name", "value"), [("ports", "0"), ("ports", "x"), ("allowed_networks", "10.1.2.3/8"), ("denied_networks", "here")]
)
def test_a_slip_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"RETOUCHER_URLS_{name.upper()}", value)
    with pytest.raises(ValidationError):
        UrlSettings()
