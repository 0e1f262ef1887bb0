"""Where a reasoner is served, from the environment; and what a profile becomes with it."""

import pytest

import shared.profiles
from shared.contracts.jobs import LoopPolicy
from shared.environment import read_settings
from shared.errors import BadInput
from shared.profiles import Profile, load_profile
from shared.reasoning_settings import NO_SERVER, ReasoningSettings

URL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ReasoningSettings.model_fields:
        monkeypatch.delenv(f"RETOUCHER_REASONING_{name.upper()}", raising=False)


def profile(reasoner: str = "aligned-vlm", **policy: object) -> Profile:
    return Profile.model_validate(
        {
            "name": "test",
            "description": "d",
            "detectors": ["text"],
            "reasoner": reasoner,
            "tools": ["opencv"],
            "peak_memory_mb": 1,
            "policy": policy,
        }
    )


def test_without_a_server_a_profile_stays_as_it_is() -> None:
    tiny = load_profile("idle")
    assert read_settings(ReasoningSettings).applied_to(tiny) is tiny
    assert NO_SERVER.applied_to(tiny) is tiny and not tiny.policy.has_reasoner


def test_a_server_and_a_model_give_any_profile_a_reasoner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETOUCHER_REASONING_URL", URL)
    monkeypatch.setenv("RETOUCHER_REASONING_MODEL", "qwen")
    monkeypatch.setenv("RETOUCHER_REASONING_API_KEY", " sk-1\n")
    settings = read_settings(ReasoningSettings)
    run = settings.applied_to(load_profile("idle"))
    assert (run.reasoner, run.reasoner_at) == ("qwen", "server")
    assert run.policy == load_profile("idle").policy.model_copy(update={"has_reasoner": True, "sends_pictures": True})
    assert settings.applied_to(run) == run
    assert settings.api_key is not None and settings.api_key.get_secret_value() == "sk-1"
    assert "sk-1" not in repr(settings)


def test_a_profiles_own_model_runs_in_process_until_a_server_is_named() -> None:
    own = profile()
    here, there = NO_SERVER.applied_to(own), ReasoningSettings(url=URL).applied_to(own)
    assert (here.reasoner, here.reasoner_at, here.policy.sends_pictures) == ("aligned-vlm", "process", False)
    assert (there.reasoner, there.reasoner_at, there.policy.sends_pictures) == ("aligned-vlm", "server", True)
    assert here.policy.has_reasoner and there.policy.has_reasoner
    other = ReasoningSettings(model="another").applied_to(own)
    assert (other.reasoner, other.reasoner_at) == ("another", "process")


def test_a_server_without_a_model_is_an_error_with_the_other_half() -> None:
    with pytest.raises(BadInput, match="set RETOUCHER_REASONING_MODEL, too"):
        ReasoningSettings(url=URL).applied_to(load_profile("idle"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("URL", "localhost:8000"),
        ("URL", "ftp://host/v1"),
        ("URL", "http://user:hunter2@host/v1"),
        ("URL", "http://host/v1?key=hunter2"),
        ("API_KEY", "hunter2\u00e9"),
        ("API_KEY", "hunter2\nX: y"),
        ("TIMEOUT_S", "0"),
        ("CONCURRENCY", "many"),
        ("DIALECT", "klingon"),
    ],
)
def test_a_variable_that_will_not_do_is_named_and_no_secret_is_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RETOUCHER_REASONING_{name}", value)
    with pytest.raises(BadInput, match=f"^RETOUCHER_REASONING_{name} is not valid: ") as caught:
        read_settings(ReasoningSettings)
    assert "hunter2" not in caught.value.message


def test_empty_variables_count_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "MODEL", "API_KEY"):
        monkeypatch.setenv(f"RETOUCHER_REASONING_{name}", "")
    assert read_settings(ReasoningSettings).url is None and read_settings(ReasoningSettings).model is None


def test_the_loop_is_told_of_a_profiles_reasoner(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that only admits jobs no server is set, and the policy must be right all the same."""
    text = 'description = "d"\ndetectors = ["text"]\nreasoner = "m"\ntools = ["opencv"]\n'
    (tmp_path / "vlm.toml").write_text(text + "peak_memory_mb = 1\n[policy]\nmin_gain = 0.4\n", encoding="utf-8")
    monkeypatch.setattr(shared.profiles.resources, "files", lambda _: tmp_path)
    loaded = load_profile("vlm")
    assert loaded.policy == LoopPolicy(min_gain=0.4, has_reasoner=True)
