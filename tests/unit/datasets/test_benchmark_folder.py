"""The folder that the benchmark writes, its schema and its statistics."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from services.datasets.benchmark import make_sample, write_benchmark
from services.datasets.schema import METADATA, BlemishRecord, QualityScores, RegionTruth, read_records, row
from services.datasets.statistics import dataset_statistics, summarise
from shared.contracts.categories import Category, Dimension
from shared.errors import BadInput, ErrorCode


def loaded(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_folder_holds_what_was_drawn(tmp_path: Path) -> None:
    assert write_benchmark(tmp_path, 5, seed=4) == 5
    records = list(read_records(tmp_path))
    assert len(records) == 5
    for index, record in enumerate(records):
        sample = make_sample(4, index)
        assert np.array_equal(loaded(tmp_path / record.file_name), sample.image)
        assert record.clean_file_name is not None
        assert np.array_equal(loaded(tmp_path / record.clean_file_name), sample.clean)
        assert record.prompt == sample.prompt and record.healthy == sample.healthy
        names = zip(record.visible_mask_file_names, record.repair_mask_file_names, sample.regions, strict=True)
        for visible, repair, region in names:
            assert np.array_equal(loaded(tmp_path / visible) > 0, region.visible)
            assert np.array_equal(loaded(tmp_path / repair) > 0, region.repair)


def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write_benchmark(whole, 4, seed=9, mix="paper")
    write_benchmark(parts, 2, seed=9, mix="paper")
    with (parts / METADATA).open("a", encoding="utf-8") as lines:
        lines.write('{"file_name":"images/0000')  # killed in the middle of a line
    assert write_benchmark(parts, 4, seed=9, mix="paper") == 2
    assert bytes_of(whole) == bytes_of(parts)
    assert write_benchmark(parts, 4, seed=9, mix="paper") == 0


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(BadInput, match="not empty") as caught:
        write_benchmark(tmp_path, 1)
    assert caught.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_other_options_are_not_mixed_in(tmp_path: Path) -> None:
    write_benchmark(tmp_path, 1, seed=1)
    with pytest.raises(BadInput, match="other options"):
        write_benchmark(tmp_path, 1, seed=2)


@pytest.mark.parametrize("count", [0, -3])
def test_no_images_are_no_benchmark(tmp_path: Path, count: int) -> None:
    with pytest.raises(BadInput, match="at least 1"):
        write_benchmark(tmp_path / "out", count)
    assert not (tmp_path / "out").exists()


def region(category: Category, words: int) -> RegionTruth:
    return RegionTruth(
        category=category,
        description=" ".join(["word"] * words),
        centre_xy_px=(1.5, 2.5),
        box_xyxy_px=(0, 0, 4, 4),
        visible_share=0.01,
    )


def record(*regions: RegionTruth) -> BlemishRecord:
    return BlemishRecord(
        file_name="a.png",
        prompt="a hand",
        size_hw=(8, 8),
        healthy=not regions,
        source="fixture",
        scores=QualityScores(),
        regions=regions,
    )


def test_statistics_count_what_is_there() -> None:
    rows = [record(), record(region(Category.HAND, 4), region(Category.TEXT, 8)), record(region(Category.HAND, 6))]
    found = summarise(rows)
    assert (found.images, found.healthy, found.regions) == (3, 1, 3)
    assert found.categories[Category.HAND] == 2
    assert found.dimensions[Dimension.HUMAN_ANATOMY] == 2
    assert found.dimensions[Dimension.SPATIAL] == 0
    assert found.regions_per_image == {1: 1, 2: 1}
    assert found.mean_regions == pytest.approx(1.5)
    assert found.mean_words == pytest.approx(6.0)
    assert found.median_visible_share == pytest.approx(0.01)


def test_statistics_of_nothing_are_no_error() -> None:
    found = summarise([record()])
    assert found.regions == 0
    assert np.isnan(found.mean_regions)


def test_statistics_are_printed_and_drawn(tmp_path: Path) -> None:
    write_benchmark(tmp_path, 6, seed=2)
    text = io.StringIO()
    found = dataset_statistics(tmp_path, console=Console(file=text, width=200))
    assert found.images == 6
    assert "words per description" in text.getvalue()
    assert loaded(tmp_path / "statistics.png").shape[2] in (3, 4)


def test_bad_rows_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not there"):
        list(read_records(tmp_path))
    (tmp_path / METADATA).write_text(row(record()) + '{"file_name": "b.png", "label": 3}\n')
    with pytest.raises(BadInput, match="line 2"):
        list(read_records(tmp_path))
