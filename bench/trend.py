"""Whether something grows: the slope of samples, robust against a few wild ones, held against a limit. Pure.

What is stated is growth an hour. A short run cannot tell a slow leak from noise, so each limit allows a fixed amount
over the whole run as well: it shrinks in weight the longer the run is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

HOUR_S = 3600.0
MOST_POINTS = 200  # the slope of all pairs of so many takes 20,000 divisions


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured at a moment."""

    time_s: float  # since the start of the run
    values: tuple[float, ...]  # in the order of the limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much one of the values may grow."""

    name: str
    unit: str
    per_hour: float
    allowance: float  # over the whole run, on top
    most: float | None = None  # never more than this, whatever the slope


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How one of the values went after the warm-up."""

    limit: Limit
    first: float  # medians of the first and the last tenth
    last: float
    largest: float
    per_hour: float
    hours: float

    @property
    def allowed(self) -> float:
        """What it may grow an hour, the allowance spread over the run."""
        return self.limit.per_hour + self.limit.allowance / self.hours

    @property
    def within(self) -> bool:
        """Whether it kept to its limit."""
        return self.per_hour <= self.allowed and (self.limit.most is None or self.largest <= self.limit.most)

    @property
    def row(self) -> str:
        """The row of the table."""
        most = "" if self.limit.most is None else f", ≤ {self.limit.most:g} at any time"
        verdict = "kept" if self.within else "**passed**"
        return (
            f"| {self.limit.name} | {self.first:.1f} | {self.last:.1f} | {self.largest:.1f} {self.limit.unit} "
            f"| {self.per_hour:+.2f} | ≤ {self.allowed:.2f}{most} | {verdict} |"
        )


HEAD = "| what | first | last | largest | an hour | allowed | limit |\n|---|---:|---:|---:|---:|---:|---|"


def trends(samples: Sequence[Sample], limits: Sequence[Limit], warm_s: float) -> list[Trend]:
    """How each value went after `warm_s` seconds.

    Raises:
        ValueError: fewer than ten samples are left, from which nothing follows.
    """
    kept = [sample for sample in samples if sample.time_s >= warm_s]
    if len(kept) < 10:  # noqa: PLR2004 - as the docstring says
        raise ValueError(f"{len(kept)} samples after the warm-up of {warm_s:.0f} s are too few")
    tenth = len(kept) // 10
    hours = (kept[-1].time_s - kept[0].time_s) / HOUR_S
    found = []
    for place, limit in enumerate(limits):
        values = [sample.values[place] for sample in kept]
        found.append(
            Trend(
                limit=limit,
                first=median(values[:tenth]),
                last=median(values[-tenth:]),
                largest=max(values),
                per_hour=slope([(sample.time_s / HOUR_S, sample.values[place]) for sample in kept]),
                hours=hours,
            )
        )
    return found


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Median slope over all pairs of points, evenly chosen where there are many. Source: Theil 1950, Sen 1968."""
    every = max(len(points) // MOST_POINTS, 1)
    chosen = points[::every]
    return median(
        (later - earlier) / (after - before)
        for number, (before, earlier) in enumerate(chosen)
        for after, later in chosen[number + 1 :]
        if after > before
    )
