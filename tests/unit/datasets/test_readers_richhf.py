"""RichHF-18K in its published shape: scores and heat maps from TFRecords, images and prompts from Pick-a-Pic."""

import io
from pathlib import Path

import numpy as np
import pytest
from fakes.tfrecords import example, record
from PIL import Image

from services.datasets.readers.catalogue import open_reader
from services.datasets.readers.richhf import RichHf, agreed_regions
from services.datasets.readers.source import Converted, write_converted
from services.datasets.schema import BlemishRecord, read_records
from shared.contracts.categories import Category
from shared.errors import BadInput, ErrorCode


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def heat(*boxes: tuple[int, int, int, int, int], side: int = 512) -> bytes:
    """A map of 8 bits with boxes (x0, y0, x1, y1, level)."""
    pixels = np.zeros((side, side), np.uint8)
    for x0, y0, x1, y1, level in boxes:
        pixels[y0:y1, x0:x1] = level
    return encoded(pixels)


def labels(uid: str, artifact: bytes, misalignment: bytes, **changed: list) -> bytes:
    features: dict[str, list] = {
        "filename": [f"train/{uid}.png".encode()],
        "artifact_score": [0.75],
        "misalignment_score": [0.5],
        "aesthetics_score": [0.25],
        "overall_score": [1.0],
        "artifact_map": [artifact],
        "misalignment_map": [misalignment],
        "prompt_misalignment_label": [b"1 1 0 1"],
    }
    return example({name: value for name, value in (features | changed).items() if value})


def records_file(folder: Path, *examples: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.tfrecord").write_bytes(b"".join(map(record, examples)))
    return folder


def picture(folder: Path, uid: str, size: tuple[int, int] = (512, 512), prompt: str = "a red cup") -> np.ndarray:
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.full((*size, 3), 90, np.uint8)
    (folder / f"{uid}.png").write_bytes(encoded(pixels))
    if prompt:
        (folder / f"{uid}.txt").write_text(prompt + "\n", encoding="utf-8")
    return pixels


def converted(tmp_path: Path, source: Path, images: Path) -> tuple[Converted, list[BlemishRecord]]:
    found = write_converted(open_reader("richhf", source, images, None), tmp_path / "out")
    return found, list(read_records(tmp_path / "out"))


def test_maps_become_regions_and_scores_keep_their_meaning(tmp_path: Path) -> None:
    source = records_file(
        tmp_path / "labels",
        labels("u1", heat((100, 50, 200, 150, 255), (300, 300, 340, 320, 170)), heat((0, 0, 64, 32, 128))),
    )
    pixels = picture(tmp_path / "pick" / "000", "u1")
    found, (row,) = converted(tmp_path, source, tmp_path / "pick")
    assert (found.images, found.healthy, found.regions, found.without_prompt) == (1, 0, 3, 0)
    assert (row.scores.plausibility, row.scores.alignment) == (0.75, 0.5)
    assert (row.scores.aesthetics, row.scores.overall) == (0.25, 1.0)
    assert row.source == "RichHF-18K/train"
    assert "implausibility is written as object_deformation and misalignment is written as attribute" in found.notes[0]
    assert row.prompt == "a red cup" and row.prompt_contradicts and not row.healthy
    assert [(r.kind, r.category, r.box_xyxy_px) for r in row.regions] == [
        ("implausibility", Category.OBJECT_DEFORMATION, (100, 50, 200, 150)),
        ("implausibility", Category.OBJECT_DEFORMATION, (300, 300, 340, 320)),
        ("misalignment", Category.ATTRIBUTE, (0, 0, 64, 32)),
    ]
    assert row.regions[0].centre_xy_px == (150.0, 100.0)
    assert row.regions[0].visible_share == pytest.approx(100 * 100 / 512**2)
    mask = np.asarray(Image.open(tmp_path / "out" / row.visible_mask_file_names[1]))
    assert mask.sum() == 255 * 40 * 20 and mask[300:320, 300:340].min() == 255
    assert row.repair_mask_file_names == row.visible_mask_file_names and row.clean_file_name is None
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / row.file_name)), pixels)


def test_maps_are_scaled_to_the_image(tmp_path: Path) -> None:
    source = records_file(tmp_path / "labels", labels("u1", heat((128, 256, 256, 384, 255)), heat()))
    picture(tmp_path / "pick", "u1", size=(256, 768))
    _, (row,) = converted(tmp_path, source, tmp_path / "pick")
    assert row.size_hw == (256, 768)
    assert row.regions[0].box_xyxy_px == pytest.approx((192, 128, 384, 192), abs=1)
    assert not row.prompt_contradicts


def test_what_is_neither_healthy_nor_agreed_is_left_out_and_said(tmp_path: Path) -> None:
    nothing = heat()
    source = records_file(
        tmp_path / "labels",
        labels("healthy", nothing, nothing),
        labels("disputed", heat((0, 0, 100, 100, 127)), nothing),
        labels("speck", nothing, heat((0, 0, 7, 7, 255))),
        labels("gone", nothing, nothing),
        labels("broken", nothing, nothing),
    )
    for uid in ("healthy", "disputed", "speck", "stranger"):
        picture(tmp_path / "pick", uid, prompt="")
    (tmp_path / "pick" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nshort")
    found, (row,) = converted(tmp_path, source, tmp_path / "pick")
    assert row.healthy and not row.regions and row.prompt == "" and found.without_prompt == 1
    assert dict(found.left_out) == {
        "images whose marks make no region (under half of the annotators agree, or specks)": 2,
        "images that cannot be read (truncated_image)": 1,
        f"images that are not in {tmp_path / 'pick'}": 1,
    }


def test_images_and_captions_from_the_published_shards(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    source = records_file(
        tmp_path / "labels", labels("l", heat((0, 0, 90, 90, 255)), heat()), labels("r", heat(), heat())
    )
    grey, white = (np.full((512, 512, 3), level, np.uint8) for level in (90, 255))
    columns = {
        "caption": ["other", "two\n cups"],
        "image_0_uid": ["x", "l"],
        "jpg_0": [b"not asked for", encoded(grey, "JPEG")],
        "image_1_uid": ["y", "r"],
        "jpg_1": [b"not asked for", encoded(white, "JPEG")],
        "ranking": [0, 1],
    }
    shards = tmp_path / "pick" / "data"
    shards.mkdir(parents=True)
    parquet.write_table(pa.table(columns), shards / "train-00000.parquet", row_group_size=1)
    found, rows = converted(tmp_path, source, tmp_path / "pick")
    assert not found.left_out and [row.prompt for row in rows] == ["two cups", "two cups"]
    assert [row.healthy for row in rows] == [False, True]
    assert np.asarray(Image.open(tmp_path / "out" / rows[1].file_name)).min() == 255


def test_shards_of_another_data_set_are_refused(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    source = records_file(tmp_path / "labels", labels("u1", heat(), heat()))
    (tmp_path / "pick").mkdir()
    parquet.write_table(pa.table({"caption": ["a"], "picture": [b""]}), tmp_path / "pick" / "a.parquet")
    with pytest.raises(BadInput, match="has the columns caption, picture, not image_0_uid, jpg_0"):
        converted(tmp_path, source, tmp_path / "pick")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"artifact_map": []}, r"no feature artifact_map .* found aesthetics_score \(1 float\).*expected"),
        ({"overall_score": [7]}, r"no feature overall_score of one float; found .*overall_score \(1 int\)"),
        ({"overall_score": [4.0]}, "overall_score is 4.0, outside"),
        ({"filename": [b"a", b"b"]}, "no feature filename"),
    ],
)
def test_other_features_are_named(changed: dict[str, list], words: str, tmp_path: Path) -> None:
    source = records_file(tmp_path / "labels", labels("u1", heat(), heat(), **changed))
    with pytest.raises(BadInput, match=words) as caught:
        RichHf(source, tmp_path)
    assert caught.value.code is ErrorCode.BAD_OPTION


def test_a_map_that_is_no_image_is_refused(tmp_path: Path) -> None:
    source = records_file(tmp_path / "labels", labels("u1", b"nonsense", heat()))
    picture(tmp_path / "pick", "u1")
    with pytest.raises(BadInput, match="implausibility of u1 is no image"):
        converted(tmp_path, source, tmp_path / "pick")


def test_wrong_places_are_said(tmp_path: Path) -> None:
    source = records_file(tmp_path / "labels", labels("u1", heat(), heat()))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"there is no .*nowhere"):
        RichHf(tmp_path / "nowhere", tmp_path)
    with pytest.raises(BadInput, match="as --images"):
        RichHf(source, None)
    with pytest.raises(BadInput, match=r"holds no .*tfrecord"):
        RichHf(tmp_path / "empty", tmp_path)
    with pytest.raises(BadInput, match=r"there is no folder .*nowhere"):
        converted(tmp_path, source, tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"not one image .*1 images that are not in") as caught:
        converted(tmp_path, source, tmp_path / "empty")
    assert caught.value.code is ErrorCode.MISSING_DATA
    with pytest.raises(BadInput, match="leave out --labels"):
        open_reader("richhf", source, tmp_path, tmp_path / "labels.json")


def test_regions_are_components_of_what_half_agree_on() -> None:
    level = np.zeros((200, 200), np.float32)
    level[10:30, 10:30] = 0.5
    level[30:50, 30:50] = 1.0  # touches at a corner: one region
    level[100:160, 100:160] = 0.9
    level[180, 180] = 1.0
    level[60:90, 60:90] = 0.49
    first, second = agreed_regions(level)
    assert first.sum() == 3600 and second.sum() == 800
    assert not agreed_regions(np.zeros((64, 64), np.float32))
