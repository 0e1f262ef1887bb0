"""Thresholds on synthetic logits with known answers, their limits as laws, and the domain check."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.perception.calibration import (
    CALIBRATION_FILE,
    Calibration,
    calibration_error,
    choose_gates,
    choose_min_any_fall,
    choose_min_gain,
    choose_tau,
    fit_platt,
    load_calibration,
    overlap_curve,
)
from services.perception.domain import domain_threshold, fit_domain, load_domain
from shared.errors import ErrorCode, MissingResource

CALIBRATION = Calibration(
    tau=0.4, tau_s=0.5, tau_any=0.6, min_gain=0.2, any_temperature=2.0, any_bias=-1.0, domain_threshold=3.0
)
labels = arrays(np.bool_, 40).filter(lambda values: bool(values.any() and not values.all()))
unit = arrays(np.float64, 40, elements=st.floats(0, 1))


def test_platt_recovers_the_temperature_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 6, 20000)
    distorted = rng.random(20000) < 1 / (1 + np.exp(-(logits / 3 + 0.5)))
    platt = fit_platt(logits, distorted)
    assert platt.temperature == pytest.approx(3, rel=0.05)
    assert platt.bias == pytest.approx(0.5, abs=0.1)
    raw = 1 / (1 + np.exp(-logits))
    calibrated = 1 / (1 + np.exp(-(logits / platt.temperature + platt.bias)))
    assert calibration_error(calibrated, distorted) < 0.02 < calibration_error(raw, distorted)


def test_platt_stays_finite_where_classes_are_apart_and_flat_where_they_are_turned() -> None:
    logits = np.asarray([-300.0, -200.0, 200.0, 300.0])
    distorted = np.asarray([False, False, True, True])
    apart = fit_platt(logits, distorted)
    assert 0 < apart.temperature < 1e4
    calibration = CALIBRATION.model_copy(update={"any_temperature": apart.temperature, "any_bias": apart.bias})
    assert calibration.any_probability(300.0) > 0.7 > 0.3 > calibration.any_probability(-300.0)
    turned = fit_platt(logits, ~distorted)
    flat = CALIBRATION.model_copy(update={"any_temperature": turned.temperature, "any_bias": turned.bias})
    assert flat.any_probability(300.0) == pytest.approx(flat.any_probability(-300.0), abs=0.2)


@given(arrays(np.float64, 40, elements=st.floats(-1e4, 1e4)), labels)
def test_platt_never_turns_the_order(logits: np.ndarray, distorted: np.ndarray) -> None:
    platt = fit_platt(logits, distorted)
    assert platt.temperature > 0
    assert np.isfinite([platt.temperature, platt.bias]).all()


@given(unit, unit, labels, st.sampled_from([0.0, 0.03, 0.2]))
def test_gates_keep_the_limit_of_false_alarms(
    peaks: np.ndarray, probabilities: np.ndarray, distorted: np.ndarray, limit: float
) -> None:
    gates = choose_gates(peaks, probabilities, distorted, max_false_alarms=limit)
    edited = (peaks >= gates.tau_s) & (probabilities >= gates.tau_any)
    assert edited[~distorted].mean() == gates.false_alarms
    # A probability of exactly 1 on a healthy image cannot be gated by a threshold within [0, 1].
    assert gates.false_alarms <= limit or probabilities[~distorted].max() == 1.0
    assert edited[distorted].mean() == gates.recall
    assert (peaks >= gates.tau_s)[distorted].mean() >= 0.98


def test_gates_let_all_pass_where_the_head_is_perfect() -> None:
    distorted = np.arange(100) < 60
    gates = choose_gates(np.full(100, 0.5), np.where(distorted, 0.9, 0.1), distorted, max_false_alarms=0.0)
    assert (gates.recall, gates.false_alarms) == (1.0, 0.0)


def test_tau_is_where_the_overlap_is_largest() -> None:
    mask = np.zeros((20, 20), np.bool_)
    mask[5:15, 5:15] = True
    saliency = np.where(mask, 0.72, 0.38).astype(np.float32)
    curve = overlap_curve(saliency, mask)
    tau, overlap = choose_tau([curve, curve])
    assert 0.38 < tau <= 0.72
    assert tau == pytest.approx(0.4)  # of equals, the lowest
    assert overlap == 1.0
    with pytest.raises(ValueError, match="healthy"):
        overlap_curve(saliency, np.zeros_like(mask))


def test_min_gain_refuses_noise_and_accepts_repairs() -> None:
    rng = np.random.default_rng(0)
    gain, accepted = choose_min_gain(rng.uniform(0.4, 0.9, 200), rng.normal(0, 0.05, 200))
    assert 0.4 <= gain < 0.45  # as much as all but a twentieth of the repairs reach
    assert 0.95 <= accepted < 0.97
    assert choose_min_gain(np.asarray([0.5]), np.asarray([0.0]))[0] == 0.5
    assert choose_min_gain(np.asarray([0.01]), np.asarray([0.0]))[0] == 0.05
    assert choose_min_gain(np.asarray([0.5, 0.9]), np.asarray([0.7]))[0] > 0.7
    assert choose_min_gain(np.asarray([0.5]), np.asarray([0.0]), most=0.36) == (0.36, 1.0)
    assert choose_min_gain(np.asarray([0.5, 0.9]), np.asarray([0.7]), most=0.36)[0] > 0.7  # noise stays refused


@given(falls=arrays(np.float64, 40, elements=st.floats(-5, 20)))
def test_most_true_repairs_let_the_whole_image_fall_far_enough(falls: np.ndarray) -> None:
    asked = choose_min_any_fall(falls)
    assert asked >= 0
    if (falls > 0).all():
        assert (falls >= asked).mean() >= 0.99
        assert (falls > asked).mean() < 1


def test_calibration_is_kept_beside_the_weights(tmp_path: Path) -> None:
    CALIBRATION.save(tmp_path)
    assert load_calibration(tmp_path) == CALIBRATION
    assert CALIBRATION.any_probability(2.0) == pytest.approx(0.5)
    (tmp_path / CALIBRATION_FILE).write_text('{"tau": 2}')
    with pytest.raises(MissingResource, match="--calibrate-only") as caught:
        load_calibration(tmp_path)
    assert caught.value.code == ErrorCode.MISSING_CHECKPOINT


def test_labels_are_checked() -> None:
    with pytest.raises(ValueError, match="healthy"):
        fit_platt(np.zeros(3), np.ones(3, np.bool_))
    with pytest.raises(ValueError, match="finite"):
        choose_gates(np.full(2, np.nan), np.zeros(2), np.asarray([True, False]))
    with pytest.raises(ValueError, match="falls"):
        choose_min_gain(np.zeros(0), np.zeros(1))
    with pytest.raises(ValueError, match="falls"):
        choose_min_any_fall(np.zeros(0))


def domain_data(count: int, seed: int = 0, width: int = 30) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(5, width))
    return (rng.normal(size=(count, 5)) @ mixing + 0.1 * rng.normal(size=(count, width)) + 7).astype(np.float32)


def test_domain_keeps_new_samples_and_refuses_others(tmp_path: Path) -> None:
    model = fit_domain(domain_data(800), rank=8)
    validation = model.distance(domain_data(400, seed=1))
    assert np.median(validation) == pytest.approx(1, abs=0.15)
    threshold = domain_threshold(validation)
    assert (model.distance(domain_data(400, seed=2)) <= threshold * 1.1).mean() > 0.97
    shifted = domain_data(50, seed=3) + np.float32(2)  # along no direction that training varied in
    assert (model.distance(shifted) > threshold).all()
    contrast = (domain_data(50, seed=4) - 7) * 6 + 7
    assert (model.distance(contrast) > threshold).mean() > 0.9
    model.save(tmp_path)
    again = load_domain(tmp_path)
    np.testing.assert_array_equal(again.distance(shifted), model.distance(shifted))


def test_domain_is_the_gaussian_with_the_true_covariance() -> None:
    data = np.random.default_rng(0).normal(size=(5000, 6)).astype(np.float32) @ np.diag([1, 2, 3, 4, 5, 6]).astype("f4")
    model = fit_domain(data, rank=6)
    point = np.asarray([[1, 2, 3, 4, 5, 6]], np.float32)
    assert model.distance(point)[0] == pytest.approx(1.0, rel=0.05)
    assert model.distance(data.mean(axis=0, keepdims=True))[0] == pytest.approx(0, abs=1e-3)


def test_domain_errors(tmp_path: Path) -> None:
    model = fit_domain(domain_data(10))
    assert np.isinf(model.distance(np.full((1, 30), np.nan, np.float32))[0])
    with pytest.raises(ValueError, match="30"):
        model.distance(np.zeros((1, 3), np.float32))
    with pytest.raises(ValueError, match="three images"):
        fit_domain(np.zeros((1, 3), np.float32))
    with pytest.raises(MissingResource, match=r"domain\.safetensors"):
        load_domain(tmp_path)
    constant = fit_domain(np.ones((10, 4), np.float32))
    assert np.isfinite(constant.distance(np.ones((1, 4), np.float32))).all()
