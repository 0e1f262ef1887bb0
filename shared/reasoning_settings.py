"""Where the vision-language model runs and how it is asked, from the environment: `RETOUCHER_REASONING_…`.

One place for whoever admits jobs and whoever diagnoses: both must know whether a reasoner runs. A profile never holds
an address or a key. Without an address the profile's model runs in the process that diagnoses.
"""

from typing import Literal

from pydantic import Field, HttpUrl, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import BadInput, ErrorCode
from shared.header_key import HeaderKey
from shared.profiles import NO_REASONER, Profile

_PREFIX = "RETOUCHER_REASONING_"


class ReasoningSettings(BaseSettings):
    """A variable that is empty counts as not set.

    Attributes:
        url: of an OpenAI-compatible server, up to and with `/v1`; None for a model in process.
        model: what the server calls it, or as a profile's `reasoner` says it; stands above the profile's.
        api_key: sent as a bearer token.
        timeout_s: of one request, seconds.
        budget_s: of all requests about one image, seconds; less than a worker's `stage_timeout_s`, after which it
            counts as hanging.
        tries: of one request, the first included.
        longest_wait_s: a server that asks for a longer pause than this is not waited for.
        concurrency: requests at once for one image.
        batch: regions of an image that a model in process is asked about at once; fewer where memory ends.
        max_tokens: of one answer; None for what the model needs.
        temperature: 0 takes the likeliest words, always the same.
        dialect: `openai` for OpenAI's own newer models, which take `max_completion_tokens` and no temperature.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, frozen=True)

    url: HttpUrl | None = None
    model: str | None = Field(default=None, max_length=200)
    api_key: HeaderKey | None = None
    timeout_s: float = Field(default=60.0, gt=0, le=600)
    budget_s: float = Field(default=240.0, gt=0)
    tries: int = Field(default=4, ge=1, le=10)
    longest_wait_s: float = Field(default=30.0, ge=0, le=600)
    concurrency: int = Field(default=16, ge=1, le=256)
    batch: int = Field(default=16, ge=1, le=256)
    max_tokens: int | None = Field(default=None, ge=64, le=16_384)
    temperature: float = Field(default=0.0, ge=0, le=2)
    dialect: Literal["compatible", "openai"] = "compatible"

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: HttpUrl | None) -> HttpUrl | None:
        """The address is shown in errors and logs."""
        if url is not None and (url.username or url.password or url.query or url.fragment):
            raise ValueError(f"an address with a user, '?' or '#' cannot be used; a key goes into {_PREFIX}API_KEY")
        return url

    def applied_to(self, profile: Profile) -> Profile:
        """The profile as it runs with these settings: its reasoner, and what the loop may make of it.

        Raises:
            BadInput: a server is named and no model.
        """
        model = self.model or (profile.reasoner if profile.reasoner != NO_REASONER else None)
        if model is None:
            if self.url is not None:
                raise BadInput(ErrorCode.BAD_OPTION, f"{_PREFIX}URL is set and no model: set {_PREFIX}MODEL, too")
            return profile
        served = self.url is not None
        policy = profile.policy.model_copy(update={"has_reasoner": True, "sends_pictures": served})
        at = "server" if served else "process"
        return profile.model_copy(update={"reasoner": model, "reasoner_at": at, "policy": policy})


NO_SERVER = ReasoningSettings.model_construct()
"""No reasoner but a profile's own; made without a look at the environment."""
