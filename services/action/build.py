"""The action agent of a profile: which tools its names stand for."""

import threading
from collections.abc import Callable

from services.action.agent import ActionAgent
from services.action.tools import flux_fill, instruct_pix2pix, qwen_image_edit, sd_inpainting, sdxl_inpainting
from services.action.tools.base import Tool, ToolKind
from services.action.tools.batched import BatchedTool
from services.action.tools.diffusion import DiffusionTool, Limits, Recipe
from services.action.tools.gemini_flash_image import GeminiFlashImage
from services.action.tools.opencv import OpenCvTool
from services.action.tools.recolour import Recolour
from services.action.tools.retype import Retype
from services.action.tools.weights import Placement, Weights
from shared.action_settings import AS_THE_PROFILE_SAYS, GEMINI, ActionSettings
from shared.batching import Observer
from shared.errors import BadInput, ErrorCode, MissingResource
from shared.ports import ImageStore, ModelObserver, unobserved
from shared.profiles import Profile

MakeTool = Callable[[Profile, ActionSettings], Tool]
"""Makes a tool; what is heavy is loaded on its first use."""


def _on_diffusers(recipe: Recipe) -> MakeTool:
    """A tool of that recipe, with the profile's weights, as the settings have it run."""

    def make(profile: Profile, settings: ActionSettings) -> Tool:
        model = profile.tool_models.get(recipe.name)
        if model is None:
            raise MissingResource(
                ErrorCode.MISSING_CHECKPOINT,
                f"profile {profile.name} has the tool {recipe.name} and names no weights: add it to its tool_models",
            )
        if model.suppositions and recipe.kind is not ToolKind.INSTRUCTION:
            raise BadInput(
                ErrorCode.BAD_OPTION,
                f"profile {profile.name} has suppositions for {recipe.name}, told what should be there and not "
                "what to do: give them to an instruction editor",
            )
        device = settings.device or profile.device
        on_gpu = device != "cpu"
        placement = Placement(
            device=device,
            dtype=settings.dtype or profile.dtype,
            offload=settings.offload or (model.offload if on_gpu else "none"),
            quantisation=settings.quantisation or (model.quantisation if on_gpu else "none"),
            offline=settings.offline,
        )
        limits = Limits(model.native_size_px, model.max_batch, model.memory_mb, model.steps, model.guidance)
        weights = Weights(model.weights, model.licence, model.revision, model.variant)
        return DiffusionTool(recipe, weights, placement, limits)

    return make


RECIPES = (
    sd_inpainting.RECIPE,
    sdxl_inpainting.RECIPE,
    flux_fill.RECIPE,
    qwen_image_edit.RECIPE,
    instruct_pix2pix.RECIPE,
)

TOOLS: dict[str, MakeTool] = {
    "retype": lambda profile, settings: Retype(),
    "recolour": lambda profile, settings: Recolour(),
    "opencv": lambda profile, settings: OpenCvTool(),
    GEMINI: lambda profile, settings: GeminiFlashImage(settings),
    **{recipe.name: _on_diffusers(recipe) for recipe in RECIPES},
}


Owned = Callable[[Tool], Tool]
"""Puts something around a tool."""


def owned_by_a_thread(max_wait_s: float, observe: Callable[[str], Observer]) -> Owned:
    """Gives each tool a thread that owns its pipeline, and batches across jobs; `observe` is told of them by name.

    Tools in this process take turns: two at once would need the memory of both, and gain nothing.
    """
    device = threading.Lock()

    def owned(tool: Tool) -> Tool:
        turn = device if tool.third_party is None else None
        return BatchedTool(tool, max_wait_s, observe(tool.name), turn)

    return owned


def _unwatched(tool: str) -> Observer:
    return lambda count, waits_s: None


def build_action(
    profile: Profile,
    store: ImageStore,
    owned: Owned | None = None,
    observe: ModelObserver = unobserved,
    settings: ActionSettings = AS_THE_PROFILE_SAYS,
) -> ActionAgent:
    """The agent with the tools of a profile that the settings were applied to; models load on first use.

    A tool with a model is `owned`, for no pipeline is safe for two threads; by default without waiting for company:
    what other jobs ask while a call runs still shares the next one. The others run in their callers' threads.

    Raises:
        MissingResource: the profile names a tool that is not there, or one without its weights.
        BadInput: it names one that the settings do not allow, or tells a mask tool what to suppose.
    """
    for name in profile.tools:
        if name not in TOOLS:
            raise MissingResource(ErrorCode.MISSING_DATA, f"profile {profile.name} names tool {name!r}, unknown here")
    tools = {name: TOOLS[name](profile, settings) for name in profile.tools}
    own = owned or owned_by_a_thread(0.0, _unwatched)
    mine = {name: tool if tool.native_size_px is None else own(tool) for name, tool in tools.items()}
    return ActionAgent(store, mine, observe, profile.tool_models)
