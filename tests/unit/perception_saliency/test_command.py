"""`retoucher train perception`: its options become the run, and wrong ones are bad input before anything is done."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from services.commands.train_perception import perception
from services.perception.training.options import TrainingOptions
from shared.errors import BadInput, ErrorCode

app = typer.Typer()
app.command()(perception)


def invoke(*arguments: str) -> BadInput | None:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is None or isinstance(result.exception, SystemExit):
        assert result.exit_code == 0, result.output
        return None
    assert isinstance(result.exception, BadInput), repr(result.exception)
    return result.exception


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--vision-encoder", "a"], "go together"),
        (["--width", "50"], "--width"),
        (["--image-size", "100"], "--image-size-px"),
        (["--validation", "b"], "goes with --data"),
        (["--data", "absent"], "metadata"),
        (["--init-from", "a", "--vision-encoder", "b", "--text-encoder", "c"], "not from both"),
    ],
)
def test_wrong_options_are_bad_input(arguments: list[str], said: str, tmp_path: Path) -> None:
    error = invoke("--out", str(tmp_path / "run"), *arguments)
    assert error is not None
    assert said in error.message
    assert "\n" not in error.message
    assert error.code in (ErrorCode.BAD_OPTION, ErrorCode.FILE_NOT_READABLE)
    assert not (tmp_path / "run").exists()


def test_a_short_run_on_drawn_samples(tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["--steps", "2", "--batch-size", "4", "--image-size", "64", "--width", "40", "--validation-count", "6"]
    counts = ("--calibration-count", "12", "--domain-count", "12")
    assert invoke("--out", str(out), *arguments, *counts, "--data-seed", "5", "--no-kld") is None
    options = TrainingOptions.model_validate_json((out / "run.json").read_text())
    assert (options.steps, options.kld, options.learning_rate, options.width) == (2, False, 1e-3, 40)
    assert json.loads((out / "calibration.json").read_text())["scores"] == ["plausibility", "alignment", "overall"]
    assert "seed 5, rendered on the fly (validation" in (out / "CARD.md").read_text()
