"""What the standalone server reads from the environment, beside the gateway's settings: `RETOUCHER_STANDALONE_…`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class StandaloneSettings(BaseSettings):
    """How jobs are run and how the server stops.

    Attributes:
        workers: jobs that run side by side.
        shutdown_grace_s: how long a stop waits for the running steps and open answers; what is not done by then is
            done again at the next start.
        sweep_s: how often expired jobs and uploads are deleted.
    """

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_STANDALONE_", frozen=True)

    workers: int = Field(default=1, ge=1, le=64)
    shutdown_grace_s: float = Field(default=20.0, gt=0)
    sweep_s: float = Field(default=60.0, gt=0)
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
