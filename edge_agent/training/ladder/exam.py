"""The windows that every rung of the ladder is asked about, and how well a rung answers. Knows no kind of model.

Calibration and threshold come from held-out training assets; test engines, FD004 and fleets of other seeds only judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.metrics import f1_score

from edge_agent.bundle.manifest import Calibration
from edge_agent.training.calibrate import FEWEST_STEPS, apply_calibration, fit_calibration, fit_threshold
from edge_agent.training.examples import Examples
from edge_agent.training.ladder.splits import SIMULATOR, Splits, shown_as
from edge_agent.training.ladder.table import Quality
from edge_agent.training.make import checks_of
from edge_agent.training.recipe import LEARNED
from edge_agent.training.runs import HORIZON_STEPS
from edge_agent.training.scoring import (
    Floats,
    Indices,
    Interval,
    bootstrapped,
    calibration_error,
    joined,
    pr_auc,
    sample,
)

Judge = Callable[[str, Examples, Indices], Floats]  # set, its windows, rows → a score of each row, higher is riskier

_ENGINES: Final = "FD001"  # whose test engines the F1 is of


@dataclass(frozen=True, slots=True)
class Settled:
    """How scores become risks and risks alarms."""

    calibration: Calibration | None  # None: the score is a risk already
    threshold: float


class Exam:
    """The windows that every rung is asked about."""

    def __init__(self, splits: Splits, most: int) -> None:
        self._held = checks_of(splits.held_out)
        self._parts = splits.unseen
        self._sets: dict[str, list[str]] = {}
        for name in splits.unseen:
            self._sets.setdefault(shown_as(name), []).append(name)
        self._chosen = {
            name: sample(splits.unseen[name], most // len(names)) for names in self._sets.values() for name in names
        }
        self.held_out = int((~self._held.strange()).sum())
        self.unseen = sum(map(len, self._chosen.values()))
        self.last = _last_windows(splits.unseen[_ENGINES]) if _ENGINES in splits.unseen else np.array([], np.int64)

    def windows(self) -> dict[str, int]:
        """How many windows of each data set are judged."""
        return {label: sum(len(self._chosen[name]) for name in names) for label, names in self._sets.items()}

    def prevalence(self) -> dict[str, float]:
        """The share of failing windows in each data set."""
        return {label: float(self._label(names).mean()) for label, names in self._sets.items()}

    def settled(self, judge: Judge, *, calibrated: bool) -> Settled:
        """Calibration, where there is to be one, and threshold from the held-out windows of known classes.

        Strangers have a calibration of their own in a bundle; nobody here is one.
        """
        held, known = self._held, ~self._held.strange()
        scores = np.concatenate(
            [judge(name, held.parts[name], rows) for name, rows in held.chosen.items() if not name.endswith("?")]
        )
        label = held.risk()[known]
        calibration = fit_calibration(scores, label, held.weight[known]) if calibrated else None
        protocol = held.protocol[known]
        risk, asset = _risk(calibration, scores)[protocol], held.asset[known][protocol]
        return Settled(calibration, fit_threshold(risk, label[protocol], asset)[0])

    def taken(self, judge: Judge, settled: Settled) -> Quality:
        """How a rung does on the windows nobody has seen."""

        def risk(name: str, rows: Indices) -> Floats:
            return _risk(settled.calibration, judge(name, self._parts[name], rows))

        judged = {name: risk(name, rows) for name, rows in self._chosen.items()}
        areas = {
            label: bootstrapped(
                pr_auc, self._label(names), np.concatenate([judged[name] for name in names]), self._asset(names)
            )
            for label, names in self._sets.items()
        }
        pooled = [name for name in self._parts if name in LEARNED] or self._sets[SIMULATOR]
        error = calibration_error(self._label(pooled), np.concatenate([judged[name] for name in pooled]))
        f1 = self._f1(settled.threshold, risk(_ENGINES, self.last)) if len(self.last) else None
        return Quality(areas, error, settled.threshold, f1)

    def _f1(self, threshold: float, risk: Floats) -> Interval:
        label = (self._parts[_ENGINES].left[self.last] <= HORIZON_STEPS).astype(np.float64)
        return bootstrapped(
            lambda truth, r: float(f1_score(truth > 0, r >= threshold, zero_division=0.0)),
            label, risk, np.arange(len(label)),
        )  # fmt: skip

    def _label(self, names: Sequence[str]) -> Floats:
        return np.concatenate([self._parts[name].risk[self._chosen[name]] for name in names]).astype(np.float64)

    def _asset(self, names: Sequence[str]) -> Indices:
        return joined([self._parts[name].run[self._chosen[name]] for name in names])


def _last_windows(test: Examples) -> Indices:
    """The row of the last window of each engine that is old enough for the 93-engine protocol."""
    last = np.append(np.flatnonzero(np.diff(test.run)), len(test) - 1)
    old: Indices = last[test.step[last] >= FEWEST_STEPS]
    return old


def _risk(calibration: Calibration | None, scores: Floats) -> Floats:
    return scores if calibration is None else apply_calibration(calibration, scores)
