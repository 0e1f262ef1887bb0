"""Writing what a reader yields: whole or not at all, and into an empty place only; and the command around it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

import services.cli as cli
from services.datasets.readers.catalogue import ReaderName
from services.datasets.readers.source import SourceImage, SourceRegion, write_converted
from services.datasets.schema import read_records
from services.datasets.statistics import summarise
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode


class FakeReader:
    """Yields grey images, each with one region; may stop in the middle."""

    source = "fake"
    notes = ("all hands",)

    def __init__(self, count: int, stop: type[BaseException] | None = None) -> None:
        self.left_out: Counter[str] = Counter()
        self._count, self._stop = count, stop

    def images(self) -> Iterator[SourceImage]:
        mask = np.zeros((40, 40), np.bool_)
        mask[5:9, 3:7] = True
        for index in range(self._count):
            yield SourceImage(
                np.full((40, 40, 3), index, np.uint8),
                "a cup",
                (SourceRegion(mask, Category.HAND, "own", "six fingers"),),
            )
        if self._stop:
            raise self._stop


def test_what_is_written_is_a_data_set_of_ours(tmp_path: Path) -> None:
    seen: list[int] = []
    found = write_converted(FakeReader(3), tmp_path / "deep" / "out", seen.append)
    assert seen == [1, 2, 3] and found.notes == ("all hands",)
    assert (found.images, found.regions, found.healthy) == (3, 3, 0)
    figures = summarise(read_records(tmp_path / "deep" / "out"))
    assert figures.images == 3 and figures.categories[Category.HAND] == 3
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_a_stopped_conversion_leaves_nothing(stop: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(stop):
        write_converted(FakeReader(2, stop), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken_and_any_other_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_converted(FakeReader(1), tmp_path / "empty")
    before = sorted((tmp_path / "empty").rglob("*"))
    with pytest.raises(BadInput, match="not an empty folder") as caught:
        write_converted(FakeReader(1), tmp_path / "empty")
    assert caught.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
    assert sorted((tmp_path / "empty").rglob("*")) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match="not an empty folder"):
        write_converted(FakeReader(1), tmp_path / "file")
    with pytest.raises(BadInput, match="cannot be written"):
        write_converted(FakeReader(1), tmp_path / "file" / "out")


def test_nothing_to_convert_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not one image of fake") as caught:
        write_converted(FakeReader(0), tmp_path / "out")
    assert caught.value.code is ErrorCode.MISSING_DATA and list(tmp_path.iterdir()) == []


def test_the_command_offers_the_readers_there_are() -> None:
    assert get_args(get_type_hints(cli.dataset_convert)["name"]) == get_args(ReaderName)


def run_main(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return ended.value.code


def test_the_command_says_what_was_written_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    group = tmp_path / "data" / "g" / "annotation_json_artifacts_class"
    group.mkdir(parents=True)
    for stem in ("1", "2"):
        (group / f"{stem}.json").write_text('{"Artifacts annotation": []}', encoding="utf-8")
    from PIL import Image

    Image.new("RGB", (40, 40)).save(group.parent / "1.png")
    out = tmp_path / "out"
    assert run_main("dataset", "convert", str(tmp_path / "data"), "--from", "synartifacts", "--out", str(out)) == 0
    said = capsys.readouterr().out
    assert "1 images, 1 of them healthy, 0 regions; 1 images without a prompt" in said
    assert "note: SynArtifact-1K has boxes alone" in said
    assert "left out: 1 annotations whose image is not there" in said
    assert [record.healthy for record in read_records(out)] == [True]


def test_a_wrong_source_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = str(tmp_path / "nowhere")
    assert run_main("dataset", "convert", where, "--from", "richhf", "--out", str(tmp_path / "out")) == 2
    assert capsys.readouterr().err == (
        f"error: there is no {where}: give the folder that RichHF-18K was downloaded to\n"
    )
    assert run_main("dataset", "convert", where, "--from", "imagenet", "--out", str(tmp_path / "out")) == 2
    assert "'imagenet' is not one of 'genblemish', 'richhf', 'synartifacts'" in capsys.readouterr().err
