"""The client's verification against what the `standardwebhooks` package signs, and against forgeries."""

import base64
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from retoucher_client import WebhookInvalid, verify_webhook

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests, 32 bytes.").decode()
OTHER = "whsec_" + base64.b64encode(b"another of the tests, of 32 byte").decode()
NOW_S = 1_790_000_000
BODY = json.dumps({"type": "job.succeeded", "timestamp": "2026-09-21", "data": {"job_id": "job_1", "wörter": "ä"}})


def signed(body: str = BODY, secret: str = SECRET, at_s: int = NOW_S) -> dict[str, str]:
    signature = Webhook(secret).sign("evt_job_1_7", datetime.fromtimestamp(at_s, UTC), body)
    return {"Webhook-Id": "evt_job_1_7", "Webhook-Timestamp": str(at_s), "Webhook-Signature": signature}


def test_what_the_package_signs_is_accepted():
    event = verify_webhook(BODY.encode(), signed(), SECRET, now_s=NOW_S + 20)
    assert (event.id, event.type, event.data["job_id"]) == ("evt_job_1_7", "job.succeeded", "job_1")
    assert verify_webhook(BODY, signed(), SECRET, now_s=NOW_S) == event


def test_a_new_field_is_kept():
    assert verify_webhook(BODY, signed(), SECRET, now_s=NOW_S).model_extra == {"timestamp": "2026-09-21"}


@pytest.mark.parametrize("secrets", [[OTHER, SECRET], [SECRET, OTHER]])
def test_two_secrets_while_one_is_changed(secrets):
    assert verify_webhook(BODY, signed(), secrets, now_s=NOW_S).type == "job.succeeded"


def test_one_of_several_signatures_is_enough():
    headers = signed()
    headers["Webhook-Signature"] = f"v1a,abc {signed(secret=OTHER)['Webhook-Signature']} {headers['Webhook-Signature']}"
    assert verify_webhook(BODY, headers, SECRET, now_s=NOW_S).type == "job.succeeded"


def test_a_secret_without_prefix_or_padding():
    assert verify_webhook(BODY, signed(), SECRET.removeprefix("whsec_").rstrip("="), now_s=NOW_S)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Webhook-Signature": "v1,AAAA"}, "no signature matches"),
        ({"Webhook-Signature": "v1,ünsinn"}, "no signature matches"),
        ({"Webhook-Signature": "v2,AAAA"}, "no signature matches"),
        ({"Webhook-Id": "evt_job_1_8"}, "no signature matches"),
        ({"Webhook-Timestamp": str(NOW_S + 1)}, "no signature matches"),
        ({"Webhook-Timestamp": str(NOW_S - 301)}, "check the clock"),
        ({"Webhook-Timestamp": str(NOW_S + 301)}, "check the clock"),
        ({"Webhook-Timestamp": "now"}, "no number of seconds"),
        ({"Webhook-Timestamp": "1e9"}, "no number of seconds"),
        ({"Webhook-Id": ""}, "webhook-id is missing"),
        ({"Webhook-Signature": ""}, "webhook-signature is missing"),
    ],
)
def test_what_was_changed_is_refused(changed, words):
    with pytest.raises(WebhookInvalid, match=words):
        verify_webhook(BODY, {**signed(), **changed}, SECRET, now_s=NOW_S)


def test_another_body_or_secret_is_refused():
    for body, secret in ((BODY + " ", SECRET), (BODY, OTHER)):
        with pytest.raises(WebhookInvalid, match="no signature matches"):
            verify_webhook(body, signed(), secret, now_s=NOW_S)


def test_the_package_refuses_the_same_forgery():
    now = datetime.now(UTC)
    headers = signed(at_s=int(now.timestamp()))
    assert Webhook(SECRET).verify(BODY, headers)["type"] == "job.succeeded"
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(BODY, headers)


@pytest.mark.parametrize("body", ["[]", "not json", '{"data": {}}'])
def test_a_signed_body_that_is_no_event_is_refused(body):
    with pytest.raises(WebhookInvalid, match="holds no event"):
        verify_webhook(body, signed(body), SECRET, now_s=NOW_S)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_ä", "whsec_a b"])
def test_a_secret_that_is_none_is_the_receivers_fault(secret):
    with pytest.raises(ValueError, match="secret"):
        verify_webhook(BODY, signed(), secret, now_s=NOW_S)
