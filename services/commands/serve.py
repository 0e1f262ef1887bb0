"""`retoucher serve`: reads the settings and starts the standalone server."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from services.gateway.limiting import LimitSettings
from services.gateway.settings import GatewaySettings
from services.orchestrator.webhooks.settings import WebhookSettings
from services.standalone.serve import ServeArguments, ServeSettings, serve
from services.standalone.settings import StandaloneSettings
from shared.errors import BadInput, ErrorCode
from shared.reasoning_settings import read_reasoning_settings
from shared.web_settings import UrlSettings

_Settings = TypeVar("_Settings", bound=BaseSettings)


def run(host: str, port: int, data_dir: Path, profile: str) -> None:
    """Serves until it is stopped.

    Raises:
        BadInput: a setting, option, port or folder will not do.
        Conflict: another server uses the data folder.
    """
    arguments = ServeArguments(host=host, port=port, data_dir=data_dir, profile=profile)
    settings = ServeSettings(
        standalone=_read(StandaloneSettings),
        gateway=_read(GatewaySettings),
        limits=_read(LimitSettings),
        urls=_read(UrlSettings),
        webhooks=_read(WebhookSettings),
        reasoning=read_reasoning_settings(),
    )
    serve(arguments, settings)


def _read(kind: type[_Settings]) -> _Settings:
    try:
        return kind()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"{kind.model_config['env_prefix']}{'__'.join(str(part) for part in first['loc'])}".upper()
        # The value is not repeated: it may be a secret.
        message = f"{name} is not valid ({first['msg'][0].lower()}{first['msg'][1:]}): set it right, or leave it out"
        raise BadInput(ErrorCode.BAD_OPTION, message) from None
    except SettingsError as error:  # says which variable should be JSON, and not what it holds
        message = f"a variable {kind.model_config['env_prefix']}… cannot be read ({error}): write it as JSON"
        raise BadInput(ErrorCode.BAD_OPTION, message) from None
