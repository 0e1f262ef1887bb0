"""Proposed regions: the matching rule, spoilt shapes, seeds, folders of them, and the command."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes.marked import MarkedSource, write_marked
from typer.testing import CliRunner

from services.cli import app
from services.datasets.proposals.folder import PROPOSALS, ProposalFolder, read_proposals, write_proposals
from services.datasets.proposals.matching import Match, match
from services.datasets.proposals.propose import Proposal, Proposing
from services.datasets.proposals.shapes import spoilt
from shared.contracts.base import BoxXYXY
from shared.errors import BadInput, ErrorCode
from shared.geometry import Mask, mask_box
from shared.images import Rgb

SAMPLES = MarkedSource(48)


def mask(box: BoxXYXY, size_hw: tuple[int, int] = (80, 120)) -> Mask:
    result = np.zeros(size_hw, np.bool_)
    result[box[1] : box[3], box[0] : box[2]] = True
    return result


SMALL, LARGE = mask((10, 10, 20, 20)), mask((60, 20, 100, 60))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10, 10, 20, 20), Match(0, 1.0)),
        ((15, 10, 25, 20), Match(0, 0.5)),  # IoU 1/3
        ((0, 0, 50, 50), Match(0, 1.0)),  # far too large: the centre is inside
        ((62, 22, 80, 40), Match(1, 324 / 1600)),  # a part of the large one: IoU 0.2025
        ((0, 0, 120, 80), Match(1, 1.0)),  # both: the higher IoU
        ((30, 10, 50, 30), Match(None, 0.0)),
        ((20, 10, 30, 20), None),  # touches the small one's margin: neither
        ((96, 56, 110, 70), None),  # a corner of the large one
    ],
)
def test_the_matching_rule(box: BoxXYXY, expected: Match | None) -> None:
    assert match(box, [SMALL, LARGE]) == expected


def test_without_a_blemish_every_place_is_sound() -> None:
    assert match((0, 0, 5, 5), ()) == Match(None, 0.0)


@pytest.mark.parametrize("way", ["jittered", "too large", "too small"])
def test_a_spoilt_mask_is_never_the_silhouette_and_stays_near(way: str) -> None:
    areas = []
    for seed in range(40):
        region = spoilt(LARGE, way, random.Random(seed))  # type: ignore[arg-type]
        assert region.shape == LARGE.shape and region.any()
        assert not np.array_equal(region, LARGE)
        assert (region & LARGE).any()
        areas.append(region.sum() / LARGE.sum())
    if way == "too large":
        assert min(areas) > 1.2
    if way == "too small":
        assert np.median(areas) < 0.9


def test_proposals_are_by_seed_and_of_every_sort() -> None:
    source = Proposing(SAMPLES, seed=4, passes=2)
    every = [one for index in range(len(source)) for one in source[index]]
    assert {one.way for one in every} >= {"jittered", "too large", "too small", "twin", "sound"}
    assert 0.3 < np.mean([one.truth is not None for one in every]) < 0.7
    again, other = Proposing(SAMPLES, seed=4), Proposing(SAMPLES, seed=5)
    assert [one.box_xyxy_px for one in source[1]] == [one.box_xyxy_px for one in again[1]]
    differ = [[one.box_xyxy_px for one in again[at]] != [one.box_xyxy_px for one in other[at]] for at in range(6)]
    passes = [
        [one.box_xyxy_px for one in source[at]] != [one.box_xyxy_px for one in source[at + 48]] for at in range(6)
    ]
    assert any(differ) and any(passes)
    once, twice = ([one.box_xyxy_px for one in Proposing(SAMPLES, seed=4, rounds=rounds)[1]] for rounds in (1, 2))
    assert len(twice) > len(once) and twice[: len(once)] == once


def test_a_proposal_tells_the_truth_of_its_image() -> None:
    source = Proposing(SAMPLES)
    for index in range(len(SAMPLES)):
        for one in source[index]:
            x0, y0, x1, y1 = one.box_xyxy_px
            assert one.mask.shape == (y1 - y0, x1 - x0) and one.mask.any()
            coloured = np.ptp(one.image[y0:y1, x0:x1].astype(int), axis=2) > 0
            assert (one.truth is not None) == bool(coloured.any())
            assert one.on_twin == (one.way == "twin")
            assert (one.covered > 0) == (one.truth is not None)


def test_a_finder_s_regions_are_taken_as_they_are() -> None:
    def find(image: Rgb, prompt: str) -> Sequence[Mask]:
        coloured = np.ptp(image.astype(int), axis=2) > 0
        return [coloured] if coloured.any() else [mask((0, 0, 12, 12))]

    source = Proposing(SAMPLES, finder=find)
    sound, flawed = source[0], source[1]
    assert [(one.way, one.truth) for one in sound] == [("detector", None)]
    assert [one.truth is not None for one in flawed] == [True, False]
    assert flawed[0].box_xyxy_px == mask_box(SAMPLES[1].visible_masks[0])
    assert flawed[1].on_twin


def same(a: Proposal, b: Proposal) -> bool:
    plain = all(
        getattr(a, name) == getattr(b, name) for name in ("on_twin", "prompt", "box_xyxy_px", "way", "covered", "truth")
    )
    return plain and np.array_equal(a.image, b.image) and np.array_equal(a.mask, b.mask)


def test_a_folder_gives_back_what_was_proposed(tmp_path: Path) -> None:
    source = Proposing(MarkedSource(9), seed=1)
    advanced: list[int] = []
    written = write_proposals(source, tmp_path / "out", advanced.append)
    folder = read_proposals(tmp_path / "out")
    before = [source[index] for index in range(9) if source[index]]
    assert isinstance(folder, ProposalFolder) and len(folder) == len(before)
    for index, proposals in enumerate(before):
        assert all(same(a, b) for a, b in zip(proposals, folder[index], strict=True))
    assert sum(advanced) == written.samples == 9
    assert written.distorted + written.healthy == sum(len(one) for one in before)
    with pytest.raises(BadInput, match="not empty") as refused:
        write_proposals(source, tmp_path / "out")
    assert refused.value.code is ErrorCode.OUTPUT_NOT_WRITABLE


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, ErrorCode.FILE_NOT_READABLE), ("", ErrorCode.MISSING_DATA), ('{"sample": 1}\n', ErrorCode.BAD_OPTION)],
)
def test_a_damaged_folder_is_bad_input(text: str | None, code: ErrorCode, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / PROPOSALS).write_text(text)
    with pytest.raises(BadInput) as refused:
        read_proposals(tmp_path)
    assert refused.value.code is code
    assert "\n" not in refused.value.message


def test_the_command_proposes_regions_of_a_data_set(tmp_path: Path) -> None:
    data, out = write_marked(tmp_path / "data", 6), tmp_path / "out"
    result = CliRunner().invoke(
        app, ["dataset", "propose-regions", "--data", str(data), "--out", str(out), "--seed", "2"]
    )
    assert result.exit_code == 0, result.output
    assert "distorted and" in result.output and "of 6 images" in result.output
    expected = Proposing(MarkedSource(6), seed=2)
    found = read_proposals(out)
    assert [one.box_xyxy_px for one in found[0]] == [one.box_xyxy_px for one in expected[0]]
