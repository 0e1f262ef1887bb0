"""The appearance checks on lettering over paper, signs, wood and brick: right work passes, bad work does not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from shared.appearance import check_patch, seam_measure
from shared.contracts.base import BoxXYXY
from shared.contracts.jobs import LoopPolicy
from shared.contracts.values import AppearanceCheck
from shared.images import Gray, Rgb, compose

FONTS = Path(__file__).parents[3] / "shared" / "fonts"
LIMITS = LoopPolicy()
H, W = 160, 420
GROUNDS = ("sign", "artwork", "paper", "wood", "brick")


def noise(seed: int, sigma_x: float, sigma_y: float) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(0, 1, (H, W)).astype(np.float32)
    soft = cv2.GaussianBlur(raw, (0, 0), sigma_x, sigmaY=sigma_y)
    return (soft / soft.std())[..., None]


def ground(kind: str) -> Rgb:
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    if kind == "artwork":
        return np.full((H, W, 3), 240, np.uint8)
    if kind == "sign":
        base = np.array((236, 232, 220)) * (0.85 + 0.2 * x / W)[..., None] + 2.5 * noise(1, 0.3, 0.3)
    elif kind == "paper":
        base = (
            np.array((244, 238, 224)) * (1 - 0.15 * (y / H) ** 2)[..., None]
            + 1.5 * noise(2, 1.5, 1.5)
            + noise(3, 0.3, 0.3)
        )
    elif kind == "wood":
        base = np.array((170, 120, 75)) + 10 * noise(4, 40, 1.2) * np.array((1, 0.8, 0.6)) + 2 * noise(5, 0.3, 0.3)
    else:
        row = (y // 24).astype(int)
        along = x + (row % 2) * 32
        tone = np.random.default_rng(6).normal(0, 14, (H // 24 + 2, W // 64 + 3))[row, (along // 64).astype(int)]
        base = np.array((165, 80, 62)) + tone[..., None] + 6 * noise(7, 1, 1)
        base[(y % 24 < 3) | (along % 64 < 3)] = (190, 185, 175)
    return np.clip(base, 0, 255).astype(np.uint8)


def coverage(text: str, size: int, blur: float) -> np.ndarray:
    layer = Image.new("L", (W, H))
    font = ImageFont.truetype(str(FONTS / "Roboto-Bold.ttf"), size)
    ImageDraw.Draw(layer).text((30, 50), text, font=font, fill=255)
    return cv2.GaussianBlur(np.asarray(layer, np.float32) / 255, (0, 0), blur)[..., None]


def lettered(below: Rgb, cover: np.ndarray, ink: tuple[int, int, int] = (30, 30, 40)) -> Rgb:
    shine = np.array(ink) + 0.3 * (below - below.mean(axis=(0, 1)))
    return np.clip(below * (1 - cover) + shine * cover, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Case:
    """A misspelt word on a ground; the same ground with the right word; the ground alone; boxes and mattes."""

    before: Rgb
    right: Rgb
    bare: Rgb
    box: BoxXYXY
    matte: Gray

    def check(self, after: Rgb, alpha: Gray | None = None) -> AppearanceCheck:
        x0, y0, x1, y1 = self.box
        cut = np.full((y1 - y0, x1 - x0), 255, np.uint8) if alpha is None else alpha[y0:y1, x0:x1]
        patched = compose(self.before, after[y0:y1, x0:x1], cut, self.box)
        return check_patch(self.before, patched, "p1", self.box, cut)


def case(kind: str, size: int = 40, blur: float = 0.7) -> Case:
    bare = ground(kind)
    old, new = coverage("BAKREY", size, blur), coverage("BAKERY", size, blur)
    touched = ((old > 0.02) | (new > 0.02))[..., 0]
    matte = cv2.dilate(touched.astype(np.uint8) * 255, np.ones((5, 5), np.uint8))
    matte = cv2.GaussianBlur(matte, (0, 0), 1.2)
    rows, columns = np.flatnonzero(matte.any(axis=1)), np.flatnonzero(matte.any(axis=0))
    box = (int(columns[0]) - 6, int(rows[0]) - 6, int(columns[-1]) + 7, int(rows[-1]) + 7)
    return Case(lettered(bare, old), lettered(bare, new), bare, box, matte)


def accepted(check: AppearanceCheck) -> bool:
    return check.detail_ratio >= LIMITS.min_detail_ratio and check.colour_shift <= LIMITS.max_colour_shift


def blurred(sigma: float) -> Callable[[Rgb], Rgb]:
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def filled(image: Rgb, colour: tuple[int, int, int]) -> Rgb:
    return np.full_like(image, colour)


@pytest.mark.parametrize("size", [22, 40, 56])
@pytest.mark.parametrize("kind", GROUNDS)
def test_the_right_word_passes_with_a_matte_and_with_a_box(kind: str, size: int) -> None:
    place = case(kind, size)
    for alpha in (None, place.matte):
        check = place.check(place.right, alpha)
        assert accepted(check), check
        assert check.detail_ratio > 0.7 and check.colour_shift < 4 and check.seam < 1.5, check


@pytest.mark.parametrize("kind", GROUNDS)
def test_bare_ground_over_a_word_that_must_go_passes(kind: str) -> None:
    check = case(kind).check(case(kind).bare)
    assert accepted(check) and check.seam < 1.3, check


@pytest.mark.parametrize("kind", GROUNDS)
def test_heavier_letters_of_the_same_ink_are_no_colour_shift(kind: str) -> None:
    place = case(kind)
    heavier = lettered(place.bare, cv2.dilate(coverage("BAKERY", 40, 0.7), np.ones((4, 4), np.uint8))[..., None])
    assert place.check(heavier).colour_shift < 6


@pytest.mark.parametrize("size", [22, 40, 56])
@pytest.mark.parametrize("kind", GROUNDS)
def test_a_blur_is_refused(kind: str, size: int) -> None:
    place = case(kind, size)
    assert not accepted(place.check(blurred(3.0)(place.before)))
    assert not accepted(place.check(blurred(3.0)(place.right)))


@pytest.mark.parametrize("kind", ["sign", "paper", "wood", "brick"])
def test_a_smooth_fill_of_a_grounds_own_colour_is_a_smear(kind: str) -> None:
    place = case(kind)
    check = place.check(filled(place.bare, tuple(np.median(place.bare, axis=(0, 1)).astype(int))))
    assert check.detail_ratio < 0.2


@pytest.mark.parametrize("kind", GROUNDS)
def test_a_grey_patch_is_refused_and_its_colour_says_so(kind: str) -> None:
    check = case(kind).check(filled(case(kind).bare, (128, 128, 128)))
    assert check.colour_shift > LIMITS.max_colour_shift and not accepted(check)


@pytest.mark.parametrize("kind", GROUNDS)
def test_the_mean_of_ink_and_ground_is_refused(kind: str) -> None:
    place = case(kind, 56)
    x0, y0, x1, y1 = place.box
    mean = tuple(place.before[y0 + 6 : y1 - 6, x0 + 6 : x1 - 6].reshape(-1, 3).mean(axis=0).astype(int))
    assert not accepted(place.check(filled(place.before, mean)))


@pytest.mark.parametrize("kind", GROUNDS)
def test_letters_in_another_ink_are_a_colour_shift(kind: str) -> None:
    place = case(kind)
    green = lettered(place.bare, coverage("BAKERY", 40, 0.7), (20, 200, 60))
    assert place.check(green).colour_shift > LIMITS.max_colour_shift


def test_a_fill_on_clean_artwork_shows_as_a_seam() -> None:
    place = case("artwork")
    assert place.check(filled(place.bare, (215, 215, 215))).seam > 3
    assert place.check(place.bare).seam == pytest.approx(1.0, abs=0.01)


def test_featureless_on_featureless_is_perfect() -> None:
    flat = np.full((60, 80, 3), 200, np.uint8)
    check = check_patch(flat, flat.copy(), "p", (20, 20, 50, 40), np.full((20, 30), 255, np.uint8))
    assert (check.detail_ratio, check.colour_shift, check.seam) == (1.0, 0.0, 1.0)


@settings(max_examples=30, deadline=None)
@given(
    box=st.tuples(st.integers(0, 39), st.integers(0, 29), st.integers(1, 20), st.integers(1, 20)),
    seed=st.integers(0, 10**6),
    weak=st.booleans(),
)
def test_any_patch_anywhere_gives_finite_figures_and_no_change_is_perfect(
    box: tuple[int, int, int, int], seed: int, weak: bool
) -> None:
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    x0, y0, x1, y1 = box[0], box[1], min(40, box[0] + box[2]), min(30, box[1] + box[3])
    alpha = rng.integers(0, 100 if weak else 256, (y1 - y0, x1 - x0), dtype=np.uint8)
    after = compose(before, rng.integers(0, 256, (y1 - y0, x1 - x0, 3), dtype=np.uint8), alpha, (x0, y0, x1, y1))
    check = check_patch(before, after, "p", (x0, y0, x1, y1), alpha)
    assert np.isfinite([check.detail_ratio, check.colour_shift, check.seam]).all()
    same = check_patch(before, before, "p", (x0, y0, x1, y1), alpha)
    assert same.colour_shift == 0
    assert same.detail_ratio == pytest.approx(1.0)
    assert same.seam <= 1.0 + 1e-6


def test_a_patch_over_the_whole_image_has_no_ring_and_no_seam() -> None:
    before = ground("wood")
    alpha = np.full((H, W), 255, np.uint8)
    check = check_patch(before, before, "p", (0, 0, W, H), alpha)
    assert (check.detail_ratio, check.colour_shift, check.seam) == (1.0, 0.0, 1.0)


def test_an_empty_alpha_is_perfect() -> None:
    image = ground("brick")
    check = check_patch(image, image, "p", (5, 5, 25, 25), np.zeros((20, 20), np.uint8))
    assert (check.detail_ratio, check.colour_shift, check.seam) == (1.0, 0.0, 1.0)


def test_sizes_that_disagree_are_errors() -> None:
    image = ground("artwork")
    with pytest.raises(ValueError, match="does not fit"):
        check_patch(image, image, "p", (0, 0, 10, 10), np.zeros((9, 10), np.uint8))
    with pytest.raises(ValueError, match="differ in size"):
        check_patch(image, image[:-1], "p", (0, 0, 10, 10), np.zeros((10, 10), np.uint8))


def test_an_edge_that_was_there_before_is_no_seam() -> None:
    image = np.full((80, 80, 3), 220, np.uint8)
    image[20:60, 20:60] = 60
    box, alpha = (20, 20, 60, 60), np.full((40, 40), 255, np.uint8)
    assert seam_measure(image, box, alpha, image) == pytest.approx(1.0)
    assert seam_measure(image, box, alpha) > 5
