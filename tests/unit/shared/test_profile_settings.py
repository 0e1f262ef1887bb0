"""What the operator changes about a profile: licences, tools left out, weights and their commits."""

import pytest

from shared.environment import read_settings
from shared.errors import BadInput
from shared.profile_settings import AS_WRITTEN, ProfileSettings
from shared.profiles import Profile, ToolModel, WeightLicence, load_profile

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FREE = ToolModel(weights="owner/free", revision=COMMIT, licence="Apache-2.0", commercial=True, memory_mb=1)
BOUND = ToolModel(weights="owner/bound", revision=COMMIT, licence="Research only", commercial=False, memory_mb=1)


def a_profile(*licences: WeightLicence, **models: ToolModel) -> Profile:
    tools = ("retype", *(name.replace("_", "-") for name in models))
    return load_profile("tiny").model_copy(
        update={
            "name": "p",
            "tools": tools,
            "tool_models": {name.replace("_", "-"): model for name, model in models.items()},
            "licences": licences,
        }
    )


def test_without_settings_a_profile_stays_as_it_is() -> None:
    profile = a_profile(free=FREE, bound=BOUND)
    assert AS_WRITTEN.applied_to(profile) == profile


def test_the_commercial_policy_refuses_by_name_and_says_what_to_do() -> None:
    policy = ProfileSettings(licence_policy="commercial")
    with pytest.raises(BadInput) as caught:
        policy.applied_to(a_profile(free=FREE, flux_fill=BOUND))
    message = caught.value.message
    assert "owner/bound (Research only), tool flux-fill" in message and "owner/free" not in message
    assert """RETOUCHER_PROFILE_WITHOUT='["flux-fill"]'""" in message and "\n" not in message


def test_a_detectors_weight_is_refused_too() -> None:
    rahf = WeightLicence(weight="RAHF", licence="CC-BY-NC-4.0", commercial=False)
    with pytest.raises(BadInput, match=r"RAHF \(CC-BY-NC-4.0\): choose another profile"):
        ProfileSettings(licence_policy="commercial").applied_to(a_profile(rahf))


def test_what_the_refusal_advises_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETOUCHER_PROFILE_LICENCE_POLICY", "commercial")
    monkeypatch.setenv("RETOUCHER_PROFILE_WITHOUT", '["flux-fill"]')
    run = read_settings(ProfileSettings).applied_to(a_profile(free=FREE, flux_fill=BOUND))
    assert run.tools == ("retype", "free") and set(run.tool_models) == {"free"}


@pytest.mark.parametrize("name", ["tiny", "tiny-saliency", "tiny-editing", "tiny-inpainting", "tiny-reasoning", "idle"])
def test_the_profiles_for_a_laptop_may_be_used_commercially(name: str) -> None:
    assert ProfileSettings(licence_policy="commercial").applied_to(load_profile(name)).name == name


def test_weights_of_ones_own_have_none_of_the_old_commits() -> None:
    run = ProfileSettings(weights={"free": "/models/mine"}).applied_to(a_profile(free=FREE))
    assert (run.tool_models["free"].weights, run.tool_models["free"].revision) == ("/models/mine", None)
    assert not run.tool_models["free"].on_a_hub
    other = "f" * 40
    run = ProfileSettings(weights={"free": "me/mine"}, revisions={"free": other}).applied_to(a_profile(free=FREE))
    assert (run.tool_models["free"].on_a_hub, run.tool_models["free"].revision) == (True, other)


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"without": ("nail",)}, "WITHOUT"),
        ({"weights": {"retype": "/x"}}, "WEIGHTS"),
        ({"revisions": {"nail": COMMIT}}, "REVISIONS"),
    ],
)
def test_a_tool_that_is_not_there_is_named(settings: dict[str, object], variable: str) -> None:
    with pytest.raises(BadInput, match=rf"RETOUCHER_PROFILE_{variable} names .*; profile p has: "):
        ProfileSettings.model_validate(settings).applied_to(a_profile(free=FREE))


def test_a_commit_is_forty_hex_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETOUCHER_PROFILE_REVISIONS", '{"free": "main"}')
    with pytest.raises(BadInput, match="RETOUCHER_PROFILE_REVISIONS__FREE is not valid"):
        read_settings(ProfileSettings)


def test_models_of_tools_that_a_profile_lacks_are_a_fault_of_it() -> None:
    plain = load_profile("tiny")
    with pytest.raises(ValueError, match="tool_models names nail, not among tools"):
        Profile.model_validate({**plain.model_dump(), "tool_models": {"nail": FREE.model_dump()}})
