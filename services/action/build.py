"""The action agent of a profile: which tools its names stand for."""

from collections.abc import Callable

from services.action.agent import ActionAgent
from services.action.tools.base import Tool
from services.action.tools.batched import BatchedTool
from services.action.tools.opencv import OpenCvTool
from services.action.tools.retype import Retype
from shared.action_settings import AS_THE_PROFILE_SAYS, ActionSettings
from shared.batching import Observer
from shared.errors import ErrorCode, MissingResource
from shared.ports import ImageStore, ModelObserver, unobserved
from shared.profiles import Profile

MakeTool = Callable[[Profile, ActionSettings], Tool]
"""Makes a tool; what is heavy is loaded on its first use."""

TOOLS: dict[str, MakeTool] = {
    "retype": lambda profile, settings: Retype(),
    "opencv": lambda profile, settings: OpenCvTool(),
}


Owned = Callable[[Tool], Tool]
"""Puts something around a tool."""


def owned_by_a_thread(max_wait_s: float, observe: Callable[[str], Observer]) -> Owned:
    """Gives each tool a thread that owns its pipeline, and batches across jobs; `observe` is told of them by name."""
    return lambda tool: BatchedTool(tool, max_wait_s, observe(tool.name))


def _unwatched(tool: str) -> Observer:
    return lambda count, waits_s: None


AT_ONCE: Owned = owned_by_a_thread(0.0, _unwatched)
"""Nothing is waited for: what other jobs ask while a call runs still shares the next one."""


def build_action(
    profile: Profile,
    store: ImageStore,
    owned: Owned = AT_ONCE,
    observe: ModelObserver = unobserved,
    settings: ActionSettings = AS_THE_PROFILE_SAYS,
) -> ActionAgent:
    """The agent with the tools of a profile that the settings were applied to; models load on first use.

    A tool with a model is `owned`, for no pipeline is safe for two threads; the others run in their callers'.

    Raises:
        MissingResource: the profile names a tool that is not there.
    """
    for name in profile.tools:
        if name not in TOOLS:
            raise MissingResource(ErrorCode.MISSING_DATA, f"profile {profile.name} names tool {name!r}, unknown here")
    tools = {name: TOOLS[name](profile, settings) for name in profile.tools}
    mine = {name: tool if tool.native_size_px is None else owned(tool) for name, tool in tools.items()}
    return ActionAgent(store, mine, observe, profile.tool_models)
