"""How generative tools run here: read from the environment, and what they make of a profile."""

import pytest

from shared.action_settings import AS_THE_PROFILE_SAYS, GEMINI, ActionSettings
from shared.environment import read_settings
from shared.errors import BadInput, ErrorCode
from shared.profiles import Profile, load_profile

SECRET = "AIza-not-for-a-log"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ActionSettings.model_fields:
        monkeypatch.delenv(f"RETOUCHER_ACTION_{name}".upper(), raising=False)


def test_without_settings_a_profile_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETOUCHER_ACTION_DEVICE", "")  # empty counts as not set
    tiny = load_profile("tiny")
    assert read_settings(ActionSettings).applied_to(tiny) is tiny
    assert AS_THE_PROFILE_SAYS.applied_to(tiny) is tiny
    assert read_settings(ActionSettings) == AS_THE_PROFILE_SAYS


def test_the_tool_that_is_asked_over_the_network_needs_permission_key_and_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny = load_profile("tiny")
    monkeypatch.setenv("RETOUCHER_ACTION_GEMINI_API_KEY", f"{SECRET}\n")
    monkeypatch.setenv("RETOUCHER_ACTION_GEMINI_MODEL", "gemini-x-image")
    assert read_settings(ActionSettings).applied_to(tiny) is tiny  # a key alone allows nothing
    monkeypatch.setenv("RETOUCHER_ACTION_GEMINI_ENABLED", "true")
    allowed = read_settings(ActionSettings)
    assert allowed.applied_to(tiny).tools == (*tiny.tools, GEMINI)
    assert allowed.applied_to(allowed.applied_to(tiny)).tools == (*tiny.tools, GEMINI)
    assert SECRET not in repr(allowed)
    assert allowed.gemini_api_key is not None
    assert allowed.gemini_api_key.get_secret_value() == SECRET
    for name in ("API_KEY", "MODEL"):
        with monkeypatch.context() as without:
            without.delenv(f"RETOUCHER_ACTION_GEMINI_{name}")
            with pytest.raises(BadInput, match=f"GEMINI_{name}"):
                read_settings(ActionSettings).applied_to(tiny)
    monkeypatch.delenv("RETOUCHER_ACTION_GEMINI_API_KEY")
    # Who admits jobs, and never asks, holds no key.
    assert read_settings(ActionSettings).applied_to(tiny, asks=False).tools == (*tiny.tools, GEMINI)
    monkeypatch.delenv("RETOUCHER_ACTION_GEMINI_MODEL")
    with pytest.raises(BadInput, match="GEMINI_MODEL"):
        read_settings(ActionSettings).applied_to(tiny, asks=False)


def test_a_profile_that_has_it_is_refused_where_it_is_not_allowed() -> None:
    profile = load_profile("tiny").model_copy(update={"tools": ("retype", GEMINI)})
    with pytest.raises(BadInput, match="GEMINI_ENABLED") as caught:
        AS_THE_PROFILE_SAYS.applied_to(profile)
    assert caught.value.code == ErrorCode.BAD_OPTION


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEVICE", "tpu"), ("QUANTISATION", "int3"), ("GEMINI_API_KEY", f"{SECRET} é")],
)
def test_what_will_not_do_is_named_and_not_repeated(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"RETOUCHER_ACTION_{name}", value)
    with pytest.raises(BadInput, match="RETOUCHER_ACTION_") as caught:
        read_settings(ActionSettings)
    assert SECRET not in caught.value.message


def test_its_price_is_the_operators_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ENABLED", "true"), ("API_KEY", SECRET), ("MODEL", "gemini-x-image"), ("PRICE", "0.04")):
        monkeypatch.setenv(f"RETOUCHER_ACTION_GEMINI_{name}", value)
    run = read_settings(ActionSettings).applied_to(load_profile("tiny"))
    assert (run.tool_models[GEMINI].price, run.tool_models[GEMINI].weights) == (0.04, "gemini-x-image")
    assert Profile.model_validate(run.model_dump()) == run
