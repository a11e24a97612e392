"""Held-out logits → calibration, conformal bounds and threshold. Reads no files, trains no model.

Nothing here may see a test set: all numbers come from engines and machines that were held out of training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from edge_agent.bundle.manifest import Calibration, Conformal

Logits = NDArray[np.float64]

ALPHA = 0.1  # share of each class the conformal set may miss
QUIET = 0.02  # share of sound windows of strangers that may alarm
FOLDS = 5
LONGEST_LEFT = 150.0  # a test engine of FD001 is cut off at most so many cycles before its failure
FEWEST_STEPS = 50  # windows an engine must have for the 93-engine protocol
_NO_PENALTY = 1e6


def sigmoid(logits: Logits) -> Logits:
    """1 / (1 + exp(-x)), without overflow."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))


def fit_calibration(logits: Logits, risk: NDArray[np.float32], weight: Logits) -> Calibration:
    """Temperature and bias of least weighted log loss (Platt scaling, Guo et al. 2017)."""
    fitted = LogisticRegression(C=_NO_PENALTY).fit(logits[:, None], risk > 0.5, sample_weight=weight)  # noqa: PLR2004
    slope = max(float(fitted.coef_[0, 0]), 1e-3)
    return Calibration(temperature=round(1.0 / slope, 4), bias=round(float(fitted.intercept_[0]), 4))


def apply_calibration(calibration: Calibration, logits: Logits) -> Logits:
    """Calibrated risks."""
    return sigmoid(logits / calibration.temperature + calibration.bias)


def fit_conformal(risk: Logits, label: NDArray[np.float32], alpha: float = ALPHA) -> Conformal:
    """Class-conditional bounds: each class keeps 1 - alpha of its held-out windows inside its set."""
    failing = label > 0.5  # noqa: PLR2004 - labels are 0 or 1
    rank = np.ceil((failing.sum() + 1) * (1 - alpha)) / failing.sum()
    low = float(np.quantile(1.0 - risk[failing], min(rank, 1.0)))
    rank = np.ceil(((~failing).sum() + 1) * (1 - alpha)) / (~failing).sum()
    high = float(np.quantile(risk[~failing], min(rank, 1.0)))
    return Conformal(alpha=alpha, sound_to=round(high, 4), failing_from=round(1.0 - low, 4))


def fit_quiet_threshold(risk: Logits, label: NDArray[np.float32]) -> float:
    """The risk that no more than `QUIET` of the sound windows reach: for machines of which nothing is known.

    The best F1 would be bought with alarms: how machines differ from those held out here nobody knows.
    """
    return round(float(np.quantile(risk[label <= 0.5], 1.0 - QUIET)), 3)  # noqa: PLR2004


def fit_threshold(risk: Logits, label: NDArray[np.float32], asset: NDArray[np.int64]) -> tuple[float, float]:
    """The threshold of best F1, and that F1, cross-validated over folds of assets: no engine decides alone.

    Of a single asset, the folds are stretches of its time.
    """
    unique, number = np.unique(asset, return_inverse=True)
    if len(unique) == 1:
        fold = np.arange(len(asset)) * FOLDS // len(asset)
    else:
        fold = (np.random.default_rng(1).permutation(len(unique)) % FOLDS)[number]
    truth = label > 0.5  # noqa: PLR2004
    candidates = np.linspace(0.05, 0.95, 91)
    best, scores = [], []
    for k in np.unique(fold).tolist():
        rest = fold != k
        curve = [f1_score(truth[rest], risk[rest] >= c, zero_division=0.0) for c in candidates]
        flat = candidates[np.array(curve) >= max(curve) - 0.002]  # F1 is flat at its top: take the middle
        best.append(float(np.mean(flat)))
        scores.append(f1_score(truth[~rest], risk[~rest] >= best[-1], zero_division=0.0))
    return round(float(np.mean(best)), 3), float(np.mean(scores))
