"""Blending: what a whole-crop tool's result needs, what a matte must be spared, and the promise outside the mask."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.action.blend import VISIBLE_SEAM, blend, corrected_colour, feather
from services.action.tools.base import EditResult
from shared.geometry import Mask, dilate
from shared.images import Rgb, compose

H, W = 120, 160


def disc(radius: int = 35) -> Mask:
    mask = np.zeros((H, W), bool)
    mask[H // 2, W // 2] = True
    return dilate(mask, radius)


def scene(seed: int = 1) -> Rgb:
    y, x = np.mgrid[0:H, 0:W]
    base = np.stack([120 + 0.4 * x, 140 + 0.3 * y, 150 - 0.2 * x], axis=2)
    return np.clip(base + np.random.default_rng(seed).normal(0, 2, (H, W, 3)), 0, 255).astype(np.uint8)


def drifted(image: Rgb, constant: float, slope: float) -> Rgb:
    """What an image decoder does to colours: a cast that varies over the picture."""
    y, x = np.mgrid[0:H, 0:W]
    cast = constant + slope * np.stack([x / W, y / H, (x * y) / (W * H)], axis=2)
    return np.clip(np.round(image + cast), 0, 255).astype(np.uint8)


def whole(image: Rgb) -> EditResult:
    return EditResult(image, np.full((H, W), 255, np.uint8))


def composed(crop: Rgb, result: EditResult, mask: Mask) -> Rgb:
    made = blend(crop, result, mask)
    return compose(crop, made.image, made.alpha, (0, 0, W, H))


@pytest.mark.parametrize(("constant", "slope"), [(12, 0), (-8, 20), (5, -25)])
def test_a_cast_that_varies_over_the_crop_is_taken_out(constant: float, slope: float) -> None:
    crop = scene()
    corrected = corrected_colour(crop, drifted(scene(2), constant, slope), disc()).astype(float)
    rest = (corrected - crop)[disc()].mean(axis=0)
    assert np.abs(rest).max() < 1.0
    left = cv2.GaussianBlur((corrected - crop).mean(axis=2), (0, 0), 6)[disc()]
    assert np.abs(left).max() < 2.0


def test_new_content_survives_the_correction() -> None:
    crop = scene()
    made = drifted(crop, 10, 5)
    made[50:70, 70:90] = (200, 30, 30)
    corrected = corrected_colour(crop, made, disc()).astype(int)
    assert np.abs(corrected[55:65, 75:85].mean(axis=(0, 1)) - (200, 30, 30)).max() < 17


def test_a_result_without_a_cast_is_left_to_the_bit() -> None:
    crop, made = scene(), scene()
    made[disc()] = 17
    assert (corrected_colour(crop, made, disc()) == made).all()


def test_a_seam_that_remains_is_cloned_away() -> None:
    crop, made = scene(), scene(2).astype(int)
    # A cast inside the mask alone: the ring shows nothing to correct by.
    made[disc()] += 30
    result = blend(crop, whole(np.clip(made, 0, 255).astype(np.uint8)), disc(30))
    assert result.method == "poisson" and result.seam < VISIBLE_SEAM
    assert np.abs(composed(crop, whole(np.clip(made, 0, 255).astype(np.uint8)), disc(30)).astype(int) - crop).mean() < 5


def test_a_matte_is_kept_to_the_bit_inside_the_mask() -> None:
    crop = scene()
    image = np.full_like(crop, 20)
    alpha = np.zeros((H, W), np.uint8)
    alpha[40:80, 60:100] = 255
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.0)
    made = blend(crop, EditResult(image, alpha), disc())
    assert made.method == "matte" and (made.image == image).all()
    assert (made.alpha[disc()] == alpha[disc()]).all() and not made.alpha[~disc()].any()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    box=st.tuples(st.integers(0, 150), st.integers(0, 110), st.integers(1, 160), st.integers(1, 120)),
    matte=st.booleans(),
)
def test_nothing_outside_the_mask_ever_changes(seed: int, box: tuple[int, int, int, int], matte: bool) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((H, W), bool)
    mask[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = True
    alpha = rng.integers(0, 256, (H, W), dtype=np.uint8) if matte else np.full((H, W), 255, np.uint8)
    crop, image = scene(), rng.integers(0, 256, (H, W, 3), dtype=np.uint8)
    made = blend(crop, EditResult(image, alpha), mask)
    assert not made.alpha[~mask].any()
    result = compose(crop, made.image, made.alpha, (0, 0, W, H))
    assert (result[~mask] == crop[~mask]).all()


@given(st.integers(0, 50))
def test_a_feather_rises_inwards_from_the_border_and_has_a_core(radius: int) -> None:
    mask = disc(radius)
    alpha = feather(mask)
    assert ((alpha > 0) == mask).all()
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    order = np.argsort(depth[mask], kind="stable")
    assert (np.diff(alpha[mask][order].astype(int))[np.diff(depth[mask][order]) > 1e-3] >= 0).all()
    assert radius < 4 or alpha.max() == 255


def test_a_mask_at_the_crops_border_is_not_feathered_there() -> None:
    mask = np.zeros((H, W), bool)
    mask[:, :60] = True
    assert feather(mask)[60, 0] == 255 and feather(mask)[60, 59] < 128


def test_an_answer_of_another_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="the tool answered"):
        blend(scene(), EditResult(scene()[1:], np.zeros((H, W), np.uint8)), disc())


@pytest.mark.parametrize("edge", ["top", "bottom", "left", "right", "corner"])
def test_a_step_at_the_pictures_edge_is_cloned_away_too(edge: str) -> None:
    rows, columns = {
        "top": (slice(0, 30), slice(40, 80)), "bottom": (slice(90, 120), slice(40, 80)),
        "left": (slice(40, 80), slice(0, 30)), "right": (slice(40, 80), slice(90, 120)),
        "corner": (slice(0, 30), slice(0, 30)),
    }[edge]  # fmt: skip
    grain = np.random.default_rng(2).normal(0, 1, (120, 120, 3))
    crop = np.clip(100 + grain, 0, 255).astype(np.uint8)
    mask = np.zeros((120, 120), np.bool_)
    mask[rows, columns] = True
    # The patch's own gradient is gentle and its level wrong by more than a cast is corrected.
    image = np.clip(190 + grain + 8 * np.linspace(0, 1, 120)[:, None, None], 0, 255).astype(np.uint8)
    image[~mask] = crop[~mask]
    blended = blend(crop, EditResult(image, np.where(mask, 255, 0).astype(np.uint8)), mask)
    assert blended.method == "poisson"
    assert abs(float(blended.image[mask].mean()) - 100) < 25
    assert (blended.alpha[~mask] == 0).all()
