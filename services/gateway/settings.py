"""What the gateway reads from the environment: `RETOUCHER_GATEWAY_…`, limits as `RETOUCHER_GATEWAY_LIMITS__…`."""

import os

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.intake import Limits


def _all_cores_but_one() -> int:
    return max(1, (os.cpu_count() or 1) - 1)


class GatewaySettings(BaseSettings):
    """Limits and times of the API; built once in an entry file.

    Attributes:
        limits: of images, prompts and options.
        max_request_bytes: of a whole request; three images as base64 fit into the default if the masks are small.
        body_budget_bytes: of all request bodies in memory at one time; beyond it requests are put off (503).
        max_metadata_bytes: of a job's `metadata` as JSON.
        max_wait_s: jobs are put off (503) while a new one would have to wait longer than this.
        expires_in_s, max_expires_in_s: how long a job is kept after it was sent, by default and at the most.
        upload_life_s: how long an image sent ahead is kept.
        decode_threads: how many images are decoded at one time. By default one core is left to the event loop: on two
            cores a read under 200 submissions took 48 ms (p95) with one thread, 229 ms with two.
        store_threads: how many calls that read stores run at one time, and how many that write.
        event_poll_s: how often the store is asked for new events of a watched job; within one process a wake-up comes
            first.
        heartbeat_s: silence after which an event stream carries a comment.
    """

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_GATEWAY_", env_nested_delimiter="__", frozen=True)

    limits: Limits = Limits()
    max_request_bytes: int = Field(default=64 * 2**20, gt=0)
    body_budget_bytes: int = Field(default=512 * 2**20, gt=0)
    max_metadata_bytes: int = Field(default=16 * 2**10, gt=0)
    max_wait_s: float = Field(default=300.0, gt=0)
    expires_in_s: float = Field(default=24 * 3600.0, gt=0)
    max_expires_in_s: float = Field(default=30 * 24 * 3600.0, gt=0)
    upload_life_s: float = Field(default=24 * 3600.0, gt=0)
    decode_threads: int = Field(default_factory=_all_cores_but_one, ge=1)
    store_threads: int = Field(default=16, ge=1)
    event_poll_s: float = Field(default=0.5, gt=0)
    heartbeat_s: float = Field(default=15.0, gt=0)
