"""`retoucher serve`: reads the settings and starts the standalone server."""

from pathlib import Path

from services.gateway.limiting import LimitSettings
from services.gateway.settings import GatewaySettings
from services.orchestrator.webhooks.settings import WebhookSettings
from services.standalone.serve import ServeArguments, ServeSettings, serve
from services.standalone.settings import StandaloneSettings
from shared.action_settings import ActionSettings
from shared.environment import read_settings
from shared.profile_settings import ProfileSettings
from shared.reasoning_settings import ReasoningSettings
from shared.spans import TraceSettings
from shared.web_settings import UrlSettings


def run(host: str, port: int, data_dir: Path, profile: str) -> None:
    """Serves until it is stopped.

    Raises:
        BadInput: a setting, option, port or folder will not do.
        Conflict: another server uses the data folder.
    """
    arguments = ServeArguments(host=host, port=port, data_dir=data_dir, profile=profile)
    settings = ServeSettings(
        standalone=read_settings(StandaloneSettings),
        gateway=read_settings(GatewaySettings),
        limits=read_settings(LimitSettings),
        urls=read_settings(UrlSettings),
        webhooks=read_settings(WebhookSettings),
        reasoning=read_settings(ReasoningSettings),
        action=read_settings(ActionSettings),
        profile=read_settings(ProfileSettings),
        traces=read_settings(TraceSettings),
    )
    serve(arguments, settings)
