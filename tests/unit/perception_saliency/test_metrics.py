"""Saliency metrics: laws, constant maps, hand-computed cases, and pysaliency's figures."""

import importlib.util
import sys
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from services.perception.metrics import (
    SaliencyMetrics,
    auc_judd,
    cc,
    disc_mask,
    image_auroc,
    kld,
    mean_metrics,
    nss,
    saliency_metrics,
    sim,
    truth_map,
)

SHAPE = (12, 9)
maps = arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32))
fixation_masks = arrays(np.bool_, SHAPE).filter(lambda mask: bool(mask.any()))


def scene(seed: int, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mask = np.zeros((size, size), np.bool_)
    for _ in range(3):
        y, x = rng.integers(0, size - 8, 2)
        mask[y : y + rng.integers(2, 8), x : x + rng.integers(2, 8)] = True
    prediction = np.clip(0.6 * truth_map(mask) + 0.4 * rng.random((size, size)), 0, 1).astype(np.float32)
    return prediction, mask


@given(maps, fixation_masks)
def test_every_metric_is_finite_and_in_its_range(prediction: np.ndarray, mask: np.ndarray) -> None:
    result = saliency_metrics(prediction, mask)
    assert 0 <= result.auc_judd <= 1
    assert -1 <= result.cc <= 1
    assert -1e-9 <= result.sim <= 1 + 1e-9
    assert result.kld >= -1e-9
    assert np.isfinite(result.nss)


@given(maps, fixation_masks, st.floats(0.01, 100))
def test_scale_of_the_prediction_does_not_matter(prediction: np.ndarray, mask: np.ndarray, factor: float) -> None:
    before = saliency_metrics(prediction.astype(np.float64), mask)
    after = saliency_metrics(prediction.astype(np.float64) * factor, mask)
    for name, value in vars(before).items():
        assert getattr(after, name) == pytest.approx(value, abs=1e-6), name


@given(maps, maps)
def test_cc_and_sim_are_symmetric_and_kld_vanishes_on_equal_maps(a: np.ndarray, b: np.ndarray) -> None:
    assert cc(a, b) == pytest.approx(cc(b, a), abs=1e-9)
    assert sim(a, b) == pytest.approx(sim(b, a), abs=1e-9)
    assert kld(a, a) == pytest.approx(0, abs=1e-9)
    assert sim(a, a) == pytest.approx(1)


@given(maps, fixation_masks)
def test_auc_is_the_whole_roc_where_every_level_occurs_at_a_fixation(prediction: np.ndarray, mask: np.ndarray) -> None:
    levels = np.round(prediction * 4) / 4
    _, first = np.unique(levels, return_index=True)
    mask = mask.copy()
    mask.flat[first] = True
    assume(not mask.all())
    assert auc_judd(levels, mask) == pytest.approx(image_auroc(levels.ravel(), mask.ravel()))


def test_constant_predictions_say_nothing() -> None:
    _, mask = scene(0)
    for value in (0.0, 0.3, 1.0):
        result = saliency_metrics(np.full(mask.shape, value, np.float32), mask)
        assert (result.auc_judd, result.nss, result.cc) == (0.5, 0.0, 0.0)
        uniform = saliency_metrics(np.ones(mask.shape, np.float32), mask)
        assert (result.sim, result.kld) == (uniform.sim, uniform.kld)
    assert cc(truth_map(mask), np.zeros(mask.shape)) == 0.0
    assert auc_judd(np.random.default_rng(0).random(mask.shape), np.ones(mask.shape, np.bool_)) == 0.5


def test_hand_computed() -> None:
    prediction = np.asarray([[0.9, 0.8], [0.1, 0.7]])
    fixations = np.asarray([[True, False], [False, True]])
    # thresholds 0.9: hits 1/2, false 0; 0.7: hits 1, false 1/2.
    assert auc_judd(prediction, fixations) == pytest.approx(0.5 * 0.5 * (0.5 + 1) + 0.5)
    assert sim(np.asarray([[1.0, 3.0]]), np.asarray([[3.0, 1.0]])) == pytest.approx(0.5)
    assert kld(np.asarray([[1.0, 3.0]]), np.asarray([[3.0, 1.0]])) == pytest.approx(
        0.75 * np.log(3) + 0.25 * np.log(1 / 3)
    )
    assert nss(np.asarray([[0.0, 2.0]]), np.asarray([[False, True]])) == pytest.approx(1.0)


def test_kld_punishes_a_missed_truth_more_than_a_false_alarm() -> None:
    truth, wide = np.zeros((8, 8)), np.zeros((8, 8))
    truth[:, :2] = 1
    wide[:, :4] = 1
    assert kld(wide, truth) < kld(truth, wide)


def test_a_better_map_is_better_by_every_metric() -> None:
    prediction, mask = scene(1)
    worse = np.random.default_rng(2).permutation(prediction.ravel()).reshape(mask.shape)
    good, bad = saliency_metrics(prediction, mask), saliency_metrics(worse, mask)
    assert good.auc_judd > bad.auc_judd
    assert good.nss > bad.nss
    assert good.cc > bad.cc
    assert good.sim > bad.sim
    assert good.kld < bad.kld


def test_truth_map_is_a_gaussian_of_the_height() -> None:
    mask = np.zeros((128, 96), np.bool_)
    mask[40:43, 50:60] = True
    mask[0:2, 0:5] = True
    expected = gaussian_filter(mask.astype(np.float64), 2.0, mode="reflect", truncate=4.0)
    np.testing.assert_allclose(truth_map(mask), expected / expected.max(), atol=1e-5)
    assert truth_map(mask).max() == 1.0
    assert not truth_map(np.zeros((16, 16), np.bool_)).any()
    np.testing.assert_allclose(truth_map(np.ones((16, 16), np.bool_)), 1, atol=1e-6)


def test_discs_have_a_radius_of_a_twentieth_of_the_height() -> None:
    mask = disc_mask([(50.0, 100.0)], (200, 100))
    assert mask.sum() == pytest.approx(np.pi * 10**2, rel=0.03)
    assert mask[100, 50]
    assert not mask[100, 62]
    assert not disc_mask([], (200, 100)).any()


@given(
    arrays(np.float64, 20, elements=st.floats(-5, 5)),
    arrays(np.bool_, 20).filter(lambda labels: bool(labels.any() and not labels.all())),
)
def test_image_auroc_is_the_share_of_pairs_in_order(scores: np.ndarray, labels: np.ndarray) -> None:
    pairs = [
        1.0 if positive > negative else 0.5 if positive == negative else 0.0
        for positive in scores[labels]
        for negative in scores[~labels]
    ]
    assert image_auroc(scores, labels) == pytest.approx(float(np.mean(pairs)))
    assert image_auroc(-scores, labels) == pytest.approx(1 - float(np.mean(pairs)))


def test_errors_are_raised_not_averaged_away() -> None:
    prediction, mask = scene(3)
    with pytest.raises(ValueError, match="healthy"):
        saliency_metrics(prediction, np.zeros_like(mask))
    with pytest.raises(ValueError, match="one size"):
        cc(prediction, prediction[:-1])
    with pytest.raises(ValueError, match="finite"):
        nss(np.full(mask.shape, np.nan), mask)
    with pytest.raises(ValueError, match="negative"):
        kld(prediction - 2, prediction)
    with pytest.raises(ValueError, match="no blemished"):
        mean_metrics([])
    with pytest.raises(ValueError, match="healthy"):
        image_auroc([0.1, 0.2], [True, True])


def test_mean_is_per_metric() -> None:
    a, b = SaliencyMetrics(1, 2, 3, 4, 5), SaliencyMetrics(3, 4, 5, 6, 7)
    assert mean_metrics([a, b]) == SaliencyMetrics(2, 3, 4, 5, 6)


def pysaliency_module(name: str) -> ModuleType:
    """A module of pysaliency by its file: the package itself imports pkg_resources, which setuptools no longer has."""
    package = importlib.util.find_spec("pysaliency")
    if package is None or not package.submodule_search_locations:
        pytest.skip("pysaliency is not installed: `pip install pysaliency`")
    path = Path(next(iter(package.submodule_search_locations))) / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"pysaliency_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", range(6))
def test_density_metrics_agree_with_pysaliency(seed: int) -> None:
    theirs = pysaliency_module("metrics")
    prediction, mask = scene(seed)
    prediction = prediction.astype(np.float64)
    truth = truth_map(mask).astype(np.float64)
    ys, xs = np.nonzero(mask)
    with np.errstate(divide="ignore"):  # theirs takes log(0) on the way
        divergence = float(theirs.MIT_KLDiv(prediction, truth))
    assert nss(prediction, mask) == pytest.approx(float(theirs.NSS(prediction, xs, ys).mean()), abs=1e-9)
    assert cc(prediction, truth) == pytest.approx(float(theirs.CC(prediction, truth)), abs=1e-9)
    assert sim(prediction, truth) == pytest.approx(float(theirs.SIM(prediction, truth)), abs=1e-9)
    assert kld(prediction, truth) == pytest.approx(divergence, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_auc_judd_agrees_with_pysaliency(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    theirs = pysaliency_module("numba_utils")
    monkeypatch.setattr(np, "trapz", np.trapezoid, raising=False)  # numpy 2.4 dropped the name that pysaliency calls
    prediction, mask = scene(seed)
    if seed == 2:
        prediction = np.round(prediction * 5) / 5  # ties
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        area, _, _ = theirs.general_roc_numba(
            prediction[mask].astype(np.float64), prediction[~mask].astype(np.float64), judd=1
        )
    assert auc_judd(prediction, mask) == pytest.approx(float(area), abs=1e-9)
