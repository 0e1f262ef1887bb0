"""What delivering takes from the environment: `RETOUCHER_WEBHOOKS_…`; and the secret that a data folder keeps."""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.orchestrator.webhooks.schedule import Rules
from services.orchestrator.webhooks.signing import Signer
from shared.errors import ErrorCode, MissingResource

SECRET_FILE = "webhook_secret"  # noqa: S105 (a file's name)
"""In the data folder of a standalone server; readable by its user alone."""

LEASE_MARGIN_S = 5.0
"""What a try may take beyond its time-out, the store's answers included. A try whose process was killed is made again
when its lease has run out, so 20 s after it began unless the time-out was set otherwise; one that only took longer is
made twice, under the same id."""

_PREFIX = "whsec_"
_MOST_SECRETS = 2


class WebhookSettings(BaseSettings):
    """Secrets and limits of delivering.

    Attributes:
        secrets: one `whsec_…`, or two with a comma while receivers change from one to the other.
        owner_secrets: JSON, `{"shop": ["whsec_…"]}`: owners that have secrets of their own.
        timeout_s: for one try.
        at_once, per_site: tries at one time in all, and to one host and port.
        poll_s: how often the store is asked for deliveries that are due.
    """

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_WEBHOOKS_", frozen=True, hide_input_in_errors=True)

    secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    owner_secrets: dict[str, tuple[SecretStr, ...]] = Field(default_factory=dict)
    timeout_s: float = Field(default=15.0, gt=0, le=30)
    at_once: int = Field(default=32, ge=1)
    per_site: int = Field(default=4, ge=1)
    poll_s: float = Field(default=1.0, gt=0)

    @field_validator("secrets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("secrets")
    @classmethod
    def _are_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return _checked(value)

    @field_validator("owner_secrets")
    @classmethod
    def _hold_secrets(cls, value: dict[str, tuple[SecretStr, ...]]) -> dict[str, tuple[SecretStr, ...]]:
        return {owner: _checked(some) for owner, some in value.items()}

    def rules(self) -> Rules:
        """The schedule with these limits."""
        lease_s = self.timeout_s + LEASE_MARGIN_S
        return Rules(timeout_s=self.timeout_s, lease_s=lease_s, at_once=self.at_once, per_site=self.per_site)

    def signer(self, fallback: str | None = None) -> Signer:
        """What signs deliveries.

        Args:
            fallback: the secret where the environment holds none.

        Raises:
            MissingResource: there is no secret (WEBHOOKS_NOT_CONFIGURED).
        """
        found = [secret.get_secret_value() for secret in self.secrets] or ([fallback] if fallback else [])
        if not found:
            message = "there is no secret to sign webhooks with: set RETOUCHER_WEBHOOKS_SECRETS=whsec_…"
            raise MissingResource(ErrorCode.WEBHOOKS_NOT_CONFIGURED, message)
        of_owner = {name: [one.get_secret_value() for one in some] for name, some in self.owner_secrets.items() if some}
        return Signer(found, of_owner)


def secret_in(data_dir: Path) -> str:
    """The secret that the data folder keeps; made at the first call.

    Raises:
        MissingResource: the file is there and holds no secret.
    """
    path = data_dir / SECRET_FILE
    made = _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = path.read_text(encoding="ascii", errors="replace").strip()
        if not _is_secret(found):
            message = f"{path} holds no secret for webhooks: delete it to have one made, or set it right"
            raise MissingResource(ErrorCode.WEBHOOKS_NOT_CONFIGURED, message) from None
        return found
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(made + "\n")
    return made


def _checked(some: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if len(some) > _MOST_SECRETS:
        raise ValueError("more than two secrets: leave the new one and the one before")
    if not all(_is_secret(secret.get_secret_value()) for secret in some):
        raise ValueError("not a secret: write whsec_ and the base64 of 24 to 64 random bytes")
    return some


def _is_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(_PREFIX) and 24 <= len(key) <= 64
