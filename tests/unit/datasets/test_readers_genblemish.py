"""GenBlemish-27K, whose columns are unseen: the shapes that are read, and what is said of others."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.datasets.readers.catalogue import open_reader
from services.datasets.readers.source import Converted, write_converted
from services.datasets.schema import BlemishRecord, read_records
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode

datasets = pytest.importorskip("datasets")
SIZE = (48, 64)


def picture(folder: Path, name: str, level: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*SIZE, 3), level, np.uint8)).save(folder / name)


def mask(folder: Path, name: str, x0: int, size: tuple[int, int] = SIZE, level: int = 255) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros(size, np.uint8)
    pixels[10:20, x0 : x0 + 6] = level
    Image.fromarray(pixels).save(folder / name)


def rows_of(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def converted(tmp_path: Path, labels: Path | None = None) -> tuple[Converted, list[BlemishRecord]]:
    reader = open_reader("genblemish", tmp_path / "data", None, labels)
    return write_converted(reader, tmp_path / "out"), list(read_records(tmp_path / "out"))


def by_image(folder: Path) -> None:
    """Two images, the second healthy; regions as equally long lists."""
    picture(folder, "a.png", 40)
    picture(folder, "b.png", 80)
    mask(folder, "m0.png", 5)
    mask(folder, "m1.png", 30, level=1)
    rows_of(folder, [
        {"file_name": "a.png", "prompt": "a man  waves", "masks_file_names": ["m0.png", "m1.png"],
         "category": ["Hand distortion", "text"], "description": ["six fingers", "no letters"]},
        {"file_name": "b.png", "prompt": "a cup", "masks_file_names": [], "category": [], "description": []},
    ])  # fmt: skip


def check_two(found: Converted, rows: list[BlemishRecord], tmp_path: Path) -> None:
    assert (found.images, found.healthy, found.regions, sum(found.left_out.values())) == (2, 1, 2, 0)
    first, second = rows
    assert first.source == "GenBlemish-27K/train"
    assert first.prompt == "a man waves" and second.healthy and second.prompt == "a cup"
    assert [(r.category, r.description, r.box_xyxy_px) for r in first.regions] == [
        (Category.HAND, "six fingers", (5, 10, 11, 20)),
        (Category.TEXT, "no letters", (30, 10, 36, 20)),
    ]
    stored = np.asarray(Image.open(tmp_path / "out" / first.visible_mask_file_names[1]))
    assert stored.max() == 255 and stored.sum() == 255 * 60
    assert np.asarray(Image.open(tmp_path / "out" / first.file_name)).max() == 40


def test_a_row_per_image_with_lists(tmp_path: Path) -> None:
    by_image(tmp_path / "data")
    found, rows = converted(tmp_path)
    check_two(found, rows, tmp_path)
    assert found.notes == (
        "GenBlemish-27K, train: read image from image, prompt from prompt, mask from masks, category from category, "
        "description from description",
    )


def test_splits_are_kept_apart(tmp_path: Path) -> None:
    by_image(tmp_path / "data" / "train")
    by_image(tmp_path / "data" / "test")
    found, rows = converted(tmp_path)
    assert (found.images, found.regions, len(found.notes)) == (4, 4, 2)
    assert [row.source for row in rows] == ["GenBlemish-27K/train"] * 2 + ["GenBlemish-27K/test"] * 2


def test_a_damaged_shard_is_said(tmp_path: Path) -> None:
    by_image(tmp_path / "folder")
    loaded = datasets.load_dataset(str(tmp_path / "folder"), cache_dir=str(tmp_path / "cache"))["train"]
    (tmp_path / "data").mkdir()
    loaded.to_parquet(str(tmp_path / "data" / "train-0.parquet"))
    whole = (tmp_path / "data" / "train-0.parquet").read_bytes()
    (tmp_path / "data" / "train-1.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"is damaged or does not fit the others .*fetch the data set again"):
        converted(tmp_path)


def test_the_same_as_parquet(tmp_path: Path) -> None:
    by_image(tmp_path / "folder")
    loaded = datasets.load_dataset(str(tmp_path / "folder"), cache_dir=str(tmp_path / "cache"))["train"]
    (tmp_path / "data").mkdir()
    loaded.to_parquet(str(tmp_path / "data" / "train-0.parquet"))
    check_two(*converted(tmp_path), tmp_path)


def test_a_row_per_region(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name, level in (("a0.png", 40), ("a1.png", 40), ("b.png", 80)):
        picture(folder, name, level)
    mask(folder, "m0.png", 5)
    mask(folder, "m1.png", 30)
    rows_of(folder, [
        {"file_name": "a0.png", "prompt": "a man waves", "mask_file_name": "m0.png", "category": "hand",
         "description": "six fingers"},
        {"file_name": "a1.png", "prompt": "a man waves", "mask_file_name": "m1.png", "category": "text",
         "description": "no letters"},
        {"file_name": "b.png", "prompt": "a cup", "mask_file_name": None, "category": None, "description": None},
    ])  # fmt: skip
    check_two(*converted(tmp_path), tmp_path)


def test_a_row_per_image_with_structs_and_class_labels(tmp_path: Path) -> None:
    by_image(tmp_path / "made")
    region = {
        "mask": datasets.Image(),
        "label": datasets.ClassLabel(names=["text anomaly", "hand"]),
        "caption": datasets.Value("string"),
    }
    features = datasets.Features(
        {"image": datasets.Image(), "caption": datasets.Value("string"), "regions": datasets.List(region)}
    )
    made = tmp_path / "made"
    rows = {
        "image": [str(made / "a.png"), str(made / "b.png")],
        "caption": ["a man waves", "a cup"],
        "regions": [
            [
                {"mask": str(made / "m0.png"), "label": 1, "caption": "six fingers"},
                {"mask": str(made / "m1.png"), "label": 0, "caption": "no letters"},
            ],
            [],
        ],
    }
    (tmp_path / "data").mkdir()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(tmp_path / "data" / "train.parquet"))
    check_two(*converted(tmp_path), tmp_path)


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    picture(tmp_path / "data", "a.png", 40)
    rows_of(tmp_path / "data", [{"file_name": "a.png", "prompt": "x", "polygon": "1 2 3", "category": "hand"}])
    with pytest.raises(BadInput) as caught:
        converted(tmp_path)
    assert caught.value.code is ErrorCode.BAD_OPTION
    for words in ("mask, description is not among them", "polygon: Value('string')", "Expected: mask: mask or masks"):
        assert words in caught.value.message


def test_a_column_of_the_right_name_and_another_type_is_not_taken(tmp_path: Path) -> None:
    picture(tmp_path / "data", "a.png", 40)
    rows_of(tmp_path / "data", [
        {"file_name": "a.png", "prompt": "x", "mask": "m.png", "category": "hand", "description": "y"},
    ])  # fmt: skip
    with pytest.raises(BadInput, match=r"mask is not among them. Found: .*mask: Value\('string'\)"):
        converted(tmp_path)


def test_unknown_labels_are_named_and_a_table_maps_them(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    picture(folder, "a.png", 40)
    mask(folder, "m0.png", 5)
    rows_of(folder, [
        {"file_name": "a.png", "prompt": "x", "masks_file_names": ["m0.png"] * 3, "category": ["hand", "H-7", "odd"],
         "description": ["a", "b", "c"]},
    ])  # fmt: skip
    with pytest.raises(BadInput, match=r"'H-7' \(1x, e.g. \"b\"\), 'odd' \(1x") as caught:
        converted(tmp_path)
    assert caught.value.code is ErrorCode.UNKNOWN_CATEGORY
    (tmp_path / "t.json").write_text('{"h 7": "interaction", "odd": null}', encoding="utf-8")
    found, (row,) = converted(tmp_path, tmp_path / "t.json")
    assert [(r.category, r.kind) for r in row.regions] == [(Category.HAND, "hand"), (Category.INTERACTION, "H-7")]
    assert dict(found.left_out) == {"regions whose label is left out": 1}


@pytest.mark.parametrize("spoil", ["size", "count", "again"])
def test_contradictions_are_refused_and_nothing_is_left_behind(spoil: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    picture(folder, "a.png", 40)
    picture(folder, "a2.png", 40)
    picture(folder, "b.png", 90)
    mask(folder, "m0.png", 5, size=(64, 64) if spoil == "size" else SIZE)
    kinds = ["hand"] * (2 if spoil == "count" else 1)
    rows = [
        {"file_name": name, "prompt": "x", "masks_file_names": ["m0.png"], "category": kinds, "description": ["a"]}
        for name in (("a.png", "b.png", "a2.png") if spoil == "again" else ("b.png", "a.png"))
    ]
    rows_of(folder, rows)
    words = {"size": "a mask of .* is 64x64, its image 64x48", "count": "2 in category", "again": "rows in two places"}
    with pytest.raises(BadInput, match=words[spoil]):
        converted(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "a cup", "declare no features; found text, expected image, prompt, mask"),
        ("a.jsonl", '{"image": "a.png", "prompt": "a cup"}', r"Found: image: Value\('string'\); prompt: Value"),
    ],
)
def test_files_of_another_kind_are_said(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_text(text + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=words) as caught:
        converted(tmp_path)
    assert caught.value.code is ErrorCode.BAD_OPTION


def test_images_without_metadata_are_said(tmp_path: Path) -> None:
    picture(tmp_path / "data", "a.png", 40)
    with pytest.raises(BadInput, match=r"prompt, mask, category, description is not among them. Found: image: "):
        converted(tmp_path)


def test_a_folder_that_is_no_data_set_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(BadInput, match="is no imagefolder or parquet"):
        converted(tmp_path)
    with pytest.raises(BadInput, match=r"there is no .*nowhere"):
        open_reader("genblemish", tmp_path / "nowhere", None, None)
    with pytest.raises(BadInput, match="leave out --images"):
        open_reader("genblemish", tmp_path / "data", tmp_path, None)
