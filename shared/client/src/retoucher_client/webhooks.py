"""Verifies a webhook delivery: Standard Webhooks v1, HMAC-SHA256 over `id.timestamp.body`.

Ten lines of the standard library, so that a receiver needs nothing else; tested against the `standardwebhooks` package.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, ValidationError

from retoucher_client.errors import WebhookInvalid
from retoucher_client.models import Model

TOLERANCE_S = 300.0
"""As the standard recommends: older deliveries may be replays by somebody who listened."""


class WebhookEvent(Model):
    """A verified delivery. `id` is the same in every try: use it to drop what you have seen."""

    id: str
    type: str
    data: dict[str, Any] = Field(default_factory=dict)


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now_s: float | None = None,
) -> WebhookEvent:
    """The event, if the delivery was signed with one of the secrets not long ago.

    Args:
        body: the request's body exactly as received, not parsed and written anew.
        headers: of the request, in any case.
        secrets: `whsec_…`, one or several; while a secret is being changed, both.
        tolerance_s: by how many seconds the delivery's time may differ from `now_s`.
        now_s: seconds since the epoch; None for now.

    Raises:
        WebhookInvalid: do not trust it.
        ValueError: a secret is not base64.
    """
    content = body.encode() if isinstance(body, str) else bytes(body)
    named = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not named.get(name)]
    if missing:
        raise WebhookInvalid(f"the header {missing[0]} is missing: this is no Standard Webhooks delivery")
    stamp = named["webhook-timestamp"]
    _check_time(stamp, tolerance_s, time.time() if now_s is None else now_s)
    signed = f"{named['webhook-id']}.{stamp}.".encode() + content
    given = [word.removeprefix("v1,").encode() for word in named["webhook-signature"].split() if word.startswith("v1,")]
    for secret in (secrets,) if isinstance(secrets, str) else secrets:
        expected = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(expected, signature) for signature in given):
            return _parsed(named["webhook-id"], content)
    raise WebhookInvalid("no signature matches: check that the secret is the server's, and that the body is untouched")


def _key(secret: str) -> bytes:
    text = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:  # not base64, or not ASCII
        raise ValueError("a webhook secret is not base64: copy it from the server's settings anew") from None
    if not key:
        raise ValueError("a webhook secret is empty: copy it from the server's settings anew")
    return key


def _check_time(stamp: str, tolerance_s: float, now_s: float) -> None:
    if not (stamp.isascii() and stamp.isdigit()):
        raise WebhookInvalid("the header webhook-timestamp holds no number of seconds")
    if abs(now_s - int(stamp)) > tolerance_s:
        raise WebhookInvalid(f"the delivery's time differs from now by more than {tolerance_s:g} s: check the clock")


def _parsed(delivery_id: str, content: bytes) -> WebhookEvent:
    try:
        return WebhookEvent.model_validate({**_object(content), "id": delivery_id})
    except ValidationError as error:
        raise WebhookInvalid(f"the delivery holds no event: {error.errors()[0]['msg']}") from error


def _object(content: bytes) -> dict[str, Any]:
    return Payload.model_validate_json(content).model_dump()


class Payload(Model):
    """The signed body; every field of it is kept."""

    type: str
