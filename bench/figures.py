"""Figures, and the table they stand in. A figure states what was measured beside what it was meant to be.

Nothing here judges: a figure beyond its budget is shown so, and no exit code depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

SECONDS_TO_MS = 1e3
HEAD = "| benchmark | figure | value | budget | how |\n|---|---|---:|---:|---|"


class UnmeasuredError(Exception):
    """A benchmark cannot be made here; the text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number."""

    bench: str
    name: str
    value: float
    unit: str = ""
    budget: float | None = None  # of DESIGN's budgets, None where there is none
    at_least: bool = False  # the budget is a lower bound
    how: str = ""  # what else a reader must know: counts, sizes

    @property
    def within(self) -> bool | None:
        """Whether the budget is kept; None without a budget."""
        if self.budget is None:
            return None
        return self.value >= self.budget if self.at_least else self.value <= self.budget

    @property
    def row(self) -> str:
        """The row of the table."""
        budget = ""
        if self.budget is not None:
            sign = "≥" if self.at_least else "≤"
            budget = f"{sign} {shown(self.budget)} {self.unit}".rstrip() + ("" if self.within else " **over**")
        value = f"{shown(self.value)} {self.unit}".rstrip()
        return f"| {self.bench} | {self.name} | {value} | {budget} | {self.how} |"

    def record(self) -> dict[str, str | float | bool | None]:
        """The figure for JSON."""
        return {**asdict(self), "within": self.within}


def shown(value: float) -> str:
    """Three digits, as people read them: 0.0123, 1.23, 12.3, 123, 12,345."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not pass (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def spread(bench: str, name: str, seconds: Sequence[float], how: str) -> list[Figure]:
    """Median and 99th percentile of durations, in milliseconds."""
    counted = f"{len(seconds)} {how}"
    return [
        Figure(bench=bench, name=f"{name}, p50", value=median(seconds) * SECONDS_TO_MS, unit="ms", how=counted),
        Figure(
            bench=bench, name=f"{name}, p99", value=percentile(seconds, 0.99) * SECONDS_TO_MS, unit="ms", how=counted
        ),
    ]
