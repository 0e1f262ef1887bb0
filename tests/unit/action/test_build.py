"""Tools as profiles and settings name them; nothing is loaded."""

from pathlib import Path

import pytest

from services.action.build import RECIPES, build_action
from services.action.tools.base import ToolKind
from shared.action_settings import GEMINI, ActionSettings
from shared.adapters.memory import MemoryImageStore
from shared.errors import BadInput, MissingResource
from shared.profiles import load_profile, profile_names


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_has_its_tools(name: str) -> None:
    profile = load_profile(name)
    tools = build_action(profile, MemoryImageStore()).tools
    assert [tool.name for tool in tools] == list(profile.tools)
    for tool in tools:
        model = profile.tool_models.get(tool.name)
        if model is not None:
            assert (tool.licence, tool.memory_mb) == (model.licence, model.memory_mb)
            assert tool.native_size_px is not None
            assert tool.native_size_px % tool.size_multiple_px == 0
        assert tool.third_party is None


def test_names_are_unique() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert len(set(names)) == len(names) == 5
    assert {recipe.kind for recipe in RECIPES} == set(ToolKind)


def test_a_tool_without_weights_is_refused() -> None:
    profile = load_profile("tiny").model_copy(update={"tools": ("flux-fill",)})
    with pytest.raises(MissingResource, match="tool_models"):
        build_action(profile, MemoryImageStore())


def test_a_mask_tool_can_be_told_nothing_to_suppose() -> None:
    profile = load_profile("gpu-24gb")
    models = {name: one.model_copy(update={"suppositions": ("do it",)}) for name, one in profile.tool_models.items()}
    with pytest.raises(BadInput, match=r"suppositions for [\w-]+, .*instruction editor"):
        build_action(profile.model_copy(update={"tool_models": models}), MemoryImageStore())


def test_an_unknown_tool_is_refused() -> None:
    profile = load_profile("tiny").model_copy(update={"tools": ("brush",)})
    with pytest.raises(MissingResource, match="'brush', unknown here"):
        build_action(profile, MemoryImageStore())


def test_the_tool_that_sends_pixels_out_needs_permission() -> None:
    profile = load_profile("tiny").model_copy(update={"tools": (GEMINI,)})
    with pytest.raises(BadInput, match="GEMINI_ENABLED"):
        build_action(profile, MemoryImageStore())
    settings = ActionSettings(gemini_enabled=True, gemini_api_key="k", gemini_model="m")
    tool = build_action(settings.applied_to(load_profile("tiny")), MemoryImageStore(), settings=settings).tools[-1]
    assert tool.third_party == "Google Gemini API (m)"


def test_missing_weights_are_named_at_the_first_use(tmp_path: Path) -> None:
    profile = load_profile("gpu-24gb")
    own = profile.tool_models["sd-inpainting"].model_copy(update={"weights": str(tmp_path / "sd"), "revision": None})
    changed = profile.model_copy(update={"tools": ("sd-inpainting",), "tool_models": {"sd-inpainting": own}})
    pytest.importorskip("diffusers")
    # On a CPU there is nothing to offload to, whatever the profile says.
    agent = build_action(changed, MemoryImageStore(), settings=ActionSettings(device="cpu", dtype="float32"))
    with pytest.raises(MissingResource, match=r"RETOUCHER_PROFILE_WEIGHTS") as caught:
        agent.warm_up()
    assert str(tmp_path / "sd") in caught.value.message
