"""Risks and labels → the usual figures, computed here so that no library is needed on the gateway.

Never point-adjusted: a random score wins that. Every figure is None where it is not defined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.baseline import Floats

Bools = NDArray[np.bool_]


def average_precision(truth: Bools, score: Floats) -> float | None:
    """Area under the precision-recall curve as the step sum of (R_n - R_n-1) P_n; None without a positive.

    Equal scores are one step. A score without information gives the prevalence.
    """
    if not truth.any():
        return None
    hits, alarms = _cumulated(truth, score)
    gained = np.diff(hits, prepend=0.0) / hits[-1]
    return float(np.sum(gained * hits / alarms))


def roc_auc(truth: Bools, score: Floats) -> float | None:
    """Probability that a failing window scores above a healthy one, ties counting half; None without both kinds."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2.0)[inverse]  # (n,) 1-based, mean rank of equal scores
    return float((ranks[truth].sum() - positives * (positives + 1) / 2.0) / (positives * negatives))


@dataclass(frozen=True, slots=True)
class Counts:
    """Windows by what was said and what was true."""

    true_alarms: int
    false_alarms: int
    missed: int
    quiet: int

    @property
    def precision(self) -> float | None:
        """Share of alarming windows that were right."""
        return _ratio(self.true_alarms, self.true_alarms + self.false_alarms)

    @property
    def recall(self) -> float | None:
        """Share of failing windows that were told."""
        return _ratio(self.true_alarms, self.true_alarms + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; 0 where failing windows exist and none was told."""
        if not self.true_alarms + self.missed:
            return None
        return 2.0 * self.true_alarms / (2.0 * self.true_alarms + self.false_alarms + self.missed)

    @property
    def false_percent(self) -> float | None:
        """Healthy windows that alarmed, per cent (false-alarm rate of SKAB)."""
        return _percent(self.false_alarms, self.false_alarms + self.quiet)

    @property
    def missed_percent(self) -> float | None:
        """Failing windows that did not alarm, per cent (missed-alarm rate of SKAB)."""
        return _percent(self.missed, self.missed + self.true_alarms)


def count(truth: Bools, said: Bools) -> Counts:
    """How often what was said was true, (n,) each."""
    return Counts(
        true_alarms=int((truth & said).sum()),
        false_alarms=int((~truth & said).sum()),
        missed=int((truth & ~said).sum()),
        quiet=int((~truth & ~said).sum()),
    )


def best_threshold(truth: Bools, score: Floats) -> float | None:
    """The threshold with the highest F1 on these very labels: what no real installation can know beforehand."""
    if not truth.any():
        return None
    hits, alarms = _cumulated(truth, score)
    f1 = 2.0 * hits / (alarms + hits[-1])
    return float(np.unique(score)[::-1][int(np.argmax(f1))])


def _cumulated(truth: Bools, score: Floats) -> tuple[Floats, Floats]:
    """True alarms and all alarms at every distinct score as threshold, highest first, (k,) each."""
    _, inverse = np.unique(-score, return_inverse=True)
    alarms = np.bincount(inverse).astype(np.float64)
    hits = np.bincount(inverse, weights=truth.astype(np.float64))
    return np.cumsum(hits), np.cumsum(alarms)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None
