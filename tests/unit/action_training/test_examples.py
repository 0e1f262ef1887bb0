"""Pairs and crops to train on: the same from a folder as drawn, cut as the agent cuts, the same each time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.blob_pairs import BlobPairs

from services.action.crops import region_crop_box
from services.action.training.examples import GENERIC, BlemishCut, HoleCut, blemish_cases, cut_crops, hole_cases
from services.datasets.pairs import FolderPairs, RenderedPairs, folder_pairs
from shared.errors import BadInput
from shared.geometry import mask_box


def test_a_folders_pairs_are_those_that_were_drawn(tmp_path: Path) -> None:
    pytest.importorskip("skia")
    from services.datasets.benchmark import write_benchmark

    write_benchmark(tmp_path, 3, seed=5)
    drawn, read = RenderedPairs(3, 5), folder_pairs([tmp_path])
    assert len(read) == len(drawn) == 3
    for index in range(3):
        one, other = drawn[index], read[index]
        assert np.array_equal(one.image, other.image) and np.array_equal(one.clean, other.clean)
        assert [b.instruction for b in one.blemishes] == [b.instruction for b in other.blemishes]
        for ours, theirs in zip(one.blemishes, other.blemishes, strict=True):
            assert np.array_equal(ours.visible, theirs.visible) and np.array_equal(ours.repair, theirs.repair)
    assert any(read[index].blemishes for index in range(3))
    with pytest.raises(IndexError):
        read[3]
    (tmp_path / read.rows[0][1].file_name).write_bytes(b"no picture")
    with pytest.raises(BadInput, match="cannot be read"):
        read[0]


def test_data_without_twins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not there"):
        folder_pairs([tmp_path])
    (tmp_path / "metadata.jsonl").write_text("")
    with pytest.raises(BadInput, match="clean twin"):
        folder_pairs([tmp_path])
    assert len(FolderPairs(())) == 0


def test_a_case_is_the_agents_crop_of_the_blemish() -> None:
    pair = BlobPairs(1, size=200)[0]
    case = next(blemish_cases(pair))
    box = mask_box(pair.blemishes[0].visible)
    assert box is not None
    x0, y0, x1, y1 = region_crop_box(box, 3, (200, 200))
    assert abs(case.image.shape[0] - (y1 - y0)) <= 2 and abs(case.image.shape[1] - (x1 - x0)) <= 2
    assert case.mask.any() and not case.mask.all()
    assert not np.array_equal(case.image[case.mask], case.clean[case.mask])
    assert np.array_equal(case.image[~case.mask], case.clean[~case.mask])
    assert list(blemish_cases(BlobPairs(3)[2])) == []


def test_holes_lie_in_clean_pictures() -> None:
    for case in hole_cases(BlobPairs(3)[0], np.random.default_rng(1), 20):
        assert np.array_equal(case.image[~case.mask], case.clean[~case.mask])
        cut_out = (case.image == 128).all(axis=2)
        assert 0 < cut_out.sum() < case.mask.sum() and case.mask[cut_out].all()  # to do nothing is no repair
        assert case.mask.shape == case.image.shape[:2]
        assert 0 < case.mask.mean() < 0.9
        assert case.instruction == "a wall"


def test_crops_are_cut_once_and_the_same(tmp_path: Path) -> None:
    source = BlobPairs(12, size=128)  # with room around a blob for a region that is off by much
    cut = cut_crops(source, BlemishCut(3), 32, 7, tmp_path / "a", lambda line: None)
    again = cut_crops(source, BlemishCut(3), 32, 7, tmp_path / "b", lambda line: None)
    assert len(cut) == 8 * 3
    assert cut.pixels.shape == (24, 32, 32, 9)
    assert np.array_equal(cut.pixels, again.pixels) and list(cut.words) == list(again.words)
    assert set(cut.words) == {"remove the red square", GENERIC}
    assert len({crop.tobytes() for crop in np.asarray(cut.pixels)}) > 20  # each is cut a little differently
    every = [cut_crops(source, BlemishCut(1, vague), 32, 7, tmp_path / str(vague), print) for vague in (0, 1)]
    assert [set(one.words) for one in every] == [{"remove the red square"}, {GENERIC}]
    kept = cut_crops(BlobPairs(0), BlemishCut(3), 32, 7, tmp_path / "a", lambda line: None)
    assert len(kept) == 24  # a resumed run reads them back
    assert len(cut_crops(BlobPairs(2), HoleCut(2), 32, 0, tmp_path / "c", lambda line: None)) == 4


def test_more_processes_cut_the_same_crops(tmp_path: Path) -> None:
    source = BlobPairs(40)
    said: list[str] = []
    alone = cut_crops(source, BlemishCut(2), 16, 7, tmp_path / "a", said.append)
    together = cut_crops(source, BlemishCut(2), 16, 7, tmp_path / "b", said.append, workers=2)
    assert np.array_equal(alone.pixels, together.pixels)
    assert np.array_equal(alone.mirrors, together.mirrors)
    assert list(alone.words) == list(together.words)
    assert [line.split(",")[0] for line in said] == ["54 crops of 40 of 40 images"] * 2


@pytest.mark.parametrize("workers", [0, 1])
def test_cutting_ends_by_the_clock_with_the_first_samples(workers: int, tmp_path: Path) -> None:
    source = BlobPairs(200)
    every = cut_crops(source, BlemishCut(1), 16, 7, tmp_path / "a", lambda line: None)
    first = cut_crops(source, BlemishCut(1), 16, 7, tmp_path / "b", lambda line: None, workers, seconds=0)
    assert 0 < len(first) < len(every)
    assert np.array_equal(first.pixels, every.pixels[: len(first)])
    assert list(first.words) == list(every.words[: len(first)])


def test_labelled_pairs_say_what_is_no_backdrop(tmp_path: Path) -> None:
    pytest.importorskip("skia")
    plain, labelled = RenderedPairs(8, 5), RenderedPairs(8, 5, labelled=True)
    assert plain[0].shown is None and plain[0].written
    pairs = [labelled[index] for index in range(8)]
    assert np.array_equal(pairs[0].image, plain[0].image)
    for pair in pairs:
        assert pair.shown is not None and pair.clean_shown is not None
        assert 0 < pair.shown.mean() < 1 and pair.shown.shape == pair.image.shape[:2]
    assert len({pair.written for pair in pairs}) == 2
    crops = cut_crops(labelled, BlemishCut(1), 32, 7, tmp_path / "labelled", lambda line: None)
    assert crops.pixels[..., 7].min() == 0 and crops.pixels[..., 8].max() == 255
    assert (cut_crops(plain, BlemishCut(1), 32, 7, tmp_path / "plain", lambda line: None).pixels[..., 7:] == 255).all()


def test_sides_are_not_mirrored() -> None:
    pair = replace(BlobPairs(1)[0], written=False)
    assert next(blemish_cases(pair)).may_mirror
    told = replace(pair.blemishes[0], instruction="Remove the left square")
    assert not next(blemish_cases(replace(pair, blemishes=(told,)))).may_mirror
    assert not next(blemish_cases(replace(pair, written=True))).may_mirror
