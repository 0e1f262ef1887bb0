"""What those processes read from the environment: `RETOUCHER_BACKEND_*` is common to all, the rest each one's own."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.distributed import Backend, WorkRules
from shared.adapters.s3_images import S3Access, S3ImageStore
from shared.contracts.leases import LeaseRules
from shared.errors import BadInput, ErrorCode

LogLevel = Literal["debug", "info", "warning", "error", "critical"]
LogFormat = Literal["auto", "console", "json"]


class BackendSettings(BaseSettings):
    """Redis and S3, the same for every process of an installation."""

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_BACKEND_", frozen=True)

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    s3_endpoint: str = "127.0.0.1:9000"
    s3_bucket: str = "retoucher"
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_region: str = "us-east-1"
    s3_secure: bool = True
    lease_s: float = Field(default=10.0, gt=0)

    def backend(self) -> Backend:
        """As the wiring takes it."""
        rules = LeaseRules(lease_s=self.lease_s, silence_s=self.lease_s / 2)
        return Backend(redis_url=self.redis_url.get_secret_value(), rules=rules)

    def images(self) -> S3ImageStore:
        """The bucket, ready for use.

        Raises:
            BadInput: the endpoint cannot be used, or a key is not set.
            MissingResource: the server is unfit, or refuses the keys.
            Unavailable: it does not answer.
        """
        if not self.s3_access_key or not self.s3_secret_key.get_secret_value():
            message = (
                "there are no keys for S3: set RETOUCHER_BACKEND_S3_ACCESS_KEY and RETOUCHER_BACKEND_S3_SECRET_KEY"
            )
            raise BadInput(ErrorCode.BAD_OPTION, message)
        access = S3Access(
            endpoint=self.s3_endpoint,
            bucket=self.s3_bucket,
            access_key=self.s3_access_key,
            secret_key=self.s3_secret_key.get_secret_value(),
            region=self.s3_region,
            secure=self.s3_secure,
        )
        store = S3ImageStore(access)
        store.prepare()
        return store


class WorkerSettings(BaseSettings):
    """Of one worker."""

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_WORKER_", frozen=True)

    profile: str = "tiny"
    threads: int = Field(default=2, ge=1)
    stage_timeout_s: float = Field(default=300.0, gt=0)
    patience_s: float = Field(default=120.0, ge=0)
    batch_wait_ms: float = Field(default=20.0, ge=0)
    probe_port: int = Field(default=9100, ge=0, le=65535)
    log_level: LogLevel = "info"
    log_format: LogFormat = "auto"

    def rules(self) -> WorkRules:
        """As the wiring takes them."""
        return WorkRules(
            threads=self.threads,
            stage_timeout_s=self.stage_timeout_s,
            patience_s=self.patience_s,
            batch_wait_s=self.batch_wait_ms / 1000,
            probe_port=self.probe_port,
        )


class SweeperSettings(BaseSettings):
    """Of the sweeper. `retention_s`: how often what has expired is deleted."""

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_SWEEPER_", frozen=True)

    tick_s: float = Field(default=0.5, gt=0)
    retention_s: float = Field(default=60.0, gt=0)
    probe_port: int = Field(default=9100, ge=0, le=65535)
    log_level: LogLevel = "info"
    log_format: LogFormat = "auto"


class GatewayProcessSettings(BaseSettings):
    """Of the gateway's process; the API's own are `GatewaySettings`.

    Attributes:
        profile: what jobs are admitted for; the workers' must be the same.
        shutdown_grace_s: how long a stop waits for open answers.
    """

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_GATEWAY_", frozen=True)

    profile: str = "tiny"
    shutdown_grace_s: float = Field(default=20.0, gt=0)
    log_level: LogLevel = "info"
    log_format: LogFormat = "auto"
