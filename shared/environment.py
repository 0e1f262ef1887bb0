"""Settings from the environment, or one clear line about the variable that will not do; for entry files alone."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from shared.errors import BadInput, ErrorCode

S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S]) -> S:
    """The settings as this process' environment has them.

    Raises:
        BadInput: a variable holds something else than what it may. What it holds is not repeated: it may be a secret.
    """
    prefix = kind.model_config["env_prefix"]
    try:
        return kind()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"{prefix}{'__'.join(str(part) for part in first['loc'])}".upper()
        reason = first["msg"].removeprefix("Value error, ")
        message = f"{name} is not valid: {reason[0].lower()}{reason[1:]}: set it right, or leave it out"
        raise BadInput(ErrorCode.BAD_OPTION, message) from None
    except SettingsError as error:  # says which variable should be JSON, and not what it holds
        message = f"a variable {prefix}… cannot be read ({error}): write it as JSON"
        raise BadInput(ErrorCode.BAD_OPTION, message) from None
