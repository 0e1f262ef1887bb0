"""Signatures, computed here by the specification and not by the library that makes them."""

import base64
import hashlib
import hmac
import json
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.orchestrator.webhooks.settings import WebhookSettings, secret_in
from services.orchestrator.webhooks.signing import Signer
from shared.contracts.deliveries import Delivery
from shared.errors import ErrorCode, MissingResource

NEW, OLD, OWN = (b"n" * 32, b"o" * 24, b"s" * 64)


def whsec(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def by_hand(key: bytes, delivery_id: str, stamp: str, body: bytes) -> str:
    """Standard Webhooks 1.0: base64 of HMAC-SHA256(key, id + "." + timestamp + "." + payload), after `v1,`."""
    digest = hmac.new(key, delivery_id.encode() + b"." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def a_delivery(owner: str = "shop") -> Delivery:
    return Delivery(
        id="evt_job_1_1",
        job_id="job_1",
        seq=1,
        owner=owner,
        type="job.succeeded",
        url="https://a.example/",
        site="a.example",
        body='{"type":"job.succeeded","data":{"prompt":"ein Schild „Bäckerei“ 🥨"}}',
        created_at_s=0.0,
        next_attempt_at_s=0.0,
    )


def test_signs_as_the_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    delivery = a_delivery()
    headers = Signer([whsec(NEW)], {}).headers(delivery, 1_700_000_000.75)
    assert headers["webhook-id"] == "evt_job_1_1"
    assert headers["webhook-timestamp"] == "1700000000"
    assert headers["webhook-signature"] == by_hand(NEW, "evt_job_1_1", "1700000000", delivery.body.encode())


def test_signs_with_both_secrets_in_a_change() -> None:
    delivery = a_delivery()
    signatures = Signer([whsec(NEW), whsec(OLD)], {}).headers(delivery, 5.0)["webhook-signature"].split(" ")
    assert signatures == [by_hand(key, "evt_job_1_1", "5", delivery.body.encode()) for key in (NEW, OLD)]


def test_an_owner_may_have_secrets_of_its_own() -> None:
    signer = Signer([whsec(NEW)], {"shop": [whsec(OWN)]})
    for owner, key in (("shop", OWN), ("other", NEW)):
        delivery = a_delivery(owner)
        signature = signer.headers(delivery, 5.0)["webhook-signature"]
        assert signature == by_hand(key, "evt_job_1_1", "5", delivery.body.encode())


class TestSettings:
    def test_reads_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RETOUCHER_WEBHOOKS_SECRETS", f"{whsec(NEW)}, {whsec(OLD)}")
        monkeypatch.setenv("RETOUCHER_WEBHOOKS_OWNER_SECRETS", json.dumps({"shop": [whsec(OWN)]}))
        settings = WebhookSettings()
        signature = settings.signer().headers(a_delivery("other"), 5.0)["webhook-signature"]
        assert signature.count("v1,") == 2
        assert settings.signer().headers(a_delivery("shop"), 5.0)["webhook-signature"].count("v1,") == 1
        for key in (NEW, OLD, OWN):
            assert base64.b64encode(key).decode() not in repr(settings) + str(settings.model_dump())

    @pytest.mark.parametrize(
        "value",
        ["password", "whsec_", "whsec_!!", whsec(b"short"), whsec(NEW)[6:], ",".join([whsec(NEW)] * 3)],
    )
    def test_refuses_what_is_no_secret_and_does_not_repeat_it(
        self, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        monkeypatch.setenv("RETOUCHER_WEBHOOKS_SECRETS", value)
        with pytest.raises(ValidationError) as refusal:
            WebhookSettings()
        assert value.rpartition("_")[2] == "" or value not in str(refusal.value)

    def test_without_a_secret_nothing_is_delivered(self) -> None:
        with pytest.raises(MissingResource) as refusal:
            WebhookSettings().signer()
        assert refusal.value.code is ErrorCode.WEBHOOKS_NOT_CONFIGURED
        assert WebhookSettings().signer(whsec(NEW)).headers(a_delivery(), 5.0)["webhook-signature"]


class TestSecretOfAFolder:
    def test_is_made_once_for_its_user_alone(self, tmp_path: Path) -> None:
        made = secret_in(tmp_path)
        assert secret_in(tmp_path) == made
        assert secret_in(tmp_path / "..") != made
        assert stat.S_IMODE((tmp_path / "webhook_secret").stat().st_mode) == 0o600
        WebhookSettings(secrets=(made,))  # type: ignore[arg-type]

    def test_a_spoilt_file_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "webhook_secret").write_text("whsec_")
        with pytest.raises(MissingResource):
            secret_in(tmp_path)
