"""SynArtifact-1K in its published shape: boxes with a class and a caption, one JSON per image."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.datasets.readers.catalogue import open_reader
from services.datasets.readers.source import Converted, write_converted
from services.datasets.readers.synartifacts import ANNOTATIONS
from services.datasets.schema import BlemishRecord, read_records
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode


def box(label: str, caption: str, start: Any = (10, 20), end: Any = (40, 60)) -> dict[str, Any]:
    return {
        "artifacts_class": label,
        "artifacts_caption": caption,
        "rect_start": list(start),
        "rect_end": list(end),
    }


def annotate(folder: Path, stem: str, boxes: object, other: str = "None", image: bool = True) -> None:
    (folder / ANNOTATIONS).mkdir(parents=True, exist_ok=True)
    found = {"Artifacts annotation": boxes, "Other artifacts caption": other}
    (folder / ANNOTATIONS / f"{stem}.json").write_text(json.dumps(found), encoding="utf-8")
    if image:
        buffer = io.BytesIO()
        Image.fromarray(np.full((80, 100, 3), 120, np.uint8)).save(buffer, format="JPEG")
        (folder / f"{stem}.jpg").write_bytes(buffer.getvalue())


def converted(
    tmp_path: Path, images: Path | None = None, table: object = None
) -> tuple[Converted, list[BlemishRecord]]:
    labels = None
    if table is not None:
        labels = tmp_path / "table.json"
        labels.write_text(json.dumps(table), encoding="utf-8")
    reader = open_reader("synartifacts", tmp_path / "data", images, labels)
    return write_converted(reader, tmp_path / "out"), list(read_records(tmp_path / "out"))


def test_boxes_become_regions(tmp_path: Path) -> None:
    group = tmp_path / "data" / "sdxl"
    annotate(
        group,
        "0001",
        [
            box("Distorted and Deformed Components", "The man's  fingers are fused."),
            box("Distorted and Deformed Components", "The racket is bent.", (90, 70), (50, 40)),
            box("Abnormal Non-Spatial Relationship", "She does not hold the cup.", (80, 60), (300, 300)),
            box("illegible letters", "The sign says nothing."),
        ],
    )
    (group / "0001.txt").write_text("a man plays tennis", encoding="utf-8")
    annotate(tmp_path / "data" / "dalle", "0002", [])
    found, (healthy, row) = converted(tmp_path)
    assert (found.images, found.healthy, found.regions, found.without_prompt) == (2, 1, 4, 1)
    assert healthy.healthy and row.prompt == "a man plays tennis"
    assert [(r.category, r.box_xyxy_px) for r in row.regions] == [
        (Category.HAND, (10, 20, 40, 60)),
        (Category.OBJECT_DEFORMATION, (50, 40, 90, 70)),
        (Category.INTERACTION, (80, 60, 100, 80)),
        (Category.TEXT, (10, 20, 40, 60)),
    ]
    assert row.regions[0].kind == "Distorted and Deformed Components"
    assert row.regions[0].description == "The man's fingers are fused."
    assert row.scores.plausibility is None
    mask = np.asarray(Image.open(tmp_path / "out" / row.visible_mask_file_names[0]))
    assert mask.shape == (80, 100) and mask[20:60, 10:40].min() == 255 and mask.sum() == 255 * 30 * 40


def test_numbers_need_a_table_and_the_error_says_what_was_found(tmp_path: Path) -> None:
    annotate(tmp_path / "data" / "g", "1", [box("2", "a bent leg"), box("2", "x"), box("7", "a blurred wall")])
    with pytest.raises(BadInput, match=r"'2' \(2x, e.g. \"a bent leg\"\), '7' \(1x.*known are .*--labels") as caught:
        converted(tmp_path)
    assert caught.value.code is ErrorCode.UNKNOWN_CATEGORY and not (tmp_path / "out").exists()
    found, (row,) = converted(tmp_path, table={"2": "distorted components", "7": None})
    assert [r.category for r in row.regions] == [Category.LIMB, Category.OBJECT_DEFORMATION]
    assert dict(found.left_out) == {"regions whose label is left out": 1}


def test_the_users_table_goes_before_ours(tmp_path: Path) -> None:
    annotate(tmp_path / "data" / "g", "1", [box("Duplicated Components", "three hands"), box("new", "a hand")])
    _, (row,) = converted(tmp_path, table={"duplicated components": "count", "NEW": "object_redundancy"})
    assert [r.category for r in row.regions] == [Category.COUNT, Category.OBJECT_REDUNDANCY]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("[1]", ErrorCode.BAD_OPTION, "holds no object"),
        ("{", ErrorCode.BAD_OPTION, "is no JSON"),
        ('{"2": "finger"}', ErrorCode.UNKNOWN_CATEGORY, "maps '2' to 'finger', which is neither a category"),
        (None, ErrorCode.FILE_NOT_READABLE, "cannot be read"),
    ],
)
def test_a_bad_table_is_said(text: str | None, code: ErrorCode, words: str, tmp_path: Path) -> None:
    annotate(tmp_path / "data" / "g", "1", [])
    if text is not None:
        (tmp_path / "t.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=words) as caught:
        open_reader("synartifacts", tmp_path / "data", None, tmp_path / "t.json")
    assert caught.value.code is code


def test_what_cannot_be_placed_is_counted(tmp_path: Path) -> None:
    group = tmp_path / "data" / "g"
    annotate(group, "1", [box("localized blur", "blurred", [], []), box("localized blur", "blurred")])
    annotate(group, "2", [box("localized blur", "far away", (200, 200), (300, 300))])
    annotate(group, "3", [], other="The man misses a leg.")
    annotate(group, "4", [], image=False)
    found, (row,) = converted(tmp_path)
    assert len(row.regions) == 1
    assert dict(found.left_out) == {
        "regions without a box inside the image": 2,
        "images whose flaws no usable box shows": 2,
        "annotations whose image is not there": 1,
    }


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    annotate(tmp_path / "data" / "g", "1", [], image=False)
    elsewhere = tmp_path / "pictures" / "deep"
    elsewhere.mkdir(parents=True)
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(elsewhere / "1.png")
    _, (row,) = converted(tmp_path, images=tmp_path / "pictures")
    assert row.size_hw == (50, 50)


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ({}, "no list 'Artifacts annotation'"),
        ([{"label": "x", "bbox": [1, 2, 3, 4]}], "a region has label, bbox, not artifacts_class, artifacts_caption"),
        (["text"], "a region has str, not artifacts_class"),
        ([box("localized blur", "x", [1, 2, 3])], r"\[1, 2, 3\] is no corner"),
    ],
)
def test_another_shape_is_named(boxes: object, words: str, tmp_path: Path) -> None:
    annotate(tmp_path / "data" / "g", "1", boxes)
    with pytest.raises(BadInput, match=words):
        converted(tmp_path)


def test_a_folder_without_annotations_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(BadInput, match=f"holds no {ANNOTATIONS}"):
        converted(tmp_path)
