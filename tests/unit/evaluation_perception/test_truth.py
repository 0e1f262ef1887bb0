"""Images under evaluation as the folder has them, and the foreground that is found by drawing them anew."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from services.datasets.benchmark.writer import OPTIONS
from services.datasets.schema import read_records
from services.evaluation.perception.truth import drawn_images, folder_images
from shared.errors import BadInput, ErrorCode
from shared.images import decode_rgb, encode_png


def test_a_folder_gives_what_was_drawn_into_it(drawn: Path) -> None:
    read = list(folder_images(drawn, tuple(read_records(drawn))))
    made = list(drawn_images(3, 12, "test", 256))
    assert len(read) == len(made) == 12
    for a, b in zip(read, made, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.mask(), b.mask())
        assert a.prompt == b.prompt
        assert a.categories == b.categories
        assert a.foreground is not None
        assert b.foreground is not None
        np.testing.assert_array_equal(a.foreground, b.foreground)


def test_the_foreground_is_every_drawn_thing_and_blind_to_blemishes() -> None:
    inside, larger = [], []
    for truth in drawn_images(3, 24, "test", 256):
        assert truth.foreground is not None
        assert 0.01 < truth.foreground.mean() < 0.95
        if truth.regions:
            inside.append((truth.foreground & truth.mask()).sum() / truth.mask().sum())
            larger.append(truth.foreground.sum() / truth.mask().sum())
    assert np.median(larger) > 5
    assert np.mean(inside) > 0.75  # the rest is what a missing thing has left


def test_an_image_that_another_generator_drew_has_no_foreground(drawn: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(drawn, tmp_path / "copy"))
    records = tuple(read_records(folder))[:3]
    first, second = (folder / record.file_name for record in records[:2])
    first.write_bytes(encode_png(255 - decode_rgb(first.read_bytes())))
    grained = decode_rgb(second.read_bytes()).astype(np.int16) + 1
    second.write_bytes(encode_png(np.clip(grained, 0, 255).astype(np.uint8)))
    known = [truth.foreground is not None for truth in folder_images(folder, records)]
    assert known == [False, True, True]
    (folder / OPTIONS).unlink()
    assert all(truth.foreground is None for truth in folder_images(folder, records))


def test_damage_is_a_clear_error(drawn: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(drawn, tmp_path / "copy"))
    records = tuple(read_records(folder))
    blemished = next(record for record in records if record.regions)
    fewer = blemished.model_copy(update={"visible_mask_file_names": ()})
    with pytest.raises(BadInput, match="visible masks") as caught:
        list(folder_images(folder, [fewer]))
    assert caught.value.code is ErrorCode.BAD_OPTION
    (folder / OPTIONS).write_text(json.dumps({"seed": 3}))
    with pytest.raises(BadInput, match="damaged") as caught:
        list(folder_images(folder, records))
    assert caught.value.code is ErrorCode.FILE_NOT_READABLE
