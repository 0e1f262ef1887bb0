"""A folder of tries is read back as it was written, and a damaged one says what is wrong."""

from pathlib import Path

import numpy as np
import pytest

from services.datasets.tries import (
    TRIES,
    TriedImage,
    TriesWriter,
    Try,
    read_picture_records,
    read_tries,
    read_try_records,
)
from shared.errors import BadInput, ErrorCode
from shared.images import encode_png

RNG = np.random.default_rng(0)


def one_try(kind: str, right: bool) -> Try:
    pixels = RNG.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    alpha = RNG.integers(0, 255, (6, 8), dtype=np.uint8)
    return Try(kind, "brush", (4, 2, 12, 8), (3, 1, 13, 9), pixels, alpha, right, 2.5 if right else None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    image = RNG.integers(0, 255, (20, 30, 3), dtype=np.uint8)
    with TriesWriter(tmp_path / "tries") as writer:
        writer.write(
            TriedImage("images/7.png", image, "a cat", False, (one_try("attempt", True), one_try("mean", False)))
        )
        writer.write(TriedImage("images/8.png", image, "a dog", True, ()))
        writer.write(TriedImage("images/9.png", image, "a cow", True, (one_try("attempt", False),)))
    return tmp_path / "tries"


def test_what_was_written_is_read_back(folder: Path) -> None:
    records = read_try_records(folder)
    assert [(record.kind, record.right, record.gain_db) for record in records] == [
        ("attempt", True, 2.5),
        ("mean", False, None),
        ("attempt", False, None),
    ]
    cat, cow = read_tries(folder, records)
    assert (cat.prompt, len(cat.tries), cow.prompt, len(cow.tries)) == ("a cat", 2, "a cow", 1)
    assert cat.image.shape == (20, 30, 3)
    assert cat.tries[0].pixels.shape == (6, 8, 3) and cat.tries[0].alpha.shape == (6, 8)
    assert cat.tries[0].region_box == (3, 1, 13, 9)


def test_pictures_without_a_try_are_counted(folder: Path) -> None:
    assert [(one.healthy, one.tries) for one in read_picture_records(folder)] == [(False, 2), (True, 0), (True, 1)]


def test_a_folder_without_tries_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="collect-tries"):
        read_try_records(tmp_path)


def test_a_damaged_line_is_named(folder: Path) -> None:
    with (folder / TRIES).open("a") as file:
        file.write("{}\n")
    with pytest.raises(BadInput, match="line 4"):
        read_try_records(folder)


def test_a_patch_of_another_size_than_its_box_is_refused(folder: Path) -> None:
    records = read_try_records(folder)
    (folder / records[0].pixels_file_name).write_bytes(encode_png(np.zeros((5, 5, 3), np.uint8)))
    with pytest.raises(BadInput) as caught:
        list(read_tries(folder, records))
    assert caught.value.code is ErrorCode.FILE_NOT_READABLE


def test_a_folder_is_written_once(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds tries already") as caught:
        TriesWriter(folder)
    assert caught.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="choose another folder") as caught:
        TriesWriter(tmp_path / "file" / "below")
    assert caught.value.code is ErrorCode.OUTPUT_NOT_WRITABLE
