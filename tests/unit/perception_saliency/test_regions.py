"""Regions of a map: threshold, specks, dilation, merging, order, scale; evidence of a box."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.perception.saliency.regions import RegionSettings, evidence_in, salient_regions
from shared.geometry import mask_box

SETTINGS = RegionSettings(tau=0.5, dilation_of_height=0.0, min_area_share=0.0)


def saliency_map(*squares: tuple[int, int, int, float], size: int = 100) -> np.ndarray:
    result = np.zeros((size, size), np.float32)
    for y, x, side, value in squares:
        result[y : y + side, x : x + side] = value
    return result


def test_most_salient_first_and_only_above_tau() -> None:
    regions = salient_regions(saliency_map((10, 10, 8, 0.6), (60, 60, 8, 0.9), (10, 60, 8, 0.4)), SETTINGS)
    assert [region.box_xyxy_px for region in regions] == [(60, 60, 68, 68), (10, 10, 18, 18)]
    assert [region.evidence for region in regions] == pytest.approx([0.9, 0.6])
    assert all(region.mask.all() for region in regions)


def test_an_empty_map_has_no_region() -> None:
    assert salient_regions(saliency_map(), SETTINGS) == ()
    assert len(salient_regions(np.ones((20, 30), np.float32), SETTINGS)) == 1


def test_specks_are_dropped_before_they_grow() -> None:
    saliency = saliency_map((10, 10, 2, 1.0), (60, 60, 8, 0.9))
    settings = RegionSettings(tau=0.5, dilation_of_height=0.05, min_area_share=0.0005)
    (region,) = salient_regions(saliency, settings)
    x0, y0, x1, y1 = region.box_xyxy_px
    assert (x0, y0, x1, y1) == (55, 55, 73, 73)
    assert not region.mask[0, 0]  # grown by a disc


def test_what_touches_after_dilation_is_one_region() -> None:
    saliency = saliency_map((20, 20, 8, 0.8), (20, 34, 8, 0.7))
    assert len(salient_regions(saliency, SETTINGS)) == 2
    (joined,) = salient_regions(saliency, RegionSettings(tau=0.5, dilation_of_height=0.04, min_area_share=0.0))
    assert joined.box_xyxy_px == (16, 16, 46, 32)


def test_a_region_inside_a_ring_is_merged_with_it() -> None:
    saliency = saliency_map((20, 20, 40, 0.8))
    saliency[24:56, 24:56] = 0
    saliency[38:42, 38:42] = 0.9
    (joined,) = salient_regions(saliency, SETTINGS)
    assert joined.box_xyxy_px == (20, 20, 60, 60)
    assert joined.mask.sum() == 40 * 40 - 32 * 32 + 16


def test_a_large_map_gives_the_regions_of_a_small_one() -> None:
    small = cv2.GaussianBlur(saliency_map((20, 20, 20, 1.0), (60, 50, 30, 0.9)), (0, 0), 2)
    large = cv2.resize(small, (1500, 1500), interpolation=cv2.INTER_LINEAR)
    settings = RegionSettings(tau=0.5, max_side_px=300)
    for few, many in zip(salient_regions(small, settings), salient_regions(large, settings), strict=True):
        np.testing.assert_allclose(np.asarray(many.box_xyxy_px) / 15, few.box_xyxy_px, atol=1.5)
        assert many.mask.shape == (
            many.box_xyxy_px[3] - many.box_xyxy_px[1],
            many.box_xyxy_px[2] - many.box_xyxy_px[0],
        )


@given(arrays(np.float32, (24, 30), elements=st.floats(0, 1, width=32)), st.floats(0.1, 0.9), st.floats(0, 0.1))
def test_regions_cover_the_binary_map_with_tight_boxes(saliency: np.ndarray, tau: float, dilation: float) -> None:
    settings = RegionSettings(tau=tau, dilation_of_height=dilation, min_area_share=0.0)
    regions = salient_regions(saliency, settings)
    covered = np.zeros(saliency.shape, np.bool_)
    for region in regions:
        x0, y0, x1, y1 = region.box_xyxy_px
        assert region.mask.shape == (y1 - y0, x1 - x0)
        assert mask_box(region.mask) == (0, 0, x1 - x0, y1 - y0)
        covered[y0:y1, x0:x1] |= region.mask
        assert 0 <= region.evidence <= 1
    assert (covered >= (saliency >= tau)).all()
    assert [region.evidence for region in regions] == sorted((region.evidence for region in regions), reverse=True)


def test_evidence_is_the_brightest_twentieth() -> None:
    saliency = np.zeros((20, 20), np.float32)
    saliency[0, :20] = 0.8  # exactly 20 of 400
    assert evidence_in(saliency, (0, 0, 20, 20)) == pytest.approx(0.8)
    assert evidence_in(saliency, (0, 1, 20, 20)) == 0.0
    assert evidence_in(saliency, (5, 0, 6, 1)) == pytest.approx(0.8)
    assert evidence_in(saliency, (30, 30, 40, 40)) == 0.0
    assert evidence_in(saliency, (-5, -5, 25, 25)) == pytest.approx(0.8)
