"""Figures of a bundle: a line of the table each, for people and flat for the manifest. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.training.scoring import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what was measured of the model, and of boosted trees where there is a counterpart."""

    name: str  # key in the manifest
    what: str
    model: Interval | float
    trees: Interval | float | None = None
    note: str = ""


def flat(figures: Sequence[Figure]) -> dict[str, float | str]:
    """The figures as the manifest keeps them."""
    out: dict[str, float | str] = {}
    for figure in figures:
        for suffix, value in (("", figure.model), ("_trees", figure.trees)):
            if isinstance(value, Interval):
                out |= {
                    f"{figure.name}{suffix}": round(value.value, 4),
                    f"{figure.name}{suffix}_low": round(value.low, 4),
                    f"{figure.name}{suffix}_high": round(value.high, 4),
                }
            elif value is not None:
                out[f"{figure.name}{suffix}"] = round(value, 4)
        if figure.note:
            out[f"{figure.name}_note"] = figure.note
    return out


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = ["| what | model (int8) | boosted trees | |", "|---|---|---|---|"]
    for figure in figures:
        trees = "" if figure.trees is None else _shown(figure.trees)
        rows.append(f"| {figure.what} | {_shown(figure.model)} | {trees} | {figure.note} |")
    return "\n".join(rows)


def _shown(value: Interval | float) -> str:
    return str(value) if isinstance(value, Interval) else f"{value:.3f}"
