"""The rungs of the ladder as values, and how they are shown: table, JSON, picture, section of the card.

Nothing is measured here; `ladder.py` does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from edge_agent.training.ladder.chart import Mark, Point, chart
from edge_agent.training.scoring import Interval

Record = dict[str, object]

HEADING: Final = "## The ladder"
_UNKNOWN: Final = "-"


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one rung judges windows it never saw."""

    areas: Mapping[str, Interval]  # PR-AUC by data set
    calibration_error: float
    threshold: float  # from held-out training assets
    f1: Interval | None  # last windows of the FD001 test engines; None without C-MAPSS

    @property
    def mean_area(self) -> float:
        """The mean of the PR-AUC of all data sets."""
        return float(np.mean([area.value for area in self.areas.values()]))


@dataclass(frozen=True, slots=True)
class Rung:
    """One stage of the model, or something it is compared with."""

    name: str
    parameters: int
    size_mb: float  # of the model's file or files
    verdict_ms: float
    peak_mb: float | None  # resident memory of a process that only judges by it
    quality: Quality | None  # None where the head was never taught
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs, measured on the same windows."""

    rungs: tuple[Rung, ...]
    prevalence: Mapping[str, float]  # by data set
    windows: Mapping[str, int]  # by data set: how many were judged
    engines: int  # in the F1
    base_mb: float | None  # peak resident memory of the process without any model
    notes: tuple[str, ...]  # what was left out, and why

    def flat(self) -> dict[str, float | str]:
        """One number a key, for the log of evaluations."""
        out: dict[str, float | str] = {}
        for rung in self.rungs:
            out[f"{rung.name}: ms"] = round(rung.verdict_ms, 4)
            if rung.quality is not None:
                areas = rung.quality.areas.items()
                out |= {f"{rung.name}: {name} PR-AUC": round(area.value, 4) for name, area in areas}
                out[f"{rung.name}: ECE"] = round(rung.quality.calibration_error, 4)
                if rung.quality.f1 is not None:
                    out[f"{rung.name}: FD001 F1"] = round(rung.quality.f1.value, 4)
        return out

    def record(self) -> Record:
        """Everything, as JSON can hold it; a figure that is NaN becomes null."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def table(ladder: Ladder) -> str:
    """The ladder as a Markdown table, with what was measured on what below it."""
    sets = list(ladder.prevalence)
    heads = [f"{name} ({ladder.prevalence[name]:.3f})" for name in sets]
    columns = ["", "parameters", "MB", "ms", "peak MB", *heads, "FD001 F1", "ECE"]
    rows = [columns, ["---", *["---:"] * (len(columns) - 1)], *(_row(rung, sets) for rung in ladder.rungs)]
    counts = ", ".join(f"{name} {ladder.windows[name]:,}" for name in sets)
    below = [f"PR-AUC (prevalence in brackets): the same windows for all rungs, evenly over assets: {counts}."]
    if ladder.engines:
        below.append(f"F1: the last window of {ladder.engines} FD001 test engines.")
    below.append("Calibration and threshold: of each rung from held-out training assets; the trees' risk is as it is.")
    below.append("ms: median of one verdict, 96 tokens, batch 1, one thread, rungs in turn, without the tokenizer.")
    if ladder.base_mb is not None:
        base = f"{ladder.base_mb:.0f} MB of it are Python and the runtime"
        below.append(f"Peak MB: resident memory of a process that does nothing else; {base}.")
    below += ladder.notes
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows] + ["", *(f"- {line}" for line in below)])


def drawn(ladder: Ladder) -> str:
    """The ladder as SVG: mean PR-AUC against milliseconds, size as area."""
    points = [
        Point(rung.name, rung.verdict_ms, rung.size_mb, rung.quality.mean_area, rung.ours)
        for rung in ladder.rungs
        if rung.quality is not None
    ]
    marks = [Mark(rung.name, rung.verdict_ms) for rung in ladder.rungs if rung.quality is None and not rung.ours]
    sets = ", ".join(ladder.prevalence)
    return chart("The ladder: quality, time and size of every stage", f"mean PR-AUC: {sets}", points, marks)


def in_card(card: str, ladder: Ladder, picture: str | None) -> str:
    """A model card with the ladder as its section, replaced where there is one; `picture` is a path beside the card."""
    body = [HEADING, "", "Printed by `edge-agent evaluate ladder`:", "", table(ladder), ""]
    if picture is not None:
        body += [f"![The ladder: quality against milliseconds]({picture})", ""]
    without = re.sub(rf"(?ms)^{re.escape(HEADING)}$.*?(?=^## |\Z)", "", card)
    before, data, after = without.partition("## Data\n")
    return before.rstrip("\n") + "\n\n" + "\n".join(body) + (f"\n{data}{after}" if data else "")


def _row(rung: Rung, sets: list[str]) -> list[str]:
    peak = _UNKNOWN if rung.peak_mb is None else f"{rung.peak_mb:.0f}"
    said = [rung.name, f"{rung.parameters:,}", f"{rung.size_mb:.1f}", f"{rung.verdict_ms:.2f}", peak]
    if rung.quality is None:
        return [*said, *[_UNKNOWN] * (len(sets) + 2)]
    areas = [f"{rung.quality.areas[name].value:.3f}" for name in sets]
    f1 = _UNKNOWN if rung.quality.f1 is None else f"{rung.quality.f1.value:.3f}"
    return [*said, *areas, f1, f"{rung.quality.calibration_error:.4f}"]


def _plain(value: object) -> object:
    """Rounded, without NaN."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
