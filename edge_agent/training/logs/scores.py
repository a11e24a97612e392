"""Predictions of several methods on the same rows → F1 with intervals, the paired difference, and the table. No model.

Intervals are bootstrapped by row: one drawing of rows serves all methods, so differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.metrics import f1_score

from edge_agent.training.logs.data import Indices
from edge_agent.training.scoring import Floats, Interval

_RESAMPLES: Final = 2000
_MACRO_RESAMPLES: Final = 300  # macro-F1 is slow to compute
_INTERVAL: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Row:
    """What one method reached."""

    method: str
    micro: Interval  # F1 over all rows; one label a row, so this is the accuracy
    macro: Interval  # mean F1 of the classes that occur among rows or answers
    gain: Interval | None  # micro-F1 less that of the n-grams on the same rows; None for the n-grams themselves


@dataclass(frozen=True, slots=True)
class Result:
    """Everything the command prints."""

    protocol: str
    rows: int
    classes: int
    table: tuple[Row, ...]
    notes: tuple[str, ...]


def score(answers: Mapping[str, Floats], label: Indices, against: str) -> tuple[Row, ...]:
    """A row for each method, whose answers are probabilities (N, classes); gains are over the method `against`."""
    chosen = {method: shares.argmax(axis=1) for method, shares in answers.items()}
    rng = np.random.default_rng(1)
    draws = rng.integers(0, len(label), (_RESAMPLES, len(label)))
    hits = {method: (choice == label).astype(np.float64) for method, choice in chosen.items()}
    shares = {method: hit[draws].mean(axis=1) for method, hit in hits.items()}
    return tuple(
        Row(
            method,
            _interval(float(hits[method].mean()), shares[method]),
            _interval(_macro(label, choice), _macros(label, choice, draws[:_MACRO_RESAMPLES])),
            None
            if method == against
            else _interval(float((hits[method] - hits[against]).mean()), shares[method] - shares[against]),
        )
        for method, choice in chosen.items()
    )


def table(result: Result) -> str:
    """The result as a Markdown table with its protocol above and its notes below."""
    lines = [
        f"{result.rows} rows judged, {result.classes} classes, {result.protocol}; 95 % intervals by row",
        "",
        "| method | micro-F1 | macro-F1 | paired gain over n-grams |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.method} | {row.micro} | {row.macro} | {'' if row.gain is None else _signed(row.gain)} |"
        for row in result.table
    ]
    return "\n".join([*lines, *([""] if result.notes else []), *(f"- {note}" for note in result.notes)])


def flat(result: Result) -> dict[str, object]:
    """The result for JSON."""
    return {
        "protocol": result.protocol,
        "rows": result.rows,
        "classes": result.classes,
        "methods": {
            row.method: {
                "micro_f1": _triple(row.micro),
                "macro_f1": _triple(row.macro),
                "gain_over_ngrams": None if row.gain is None else _triple(row.gain),
            }
            for row in result.table
        },
        "notes": list(result.notes),
    }


def measured(result: Result) -> dict[str, float | str]:
    """The F1 of every method, for the log of evaluations."""
    out: dict[str, float | str] = {"protocol": result.protocol, "rows": float(result.rows)}
    for row in result.table:
        out |= {f"{row.method}, micro-F1": row.micro.value, f"{row.method}, macro-F1": row.macro.value}
    return out


def _macros(label: Indices, choice: Indices, draws: Indices) -> Floats:
    return np.array([_macro(label[rows], choice[rows]) for rows in draws])


def _macro(label: Indices, choice: Indices) -> float:
    return float(f1_score(label, choice, average="macro", zero_division=0.0))


def _interval(value: float, drawn: Floats) -> Interval:
    low, high = np.percentile(drawn, _INTERVAL)
    return Interval(value, float(low), float(high))


def _signed(value: Interval) -> str:
    return f"{value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"


def _triple(value: Interval) -> Sequence[float]:
    return [round(part, 4) for part in (value.value, value.low, value.high)]
