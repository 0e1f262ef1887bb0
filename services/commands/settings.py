"""What the command line reads from the environment: `RETOUCHER_CLI_LOG_LEVEL`, `RETOUCHER_CLI_LOG_FORMAT`."""

from typing import Literal

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import BadInput, ErrorCode
from shared.logs import configure_logs


class CliSettings(BaseSettings):
    """Quiet unless asked: a failure is one line on stderr, and a record of it in the log would be a second one."""

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_CLI_", frozen=True)

    log_level: Literal["debug", "info", "warning", "error", "critical"] = "critical"
    log_format: Literal["auto", "console", "json"] = "console"


class ServerSettings(BaseSettings):
    """What `retoucher submit` takes from the environment: a key on a command line could be read by everybody."""

    model_config = SettingsConfigDict(env_prefix="RETOUCHER_", frozen=True)

    api_key: SecretStr | None = None


def configure() -> None:
    """Reads the settings and sets the logs up.

    Raises:
        BadInput: a variable holds something else than what it may.
    """
    try:
        settings = CliSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"RETOUCHER_CLI_{first['loc'][0]}".upper()
        raise BadInput(ErrorCode.BAD_OPTION, f"{name}={first['input']!r} is not valid: {first['msg']}") from error
    configure_logs(settings.log_level, settings.log_format)
