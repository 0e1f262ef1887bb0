"""`retoucher train editor` and `train inpainting`: options become the run; wrong ones are bad input at once."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("diffusers")
pytest.importorskip("skia")

from services.action.training.options import ToolTraining
from services.commands.train_tools import editor, inpainting
from shared.errors import BadInput

app = typer.Typer()
app.command("editor")(editor)
app.command("inpainting")(inpainting)


def invoke(*arguments: str) -> BadInput | str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is None or isinstance(result.exception, SystemExit):
        assert result.exit_code == 0, result.output
        return result.output
    assert isinstance(result.exception, BadInput), repr(result.exception)
    return result.exception


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--side", "20"], "--side-px"),
        (["--channels", "a,b"], "--channels"),
        (["--learning-rate", "0"], "--learning-rate"),
        (["--data", "absent"], "is not there"),
        (["--resume"], "no run to resume"),
    ],
)
def test_wrong_options_are_bad_input(arguments: list[str], said: str, tmp_path: Path) -> None:
    error = invoke("editor", "--out", str(tmp_path / "run"), *arguments)
    assert isinstance(error, BadInput)
    assert said in error.message
    assert "\n" not in error.message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["editor", "inpainting"])
def test_a_short_run_on_drawn_samples(command: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    few = ["--samples", "3", "--data-seed", "5", "--steps", "2", "--vae-steps", "2", "--batch-size", "2"]
    small = ["--channels", "8,16", "--side", "16", "--validation-count", "2", "--inference-steps", "2"]
    said = invoke(command, "--out", str(out), *few, *small)
    assert isinstance(said, str)
    assert "the gate is" in said and "mean fill" in said
    options = ToolTraining.model_validate_json((out / "run.json").read_text())
    assert (options.steps, options.unet_channels, options.side_px) == (2, (8, 16), 16)
    assert options.tool == {"editor": "instruct-pix2pix", "inpainting": "sd-inpainting"}[command]
    assert "seed 5, rendered on the fly (validation" in (out / "CARD.md").read_text()
    again = invoke(command, "--out", str(out), *few, *small, "--gate-only")
    assert isinstance(again, str) and "the gate is" in again
