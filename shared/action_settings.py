"""How generative tools run on this machine, and whether one outside it may be asked: `RETOUCHER_ACTION_…`.

One place for whoever admits jobs and whoever repairs: both must know which tools there are. What a tool is by itself
(weights, revision, licence) is the profile's.
"""

from typing import Literal

from pydantic import Field, HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import BadInput, ErrorCode
from shared.header_key import HeaderKey
from shared.profiles import Profile, ToolModel

_PREFIX = "RETOUCHER_ACTION_"

GEMINI = "gemini-flash-image"
"""The one tool that sends pixels out of the process."""

GEMINI_TERMS = "LicenseRef-Gemini-API-Terms"

Device = Literal["cpu", "cuda"]
Dtype = Literal["float32", "bfloat16", "float16"]
Offload = Literal["none", "model", "sequential"]
Quantisation = Literal["none", "int8", "nf4"]


class ActionSettings(BaseSettings):
    """A variable that is empty counts as not set; what is not set is as the profile says.

    Attributes:
        device, dtype: of all generative tools.
        offload: `model` keeps in the GPU what is at work, `sequential` a layer at a time: less memory, more time.
        quantisation: of the large network of each tool; needs a GPU.
        offline: weights are taken from folders and the hub's cache alone.
        gemini_enabled: the operator's permission to send crops and words to Google.
        gemini_api_key, gemini_model: of it; a model id is the operator's to choose, for vendors retire theirs.
        gemini_url: in place of the vendor's own address: a proxy's, up to the version.
        gemini_timeout_s: of one request, seconds.
        gemini_tries: of one request, the first included.
        gemini_concurrency: requests at once.
        gemini_price: of one edit, in US dollars; with a price it is used only where the caller sends `max_cost`.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, frozen=True)

    device: Device | None = None
    dtype: Dtype | None = None
    offload: Offload | None = None
    quantisation: Quantisation | None = None
    offline: bool = False
    gemini_enabled: bool = False
    gemini_api_key: HeaderKey | None = None
    gemini_model: str | None = Field(default=None, max_length=200)
    gemini_url: HttpUrl | None = None
    gemini_timeout_s: float = Field(default=90.0, gt=0, le=600)
    gemini_tries: int = Field(default=3, ge=1, le=10)
    gemini_concurrency: int = Field(default=4, ge=1, le=64)
    gemini_price: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    def applied_to(self, profile: Profile, asks: bool = True) -> Profile:
        """The profile as it runs with these settings: with the tool that is asked over the network, where allowed.

        Args:
            profile: as it is written.
            asks: this process asks that tool itself; who only admits jobs for it needs no key.

        Raises:
            BadInput: the tool is allowed and its key or model is missing; or the profile has it and it is not allowed.
        """
        if not self.gemini_enabled:
            if GEMINI in profile.tools:
                raise BadInput(
                    ErrorCode.BAD_OPTION,
                    f"profile {profile.name} has the tool {GEMINI}, which sends pixels to Google: "
                    f"allow it with {_PREFIX}GEMINI_ENABLED=true, or choose another profile",
                )
            return profile
        needed = {"MODEL": self.gemini_model, **({"API_KEY": self.gemini_api_key} if asks else {})}
        for name, value in needed.items():
            if value is None:
                raise BadInput(
                    ErrorCode.BAD_OPTION,
                    f"{_PREFIX}GEMINI_ENABLED is set and no {_PREFIX}GEMINI_{name}: set it, too, or neither",
                )
        tools = profile.tools if GEMINI in profile.tools else (*profile.tools, GEMINI)
        served = ToolModel(
            weights=self.gemini_model or "", licence=GEMINI_TERMS, commercial=True, memory_mb=0, price=self.gemini_price
        )
        return profile.model_copy(update={"tools": tools, "tool_models": {**profile.tool_models, GEMINI: served}})


AS_THE_PROFILE_SAYS = ActionSettings.model_construct()
"""Nothing but a profile's own; made without a look at the environment."""
