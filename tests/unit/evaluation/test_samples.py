from pathlib import Path

import numpy as np
import pytest

from services.evaluation.text.samples import (
    TestPicture,
    kinds,
    load_picture,
    make_pictures,
    save_pictures,
    with_other_word,
)
from services.evaluation.text.scoring import folded
from services.evaluation.text.truth import FAULTS, HEALTHY, INDEX, Kind, read_index
from shared.errors import BadInput, ErrorCode, MissingResource


def test_kinds_are_dealt_evenly() -> None:
    dealt = kinds(36)
    assert {dealt.count(kind) for kind in FAULTS} == {3}
    assert sum(kind in HEALTHY for kind in dealt) == 18
    assert {Kind.CORRECT, Kind.UNMENTIONED, Kind.NO_WORDS} <= set(dealt)


@pytest.fixture(scope="module")
def pictures() -> tuple[TestPicture, ...]:
    return tuple(make_pictures(6, 7))


def test_pictures_are_replayed_by_their_seed(pictures: tuple[TestPicture, ...]) -> None:
    for one, other in zip(pictures, make_pictures(2, 7), strict=False):
        assert one.sample == other.sample
        assert np.array_equal(one.image, other.image)
    other = next(make_pictures(1, 8))
    assert pictures[0].image.shape != other.image.shape or np.any(pictures[0].image != other.image)


def test_pictures_agree_with_their_prompts(pictures: tuple[TestPicture, ...]) -> None:
    for picture in pictures:
        sample = picture.sample
        assert bool(sample.places) is not sample.healthy
        assert bool(sample.fault_quads_px) is not sample.healthy
        assert np.array_equal(picture.image, picture.twin) is sample.healthy
        if sample.kind not in (Kind.UNMENTIONED, Kind.NO_WORDS):
            assert sample.lines
            for line in sample.lines:
                assert folded(line.text) in folded(sample.prompt)


def test_another_word_is_neither_the_right_nor_the_spoilt_one(pictures: tuple[TestPicture, ...]) -> None:
    picture, healthy = pictures[0], pictures[1]
    other = with_other_word(picture, picture.sample.places[0].text)
    assert np.any(other != picture.twin)
    assert np.any(other != picture.image)
    with pytest.raises(ValueError, match="no fault"):
        with_other_word(healthy, "WORD")


def test_a_saved_folder_reads_back(tmp_path: Path, pictures: tuple[TestPicture, ...]) -> None:
    saved = save_pictures(tmp_path, iter(pictures[:3]))
    assert read_index(tmp_path) == saved
    for picture, sample in zip(pictures, saved, strict=False):
        loaded = load_picture(tmp_path, sample)
        assert np.array_equal(loaded.image, picture.image)
        assert np.array_equal(loaded.twin, picture.twin)


def test_a_bad_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MissingResource, match=INDEX) as missing:
        read_index(tmp_path)
    assert missing.value.code is ErrorCode.MISSING_DATA
    (tmp_path / INDEX).write_text('[{"file": "a.png", "prompt": "x", "kind": "odd"}]')
    with pytest.raises(BadInput, match=r"0\.kind"):
        read_index(tmp_path)
    (tmp_path / INDEX).write_text('[{"file": "a.png", "prompt": "x", "kind": "correct"}]')
    with pytest.raises(MissingResource, match=r"a\.png"):
        read_index(tmp_path)
