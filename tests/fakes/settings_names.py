"""Every environment variable that a process of an installation on many machines understands."""

from pydantic_settings import BaseSettings

from services.commands.machines.settings import (
    BackendSettings,
    GatewayProcessSettings,
    SweeperSettings,
    WorkerSettings,
)
from services.gateway.limiting import LimitSettings
from services.gateway.settings import GatewaySettings
from services.orchestrator.webhooks.settings import WebhookSettings
from shared.action_settings import ActionSettings
from shared.profile_settings import ProfileSettings
from shared.reasoning_settings import ReasoningSettings
from shared.spans import TraceSettings
from shared.web_settings import UrlSettings

SETTINGS: tuple[type[BaseSettings], ...] = (
    ActionSettings,
    BackendSettings,
    GatewayProcessSettings,
    GatewaySettings,
    LimitSettings,
    ProfileSettings,
    ReasoningSettings,
    SweeperSettings,
    TraceSettings,
    UrlSettings,
    WebhookSettings,
    WorkerSettings,
)

OF_THE_IMAGE = {"RETOUCHER_ENV_FILES"}
"""Read by deploy/entrypoint.sh."""


def known_variables() -> set[str]:
    names = {f"{one.model_config['env_prefix']}{field}".upper() for one in SETTINGS for field in one.model_fields}
    return names | OF_THE_IMAGE
