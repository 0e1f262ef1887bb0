"""Regions: ids that stay, masks in the store, the caller's marks, protection and saliency."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.perception.detectors.base import Finding
from services.perception.regions import (
    USER,
    Candidate,
    RegionWriter,
    highest_number,
    tight,
    user_candidates,
    without_covered_marks,
)
from shared.adapters.memory import MemoryImageStore
from shared.contracts.base import BoxXYXY
from shared.contracts.values import Region
from shared.errors import BadInput, ErrorCode
from shared.geometry import iou
from shared.images import decode_gray

SIZE = (100, 120)


def _candidate(box: BoxXYXY, detector: str = "text", evidence: float = 0.8) -> Candidate:
    return Candidate(detector, Finding(box, np.ones((box[3] - box[1], box[2] - box[0]), np.bool_), evidence))


def _writer(prefix: str = "job_a/s1-d1", **kwargs: object) -> RegionWriter:
    settings = {"protected": None, "saliency": None, **kwargs}
    return RegionWriter(MemoryImageStore(), prefix, **settings)  # type: ignore[arg-type]


def test_new_regions_are_numbered_on_and_their_masks_stored() -> None:
    writer = _writer()
    first = writer.write([_candidate((0, 0, 10, 10)), _candidate((50, 50, 70, 60))], [])
    assert [r.id for r in first] == ["r1", "r2"]
    mask = decode_gray(writer.store.get(first[1].mask_ref))
    assert mask.shape == (10, 20)
    assert (mask == 255).all()
    assert first[1].mask_ref == "job_a/s1-d1/r2.mask.png"
    later = _writer("job_a/s2-d2").write([_candidate((80, 80, 90, 90)), _candidate((51, 50, 70, 60))], first)
    assert [r.id for r in later] == ["r3", "r2"]


def test_another_detector_at_the_same_place_is_another_region() -> None:
    known = _writer().write([_candidate((0, 0, 10, 10))], [])
    assert _writer("job_a/s2-d2").write([_candidate((0, 0, 10, 10), "saliency")], known)[0].id == "r2"


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(0, 70), st.integers(2, 25), st.integers(2, 25)),
        min_size=1,
        max_size=6,
    ),
    st.integers(-4, 4),
)
def test_ids_are_unique_and_kept_only_where_boxes_agree(places: list[tuple[int, int, int, int]], shift: int) -> None:
    boxes = [(x, y, x + w, y + h) for x, y, w, h in places]
    known = _writer().write([_candidate(box) for box in boxes], [])
    moved = [(max(0, x0 + shift), y0, max(1, x1 + shift), y1) for x0, y0, x1, y1 in boxes]
    later = _writer("job_a/s2-d2").write([_candidate(box) for box in moved if box[2] > box[0]], known)
    assert len({r.id for r in later}) == len(later)
    by_id: dict[str, Region] = {r.id: r for r in known}
    for region in later:
        if region.id in by_id:
            assert iou(by_id[region.id].box_xyxy_px, region.box_xyxy_px) >= 0.5


def test_protection_and_saliency_are_measured_inside_the_mask() -> None:
    protected = np.zeros(SIZE, np.bool_)
    protected[:, :5] = True
    saliency = np.zeros(SIZE, np.float32)
    saliency[0, 0] = 0.9
    region = _writer(protected=protected, saliency=saliency).write([_candidate((0, 0, 10, 10))], [])[0]
    assert region.protected_share == pytest.approx(0.5)
    assert region.saliency_peak == pytest.approx(0.9)
    assert region.saliency_mean == pytest.approx(0.009)


def test_the_callers_mask_gives_one_candidate_for_each_connected_part() -> None:
    mask = np.zeros(SIZE, np.bool_)
    mask[10:20, 10:30] = True
    mask[50:60, 40:50] = True
    mask[90, 90] = True
    found = user_candidates([(100, 90, 140, 130)], mask, SIZE)
    assert [c.finding.box_xyxy_px for c in found] == [(100, 90, 120, 100), (10, 10, 30, 20), (40, 50, 50, 60)]
    assert all(c.detector == USER and c.finding.evidence == 1.0 for c in found)


@pytest.mark.parametrize(
    ("boxes", "mask", "code"),
    [
        ([(200, 0, 210, 10)], None, ErrorCode.BAD_REGION),
        ([], np.zeros((10, 10), np.bool_), ErrorCode.MASK_SIZE_MISMATCH),
        ([], np.zeros(SIZE, np.bool_), ErrorCode.EMPTY_MASK),
    ],
)
def test_regions_that_do_not_fit_are_refused(boxes: list[BoxXYXY], mask: np.ndarray | None, code: ErrorCode) -> None:
    with pytest.raises(BadInput) as caught:
        user_candidates(boxes, mask, SIZE)
    assert caught.value.code is code
    assert "\n" not in str(caught.value)


def test_a_mark_that_a_finding_explains_is_left_to_the_finding() -> None:
    marks = user_candidates([(0, 0, 40, 20), (60, 60, 80, 80)], None, SIZE)
    kept = without_covered_marks(marks, [(5, 5, 35, 18)])
    assert [m.finding.box_xyxy_px for m in kept] == [(60, 60, 80, 80)]


def test_a_box_is_cut_tight_around_its_mask() -> None:
    mask = np.zeros((10, 10), np.bool_)
    mask[2:4, 3:9] = True
    cut = tight(Finding((20, 30, 30, 40), mask, 0.5))
    assert cut is not None
    assert cut.box_xyxy_px == (23, 32, 29, 34)
    assert cut.mask.all()
    assert tight(Finding((0, 0, 10, 10), np.zeros((10, 10), np.bool_), 0.5)) is None


def test_the_highest_number_ignores_other_ids() -> None:
    assert highest_number(["r2", "r11", "x5", "r", "r1a"]) == 11
    assert highest_number([]) == 0
