"""The profiles for GPUs: pinned weights with their licences, which fit into the memory that the name says."""

import re

import pytest
from fakes.clock import FakeClock

from services.action.build import build_action
from services.action.generative_policy import GENERATIVE_TOOLS
from services.perception.build import build_perception
from services.reasoning.reasoners import local, served
from shared.adapters.memory import MemoryImageStore
from shared.errors import BadInput, MissingResource
from shared.profile_settings import ProfileSettings
from shared.profiles import Profile, load_profile
from shared.reasoning_settings import ReasoningSettings

NAMES = ("gpu-24gb", "gpu-80gb")
LEFT_BY_THE_REASONER = {"gpu-24gb": 0.6, "gpu-80gb": 1.0}


@pytest.fixture(params=NAMES)
def profile(request: pytest.FixtureRequest) -> Profile:
    return load_profile(request.param)


def test_every_tools_weights_are_a_hubs_pinned_to_a_commit_with_a_licence(profile: Profile) -> None:
    assert set(profile.tool_models) == {name for name in profile.tools if name in GENERATIVE_TOOLS}
    for model in profile.tool_models.values():
        assert model.on_a_hub and re.fullmatch("[0-9a-f]{40}", model.revision or "")
        assert model.licence and model.memory_mb > 0


def test_all_tools_fit_at_once(profile: Profile) -> None:
    """What stays on the GPU, and the largest of those that take turns."""
    models = profile.tool_models.values()
    staying = sum(model.memory_mb for model in models if model.offload == "none")
    turns = max((model.memory_mb for model in models if model.offload != "none"), default=0)
    size_mb = int(profile.name.removeprefix("gpu-").removesuffix("gb")) * 1024
    assert staying + turns <= size_mb * LEFT_BY_THE_REASONER[profile.name]


def test_a_reasoner_is_asked_under_the_name_that_vllm_serves_it_by(profile: Profile) -> None:
    run = ReasoningSettings(url="http://vllm:8000/v1").applied_to(profile)
    public = served(run.reasoner).profile
    assert run.reasoner_at == "server" and public is not None and public.hub_id == run.reasoner


def test_the_quantised_reasoner_needs_a_server() -> None:
    with pytest.raises(MissingResource, match=r"runs on a server alone: serve it with vLLM"):
        local(load_profile("gpu-24gb").reasoner)
    assert local(load_profile("gpu-80gb").reasoner).revision is not None


def test_the_commercial_policy_refuses_flux_by_name_and_runs_without_it(profile: Profile) -> None:
    with pytest.raises(BadInput) as caught:
        ProfileSettings(licence_policy="commercial").applied_to(profile)
    assert "black-forest-labs/FLUX.1-Fill-dev (FLUX.1 [dev] Non-Commercial License)" in caught.value.message
    assert caught.value.message.count("(") == 1
    run = ProfileSettings(licence_policy="commercial", without=("flux-fill",)).applied_to(profile)
    assert "flux-fill" not in run.tools and all(one.commercial for one in run.weight_licences())


def test_a_saliency_network_of_ones_own_can_be_added(profile: Profile) -> None:
    run = ProfileSettings(saliency_checkpoint="/weights/mine").applied_to(profile)
    assert run.detectors == ("saliency", "text") and run.saliency_checkpoint == "/weights/mine"
    assert run.policy.saliency_detector == "saliency" and profile.policy.saliency_detector is None


def test_rahf_can_be_added_and_is_made_without_loading_anything(profile: Profile) -> None:
    alone = ProfileSettings(rahf_weights="/weights/rahf.pt", rahf_tokenizer="/weights/t5").applied_to(profile)
    assert alone.detectors == ("rahf", "text") and alone.policy.saliency_detector == "rahf"
    assert (alone.rahf_weights, alone.rahf_tokenizer) == ("/weights/rahf.pt", "/weights/t5")
    both = ProfileSettings(rahf_weights="/weights/rahf.pt", saliency_checkpoint="/mine").applied_to(profile)
    assert both.detectors == ("saliency", "rahf", "text") and both.policy.saliency_detector == "saliency"
    assert both.rahf_tokenizer == profile.rahf_tokenizer
    build_perception(alone.model_copy(update={"device": "cpu"}), MemoryImageStore(), FakeClock())
    nowhere = profile.model_copy(update={"detectors": ("rahf",)})
    with pytest.raises(MissingResource, match="rahf_weights"):
        build_perception(nowhere, MemoryImageStore(), FakeClock())


def test_its_tools_are_made_without_loading_anything(profile: Profile) -> None:
    tools = {tool.name: tool for tool in build_action(profile, MemoryImageStore()).tools}
    assert tuple(tools) == profile.tools
    for name, model in profile.tool_models.items():
        assert (tools[name].licence, tools[name].memory_mb) == (model.licence, model.memory_mb)
        assert model.max_batch is None or tools[name].max_batch == model.max_batch
