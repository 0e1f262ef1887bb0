"""`retoucher evaluate reasoning` from folders to the JSON file, with an untrained model of the real class."""

import json
from pathlib import Path

import pytest
from fakes.marked import write_marked
from fakes.small_reasoner import write_small_reasoner
from typer.testing import CliRunner

from services.cli import app
from services.reasoning.card import ReasonerCalibration, load_calibration
from shared.errors import BadInput


def evaluate(*arguments: str) -> BadInput | str:
    result = CliRunner().invoke(app, ["evaluate", "reasoning", *arguments])
    if isinstance(result.exception, BadInput):
        return result.exception
    assert result.exit_code == 0, repr(result.exception)
    return result.output


def test_models_are_measured_on_the_same_regions(tmp_path: Path) -> None:
    data, model, out = write_marked(tmp_path / "data", 5), write_small_reasoner(tmp_path / "model"), tmp_path / "o.json"
    shown = evaluate(
        "--data", str(data), "--row", f"one={model}", "--row", f"two={model}", "--prompt", "tiny", "--limit", "4",
        "--boxes", "2", "--json", str(out), "--confusion", str(tmp_path / "c.png"),
    )  # fmt: skip
    assert isinstance(shown, str) and "no Word2Vec" in shown
    report = json.loads(out.read_text())
    assert [row["model"] for row in report["rows"]] == ["one", "two"]
    assert report["distorted"] + report["healthy"] == 4
    for row in report["rows"]:
        assert row["json_valid"] == 0 and row["accuracy"] == 0 and row["word2vec"] is None  # it has learned nothing
    assert report["comparisons"][0]["reward"]["mean"] == 0
    assert [row["images"] for row in report["boxes"]] == [2, 2]
    assert (tmp_path / "c.png").stat().st_size > 1000


def test_the_figures_may_be_kept_beside_the_weights(tmp_path: Path) -> None:
    data, model = write_marked(tmp_path / "data", 5), write_small_reasoner(tmp_path / "model")
    asked = ("--data", str(data), "--model", str(model), "--limit", "4", "--calibrate")
    error = evaluate(*asked)
    assert isinstance(error, BadInput) and "calibration.json" in error.message
    ReasonerCalibration(
        prompt="tiny", split="validation", regions=9, accuracy=1, distorted_recall=1, healthy_recall=1, json_valid=1,
        may_veto=True,
    ).save(model)  # fmt: skip
    assert isinstance(evaluate(*asked), str)
    kept = load_calibration(model)
    assert (kept.prompt, kept.split, kept.regions, kept.accuracy, kept.may_veto) == ("tiny", "data", 4, 0, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no model"),
        (["--row", "name"], "give a name"),
        (["--model", "absent"], "metadata"),
        (["--model", "m", "--json", "no/such/folder/o.json"], "cannot be written"),
    ],
)
def test_wrong_options_are_bad_input(arguments: list[str], said: str, tmp_path: Path) -> None:
    error = evaluate("--data", str(tmp_path), *arguments)
    assert isinstance(error, BadInput)
    assert said in error.message and "\n" not in error.message
