"""Calibration, conformal bounds and threshold, and the metrics."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from edge_agent.training.calibrate import apply_calibration, fit_calibration, fit_conformal, fit_threshold, sigmoid
from edge_agent.training.scoring import bootstrapped, brier, calibration_error, f1, joined, macro_f1, pr_auc

pytestmark = pytest.mark.train

RNG = np.random.default_rng(1)
LOGITS = RNG.normal(-2.0, 2.0, 20_000)
LABEL = (RNG.random(20_000) < sigmoid(LOGITS)).astype(np.float32)


def test_overconfident_logits_are_brought_back() -> None:
    calibration = fit_calibration(3.0 * LOGITS + 1.0, LABEL, np.ones(len(LABEL)))
    risk = apply_calibration(calibration, 3.0 * LOGITS + 1.0)

    assert calibration.temperature == pytest.approx(3.0, rel=0.1)
    assert calibration_error(LABEL.astype(np.float64), risk) < 0.02
    assert calibration_error(LABEL.astype(np.float64), sigmoid(3.0 * LOGITS + 1.0)) > 0.05


def test_each_class_is_covered_at_the_stated_rate() -> None:
    risk = sigmoid(LOGITS)
    bounds = fit_conformal(risk, LABEL, alpha=0.1)

    assert np.mean(risk[LABEL == 0] <= bounds.sound_to) == pytest.approx(0.9, abs=0.01)
    assert np.mean(risk[LABEL == 1] >= bounds.failing_from) == pytest.approx(0.9, abs=0.01)


def test_the_threshold_lies_where_the_classes_part() -> None:
    label = np.repeat([0.0, 1.0], 500).astype(np.float32)
    risk = np.concatenate([RNG.uniform(0.0, 0.6, 500), RNG.uniform(0.7, 1.0, 500)])
    threshold, f1 = fit_threshold(risk, label, np.tile(np.arange(50), 20))

    assert 0.6 < threshold <= 0.7
    assert f1 == pytest.approx(1.0, abs=0.02)


def test_an_interval_holds_its_value_and_is_wider_with_fewer_assets() -> None:
    label, risk = LABEL[:2000].astype(np.float64), sigmoid(LOGITS[:2000])
    many = bootstrapped(pr_auc, label, risk, np.arange(2000) % 200, 100)
    few = bootstrapped(pr_auc, label, risk, np.arange(2000) // 500, 100)

    assert many.low < many.value < many.high
    assert few.low < few.value < few.high


def test_a_constant_at_the_prevalence_is_calibrated_and_worth_the_prevalence() -> None:
    label = LABEL.astype(np.float64)
    constant = np.full(len(label), label.mean())

    assert calibration_error(label, constant) == pytest.approx(0.0, abs=1e-9)
    assert pr_auc(label, constant) == pytest.approx(label.mean())
    assert brier(label, constant) == pytest.approx(label.mean() * (1 - label.mean()))


def test_assets_of_two_sets_never_share_a_number() -> None:
    assert len(np.unique(joined([np.arange(5), np.arange(5)]))) == 10


@pytest.mark.parametrize("assets", [1, 2, 3])
def test_a_threshold_is_found_with_fewer_assets_than_folds(assets: int) -> None:
    rng = np.random.default_rng(1)
    label = np.tile([0.0, 0.0, 0.0, 1.0], 60).astype(np.float32)
    risk = np.clip(0.2 + 0.5 * label + 0.05 * rng.normal(size=len(label)), 0, 1)
    threshold, f1 = fit_threshold(risk, label, np.arange(len(label)) * assets // len(label))

    assert 0.25 < threshold < 0.65
    assert f1 > 0.99


@pytest.mark.parametrize("seed", range(4))
def test_f1_of_flags_and_of_classes_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, said = rng.integers(0, 3, 40), rng.integers(0, 4, 40)

    assert f1(truth > 1, said > 1) == pytest.approx(f1_score(truth > 1, said > 1))
    expected = f1_score(truth, said, labels=np.unique(truth), average="macro", zero_division=0.0)
    assert macro_f1(truth, said) == pytest.approx(expected)
    assert f1(truth > 5, said > 5) == 0.0
