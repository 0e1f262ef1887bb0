"""Registration: it finds shifts and zooms that are known, leaves alone what fits, and refuses what does not belong."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.action.registration import NotRegistered, Registered, register
from shared.geometry import Mask
from shared.images import Rgb

PAD = 48


def scenery(h: int, w: int, seed: int = 0) -> Rgb:
    """Clouds of several sizes, with a margin of `PAD` on every side."""
    noise = np.random.default_rng(seed).normal(0, 1, (h + 2 * PAD, w + 2 * PAD, 3)).astype(np.float32)
    clouds = sum(cv2.GaussianBlur(noise, (0, 0), s) * s * 25 for s in (2.0, 5.0, 12.0)) + 128
    return np.clip(clouds, 0, 255).astype(np.uint8)


def middle(h: int, w: int) -> Mask:
    mask = np.zeros((h, w), np.bool_)
    mask[2 * h // 5 : 3 * h // 5, 2 * w // 5 : 3 * w // 5] = True
    return mask


def moved(scene: Rgb, size_hw: tuple[int, int], shift: tuple[float, float], zoom: tuple[float, float]) -> Rgb:
    """What an editor that shifts and zooms would return of the scene's middle."""
    h, w = size_hw
    x, y = (w - 1) / 2, (h - 1) / 2
    inverse = np.array(
        [
            [1 / zoom[0], 0, PAD + x - (x + shift[0]) / zoom[0]],
            [0, 1 / zoom[1], PAD + y - (y + shift[1]) / zoom[1]],
        ],
        np.float32,
    )
    return np.asarray(cv2.warpAffine(scene, inverse, (w, h), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP), np.uint8)


def crop_of(scene: Rgb) -> Rgb:
    return np.ascontiguousarray(scene[PAD:-PAD, PAD:-PAD])


def edited(answer: Rgb, mask: Mask) -> Rgb:
    """With other pixels where it was to be changed: registration must not look there."""
    changed = answer.copy()
    changed[mask] = 255 - changed[mask]
    return changed


@settings(max_examples=10, deadline=None)
@given(
    x=st.floats(-9, 9), y=st.floats(-9, 9), zoom_x=st.floats(0.93, 1.08), zoom_y=st.floats(0.93, 1.08),
    seed=st.integers(0, 5),
)  # fmt: skip
def test_known_shifts_and_zooms_are_undone(x: float, y: float, zoom_x: float, zoom_y: float, seed: int) -> None:
    size = (112, 112)
    scene, mask = scenery(*size, seed), middle(*size)
    answer = edited(moved(scene, size, (x, y), (zoom_x, zoom_y)), mask)
    found = register(crop_of(scene), answer, mask)
    assert isinstance(found, Registered), found
    assert found.shift_xy_px == pytest.approx((x, y), abs=0.8)
    assert found.zoom_xy == pytest.approx((zoom_x, zoom_y), abs=0.02)
    inside = np.zeros(size, np.bool_)
    inside[20:-20, 20:-20] = True
    inside &= ~cv2.dilate(mask.astype(np.uint8), np.ones((21, 21))).astype(np.bool_)
    before = np.abs(answer.astype(int) - crop_of(scene))[inside].mean()
    after = np.abs(found.image.astype(int) - crop_of(scene))[inside].mean()
    assert after <= max(3.0, 0.5 * before)


@pytest.mark.parametrize("size", [(64, 64), (40, 200), (300, 210), (20, 20)])
def test_what_fits_is_left_bit_for_bit(size: tuple[int, int]) -> None:
    scene, mask = scenery(*size), middle(*size)
    answer = edited(crop_of(scene), mask)
    found = register(crop_of(scene), answer, mask)
    assert isinstance(found, Registered) and np.array_equal(found.image, answer)
    assert (found.shift_xy_px, found.zoom_xy) == ((0.0, 0.0), (1.0, 1.0))


def test_another_size_and_shape_is_stretched_back() -> None:
    scene, mask = scenery(120, 120), middle(120, 120)
    wide = np.asarray(cv2.resize(crop_of(scene), (320, 240), interpolation=cv2.INTER_CUBIC), np.uint8)
    found = register(crop_of(scene), wide, mask)
    assert isinstance(found, Registered) and found.image.shape == (120, 120, 3)
    assert np.abs(found.image.astype(int) - crop_of(scene)).mean() < 4


@pytest.mark.parametrize(
    ("shift", "zoom", "reason"),
    [((24.0, 0.0), (1.0, 1.0), "shifted|surroundings"), ((0.0, 0.0), (1.35, 1.35), "zoomed|surroundings")],
)
def test_beyond_the_limits_it_is_refused_with_the_reason(
    shift: tuple[float, float], zoom: tuple[float, float], reason: str
) -> None:
    size = (128, 128)
    scene, mask = scenery(*size), middle(*size)
    found = register(crop_of(scene), moved(scene, size, shift, zoom), mask)
    assert isinstance(found, NotRegistered)
    assert any(word in found.reason for word in reason.split("|"))


def test_another_picture_is_refused() -> None:
    mask = middle(128, 128)
    assert isinstance(register(crop_of(scenery(128, 128, 1)), crop_of(scenery(128, 128, 2)), mask), NotRegistered)


def test_a_turned_picture_is_refused() -> None:
    scene, mask = scenery(160, 160), middle(160, 160)
    turn = cv2.getRotationMatrix2D((PAD + 80, PAD + 80), 6, 1.0)
    turned = crop_of(np.asarray(cv2.warpAffine(scene, turn, (scene.shape[1], scene.shape[0])), np.uint8))
    found = register(crop_of(scene), turned, mask)
    assert isinstance(found, NotRegistered) and "turned" in found.reason


def test_plain_surroundings_need_no_registering_and_must_be_the_same() -> None:
    plain, mask = np.full((64, 64, 3), 120, np.uint8), middle(64, 64)
    answer = edited(plain, mask)
    found = register(plain, answer, mask)
    assert isinstance(found, Registered) and np.array_equal(found.image, answer)
    other = register(plain, np.full((64, 64, 3), 160, np.uint8), mask)
    assert isinstance(other, NotRegistered) and "40 levels" in other.reason


def test_a_mask_of_everything_is_compared_as_a_whole() -> None:
    scene = scenery(96, 96)
    everything = np.ones((96, 96), np.bool_)
    found = register(crop_of(scene), moved(scene, (96, 96), (3.0, -2.0), (1.0, 1.0)), everything)
    if isinstance(found, Registered):
        assert found.shift_xy_px == pytest.approx((3, -2), abs=0.8)
    else:
        assert "beyond its edge" in found.reason
