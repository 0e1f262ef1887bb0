"""Erasing: what stays, what is gone, and that the fill is as grainy and as structured as what is around."""

from typing import Any

import cv2
import numpy as np
import pytest

from services.action.exemplar import fill_from_exemplars
from services.action.surface import fit_surface, grain_like
from services.action.tools.base import EditRequest, ToolDeclined
from services.action.tools.opencv import OpenCvTool, erase
from shared.appearance import check_patch
from shared.contracts.values import AppearanceCheck
from shared.geometry import Mask
from shared.images import Rgb

H, W = 110, 200
HOLE = (slice(30, 75), slice(60, 140))


def hole() -> Mask:
    mask = np.zeros((H, W), bool)
    mask[HOLE] = True
    return mask


def wall(sigma: float, blur: float = 0.3, seed: int = 1) -> Rgb:
    y, x = np.mgrid[0:H, 0:W]
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (H, W, 3)).astype(np.float32), (0, 0), blur)
    light = (190 + 0.15 * x + 0.1 * y)[..., None] * np.array((1, 0.97, 0.9))
    return np.clip(np.round(light + sigma * grain / max(grain.std(), 1e-6)), 0, 255).astype(np.uint8)


def stripes(seed: int = 2) -> Rgb:
    x = np.arange(W)
    rng = np.random.default_rng(seed)
    tone = np.where(x % 10 < 5, 90, 180)[None, :, None] + rng.normal(0, 3, (H, W, 1))
    return np.clip(np.repeat(tone, 3, axis=2), 0, 255).astype(np.uint8)


def fibres(seed: int = 3) -> Rgb:
    rng = np.random.default_rng(seed)
    run = cv2.GaussianBlur(rng.normal(0, 1, (H, W)).astype(np.float32), (0, 0), 30, sigmaY=1.2)
    tone = 140 + 9 * run / run.std() + rng.normal(0, 1.5, (H, W))
    return np.clip(np.repeat(tone[..., None], 3, axis=2), 0, 255).astype(np.uint8)


def with_thing(image: Rgb) -> Rgb:
    marked = image.copy()
    cv2.putText(marked, "TWO", (64, 68), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 30), 5, cv2.LINE_AA)
    return marked


def judged(before: Rgb, after: Rgb) -> AppearanceCheck:
    box = (60, 30, 140, 75)
    return check_patch(before, after, "p", box, np.full((45, 80), 255, np.uint8))


@pytest.mark.parametrize(("sigma", "blur"), [(0, 0.3), (2, 0.3), (3, 0.8), (4, 1.5)])
def test_on_a_wall_the_light_and_the_grain_go_on(sigma: float, blur: float) -> None:
    clean = wall(sigma, blur)
    result, method = erase(with_thing(clean), hole(), seed=5)
    assert method == "surface"
    assert (result[~hole()] == with_thing(clean)[~hole()]).all()
    assert np.abs(result[HOLE].mean(axis=(0, 1)) - clean[HOLE].mean(axis=(0, 1))).max() < 1.5
    spread = (result[HOLE].astype(float) - wall(0)[HOLE]).std()
    assert spread == pytest.approx((clean[HOLE].astype(float) - wall(0)[HOLE]).std(), rel=0.35, abs=0.6)
    check = judged(with_thing(clean), result)
    assert check.detail_ratio > 0.5 and check.colour_shift < 3 and check.seam < 1.4, check


def test_on_stripes_the_stripes_go_on() -> None:
    result, method = erase(with_thing(stripes()), hole(), seed=5)
    assert method == "exemplar"
    wrong = np.abs(result[HOLE].astype(int) - stripes()[HOLE]).max(axis=2) > 45
    assert wrong.mean() < 0.06
    check = judged(with_thing(stripes()), result)
    assert check.detail_ratio > 0.5 and check.colour_shift < 4, check


def test_fibres_are_a_texture_not_grain() -> None:
    result, method = erase(with_thing(fibres()), hole(), seed=5)
    assert method == "exemplar"
    rows = result[HOLE].mean(axis=2)
    along, across = np.abs(np.diff(rows, axis=1)).mean(), np.abs(np.diff(rows, axis=0)).mean()
    assert across > 1.2 * along


def test_lettering_on_a_texture_leaves_the_ground_between_the_letters() -> None:
    before = with_thing(fibres())
    result, method = erase(before, hole(), seed=5, lettering=True)
    assert method == "exemplar"
    untouched = (result[HOLE] == before[HOLE]).all(axis=2).mean()
    assert 0.25 < untouched < 0.7
    assert result[HOLE].min() > 90


def test_patches_from_a_brighter_place_are_not_left_in_a_darker_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a board that is lit from one side, where the most alike patches lie at its other end."""

    def brighter(image: Rgb, hole: Mask, seed: int, barred: Mask | None = None) -> Rgb | None:
        filled = fill_from_exemplars(image, hole, seed, barred)
        if filled is not None:
            filled[hole] = np.clip(filled[hole].astype(int) + 24, 0, 255)
        return filled

    monkeypatch.setattr("services.action.tools.opencv.fill_from_exemplars", brighter)
    before = with_thing(fibres())
    result, method = erase(before, hole(), seed=5, lettering=True)
    assert method == "detail"
    assert (result[~hole()] == before[~hole()]).all()
    assert np.abs(result[HOLE].mean(axis=(0, 1)) - fibres()[HOLE].mean(axis=(0, 1))).max() < 3
    assert result[HOLE].min() > 90
    check = judged(before, result)
    assert check.detail_ratio > 0.5 and check.colour_shift < 3, check


def test_the_seed_decides_every_pixel() -> None:
    for ground in (wall(3), stripes()):
        first, again, other = (erase(with_thing(ground), hole(), seed)[0] for seed in (5, 5, 6))
        assert (first == again).all() and (first != other).any()


def test_where_no_whole_patch_lies_outside_it_diffuses() -> None:
    image = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    mask = np.zeros((24, 24), bool)
    mask[5:19, 5:19] = True
    assert fill_from_exemplars(image, mask, 1) is None
    result, method = erase(image, mask, 1)
    assert method == "diffusion" and (result[~mask] == image[~mask]).all()


def test_a_hole_at_the_images_corner_is_filled() -> None:
    mask = np.zeros((H, W), bool)
    mask[:40, :60] = True
    for ground in (wall(2), stripes()):
        marked = ground.copy()
        marked[:38, :58] = (255, 0, 0)
        result, _ = erase(marked, mask, 1)
        assert not (result[mask] == (255, 0, 0)).all(axis=1).any()


def test_a_surface_ignores_letters_over_a_third_of_the_ring() -> None:
    image = wall(2).astype(np.float32)
    image[:, ::3] = 20
    fitted = fit_surface(image, np.ones((H, W), bool), order=2)
    assert np.abs(fitted.values - wall(0)).max() < 3
    assert fitted.inlier_share == pytest.approx(2 / 3, abs=0.03)
    assert not fitted.inliers[:, ::3].any()


def test_grain_has_the_spectrum_and_colour_of_what_is_around() -> None:
    rng = np.random.default_rng(4)
    one = cv2.GaussianBlur(rng.normal(0, 12, (H, W)).astype(np.float32), (0, 0), 1.5)
    image = 150 + one[..., None] * np.array((1, 0.5, 0.25), np.float32)
    fitted = fit_surface(image.astype(np.float32), np.ones((H, W), bool), order=1)
    grain = grain_like(fitted, 9)
    assert grain.std() == pytest.approx(fitted.residual.std(), rel=0.25)
    assert grain[..., 0].std() / grain[..., 2].std() == pytest.approx(4, rel=0.05)

    def correlation(noise: np.ndarray) -> float:
        return float(np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1])

    assert correlation(grain) == pytest.approx(correlation(fitted.residual), abs=0.12)


def test_fitting_to_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        fit_surface(wall(1).astype(np.float32), np.zeros((H, W), bool), 2)


@pytest.mark.parametrize(
    ("settings", "mask", "sentence"),
    [
        ({}, hole(), "only removes"),
        ({"operation": "repair"}, hole(), "only removes"),
        ({"operation": "erase"}, np.zeros((H, W), bool), "nothing to erase"),
        ({"operation": "erase"}, np.ones((H, W), bool), "too little of the surroundings"),
    ],
)
def test_what_the_tool_declines(desk: Any, settings: dict[str, str], mask: Mask, sentence: str) -> None:
    target = desk(wall(1)).thing("u1", (60, 30, 140, 75))
    request = EditRequest(wall(1), mask, (0, 0, W, H), target.region, target.diagnosis, "", 1, dict(settings))
    (answer,) = OpenCvTool().edit([request])
    assert isinstance(answer, ToolDeclined) and sentence in str(answer)


def test_other_letters_are_no_texture_to_fill_with() -> None:
    rng = np.random.default_rng(7)
    fibres = cv2.GaussianBlur(rng.normal(0, 60, (160, 420)).astype(np.float32), (0, 0), 0.6, sigmaY=9.0)
    ground = np.clip(150 + fibres[..., None] + np.zeros(3, np.float32), 90, 255).astype(np.uint8)
    image = ground.copy()
    for x, y in ((20, 60), (240, 60), (20, 130), (240, 130)):
        cv2.putText(image, "for", (x, y), cv2.FONT_HERSHEY_DUPLEX, 2.0, (20, 20, 20), 5, cv2.LINE_AA)
    hole = np.zeros(image.shape[:2], bool)
    hole[4:76, 228:372] = True
    result, method = erase(image, hole, 1, lettering=True)
    assert method == "exemplar"
    assert int((image[hole] < 60).sum()) > 500
    assert int((result[hole] < 60).sum()) == 0
