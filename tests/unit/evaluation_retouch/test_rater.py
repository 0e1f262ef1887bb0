"""`retoucher train rater` from a folder to ratings in the tables. Two steps of training: the way is tested."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from fakes.blob_loop import blob_local, write_blobs
from rich.console import Console
from typer.testing import CliRunner

from services.commands.train_rater import SEED, rater
from services.evaluation.retouch.evaluate import RetouchEvaluation, evaluate_retouch
from services.evaluation.retouch.rater import Rater, require_apart
from services.evaluation.retouch.tables import to_tables
from services.perception.build import CHECKPOINTS
from services.perception.training.options import TrainingOptions
from shared.errors import BadInput, ErrorCode
from shared.profiles import load_profile

app = typer.Typer()
app.command()(rater)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    data = write_blobs(tmp_path_factory.mktemp("data") / "blobs", 60, seed=5)
    held_out = write_blobs(tmp_path_factory.mktemp("data") / "held-out", 24, seed=6)
    out = tmp_path_factory.mktemp("run") / "rater"
    shape = ["--steps", "2", "--batch-size", "4", "--image-size", "64", "--width", "40"]
    counts = ["--validation-count", "6", "--calibration-count", "24"]
    where = ["--out", str(out), "--data", str(data), "--validation", str(held_out)]
    result = CliRunner().invoke(app, [*where, *shape, *counts])
    assert result.exit_code == 0, (result.output, result.exception)
    assert "plausibility: spearman" in result.output
    return out


def test_its_card_says_what_it_is(trained: Path) -> None:
    card = (trained / "CARD.md").read_text(encoding="utf-8")
    assert "## As a rater" in card
    assert "On 24 held-out images:" in card
    [line] = [line for line in card.splitlines() if line.startswith("| plausibility |")]
    assert 0 <= float(line.split("|")[-2]) <= 1
    options = TrainingOptions.model_validate_json((trained / "run.json").read_text())
    assert options.seed == SEED


def test_it_says_nothing_of_scores_that_it_was_not_taught(trained: Path) -> None:
    ratings = Rater(trained)(np.full((64, 64, 3), 120, np.uint8), "a wall")
    assert ratings.plausibility is not None
    assert (ratings.alignment, ratings.aesthetics, ratings.overall) == (None, None, None)


def test_the_tables_hold_its_ratings_before_and_after(trained: Path, blobs: Path) -> None:
    asked = RetouchEvaluation(blobs, rater=trained, limit=4, tools=False, ablations=False, sabotaged=0)
    report = evaluate_retouch(asked, blob_local(), Console(file=io.StringIO()))
    original, loop = report.rows
    for row in (original, loop):
        assert row.scores["aesthetics"] is None
        known = row.scores["plausibility"]
        assert known is not None and known.count == 2
    gain, before, after = loop.gains["plausibility"], original.scores["plausibility"], loop.scores["plausibility"]
    assert gain is not None and before is not None and after is not None
    assert gain.value == pytest.approx((after.value or 0) - (before.value or 0))
    assert gain.value != 0  # every blemished picture was changed
    screen = Console(file=io.StringIO(), width=200)
    screen.print(to_tables(report))
    assert isinstance(screen.file, io.StringIO)
    assert f"rated by {trained.name}" in screen.file.getvalue()


def test_a_rater_is_not_the_network_that_the_loop_looks_with(trained: Path) -> None:
    profile = load_profile("tiny-saliency")
    require_apart(trained, profile)
    with pytest.raises(BadInput, match="retoucher train rater"):
        require_apart(CHECKPOINTS / str(profile.saliency_checkpoint), profile)


def test_wrong_options_are_bad_input(tmp_path: Path) -> None:
    for arguments, said in ((["--width", "50"], "--width"), (["--validation", "b"], "goes with --data")):
        error = CliRunner().invoke(app, ["--out", str(tmp_path / "run"), *arguments]).exception
        assert isinstance(error, BadInput)
        assert error.code is ErrorCode.BAD_OPTION
        assert said in error.message
