"""Tries are collected as the loop would make them, each with its worth by the table's own measure."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fakes.blob_loop import blob_local
from typer.testing import CliRunner

from services.cli import app
from services.datasets.schema import METADATA, read_records
from services.datasets.sources import DrawnSamples
from services.datasets.tries import read_picture_records, read_try_records
from services.evaluation.retouch.pictures import Picture, drawn_twins, folder_pictures, healthy_twin
from services.evaluation.retouch.sabotage import Bad, scrap_of
from services.evaluation.retouch.tries import ATTEMPT, tries_at
from services.local import Local
from shared.errors import BadInput
from shared.images import compose


@pytest.fixture(scope="module")
def pictures(blobs: Path) -> list[Picture]:
    return list(folder_pictures(blobs, tuple(read_records(blobs))))


@pytest.mark.parametrize("sure", [True, False])
def test_every_region_has_all_its_tries_and_the_sabotage(pictures: list[Picture], sure: bool) -> None:
    """Also where the detector is too unsure for the loop to begin."""
    flawed = [picture for picture in pictures if not picture.healthy]
    local = blob_local(sure=sure)
    tried = tries_at(local, flawed[0], scrap_of(flawed[1]), seed=0)
    kinds = Counter(one.kind for one in tried.tries)
    assert kinds == {ATTEMPT: local.profile.policy.tries_per_region, **dict.fromkeys(Bad, 1)}
    right = {one.kind for one in tried.tries if one.right}
    # To delete a red square from grain is right, for nothing else should stand there.
    assert right == {ATTEMPT, Bad.TWIN, Bad.DELETED}
    assert not tried.healthy


def test_a_patch_lies_where_its_box_says(pictures: list[Picture]) -> None:
    picture = next(picture for picture in pictures if not picture.healthy)
    assert picture.clean is not None
    tried = tries_at(blob_local(), picture, None, seed=0)
    twin = next(one for one in tried.tries if one.kind == Bad.TWIN)
    assert np.array_equal(compose(picture.image, twin.pixels, twin.alpha, twin.box), picture.clean)
    assert all(one.kind != Bad.ANOTHER for one in tried.tries)


def test_what_hides_a_flaw_by_a_wrong_tone_is_no_repair(pictures: list[Picture]) -> None:
    """The twin has a blue square where the picture has a red one; the tool paints grain."""
    picture = next(picture for picture in pictures if not picture.healthy)
    assert picture.clean is not None
    twin = picture.clean.copy()
    twin[picture.blemishes[0].visible] = (255, 255, 255)
    other = Picture("white.png", picture.image, twin, picture.prompt, picture.blemishes)
    attempts = [one for one in tries_at(blob_local(), other, None, seed=0).tries if one.kind == ATTEMPT]
    assert attempts and not any(one.right for one in attempts)


def test_a_healthy_picture_has_no_sabotage(pictures: list[Picture]) -> None:
    picture = next(picture for picture in pictures if picture.healthy)
    tried = tries_at(blob_local(), picture, None, seed=0)
    assert tried.healthy and tried.tries == ()


def test_no_try_at_a_clean_twin_is_right(blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the network sees a flaw all the same, the verifier has to learn to refuse."""
    monkeypatch.setattr(Local, "in_memory", lambda profile: blob_local())
    out = tmp_path / "tries"
    told = CliRunner().invoke(
        app, ["dataset", "collect-tries", "--clean-twins", "--data", str(blobs), "--out", str(out)]
    )
    assert told.exit_code == 0, told.output
    seen = read_picture_records(out)
    assert len(seen) == len(tuple(read_records(blobs))) and all(one.healthy for one in seen)
    assert not any(one.right or one.kind != ATTEMPT for one in read_try_records(out))


def test_sound_pictures_may_be_drawn_to_be_tried_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Local, "in_memory", lambda profile: blob_local())
    out, command = tmp_path / "tries", ["dataset", "collect-tries", "--drawn", "5", "--data-seed", "3"]
    told = CliRunner().invoke(app, [*command, "--first", "1", "--limit", "3", "--out", str(out)])
    assert told.exit_code == 0, told.output
    seen = read_picture_records(out)
    assert [one.file_name for one in seen] == [f"images/{index:06d}.png" for index in (1, 2, 3)]
    assert all(one.healthy for one in seen) and not any(one.right for one in read_try_records(out))
    samples = DrawnSamples(5, 3, labelled=True, varied=True)
    drawn = list(drawn_twins(samples, 1))
    assert [one.file_name for one in seen] == [one.file for one in drawn[:3]] and len(drawn) == 4
    assert all(one.healthy and np.array_equal(one.image, samples[at].clean) for at, one in enumerate(drawn, 1))


@pytest.mark.parametrize("given", [[], ["--data", "d", "--drawn", "2"]])
def test_tries_are_made_at_a_data_set_or_at_drawn_pictures(given: list[str], tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["dataset", "collect-tries", *given, "--out", str(tmp_path / "t")])
    assert isinstance(told.exception, BadInput) and "--data or --drawn" in told.exception.message
    assert not (tmp_path / "t").exists()


def test_the_healthy_twin_of_a_picture_is_what_it_should_be(pictures: list[Picture]) -> None:
    for picture in pictures:
        twin = healthy_twin(picture)
        assert twin.healthy and twin.prompt == picture.prompt
        assert np.array_equal(twin.image, picture.image if picture.clean is None else picture.clean)


def test_the_command_says_what_it_collected(blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Local, "in_memory", lambda profile: blob_local())
    out = tmp_path / "tries"
    command = ["dataset", "collect-tries", "--data", str(blobs), "--out", str(out), "--first", "1", "--limit", "2"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert "attempt 4 (4 right)" in told.output and "twin 2 (2 right)" in told.output
    assert len(read_picture_records(out)) == 2
    again = CliRunner().invoke(app, command)
    assert isinstance(again.exception, BadInput) and "already" in again.exception.message


def test_flaws_without_a_twin_teach_nothing(blobs: Path, tmp_path: Path) -> None:
    data = shutil.copytree(blobs, tmp_path / "data")
    rows = [json.loads(line) for line in (data / METADATA).read_text().splitlines()]
    (data / METADATA).write_text("".join(json.dumps({**one, "clean_file_name": None}) + "\n" for one in rows))
    told = CliRunner().invoke(app, ["dataset", "collect-tries", "--data", str(data), "--out", str(tmp_path / "t")])
    assert isinstance(told.exception, BadInput) and "clean twin" in told.exception.message
    assert not (tmp_path / "t").exists()
