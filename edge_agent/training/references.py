"""Class references fitted from runs: what travels in the bundle as `classes.json`. Nothing about models belongs here.

Strategy: regimes from the condition channels of all steps; per regime the centre is the median of the first steps of
all assets, and the scale the healthy deviation within one asset (median over assets), so that a z means the same in
every asset; the quantile grid is that of the span-5 mean over whole lives, failing ends included, so that the ordinal
scale keeps resolution where machines degrade.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_agent.core.baseline import GRID, Floats, Reference, fit_regimes, robust
from edge_agent.training.runs import Run, step_values

HEALTHY_STEPS = 50  # first steps of a run that count as healthy
MIN_STEPS = 5  # per asset and regime, fewer say nothing about its deviation
QUIET_REGIME = 0.5  # of the median regime's deviation: a stopped machine is quiet, but cooling down is no fault
_MOST_POINTS = 20_000  # condition points the regimes are sought in
_SPAN = 5.0


def span_mean(values: Floats, span: float = _SPAN) -> Floats:
    """The bias-corrected exponential mean, NaN passed over, (steps, n) → (steps, n)."""
    decay = 2.0 / (span + 1.0)
    numerator, weight = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    out = np.empty_like(values)
    for t, row in enumerate(values):
        step = np.where(np.isfinite(row), decay, 0.0)
        numerator += step * (np.nan_to_num(row) - numerator)
        weight += step * (1.0 - weight)
        with np.errstate(all="ignore"):
            out[t] = numerator / weight
    return out


def fit(runs: Sequence[Run], healthy_steps: int = HEALTHY_STEPS) -> Reference:
    """The reference of the class that all runs belong to."""
    spec = runs[0].spec
    judged = tuple(c.name for c in spec.channels if not c.condition and not c.expression)
    conditions = tuple(c.name for c in spec.channels if c.condition and not c.expression)
    parts = [step_values(run) for run in runs]
    points = np.concatenate([part[1] for part in parts])
    regimes, scale = fit_regimes(points[:: max(1, len(points) // _MOST_POINTS)])
    empty = Reference(judged, conditions, regimes, scale, np.zeros((1, 0)), np.zeros((1, 0)), np.zeros((0, len(GRID))))
    where = [np.array([empty.regime(row) for row in part[1]]) for part in parts]  # regime of each step
    center, deviation = np.zeros((len(regimes), len(judged))), np.zeros((len(regimes), len(judged)))
    for r in range(len(regimes)):
        healthy = [part[0][:healthy_steps][at[:healthy_steps] == r] for part, at in zip(parts, where, strict=True)]
        pooled = np.concatenate(healthy) if sum(map(len, healthy)) else np.concatenate([part[0] for part in parts])
        center[r], spread = robust(pooled)
        own = [robust(values)[1] for values in healthy if len(values) >= MIN_STEPS]
        within = np.median(own, axis=0) if own else np.zeros(len(judged))
        deviation[r] = np.where(within > 0, within, spread)
    deviation = np.maximum(deviation, QUIET_REGIME * np.median(deviation, axis=0))
    fitted = Reference(judged, conditions, regimes, scale, center, deviation, np.zeros((len(judged), len(GRID))))
    lives = [
        span_mean(np.array([fitted.normalise(row, int(r)) for row, r in zip(part[0], at, strict=True)]))
        for part, at in zip(parts, where, strict=True)
    ]
    grid = np.nanquantile(np.concatenate(lives), GRID, axis=0).T  # (n, Q)
    return Reference(judged, conditions, regimes, scale, center, deviation, np.ascontiguousarray(grid))
