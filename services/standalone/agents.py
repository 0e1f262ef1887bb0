"""Loads the agents beside the running server, and says how far that is."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from services.gateway.parts import Check, ToolInfo
from shared.action_settings import ActionSettings
from shared.errors import RetoucherError
from shared.ports import Clock, ImageStore, JobStore, Spans
from shared.profiles import Profile
from shared.reasoning_settings import ReasoningSettings

if TYPE_CHECKING:
    from services.local import Local

log = structlog.get_logger()


class AgentLoader:
    """Builds the agents of a profile on a thread of its own and warms them up.

    Args:
        profile, jobs, images, clock: what the agents work with.
        reasoning: where the profile's vision-language model is served, if it has one.
        action: how generative tools run.
        spans: told of each stage.
        then: called with the wired loop and agents once they are ready.
    """

    def __init__(
        self,
        profile: Profile,
        jobs: JobStore,
        images: ImageStore,
        clock: Clock,
        reasoning: ReasoningSettings,
        action: ActionSettings,
        spans: Spans,
        then: Callable[["Local"], None],
    ) -> None:
        self._profile = profile
        self._jobs = jobs
        self._images = images
        self._clock = clock
        self._reasoning = reasoning
        self._action = action
        self._spans = spans
        self._then = then
        self._check = Check(ok=False, detail="the models are being loaded: wait a few seconds")
        self._tools: tuple[ToolInfo, ...] = tuple(
            # Until the tools themselves can be asked, their names are all that is known.
            ToolInfo(name=name, kind="mask", licence="", available=False, reason="being loaded: wait a few seconds")
            for name in profile.tools
        )

    def start(self) -> None:
        """Begins to load."""
        threading.Thread(target=self._load, name="agent-loader", daemon=True).start()

    def check(self) -> Check:
        """Whether the agents are ready, and if not, why."""
        return self._check

    def tools(self) -> Sequence[ToolInfo]:
        """The profile's tools."""
        return self._tools

    def _load(self) -> None:
        try:
            # Heavy: numeric libraries and model runtimes.
            from services.local import Local

            local = Local(
                self._profile,
                self._jobs,
                self._images,
                self._clock,
                reasoning=self._reasoning,
                action=self._action,
            )
            stores = self._jobs, self._images
            local = Local(self._profile, *stores, self._clock, reasoning=self._reasoning, spans=self._spans)
            local.warm_up()
            self._tools = tuple(
                ToolInfo(name=tool.name, kind=tool.kind.value, licence=tool.licence, native_size_px=tool.native_size_px)
                for tool in local.agents.action.tools
            )
            self._then(local)
        except RetoucherError as error:
            log.error("agents_not_loaded", code=error.code, message=error.message)
            self._check = Check(ok=False, detail=error.message)
        except Exception as error:
            log.exception("agents_not_loaded")
            self._check = Check(ok=False, detail=f"the agents cannot be loaded ({type(error).__name__}): see the log")
        else:
            self._check = Check(ok=True)
            log.info("agents_loaded", profile=self._profile.name)
