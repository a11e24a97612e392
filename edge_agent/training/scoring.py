"""Examples → logits, by the int8 session exactly as it serves (batch 1, padded to buckets), on all cores; and metrics.

Intervals are bootstrapped by asset: the windows of one engine are no independent draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from edge_agent.bundle.classify import OnnxRiskModel
from edge_agent.bundle.encode import Line
from edge_agent.training.examples import Examples

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_BINS: Final = 15  # of the expected calibration error
_RESAMPLES: Final = 300
_INTERVAL: Final = (2.5, 97.5)


def logits_of(model: OnnxRiskModel, examples: Examples, chosen: Indices) -> Floats:
    """The model's logits of the chosen windows, (len(chosen), 1 + labels)."""
    return answers_of(model, [examples.lines(n) for n in chosen.tolist()])


def answers_of(model: OnnxRiskModel, texts: Sequence[Sequence[Line]]) -> Floats:
    """The model's logits of texts given line by line, (len(texts), 1 + labels)."""
    encoder = model.encoder

    def answer(lines: Sequence[Line]) -> Floats:
        return model.run(encoder.padded(*encoder.assemble(lines)))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array(list(pool.map(answer, texts)))


def sample(examples: Examples, most: int) -> Indices:
    """At most so many windows, evenly spaced over assets and time, (k,)."""
    return np.unique(np.linspace(0, len(examples) - 1, min(most, len(examples))).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def pr_auc(label: Floats, risk: Floats) -> float:
    """Average precision; NaN without any positive."""
    return float(average_precision_score(label, risk)) if label.any() else float("nan")


def macro_f1(truth: NDArray[np.generic], said: NDArray[np.generic]) -> float:
    """The mean F1 of the classes that occur in `truth`, (k,) each.

    As scikit-learn's `f1_score`, which looks its input over for a millisecond: too long for thousands of resamples.
    """
    return float(np.mean([f1(truth == one, said == one) for one in np.unique(truth)]))


def f1(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """F1 of flags, (k,) each; 0 where there is none. As scikit-learn's, see `macro_f1`."""
    both = np.count_nonzero(truth) + np.count_nonzero(said)
    return 2 * np.count_nonzero(truth & said) / both if both else 0.0


def bootstrapped(
    metric: Callable[[Floats, Floats], float], label: Floats, risk: Floats, asset: Indices, resamples: int = _RESAMPLES
) -> Interval:
    """A metric of (label, risk) with its interval over resampled assets."""
    rng = np.random.default_rng(1)
    order = np.argsort(asset, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(asset[order])) + 1)
    values = []
    for _ in range(resamples):
        rows = np.concatenate([groups[g] for g in rng.integers(0, len(groups), len(groups))])
        values.append(metric(label[rows], risk[rows]))
    low, high = np.nanpercentile(values, _INTERVAL)
    return Interval(metric(label, risk), float(low), float(high))


def calibration_error(label: Floats, risk: Floats) -> float:
    """Expected calibration error over equal-width bins. Source: Naeini et al. 2015."""
    place = np.minimum((risk * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs(label[place == b].mean() - risk[place == b].mean()) * (place == b).mean()
        for b in range(_BINS)
        if (place == b).any()
    ]
    return float(np.sum(gaps))


def brier(label: Floats, risk: Floats) -> float:
    """Mean squared error of the probability."""
    return float(np.mean((risk - label) ** 2))


def brier_skill(label: Floats, risk: Floats) -> float:
    """1 - Brier score over that of always saying the prevalence. Source: Murphy 1973."""
    return 1.0 - brier(label, risk) / brier(label, np.full_like(label, label.mean()))


def joined(parts: Sequence[NDArray[np.signedinteger]]) -> Indices:
    """Asset numbers of several sets as one array in which no two sets share a number."""
    return np.concatenate([part.astype(np.int64) + 1_000_000 * k for k, part in enumerate(parts)])
