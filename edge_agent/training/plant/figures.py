"""What fine-tuning was worth: base, fine-tuned and boosted trees on windows none learned from. Chooses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from edge_agent.bundle.load import Bundle
from edge_agent.training.calibrate import apply_calibration
from edge_agent.training.examples import Examples
from edge_agent.training.figures import Figure
from edge_agent.training.scoring import (
    Floats,
    Indices,
    Interval,
    bootstrapped,
    brier_skill,
    calibration_error,
    logits_of,
    pr_auc,
)

_NONE: Final = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison."""

    name: str  # key in the manifest
    what: str
    base: Interval | float
    tuned: Interval | float
    trees: Interval | float | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Risks of the same N windows, (N,) each, and the threshold that belongs to them."""

    risk: Floats
    threshold: float


def answers(bundle: Bundle, examples: Examples, rows: Indices) -> Answers:
    """A bundle's calibrated risks of the chosen windows."""
    logits = logits_of(bundle.risk, examples, rows)
    return Answers(apply_calibration(bundle.manifest.calibration, logits[:, 0]), bundle.manifest.threshold)


def compare(label: NDArray[np.float32], group: Indices, base: Answers, tuned: Answers, trees: Answers) -> list[Row]:
    """The rows of the comparison; intervals are bootstrapped over groups of windows."""
    truth = label.astype(np.float64)

    def row(name: str, what: str, metric: Callable[[Answers], Callable[[Floats, Floats], float]]) -> Row:
        base_, tuned_, trees_ = (
            bootstrapped(metric(one), truth, one.risk, group) for one in (base, tuned, trees)
        )  # fmt: skip
        return Row(name, what, base_, tuned_, trees_)

    def f1_of(one: Answers) -> Callable[[Floats, Floats], float]:
        return lambda t, r: float(f1_score(t > 0, r >= one.threshold, zero_division=0.0))

    return [
        row("own_pr_auc", f"PR-AUC (prevalence {truth.mean():.3f})", lambda _: pr_auc),
        row("own_f1", "F1, each at its own threshold", f1_of),
        row("own_brier_skill", "Brier skill (1 perfect, 0 the prevalence)", lambda _: brier_skill),
        row("own_ece", "calibration error", lambda _: calibration_error),
    ]


def figures_of(rows: Sequence[Row]) -> list[Figure]:
    """The rows as the manifest keeps them."""
    return [
        figure
        for row in rows
        for figure in (
            Figure(row.name, row.what, row.tuned, row.trees),
            Figure(f"{row.name}_base", f"{row.what}, base", row.base),
        )
    ]


def drawn(rows: Sequence[Row]) -> list[str]:
    """The comparison as lines of text, columns aligned."""
    cells = [("", "base", "fine-tuned", "boosted trees")]
    cells += [(row.what, _said(row.base), _said(row.tuned), _said(row.trees)) for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _said(value: Interval | float | None) -> str:
    if value is None:
        return _NONE
    return str(value) if isinstance(value, Interval) else f"{value:.3f}"
