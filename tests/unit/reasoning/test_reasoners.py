"""What a reasoner's name stands for, and what is known of public models."""

from pathlib import Path

import pytest

import services.reasoning.reasoners as reasoners
from services.reasoning.card import ReasonerCalibration
from services.reasoning.models import model_profiles
from services.reasoning.prompts import prompt_versions
from services.reasoning.reasoners import Source, known, local, served
from services.reasoning.thoughts import without_thoughts
from shared.errors import MissingResource

COMMIT = "cc594898137f460bfe9f0759e9844b3ce807cfb5"


def measured(folder: Path, distorted: float = 0.95, healthy: float = 0.9, may_veto: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    ReasonerCalibration(
        prompt="tiny", split="test", regions=10, accuracy=0.8, distorted_recall=distorted, healthy_recall=healthy,
        json_valid=1.0, may_veto=may_veto,
    ).save(folder)  # fmt: skip
    return folder


def test_a_folder_is_asked_as_its_card_says_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = measured(tmp_path / "checkpoints" / "mine")
    expected = Source(name="mine", model=str(folder), prompt="tiny", may_veto=True)
    assert local(str(folder)) == served(str(folder)) == expected
    monkeypatch.setattr(reasoners, "CHECKPOINTS", tmp_path / "checkpoints")
    assert local("mine") == served("mine") == expected


@pytest.mark.parametrize(
    ("distorted", "healthy", "may_veto"), [(0.95, 0.9, False), (0.89, 0.9, True), (0.95, 0.84, True)]
)
def test_a_veto_needs_the_card_and_its_figures(
    tmp_path: Path, distorted: float, healthy: float, may_veto: bool
) -> None:
    assert not local(str(measured(tmp_path, distorted, healthy, may_veto))).may_veto


def test_a_folder_without_a_card_is_asked_as_a_stock_model(tmp_path: Path) -> None:
    source = local(str(tmp_path))
    assert (source.prompt, source.may_veto) == ("v1", False)


def test_a_damaged_card_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text("{}")
    with pytest.raises(MissingResource, match=r"calibration\.json cannot be read"):
        local(str(tmp_path))


def test_a_hub_id_needs_its_commit() -> None:
    source = local(f"owner/name@{COMMIT}")
    assert (source.name, source.model, source.revision) == ("owner/name", "owner/name", COMMIT)
    with pytest.raises(MissingResource, match=r"there is no reasoner 'owner/name@main'.*owner/name@<commit>"):
        local("owner/name@main")


def test_a_stranger_on_a_server_is_assumed_nothing_of_and_in_process_is_an_error() -> None:
    assert served("gpt-vision") == Source(name="gpt-vision") and known("gpt-vision") is None
    with pytest.raises(MissingResource, match="set RETOUCHER_REASONING_URL"):
        local("gpt-vision")


def test_public_models_are_known_by_name_and_by_hub_id() -> None:
    names = {profile.name for profile in model_profiles()}
    assert names >= {"qwen2.5-vl-7b", "glm-4.1v-9b-thinking", "ovis2.5-9b"}
    for profile in model_profiles():
        assert profile.prompt in prompt_versions()
        source, by_id = served(profile.name), served(profile.hub_id)
        assert (source.model, source.revision) == (by_id.model, by_id.revision) == (profile.hub_id, profile.revision)
        assert not source.may_veto and source.chat == profile.chat
        assert profile.chat.thinks == any("--reasoning-parser" in option for option in profile.serve)


def test_one_that_transformers_lacks_is_served_alone() -> None:
    with pytest.raises(MissingResource, match=r"ovis2.5-9b runs on a server alone: serve it with vLLM"):
        local("ovis2.5-9b")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("{}", "{}"),
        ("<think>{no}</think>\n{}", "{}"),
        ("thoughts without a beginning</think><answer>\n{}\n</answer>", "{}"),
        ("<think>a</think><answer><|begin_of_box|>{}<|end_of_box|></answer>", "{}"),
        ("<think>a</think><|begin_of_box|>{}<|end_of_box|>", "{}"),
        ("<think>never ends", "<think>never ends"),
        ('{"description": "says <answer> on a sign"}', '{"description": "says <answer> on a sign"}'),
    ],
)
def test_thoughts_and_wrappings(text: str, answer: str) -> None:
    assert without_thoughts(text) == answer
