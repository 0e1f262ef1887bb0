"""Which addresses URLs of callers may lead to, from the environment: `RETOUCHER_URLS_…`.

One place for image and webhook URLs: whoever takes a webhook's URL and whoever sends to it must agree.
"""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.public_addresses import IPNetwork, parse_network
from shared.web_guard import WebPolicy


class UrlSettings(BaseSettings):
    """Lists are written with commas.

    Attributes:
        ports: that a URL may name.
        allowed_networks: private networks that may be reached, `10.20.0.0/16` say.
        allowed_hosts: names that may lead anywhere, `images.internal` say.
        denied_networks: refused though public, stronger than what is allowed.
    """

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_URLS_", frozen=True)

    ports: Annotated[frozenset[Annotated[int, Field(ge=1, le=65535)]], NoDecode] = frozenset({80, 443})
    allowed_networks: Annotated[tuple[IPNetwork, ...], NoDecode] = ()
    allowed_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    denied_networks: Annotated[tuple[IPNetwork, ...], NoDecode] = ()

    @field_validator("ports", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("allowed_networks", "denied_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        """Host bits that are set are an error: `10.1.2.3/8` may be a slip for `10.1.2.3/32`."""
        return [parse_network(part) for part in _parts(value)] if isinstance(value, str) else value

    def policy(self) -> WebPolicy:
        """As the guard takes it."""
        return WebPolicy(
            ports=self.ports,
            allowed_networks=self.allowed_networks,
            allowed_hosts=self.allowed_hosts,
            denied_networks=self.denied_networks,
        )


def _parts(value: str) -> list[str]:
    return [part.strip().lower() for part in value.split(",") if part.strip()]
